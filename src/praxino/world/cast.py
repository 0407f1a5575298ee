"""Who plays: things of every shape, colour, size and look, and the plain furniture they play with."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from praxino.world import one, vocabulary
from praxino.world.scene import Quaternion, Story, Thing, Vector

Play = tuple[tuple[Thing, ...], Story]

COLOURS = tuple(vocabulary.COLOURS)
LOOKS = tuple(vocabulary.LOOK_WORDS)
SHAPES = tuple(vocabulary.SHAPE_WORDS)

HELD_OUT = frozenset(
    {
        ("purple", "cone"),
        ("green", "capsule"),
        ("orange", "pyramid"),
        ("cyan", "cube"),
        ("white", "cylinder"),
        ("pink", "box"),
        ("brown", "sphere"),
        ("yellow", "ellipsoid"),
    }
)
"""Colours and shapes that never meet in training: does a model put together words it never saw together?"""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What a play has room for: half the width and the height of the picture, in units, in the middle of the stage."""

    rng: np.random.Generator
    wide: float
    top: float
    held_out: bool = False

    def between(self, low: float, high: float) -> float:
        """A number from low to high."""
        return float(self.rng.uniform(low, high))

    def side(self) -> float:
        """-1 or 1."""
        return float(self.rng.choice((-1, 1)))

    def some(self, options: Sequence[Any]) -> Any:
        """One of the options."""
        return options[int(self.rng.integers(len(options)))]


def named(
    stage: Stage,
    shapes: Sequence[str],
    *,
    sizes: Sequence[str] = ("small", "medium", "large"),
    not_like: Sequence[Thing] = (),
) -> Thing:
    """A thing standing at the origin: a shape of these, any colour not yet taken, any look; held-out pairs if asked."""
    taken = {thing.colour for thing in not_like}
    shape, colour = stage.some(shapes), stage.some(COLOURS)
    for _ in range(200):
        if colour not in taken and ((colour, shape) in HELD_OUT) == stage.held_out:
            break
        shape, colour = stage.some(shapes), stage.some(COLOURS)
    size = stage.some(sizes)
    half = one.halves(shape, stage.between(*one.SIZES[size]))
    return Thing(
        shape=shape,
        colour=colour,
        size=size,
        look=LOOKS[int(stage.rng.choice(len(LOOKS), p=(0.34, 0.26, 0.12, 0.08, 0.1, 0.1)))],
        half=half,
        tint=one.tint(colour, stage.rng),
        position=(0.0, 0.0, half[2]),
        role="other" if not_like else "hero",
    )


def prop(shape: str, half: Vector, position: Vector, **more: Any) -> Thing:
    """A piece of furniture: fixed, of pale wood unless ``tint`` says otherwise."""
    wood = vocabulary.linear(33, 0.26, 0.80)
    given = {"tint": wood, "fixed": True, "friction": 0.6} | more
    return Thing(
        shape=shape, colour="brown", size="medium", look="matte", half=half, position=position, role="prop", **given
    )


def about(axis: Vector, angle: float) -> Quaternion:
    """The quaternion of a turn about a unit axis."""
    s = math.sin(angle / 2)
    return (math.cos(angle / 2), axis[0] * s, axis[1] * s, axis[2] * s)


def way(side: float) -> str:
    """The word for +x and -x."""
    return "right" if side > 0 else "left"
