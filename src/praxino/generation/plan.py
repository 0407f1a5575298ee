"""How many devices so many people need, how long they wait, and what a minute of film costs then."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from scipy import optimize, special

from praxino.generation import devices
from praxino.generation.devices import DEVICES
from praxino.generation.service import Film, Service, service
from praxino.generation.waiting import Line, servers

DAY = 86_400
EVENING = 20.5
"""The hour in whose middle most films are asked for."""
SHARES = (0.5, 0.9, 0.99)
"""Of the films at the peak, whose waits are told."""


@dataclass(frozen=True, kw_only=True)
class Demand:
    """Who asks for what, and what is promised to them. Raises ValueError naming the value and the remedy."""

    users: int
    films_per_day: float  # of each
    film: Film
    device: str
    peak: float = 2.0  # films at the busiest time of the day, over the mean
    wait: float = 60.0  # seconds that
    share: float = 0.9  # of the films wait at most, at that time
    spare: float = 0.05  # devices more than that takes, for those that fail or restart
    spread: float = 0.0  # standard deviation of the lengths asked for, over their mean
    price: float | None = None  # of a device's hour; None: the table's

    def __post_init__(self) -> None:
        """Every value in its range."""
        _between("users", self.users, 1, 10_000_000_000, "1000")
        _between("films-per-day", self.films_per_day, 1e-6, 100_000, "3")
        _between("peak", self.peak, 1, 20, "2")
        _between("wait", self.wait, 0, DAY, "60")
        _between("share", self.share, 0.01, 0.9999, "0.9")
        _between("spare", self.spare, 0, 10, "0.05")
        _between("spread", self.spread, 0, 5, "0.5")
        if self.price is not None:
            _between("price", self.price, 0, 1_000_000, "3")

    @property
    def rate(self) -> float:
        """Films a second, over the day."""
        return self.users * self.films_per_day / DAY


@dataclass(frozen=True, kw_only=True)
class Hour:
    """One hour of the day."""

    hour: int
    rate: float  # films a second, in its middle
    busy: float  # share of the devices
    wait_p90: float  # seconds
    needed: int  # devices that would be enough for the promise in this hour


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What it takes."""

    demand: Demand
    service: Service
    line: Line  # at the peak, without the spare devices
    devices: int  # with them
    waits: dict[str, float]  # at the peak, seconds: by share of the films
    waiting: float  # share of them that wait at all
    hours: tuple[Hour, ...]
    price: float  # US dollars, of a device's hour
    per_minute: float  # US dollars, of a minute of film, with all devices on all day
    per_minute_following: float  # the same, with the devices that each hour needs
    others: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])  # every device that can


def plan(demand: Demand) -> Plan:
    """What ``demand`` takes. Raises ValueError where the device or the model is unknown, or cannot do it."""
    made = _plan(demand)
    others = dict[str, dict[str, Any]]()
    for name, one in DEVICES.items():
        if one.tflops is None and demand.film.model != "pocket":
            continue
        its = made if name == demand.device else _plan(_elsewhere(demand, name))
        others[name] = {
            "label": one.label,
            "denoise_tokens_per_second": round(its.service.denoise),
            "seconds_a_film": round(its.service.seconds, 2),
            "devices": its.devices,
            "per_minute": round(its.per_minute, 4),
            "measured": its.service.measured,
        }
    return Plan(**{name: getattr(made, name) for name in Plan.__dataclass_fields__ if name != "others"}, others=others)


def to_json(made: Plan) -> dict[str, Any]:
    """The plan as one line of JSON holds it."""
    return asdict(made) | {"utilisation": made.line.load / made.line.servers}


def curve(hour: float, peak: float) -> float:
    """Films asked for at this time of day (0..24), over the mean: one smooth hill that is ``peak`` high."""
    sharp = 0.0 if peak == 1 else _root(lambda k: 1 / float(special.i0e(k)) - peak)
    return math.exp(sharp * (math.cos(math.tau * (hour - EVENING) / 24) - 1)) / float(special.i0e(sharp))


def _root(function: Callable[[float], float]) -> float:
    found: Any = optimize.brentq(function, 0.0, 1e4)
    return float(found)


def _plan(demand: Demand) -> Plan:
    cost = service(demand.film, demand.device)
    cv2 = (1 + cost.cv2) * (1 + demand.spread**2) - 1  # length and doubt are independent
    line = _enough(demand, demand.rate * demand.peak, cost.seconds, cv2)
    held = math.ceil(line.servers * (1 + demand.spare))
    hours = tuple(_hour(demand, hour, line) for hour in range(24))
    price = devices.device(demand.device).price if demand.price is None else demand.price
    minutes = demand.users * demand.films_per_day * demand.film.seconds / 60
    following = sum(math.ceil(hour.needed * (1 + demand.spare)) for hour in hours)
    return Plan(
        demand=demand,
        service=cost,
        line=line,
        devices=held,
        waits={f"{share:g}": line.within(share) for share in SHARES},
        waiting=line.some,
        hours=hours,
        price=price,
        per_minute=24 * held * price / minutes,
        per_minute_following=following * price / minutes,
    )


def _hour(demand: Demand, hour: int, line: Line) -> Hour:
    rate = demand.rate * curve(hour + 0.5, demand.peak)
    now = Line(rate=rate, servers=line.servers, seconds=line.seconds, cv2=line.cv2)
    needed = _enough(demand, rate, line.seconds, line.cv2).servers
    return Hour(hour=hour, rate=rate, busy=now.load / now.servers, wait_p90=now.within(0.9), needed=needed)


def _enough(demand: Demand, rate: float, seconds: float, cv2: float) -> Line:
    count = servers(Line(rate=rate, servers=1, seconds=seconds, cv2=cv2), wait=demand.wait, share=demand.share)
    return Line(rate=rate, servers=count, seconds=seconds, cv2=cv2)


def _elsewhere(demand: Demand, name: str) -> Demand:
    held = {one: getattr(demand, one) for one in Demand.__dataclass_fields__}
    return Demand(**held | {"device": name, "price": None})


def _between(name: str, value: float, low: float, high: float, near: str) -> None:
    if not (math.isfinite(value) and low <= value <= high):
        raise ValueError(f"{name} {value:g} must be from {low:g} to {high:g}; try {near}")
