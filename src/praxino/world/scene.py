"""What a film of the world is about: a frozen tree of values, sampled from a seed.

The world is right-handed: x to the right of the picture, y away from the camera, z up. One unit is about 1.6 m, so that
gravity is 6 units/s^2 and a medium ball is 0.6 units (one metre) across. Quaternions are (w, x, y, z).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

Vector = tuple[float, float, float]
Quaternion = tuple[float, float, float, float]

GRAVITY = 6.0
"""Units/s^2."""
WAYS: Mapping[str, tuple[str, str]] = {
    "still": ("nowhere", "nowhere"),
    "pan": ("right", "left"),
    "tilt": ("up", "down"),
    "orbit": ("right", "left"),
    "dolly": ("in", "out"),
    "zoom": ("in", "out"),
    "follow": ("along", "along"),
}
"""Where each move of the camera goes with a positive amount, and with a negative one."""


@dataclass(frozen=True, kw_only=True)
class Thing:
    """A solid thing: what it is called, what it measures, and how it starts."""

    shape: str
    colour: str
    size: str
    look: str
    half: Vector  # half extents in its own frame, units
    tint: Vector  # linear RGB, 0..1
    position: Vector
    turn: Quaternion = (1.0, 0.0, 0.0, 0.0)
    velocity: Vector = (0.0, 0.0, 0.0)
    spin: Vector = (0.0, 0.0, 0.0)  # rad/s, world axes
    bounce: float = 0.0  # restitution against the floor
    friction: float = 0.6
    rolling: float = 0.0  # friction against rolling, units
    mass: float = 1.0
    role: str = "hero"  # hero: told of; other: told of second; prop: part of the set
    upright: bool = False  # moves and turns about the vertical, but does not tip
    fixed: bool = False
    ghost: bool = False  # touches nothing
    hinge: tuple[Vector, Vector] | None = None  # anchor and axis (world) it turns about; else it is free
    attached: int | None = None  # index of an earlier thing it is part of


@dataclass(frozen=True, kw_only=True)
class Floor:
    """What everything stands on (the plane z = 0)."""

    kind: str
    tint: Vector
    tint2: Vector
    scale: float = 1.0
    turn: float = 0.0  # radians


@dataclass(frozen=True, kw_only=True)
class Sky:
    """The backdrop and what light it sheds; all colours linear RGB."""

    kind: str
    horizon: Vector
    zenith: Vector
    sun: Vector  # unit vector to the light
    sunlight: Vector
    ambient: Vector


@dataclass(frozen=True, kw_only=True)
class Camera:
    """Where the picture is taken from. ``focal``: focal length over the square root of the picture's area.

    ``move``: still, pan, tilt, orbit, dolly, zoom or follow; ``amount``: how much, in radians (pan, tilt), radians/s
    (orbit), units (dolly) or natural log of the focal length (zoom); its sign is the way.
    """

    eye: Vector
    target: Vector
    focal: float
    move: str = "still"
    amount: float = 0.0

    @property
    def way(self) -> str:
        """The way a moving camera first goes: left, right, up, down, in, out, along; a still one: nowhere."""
        first, second = WAYS[self.move]
        return first if self.amount > 0 else second


@dataclass(frozen=True, kw_only=True)
class Story:
    """What happens, in the terms captions use."""

    action: str
    direction: str | None = None  # left, right, toward, away; as seen in the picture
    place: str | None = None  # where the hero starts: left, middle, right, near, far
    pace: str | None = None  # slow, fast
    partner: int | None = None  # index of the other thing
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One film's worth of world."""

    seed: int
    rung: str
    aspect: float
    things: tuple[Thing, ...]
    floor: Floor
    sky: Sky
    camera: Camera
    story: Story

    def to_json(self) -> dict[str, Any]:
        """The tree as plain JSON values."""
        return asdict(self)
