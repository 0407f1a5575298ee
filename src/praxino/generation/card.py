"""What a model says of itself."""

from dataclasses import dataclass


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
