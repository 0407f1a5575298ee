"""A film of the world, and a single picture of it, each from one seed, with captions and the truth."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from praxino.world import describe, one, physics, render, scene
from praxino.world.sampling import sample
from praxino.world.scene import GRAVITY, Scene

_MOMENTS = {"falls": 1.6}
"""Pictures of a fall are taken while it lasts; of everything else, any time within four seconds."""


@dataclass(frozen=True, kw_only=True)
class Film:
    """Frames (t, h, w, 3) uint8, captions by language, and everything that is true of it as plain JSON values."""

    frames: np.ndarray
    captions: dict[str, str]
    truth: dict[str, Any]
    fps: float
    masks: np.ndarray | None = None  # (t, h, w) uint8: 0 is background, k the k-th thing; on request


def film(
    seed: int,
    *,
    rung: str = "all",
    width: int = 512,
    height: int = 288,
    frames: int = 121,
    fps: float = 30,
    masks: bool = False,
) -> Film:
    """The film of ``seed``."""
    what = sample(seed, rung=rung, aspect=width / height)
    motion = physics.simulate(what, frames=frames, fps=fps)
    picture, ids = render.render(what, motion, width=width, height=height, masks=True)
    told, true = _captions(what, seed), truth(what, motion)
    return Film(frames=picture, captions=told, truth=true, fps=fps, masks=ids if masks else None)


def truth(what: Scene, motion: physics.Motion) -> dict[str, Any]:
    """Scene, poses, velocities, contacts and camera as plain JSON values."""
    return {
        "scene": what.to_json(),
        "fps": motion.fps,
        "poses": motion.poses.round(5).tolist(),
        "velocities": motion.velocities.round(5).tolist(),
        "contacts": [[list(pair) for pair in now] for now in motion.contacts],
        "camera": motion.camera.round(5).tolist(),
    }


def _captions(what: Scene, seed: int) -> dict[str, str]:
    return {
        "en": describe.describe(what, language="en", seed=seed),
        "zh": describe.describe(what, language="zh", seed=seed),
    }


def still(seed: int, *, rung: str, width: int, height: int) -> tuple[np.ndarray, np.ndarray, dict[str, str]]:
    """A frame (h, w, 3) uint8, ids (h, w) uint8 and captions by language.

    Half of the pictures are first frames, captioned as the film they open: where a thing begins follows from where it
    is going. The others are a likely moment, on the first rung without physics and captioned as what can be seen.
    """
    what = sample(seed, rung=rung, aspect=width / height)
    rng = np.random.default_rng([seed, 9])
    opens = rng.random() < 0.5
    if opens:
        motion = physics.simulate(what, frames=1)
    elif rung == "one":
        moment = float(rng.uniform(0, _MOMENTS.get(what.story.action, one.SECONDS)))
        poses = np.array([pose(what, moment)], np.float32)
        motion = physics.Motion(
            poses=poses[None],
            velocities=np.zeros((1, 1, 6), np.float32),
            contacts=((),),
            camera=physics.camera_path(what, 1, 30),
            fps=30,
        )
    else:
        motion = physics.simulate(what, frames=1 + int(rng.integers(60)))
        motion = motion.part(len(motion.poses) - 1)
    frames, ids = render.render(what, motion, width=width, height=height, masks=True)
    return frames[0], ids[0], _captions(what, seed) if opens else _still_captions(what, motion, seed)


def _still_captions(what: Scene, motion: physics.Motion, seed: int) -> dict[str, str]:
    if what.rung != "one":
        return _captions(what, seed)
    (x, y, z), hero = (float(v) for v in motion.poses[0, 0, :3]), what.things[0]
    wide, _ = one.reach(what.camera, what.aspect)
    where = one.place(x * -what.camera.eye[1] / (y - what.camera.eye[1]), y, wide)
    flying = z - hero.half[2] > 0.25
    told = {"where": where, "flying": flying, "seed": seed}
    return {
        "en": describe.describe_still(what, language="en", **told),
        "zh": describe.describe_still(what, language="zh", **told),
    }


def pose(what: Scene, moment: float) -> tuple[float, ...]:
    """A likely pose (7,) of the only thing ``moment`` seconds in: as the physics would have it, nearly."""
    hero = what.things[0]
    (x, y, z), (vx, vy, vz) = hero.position, hero.velocity
    turn = hero.turn
    if hero.shape == "sphere" or what.story.action == "rolls":
        turn = rolled(turn, hero.spin, moment)
    elif what.story.action == "spins":
        turn = rolled(turn, (0.0, 0.0, hero.spin[2]), moment)
    slow = hero.friction * GRAVITY if what.story.action == "slides" else 0.0
    x += vx * moment - math.copysign(0.5 * slow * moment * moment, vx)
    y += vy * moment
    if what.story.action in ("bounces", "falls", "is thrown"):
        z = hero.half[2] + flight(z - hero.half[2], vz, hero.bounce, moment)
    return (x, y, z, *turn)


def rolled(turn: scene.Quaternion, spin: scene.Vector, moment: float) -> scene.Quaternion:
    """``turn`` after turning at ``spin`` (rad/s, world axes) for ``moment`` seconds."""
    rate = math.sqrt(sum(s * s for s in spin))
    if rate == 0:
        return turn
    half = 0.5 * rate * moment
    a, (b, c, d) = math.cos(half), (math.sin(half) * s / rate for s in spin)
    w, x, y, z = turn
    return (
        a * w - b * x - c * y - d * z,
        a * x + b * w + c * z - d * y,
        a * y - b * z + c * w + d * x,
        a * z + b * y - c * x + d * w,
    )


def flight(height: float, speed: float, bounce: float, moment: float) -> float:
    """The height of a bouncing point ``moment`` seconds after it left ``height`` upward at ``speed``."""
    for _ in range(40):
        lands = (speed + math.sqrt(speed * speed + 2 * GRAVITY * height)) / GRAVITY
        if moment <= lands:
            return height + speed * moment - 0.5 * GRAVITY * moment * moment
        moment, speed, height = moment - lands, bounce * (GRAVITY * lands - speed), 0.0
        if speed < 0.05:
            return 0.0
    return 0.0
