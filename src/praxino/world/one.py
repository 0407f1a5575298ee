"""The first rung: one thing, a still camera, five floors, two backdrops."""

import math

import numpy as np

from praxino.world import vocabulary
from praxino.world.scene import GRAVITY, Camera, Floor, Scene, Sky, Story, Thing, Vector

SHAPES = ("sphere", "cube", "cylinder", "cone")
FLOORS = ("plain", "checker", "wood", "grass", "sand")
ACTIONS = ("rolls", "slides", "bounces", "falls", "is thrown", "spins", "rests")
SECONDS = 4.0
SIZES = {"small": (0.185, 0.22), "medium": (0.28, 0.335), "large": (0.42, 0.48)}
_HALVES = {
    "sphere": (1.0, 1.0, 1.0),
    "cube": (0.84, 0.84, 0.84),
    "cylinder": (0.80, 0.80, 0.92),
    "cone": (0.98, 0.98, 1.0),
    "box": (1.25, 0.70, 0.58),
    "capsule": (0.55, 0.55, 1.05),
    "ellipsoid": (0.78, 0.78, 1.08),
    "pyramid": (0.98, 0.98, 0.88),
}
_ACTIONS = {
    "sphere": (("rolls", 0.50), ("bounces", 0.18), ("falls", 0.12), ("is thrown", 0.15), ("rests", 0.05)),
    "cube": (
        ("slides", 0.45),
        ("spins", 0.17),
        ("bounces", 0.13),
        ("falls", 0.11),
        ("is thrown", 0.09),
        ("rests", 0.05),
    ),
    "cylinder": (
        ("slides", 0.34),
        ("rolls", 0.12),
        ("spins", 0.16),
        ("bounces", 0.13),
        ("falls", 0.11),
        ("is thrown", 0.09),
        ("rests", 0.05),
    ),
    "cone": (
        ("slides", 0.45),
        ("spins", 0.17),
        ("bounces", 0.13),
        ("falls", 0.11),
        ("is thrown", 0.09),
        ("rests", 0.05),
    ),
}


def sample(seed: int, *, aspect: float = 16 / 9) -> Scene:
    """The scene of ``seed`` on the first rung."""
    rng = np.random.default_rng([seed, 1])
    seen, backdrop = camera(rng), sky(rng)
    shape = SHAPES[rng.choice(4, p=(0.34, 0.26, 0.2, 0.2))]
    names, weights = zip(*_ACTIONS[shape], strict=True)
    action = names[rng.choice(len(names), p=weights)]
    colour = vocabulary.FIRST_COLOURS[rng.integers(8)]
    size = ("small", "medium", "large")[rng.choice(3, p=(0.25, 0.5, 0.25))]
    look = ("matte", "shiny")[rng.integers(2)]
    ground = floor(FLOORS[rng.integers(5)], rng)
    thing, story = start(rng, shape, action, radius=float(rng.uniform(*SIZES[size])), seen=reach(seen, aspect))
    named = {"colour": colour, "size": size, "look": look, "tint": tint(colour, rng)}
    hero = Thing(shape=shape, **named, **thing)
    return Scene(
        seed=seed, rung="one", aspect=aspect, things=(hero,), floor=ground, sky=backdrop, camera=seen, story=story
    )


def reach(camera: Camera, aspect: float) -> tuple[float, float]:
    """Half of what the picture shows across, and the height of its upper edge, in units, at the middle of the stage."""
    far, high = -camera.eye[1], camera.eye[2]
    down = math.atan2(high - camera.target[2], far)
    top = high + far * math.tan(math.atan(0.5 / (camera.focal * math.sqrt(aspect))) - down)
    return far * 0.5 * math.sqrt(aspect) / camera.focal, top


def tint(colour: str, rng: np.random.Generator) -> Vector:
    """A tint (linear RGB) that goes by the name of a colour."""
    hue, saturation, value = vocabulary.COLOURS[colour]
    drift = rng.uniform(-1, 1, 3)
    return vocabulary.linear(hue + 3 * drift[0], saturation + 0.04 * drift[1], value + 0.03 * drift[2])


def camera(rng: np.random.Generator) -> Camera:
    """A camera slightly above the ground, looking at the middle of the stage."""
    far, high = 5.2 * rng.uniform(0.97, 1.03), rng.uniform(1.4, 1.9)
    pitch = math.radians(rng.uniform(8.5, 11.5))
    return Camera(
        eye=(0.0, -far, high), target=(0.0, 0.0, high - far * math.tan(pitch)), focal=1.39 * rng.uniform(0.96, 1.05)
    )


def sky(rng: np.random.Generator) -> Sky:
    """A day or a studio, with the sun (or lamp) somewhere behind the camera."""
    around, up = math.radians(rng.uniform(-65, 65)), math.radians(rng.uniform(42, 62))
    sun = (math.sin(around) * math.cos(up), -math.cos(around) * math.cos(up), math.sin(up))
    bright = rng.uniform(0.94, 1.03)
    if rng.random() < 0.5:
        hue, tint = rng.uniform(205, 218), rng.uniform(-0.04, 0.04)
        horizon = vocabulary.linear(hue, 0.10 + tint, 0.93)
        zenith = vocabulary.linear(hue, 0.34 + tint, 0.88)
        kind = "day"
    else:
        hue, tint = rng.uniform(20, 260), rng.uniform(0.0, 0.07)
        value = rng.uniform(0.72, 0.92)
        horizon, zenith = vocabulary.linear(hue, tint, value), vocabulary.linear(hue, tint, value - 0.22)
        kind = "studio"
    sunlight, ambient = (0.74 * bright, 0.73 * bright, 0.71 * bright), (0.37, 0.375, 0.385)
    return Sky(kind=kind, horizon=horizon, zenith=zenith, sun=sun, sunlight=sunlight, ambient=ambient)


def floor(kind: str, rng: np.random.Generator) -> Floor:
    """A floor of one of the kinds, in one of its tints."""
    a, b = rng.uniform(-1, 1, 2)
    turn = float(rng.uniform(-0.16, 0.16))
    if kind == "plain":
        grey = vocabulary.linear(40 + 170 * (a > 0), 0.02, 0.64 + 0.07 * b)
        return Floor(kind=kind, tint=grey, tint2=grey)
    if kind == "checker":
        light, dark = vocabulary.linear(40, 0.03, 0.82 + 0.04 * a), vocabulary.linear(220, 0.06, 0.44 + 0.06 * b)
        return Floor(kind=kind, tint=light, tint2=dark, scale=float(rng.uniform(0.6, 0.85)), turn=turn)
    if kind == "wood":
        light, dark = vocabulary.linear(29, 0.36, 0.74 + 0.05 * a), vocabulary.linear(24, 0.44, 0.47 + 0.04 * a)
        return Floor(kind=kind, tint=light, tint2=dark, scale=float(rng.uniform(0.9, 1.2)), turn=turn)
    if kind == "grass":
        light, dark = vocabulary.linear(88 + 6 * b, 0.46, 0.60 + 0.04 * a), vocabulary.linear(100 + 6 * b, 0.52, 0.38)
        return Floor(kind=kind, tint=light, tint2=dark, turn=turn)
    light, dark = vocabulary.linear(38, 0.28, 0.87 + 0.03 * a), vocabulary.linear(35, 0.36, 0.70)
    return Floor(kind=kind, tint=light, tint2=dark, turn=turn)


def halves(shape: str, radius: float) -> Vector:
    """Half extents of a shape that looks about as large as a ball of ``radius``."""
    a, b, c = _HALVES[shape]
    return (a * radius, b * radius, c * radius)


def about_z(angle: float) -> tuple[float, float, float, float]:
    """The quaternion of a turn about the vertical."""
    return (math.cos(angle / 2), 0.0, 0.0, math.sin(angle / 2))


def start(
    rng: np.random.Generator, shape: str, action: str, *, radius: float, seen: tuple[float, float]
) -> tuple[dict, Story]:
    """The hero's first pose and velocity, and the story that follows from them."""
    (wide, top), half = seen, halves(shape, radius)
    near = float(rng.uniform(-0.5, 0.5))
    room = wide * (1 - 0.1 * abs(near)) - 1.15 * radius
    turn = about_z(float(rng.uniform(-math.pi, math.pi)))
    thing = {
        "half": half,
        "turn": turn,
        "friction": 0.6,
        "bounce": 0.0,
        "velocity": (0.0, 0.0, 0.0),
        "spin": (0.0, 0.0, 0.0),
    }
    x, z, story = 0.0, half[2], None
    drop = top - 2 * half[2] - 0.05  # as high as the picture shows
    if action in ("rolls", "slides"):
        return _travel(rng, action, thing, room, shape=shape, near=near)
    x = float(rng.uniform(-0.75, 0.75) * room)
    if action == "bounces":
        z += min(float(rng.uniform(0.6, 1.0)) * drop, 1.5)
        thing |= {"bounce": float(rng.uniform(0.85, 0.93)), "upright": shape != "sphere", "friction": 0.0}
    elif action == "falls":
        z += min(float(rng.uniform(0.7, 1.0)) * drop, 1.8)
        tilt = 0.0 if shape == "sphere" else 0.15
        thing |= {"bounce": float(rng.uniform(0.25, 0.5)), "spin": tuple(map(float, rng.uniform(-tilt, tilt, 3)))}
    elif action == "is thrown":
        direction = ("left", "right")[rng.integers(2)]
        side = 1.0 if direction == "right" else -1.0
        x = -side * float(rng.uniform(0.72, 1.0)) * room
        rise = float(rng.uniform(0.25, 0.75)) * drop
        up, along = math.sqrt(2 * GRAVITY * rise), float(rng.uniform(0.36, 0.50)) * room
        z += float(rng.uniform(0.05, 0.25)) * drop
        thing |= {"bounce": float(rng.uniform(0.55, 0.75)), "velocity": (side * along, 0.0, up), "friction": 0.25}
        if shape == "sphere":
            thing |= {"spin": (0.0, side * 0.6 * along / radius, 0.0)}
        story = Story(action=action, direction=direction, place=place(x, near, wide))
    elif action == "spins":
        rate = float(rng.choice((-1, 1)) * rng.uniform(1.2, 4.5))
        thing |= {"spin": (0.0, 0.0, rate), "friction": 0.0, "upright": True}
    thing |= {"position": (x, near, z)}
    return thing, story or Story(action=action, place=place(x, near, wide))


def _travel(
    rng: np.random.Generator, action: str, thing: dict, room: float, *, shape: str, near: float
) -> tuple[dict, Story]:
    """Rolling and sliding: across the picture, or (balls) toward and away from the camera."""
    radius = thing["half"][0]
    height = thing["half"][2] if action == "slides" or shape == "sphere" else radius
    if action == "rolls" and shape == "sphere" and rng.random() < 0.2:
        direction = ("toward", "away")[rng.integers(2)]
        side = 1.0 if direction == "away" else -1.0
        length = float(rng.uniform(1.6, 3.0))
        first = -side * length / 2 + float(rng.uniform(-0.2, 0.4))
        x = float(rng.uniform(-0.45, 0.45)) * room
        speed = length / SECONDS
        thing |= {
            "position": (x, first, height),
            "velocity": (0.0, side * speed, 0.0),
            "spin": (-side * speed / radius, 0.0, 0.0),
        }
        pace = "slow" if length < 1.9 else "fast" if length > 2.7 else None
        return thing, Story(
            action=action, direction=direction, place="near" if direction == "away" else "far", pace=pace
        )
    direction = ("left", "right")[rng.integers(2)]
    side = 1.0 if direction == "right" else -1.0
    length = min(float(rng.uniform(0.4, 0.8)) * 2 * (room + radius), 2 * room)
    slack = 2 * room - length
    x = -side * (room - slack * float(rng.uniform(0, 1)))
    speed = length / SECONDS
    if action == "slides":
        friction = float(rng.uniform(0.002, 0.010))
        speed += friction * GRAVITY * SECONDS / 2
        thing |= {"friction": friction, "upright": True}
    else:
        thing |= {"spin": (0.0, side * speed / radius, 0.0)}
    if action == "rolls" and shape != "sphere":
        thing |= {"turn": (math.sqrt(0.5), math.sqrt(0.5), 0.0, 0.0)}
    thing |= {"position": (x, near, height), "velocity": (side * speed, 0.0, 0.0)}
    share = length / (2 * (room + radius))
    pace = "slow" if share < 0.48 else "fast" if share > 0.7 else None
    return thing, Story(action=action, direction=direction, place=place(x, near, room + radius), pace=pace)


def place(x: float, y: float, wide: float) -> str:
    """Where in the picture a floor point is: left, middle, right; near or far only when it is clearly so."""
    if abs(x) < 0.18 * wide and abs(y) > 0.42:
        return "near" if y < 0 else "far"
    return "left" if x < -0.30 * wide else "right" if x > 0.30 * wide else "middle"
