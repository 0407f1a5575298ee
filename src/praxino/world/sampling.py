"""A scene from a seed, on any rung of the ladder."""

from praxino.world import everything, one
from praxino.world.scene import Scene

RUNGS = ("one", "all")
"""``one``: one thing, a still camera, five floors. ``all``: the whole vocabulary."""


def sample(seed: int, *, rung: str = "all", aspect: float = 16 / 9) -> Scene:
    """The scene of ``seed``. ValueError for an unknown rung or an aspect that makes no picture."""
    if not 0.2 <= aspect <= 5:
        raise ValueError(f"aspect {aspect:g} makes no picture; choose one between 0.2 and 5")
    if rung not in RUNGS:
        raise ValueError(f"rung {rung!r} is not known; choose one of: {', '.join(RUNGS)}")
    return (one if rung == "one" else everything).sample(seed, aspect=aspect)
