"""A plan as a picture: a day of devices, and the waits at its peak. SVG by hand, for two curves need no library."""

import math
from collections.abc import Sequence

from praxino.generation.plan import Plan

WIDTH, HEIGHT, EDGE, GAP = 860, 330, 52, 70
SIDE = (WIDTH - 2 * EDGE - GAP) // 2
BLUE, ORANGE, GREY = "#1f6feb", "#d9480f", "#8b949e"
Points = Sequence[tuple[float, float]]


def chart(made: Plan, seen: Sequence[float] = ()) -> str:
    """SVG. ``seen``: waits in seconds that a simulation of the peak saw, drawn as dots beside the formula's curve."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"',
        ' font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        *_day(made),
        *_waits(made, sorted(seen)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _day(made: Plan) -> list[str]:
    high, hours = 1.5 * made.devices, [(h, str(h)) for h in range(0, 25, 6)]
    needed = [(hour.hour + 0.5, float(hour.needed)) for hour in made.hours]
    busy = [(hour.hour + 0.5, hour.rate * made.line.seconds) for hour in made.hours]
    return [
        *_frame(EDGE, "devices over a day", below="hour", ticks=hours, right=24, high=high),
        _line(EDGE, [(0, made.devices), (24, made.devices)], 24, high, GREY, dashes=True),
        _line(EDGE, needed, 24, high, ORANGE),
        _line(EDGE, busy, 24, high, BLUE),
        _words(EDGE + 8, 44, f"{made.devices:,} held", GREY),
        _words(EDGE + 8, 60, "enough for the promise", ORANGE),
        _words(EDGE + 8, 76, "busy", BLUE),
    ]


def _waits(made: Plan, seen: list[float]) -> list[str]:
    left, demand = EDGE + SIDE + GAP, made.demand
    high = max(demand.wait * 1.1, made.line.within(0.99), 1e-3)
    curve = [(high * k / 100, made.line.longer(high * k / 100)) for k in range(101)]
    ticks = [(at, f"{at:g}") for at in _steps(high)]
    dots = [_dot(left, high * k / 24, _over(seen, high * k / 24), high) for k in range(25)] if seen else []
    title = "share of films that wait longer, at the peak"
    promise = f"the promise: {1 - demand.share:.0%} longer than {demand.wait:g} s"
    return [
        *_frame(left, title, below="seconds", ticks=ticks, right=high, high=1.0),
        _line(left, curve, high, 1.0, BLUE),
        *dots,
        _line(left, [(demand.wait, 0), (demand.wait, 1 - demand.share)], high, 1.0, ORANGE, dashes=True),
        _line(left, [(0, 1 - demand.share), (demand.wait, 1 - demand.share)], high, 1.0, ORANGE, dashes=True),
        _words(left + SIDE - 190, 44, "the formula", BLUE),
        *([_words(left + SIDE - 190, 60, "a simulation of the queue", "black")] if seen else []),
        _words(left + SIDE - 190, 76, promise, ORANGE),
    ]


def _over(seen: list[float], seconds: float) -> float:
    return sum(one > seconds for one in seen) / len(seen)


def _frame(
    left: int, title: str, *, below: str, ticks: Sequence[tuple[float, str]], right: float, high: float
) -> list[str]:
    bottom = HEIGHT - EDGE
    out = [f'<path d="M{left} {EDGE - 20}V{bottom}H{left + SIDE}" fill="none" stroke="black"/>']
    out += [_words(left, 22, title, "black"), _words(left + SIDE - 50, bottom + 36, below, "black")]
    for at, name in ticks:
        out.append(_words(round(left + SIDE * at / right) - 4, bottom + 17, name, "black"))
    for at in _steps(high):
        y, name = _y(at, high), f"{at:.0%}" if high == 1 else f"{at:,g}"
        out.append(f'<path d="M{left - 4} {y:.1f}h4" stroke="black"/>')
        out.append(f'<text x="{left - 7}" y="{y + 4:.1f}" text-anchor="end">{name}</text>')
    return out


def _steps(high: float) -> list[float]:
    """Round numbers from 0 to ``high``, at most seven."""
    unit = 10 ** math.floor(math.log10(high / 2))
    step = next(unit * k for k in (1, 2, 5, 10) if high / (unit * k) <= 6)
    return [step * k for k in range(math.floor(high / step + 1e-9) + 1)]


def _y(value: float, high: float) -> float:
    return HEIGHT - EDGE - (HEIGHT - 2 * EDGE + 20) * value / high


def _line(left: int, points: Points, right: float, high: float, colour: str, *, dashes: bool = False) -> str:
    path = " ".join(f"{left + SIDE * x / right:.1f},{_y(y, high):.1f}" for x, y in points)
    dash = ' stroke-dasharray="5 4"' if dashes else ""
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>'


def _dot(left: int, x: float, y: float, right: float) -> str:
    return f'<circle cx="{left + SIDE * x / right:.1f}" cy="{_y(y, 1.0):.1f}" r="3"/>'


def _words(x: int, y: int, words: str, colour: str) -> str:
    return f'<text x="{x}" y="{y}" fill="{colour}">{words}</text>'
