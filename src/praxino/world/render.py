"""Frames from a scene and its motion, by our own analytic ray caster (one thread; the same pixels everywhere)."""

import math
from typing import Literal, overload

import numpy as np

from praxino.world.physics import Motion
from praxino.world.scene import Scene, Thing

_KINDS = {"sphere": 0, "ellipsoid": 0, "cube": 1, "box": 1, "cylinder": 2, "cone": 3, "capsule": 4, "pyramid": 5}
_LOOKS = {"matte": 0, "shiny": 1, "metal": 2, "glass": 3, "striped": 4, "dotted": 5, "faced": 6}
_STILL = 1e-4
_FLOORS = {"plain": 0, "checker": 1, "wood": 2, "grass": 3, "sand": 4, "snow": 5, "marble": 6}


@overload
def render(
    scene: Scene, motion: Motion, *, width: int, height: int, samples: int = 2, masks: Literal[False] = False
) -> np.ndarray: ...
@overload
def render(
    scene: Scene, motion: Motion, *, width: int, height: int, samples: int = 2, masks: Literal[True]
) -> tuple[np.ndarray, np.ndarray]: ...
def render(
    scene: Scene, motion: Motion, *, width: int, height: int, samples: int = 2, masks: bool = False
) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
    """Frames (t, h, w, 3) uint8; with ``masks`` also ids (t, h, w) uint8: 0 background, k the k-th thing."""
    from praxino.world import draw

    count = len(motion.poses)
    frames, ids = np.empty((count, height, width, 3), np.uint8), np.zeros((count, height, width), np.uint8)
    empty, blank, table = np.empty((height, width, 3), np.float32), np.empty((height, width, 3), np.uint8), draw.gamma()
    style, sky, rows = _style(scene), _sky(scene), _rows(scene)
    places, shadows, before = draw.memory(len(rows), float(rows[:, 23].max()), height, width)
    seen = shown = None
    for t in range(count):
        view = view_of(motion.camera[t], width, height)
        fresh = seen is None or not np.array_equal(view, seen)
        if fresh:
            draw.stage(view, _FLOORS[scene.floor.kind], style, sky, empty)
            draw.encode(empty, table, blank)
            seen, frames[t] = view, blank
            before[:] = 0
        else:
            frames[t], ids[t] = frames[t - 1], ids[t - 1]
        moved = _moved(shown, motion.poses[t], fresh)
        shown = (
            motion.poses[t].copy()
            if shown is None
            else np.where((moved >> np.arange(len(rows)) & 1)[:, None], motion.poses[t], shown)
        )
        _place(rows, shown)
        draw.frame(rows, moved, view, sky, samples, empty, table, frames[t], ids[t], places, shadows, before)
    return (frames, ids) if masks else frames


def _moved(shown: np.ndarray | None, poses: np.ndarray, fresh: bool) -> int:
    """Bits of the things that are not where they were last drawn (to a hundredth of a pixel); all for a fresh view."""
    if shown is None or fresh:
        return (1 << len(poses)) - 1
    far = np.abs(poses - shown).max(1) > _STILL
    return int(sum(1 << int(n) for n in np.flatnonzero(far)))


def view_of(camera: np.ndarray, width: int, height: int) -> np.ndarray:
    """Eye, right, down, forward for `draw` (12,) from eye, target, focal (7,)."""
    eye, target, focal = camera[:3].astype(np.float64), camera[3:6].astype(np.float64), float(camera[6])
    forward = target - eye
    forward /= math.sqrt(float(forward @ forward))
    right = np.array([forward[1], -forward[0], 0.0])
    right /= math.sqrt(float(right @ right))
    down = np.cross(forward, right)
    pixel = 1.0 / (focal * math.sqrt(width * height))
    return np.concatenate([eye, right * pixel, down * pixel, forward])


def _style(scene: Scene) -> np.ndarray:
    floor = scene.floor
    return np.array([*floor.tint, *floor.tint2, floor.scale, math.cos(floor.turn), math.sin(floor.turn)])


def _sky(scene: Scene) -> np.ndarray:
    sky = scene.sky
    return np.array([*sky.horizon, *sky.zenith, *sky.sunlight, *sky.ambient, *sky.sun])


def _rows(scene: Scene) -> np.ndarray:
    from praxino.world import shade

    rows = np.zeros((len(scene.things), shade.COLUMNS))
    for row, thing in zip(rows, scene.things, strict=True):
        row[shade.KIND] = _KINDS[thing.shape]
        row[shade.HALF : shade.HALF + 3] = thing.half
        row[shade.TINT : shade.TINT + 3] = thing.tint
        row[shade.TINT2 : shade.TINT2 + 3] = _second_tint(thing, scene)
        row[shade.LOOK] = _LOOKS["faced" if _faced(thing, scene) else thing.look]
        row[shade.REACH] = _reach(thing)
    return rows


def _reach(thing: Thing) -> float:
    a, b, c = thing.half
    match thing.shape:
        case "sphere" | "ellipsoid" | "capsule":
            return max(thing.half)
        case "cylinder" | "cone":
            return math.hypot(a, c)
        case _:
            return math.sqrt(a * a + b * b + c * c)


def _faced(thing: Thing, scene: Scene) -> bool:
    """A round thing that spins shows it by faint quarters."""
    return (
        scene.story.action == "spins"
        and thing.role == "hero"
        and thing.shape != "cube"
        and thing.look in ("matte", "shiny")
    )


def _second_tint(thing: Thing, scene: Scene) -> tuple[float, ...]:
    if _faced(thing, scene):
        return tuple(0.5 * c for c in thing.tint)
    if thing.look in ("striped", "dotted"):
        return (0.85, 0.85, 0.83) if sum(thing.tint) < 1.6 else (0.08, 0.08, 0.1)
    return thing.tint


def _place(rows: np.ndarray, poses: np.ndarray) -> None:
    """Write every thing's pose (n, 7) into its row."""
    p = poses.astype(np.float64)
    w, x, y, z = p[:, 3], p[:, 4], p[:, 5], p[:, 6]
    rows[:, 4], rows[:, 5], rows[:, 6] = 1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)
    rows[:, 7], rows[:, 8], rows[:, 9] = 2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)
    rows[:, 10], rows[:, 11], rows[:, 12] = 2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)
    rows[:, 13:16] = p[:, :3]
