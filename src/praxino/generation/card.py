"""What a model says of itself."""

from dataclasses import dataclass, field
from typing import Literal

from praxino.flow.config import Solver

Ability = Literal["words", "start", "extend", "end", "between", "shots", "negative"]
"""``between``: an end, where it begins with a picture too."""


@dataclass(frozen=True, kw_only=True)
class Walk:
    """How its films are walked from noise to clean; the defaults are those of pocket (docs/decisions/0003)."""

    shift: float = 6.0  # more steps at high noise
    churn: float = 0.7  # share of fresh noise at each step
    churn_until: float = 0.3  # below this time the walk is deterministic
    until: float = 0.97  # above this time nothing is guided
    projected: bool = True  # guided across each frame's own guess, and not along it
    floor: float = 0.1  # noise on the past as the network sees it
    anchor: float = 0.3  # how far each latent's tones are drawn to those the shot began with
    boundary: float = 0.0  # below this time the second of two experts makes the steps; 0: there is one transformer
    guidance_low: float | None = None  # by default, below the boundary; None: as above it
    solver: Solver = "euler"
    ticks: int | None = None  # by UniPC the network is told times rounded down to such parts of 1; None: as they are


@dataclass(frozen=True, kw_only=True)
class Card:
    """What a model says of itself."""

    sizes: tuple[tuple[int, int], ...]  # native (width, height) in pixels
    fps: int  # native frames per second
    rung: str  # of the world's vocabulary it was trained on
    words: tuple[str, ...]  # it was taught, lower case; empty: any
    steps: int = 36  # of the sampler, by default
    guidance: float = 3.0  # by default
    best_of: int = 1  # beginnings that are made, by default; needs a critic
    credits: float = 1.0  # that its work costs, of pocket's (`generation.credits`)
    trained: tuple[tuple[str, str], ...] = ()  # what it has been through, as (what, figure)
    walk: Walk = field(default_factory=Walk)
    negative: str = ""  # what its films are guided away from, where a request does not say
    takes: tuple[Ability, ...] = ("words", "start", "extend", "end", "shots", "negative")  # what it can be asked for
    ends: bool = False  # whether every film has to end on a picture
    frames: int | None = None  # native frames that it makes at most, with a picture it begins with; None: any number
    context: int = 1  # native frames that it sees of a clip that it goes on from, where ``frames`` is a number
