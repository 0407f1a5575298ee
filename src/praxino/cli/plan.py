"""`praxino plan`: how many devices a service needs, before they are rented."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from praxino.generation.plan import Plan

app = typer.Typer()

CHECKED, MOST = 200_000, 5_000  # films that --check plays; devices up to which it does


@app.command()
def plan(
    users: Annotated[int, typer.Option(help="How many people use it.")],
    films_per_day: Annotated[float, typer.Option(help="Films that each asks for, on average.")] = 3.0,
    seconds: Annotated[float, typer.Option(help="Of a film.")] = 5.0,
    resolution: Annotated[str, typer.Option(help="288p, 540p or 1080p, of 16:9.")] = "1080p",
    device: Annotated[str, typer.Option(help="cpu, l4, rtx4090, a100, l40s, h100, h200, mi300x or b200.")] = "cpu",
    model: Annotated[str, typer.Option(help="pocket, wan-1.3b or wan-14b.")] = "pocket",
    steps: Annotated[
        int | None, typer.Option(help="Of a film; up to 8 of a Wan model: distilled, one pass each. Default: its own.")
    ] = None,
    peak: Annotated[float, typer.Option(help="Films at the busiest time of the day, over the mean.")] = 2.0,
    wait: Annotated[float, typer.Option(help="Seconds that --share of the films wait at most, then.")] = 60.0,
    share: Annotated[float, typer.Option(help="Share of the films for which --wait is promised.")] = 0.9,
    spare: Annotated[float, typer.Option(help="Share of devices more, for those that fail or restart.")] = 0.05,
    spread: Annotated[float, typer.Option(help="Deviation of the lengths asked for, over their mean.")] = 0.0,
    price: Annotated[float | None, typer.Option(help="Of a device's hour, in US dollars. Default: a guess.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Play the peak with the scheduler's rule as well.")] = False,
    plot: Annotated[Path | None, typer.Option(help="Picture to write as well, .svg.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON.")] = False,
) -> None:
    """Say how many devices so many people need, how long they wait, and what a minute of film costs."""
    if plot is not None and (plot.suffix != ".svg" or not plot.absolute().parent.is_dir()):
        raise ValueError(f"plot {plot} must be an .svg file in a folder that exists")
    from praxino.generation.plan import Demand, to_json
    from praxino.generation.plan import plan as planned
    from praxino.generation.service import Film

    demand = Demand(
        users=users,
        films_per_day=films_per_day,
        film=Film(seconds=seconds, resolution=resolution, model=model, steps=steps),
        device=device,
        peak=peak,
        wait=wait,
        share=share,
        spare=spare,
        spread=spread,
        price=price,
    )
    made = planned(demand)
    seen = _played(made) if check else []
    if plot is not None:
        from praxino.generation.chart import chart

        plot.write_text(chart(made, seen), encoding="utf-8")
    if as_json:
        typer.echo(json.dumps(to_json(made) | ({"simulated": _quantiles(seen)} if check else {})))
        return
    _tell(made)
    if check:
        told = ", ".join(f"{float(part):.0%} at most {_spell(waited)}" for part, waited in _quantiles(seen).items())
        typer.echo(f"\nPlayed with the scheduler's rule, {CHECKED:,} films at the peak: {told}.")


def _played(made: "Plan") -> list[float]:
    from praxino.jobs.simulate import Crowd, simulate

    line = made.line
    if line.servers > MOST:
        raise ValueError(f"--check plays at most {MOST} devices, here are {line.servers}; ask for fewer --users")
    crowd = Crowd(
        rate=line.rate, servers=line.servers, seconds=line.seconds, cv2=line.cv2, users=made.demand.users
    )  # fmt: skip
    return simulate(crowd, films=CHECKED, seed=0).seconds.tolist()


def _quantiles(seen: list[float]) -> dict[str, float]:
    from statistics import quantiles

    cuts = quantiles(seen, n=100)
    return {"0.5": cuts[49], "0.9": cuts[89], "0.99": cuts[98]}


def _tell(made: "Plan") -> None:
    from praxino.generation.devices import DEVICES

    demand, line, film = made.demand, made.line, made.demand.film
    waits = ", ".join(f"{float(share):.0%} at most {_spell(waited)}" for share, waited in made.waits.items())
    spread = f"+-{line.cv2**0.5:.0%}"
    typer.echo(
        f"{demand.users:,} people, {demand.films_per_day:g} films a day each, of {film.seconds:g} s at "
        f"{film.resolution}, by {film.model} on {DEVICES[demand.device].label}.\n"
        f"A film keeps a device busy for {_spell(line.seconds)} {spread} ({made.service.basis}).\n"
        f"{demand.rate:,.3g} films a second over the day, {line.rate:,.3g} at its peak.\n\n"
        f"{made.devices:,} devices: {line.servers:,}, and {demand.spare:.0%} to spare.\n"
        f"At the peak {line.load / line.servers:.1%} of the {line.servers:,} are busy, {made.waiting:.0%} of the films "
        f"wait; {waits}.\n"
        f"${made.per_minute:,.4g} a minute of film with all of them on all day, ${made.per_minute_following:,.4g} with "
        f"as many as each hour needs (${made.price:g} an hour of a device).\n"
    )
    typer.echo(f"{'device':<10}{'tokens/s':>12}{'s a film':>11}{'devices':>11}{'$ a minute':>12}")
    for name, other in made.others.items():
        mark = "measured" if other["measured"] else "estimate"
        speed, film_seconds, price = other["denoise_tokens_per_second"], other["seconds_a_film"], other["per_minute"]
        typer.echo(f"{name:<10}{speed:>12,}{film_seconds:>11,}{other['devices']:>11,}{price:>12,.4g}  {mark}")


def _spell(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.1f} min"
