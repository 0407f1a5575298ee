"""The whole vocabulary: every play, under every sky, on every floor, seen by a camera that may move."""

import numpy as np

from praxino.world import one, plays, sets, vocabulary
from praxino.world.cast import Play, Stage
from praxino.world.scene import Camera, Floor, Scene, Sky, Story

PLAYS = (
    (plays.single, 0.40),
    (plays.collide, 0.08),
    (plays.knock_over, 0.07),
    (plays.hidden, 0.06),
    (plays.orbit, 0.06),
    (sets.ramp, 0.07),
    (sets.steps, 0.04),
    (sets.pendulum, 0.06),
    (sets.seesaw, 0.04),
    (sets.dominoes, 0.05),
    (sets.tower, 0.05),
    (sets.pool, 0.02),
)
FLOORS = ("plain", "checker", "wood", "grass", "sand", "snow", "marble")
_MOVES = ("pan", "tilt", "orbit", "dolly", "zoom", "follow")
_AMOUNTS = {
    "pan": (0.12, 0.22),
    "tilt": (0.06, 0.10),
    "orbit": (0.05, 0.14),
    "dolly": (0.6, 1.2),
    "zoom": (0.2, 0.35),
    "follow": (1.0, 1.0),
}


def sample(seed: int, *, aspect: float = 16 / 9, held_out: bool = False) -> Scene:
    """The scene of ``seed``; with ``held_out``, its first thing is one of the pairs kept from training."""
    rng = np.random.default_rng([seed, 2])
    seen, backdrop = one.camera(rng), _sky(rng)
    ground = _floor(FLOORS[rng.integers(len(FLOORS))], rng)
    wide, top = one.reach(seen, aspect)
    play = plays.single if held_out else PLAYS[int(rng.choice(len(PLAYS), p=[p for _, p in PLAYS]))][0]
    things, story = play(Stage(rng=rng, wide=wide, top=top, held_out=held_out))
    seen = _moving(rng, seen, (things, story))
    return Scene(
        seed=seed, rung="all", aspect=aspect, things=things, floor=ground, sky=backdrop, camera=seen, story=story
    )


def _moving(rng: np.random.Generator, camera: Camera, play: Play) -> Camera:
    """Two cameras in five move; one that would take what it watches out of the picture, or belie its way, does not."""
    story: Story = play[1]
    if rng.random() > 0.4:
        return camera
    move = _MOVES[rng.integers(len(_MOVES))]
    travels = story.action in ("rolls", "slides") and story.direction in ("left", "right")
    if (move == "follow" and not travels) or (
        move in ("pan", "dolly", "zoom", "orbit") and story.direction is not None
    ):
        move = "tilt" if move != "orbit" else "still"
    amount = 0.0 if move == "still" else float(rng.uniform(*_AMOUNTS[move]))
    sign = -1.0 if rng.random() < 0.5 and move != "follow" else 1.0
    if move in ("dolly", "zoom") and sign > 0:
        amount *= 0.6  # closer, but not past what it looks at
    return Camera(eye=camera.eye, target=camera.target, focal=camera.focal, move=move, amount=sign * amount)


def _sky(rng: np.random.Generator) -> Sky:
    base = one.sky(rng)
    kind = ("as it is", "sunset", "night")[rng.choice(3, p=(0.7, 0.17, 0.13))]
    drift = rng.uniform(-1, 1, 2)
    if kind == "sunset":
        return Sky(
            kind=kind,
            horizon=vocabulary.linear(24 + 8 * drift[0], 0.50, 0.97),
            zenith=vocabulary.linear(262 + 20 * drift[1], 0.30, 0.66),
            sun=base.sun,
            sunlight=(0.82, 0.60, 0.42),
            ambient=(0.34, 0.32, 0.38),
        )
    if kind == "night":
        return Sky(
            kind=kind,
            horizon=vocabulary.linear(226 + 8 * drift[0], 0.45, 0.34),
            zenith=vocabulary.linear(232 + 8 * drift[1], 0.62, 0.16),
            sun=base.sun,
            sunlight=(0.36, 0.38, 0.46),
            ambient=(0.11, 0.12, 0.17),
        )
    return base


def _floor(kind: str, rng: np.random.Generator) -> Floor:
    if kind not in ("snow", "marble"):
        return one.floor(kind, rng)
    a, turn = rng.uniform(-1, 1), float(rng.uniform(-0.5, 0.5))
    if kind == "snow":
        return Floor(
            kind=kind,
            tint=vocabulary.linear(210, 0.02, 0.97),
            tint2=vocabulary.linear(215, 0.10, 0.86 + 0.02 * a),
            turn=turn,
        )
    return Floor(
        kind=kind,
        tint=vocabulary.linear(35, 0.03, 0.90 + 0.03 * a),
        tint2=vocabulary.linear(220, 0.10, 0.46),
        turn=turn,
    )
