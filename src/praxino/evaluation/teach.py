"""Teach the eye on pictures of the world, whose exact truth is known.

Shapes: b pictures, h rows, w columns of pixels, n things of a picture.
"""

import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from praxino.evaluation.eye import KINDS, Eye, EyeConfig, Fields
from praxino.evaluation.sight import sight
from praxino.layers import precision
from praxino.pixels import unit
from praxino.world import physics, render
from praxino.world.physics import Motion
from praxino.world.sampling import sample
from praxino.world.scene import Scene

EYE_FROM, EYE_TO = 4_000_000_000, 5_000_000_000
"""Seeds of what the eye learns from: scenes no model is trained on or measured by."""
TIPPING = ("rolls", "falls", "is thrown")
"""Actions that leave things lying on their sides."""
MOMENTS, FRAMES = 4, 100
"""Pictures of each film, and how many of its first frames they are drawn from."""
RUNGS = ("one", "all")
SIZES = ((256, 144), (256, 144), (256, 144), (192, 192), (144, 256))
"""What is drawn in turn."""
RATE = 2e-3
"""Of AdamW, at its highest."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture and what is to be seen in it."""

    frame: np.ndarray  # (h, w, 3) uint8
    places: np.ndarray  # (n, 2) float32, in picture heights
    radii: np.ndarray  # (n,) float32
    kinds: np.ndarray  # (n, 4) int64: the number of each kind's name, in the order of KINDS


def pictures(seed: int) -> list[Picture]:
    """A few moments of one film."""
    width, height = SIZES[seed % len(SIZES)]
    rng = np.random.default_rng([seed, 7])
    scene = _scene(seed, width / height)
    motion = _at(physics.simulate(scene, frames=FRAMES), sorted(rng.choice(FRAMES, MOMENTS, replace=False).tolist()))
    frames, ids = render.render(scene, motion, width=width, height=height, masks=True)
    true = sight(scene, motion, ids)
    told = [scene.things[i] for i in true.things]
    kinds = np.array([[names.index(getattr(thing, kind)) for kind, names in KINDS.items()] for thing in told])
    return [
        Picture(frame=frames[t], places=true.places[t, seen], radii=true.radii[t, seen], kinds=kinds[seen])
        for t in range(MOMENTS)
        for seen in [true.seen[t]]
    ]


def _scene(seed: int, aspect: float) -> Scene:
    """Of every two scenes, one of a thing that tips over or lies: seldom seen, and easily taken for another shape."""
    for other in range(seed, EYE_TO, 10**7):
        scene = sample(other, rung=RUNGS[seed % len(RUNGS)], aspect=aspect)
        if seed % 4 < 2 or (scene.things[0].shape != "sphere" and scene.story.action in TIPPING):
            return scene
    raise AssertionError("one scene in five is of this kind")


def teach(
    *, films: int, minutes: float, workers: int, report: Callable[[str, float], None], start: Eye | None = None
) -> Eye:
    """An eye that learned for ``minutes`` from ``films`` films; ``report`` hears (stage, fraction).

    ``start`` is an eye that goes on learning; the learning rate rises and falls once more. Ctrl-C while it learns ends
    it early, with what it has learned.
    """
    shown: list[Picture] = []
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for one in pool.map(pictures, range(EYE_FROM, EYE_FROM + films), chunksize=8):
            shown += one
            report("pictures", len(shown) / MOMENTS / films)
    torch.manual_seed(0)
    eye = (start or Eye(EyeConfig())).train().requires_grad_(True)
    optimizer = torch.optim.AdamW(eye.parameters(), lr=RATE, weight_decay=1e-2)
    begun, rng = time.time(), np.random.default_rng(0)
    try:
        for step, batch in enumerate(_batches(shown, rng, count=16)):
            done = (time.time() - begun) / (60 * minutes)
            if done >= 1:
                break
            report("eye", done)
            for group in optimizer.param_groups:
                group["lr"] = RATE * min(1, (step + 1) / 50) * 0.5 * (1 + math.cos(math.pi * done))
            frames = unit(np.stack([one.frame for one in batch]))
            with precision.mixed("cpu"):
                fields = eye(_worn(frames, rng))
            eye_loss(fields, batch).backward()
            torch.nn.utils.clip_grad_norm_(eye.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
    except KeyboardInterrupt:
        pass
    return eye.eval().requires_grad_(False)


def eye_loss(fields: Fields, batch: list[Picture]) -> Tensor:
    """Focal loss of the middles (Zhou et al. 2019, eq. 1), distance of place and radius, cross-entropy of each kind."""
    wanted = torch.from_numpy(np.stack([_bumps(one, fields.middle.shape[1:]) for one in batch]))
    likely = fields.middle.sigmoid().clamp(1e-4, 1 - 1e-4)
    found = wanted == 1
    near = -((1 - likely) ** 2 * likely.log())[found].sum()
    far = -((1 - wanted) ** 4 * likely**2 * (1 - likely).log())[~found].sum()
    rows = torch.tensor([i for i, one in enumerate(batch) for _ in one.radii], dtype=torch.long)
    if not len(rows):
        return far / len(batch)
    height = fields.middle.shape[1]
    places = torch.from_numpy(np.concatenate([one.places for one in batch])) * height  # in cells
    radii = torch.from_numpy(np.concatenate([one.radii for one in batch])) * height
    kinds = torch.from_numpy(np.concatenate([one.kinds for one in batch]))
    corner = places.long()
    at = (rows, corner[:, 1].clamp(max=height - 1), corner[:, 0].clamp(max=fields.middle.shape[2] - 1))
    target = torch.cat([places - corner, radii.log()[:, None]], 1)
    loss = near + far + 2 * F.smooth_l1_loss(fields.place[at], target, reduction="sum", beta=0.1)
    for n, name in enumerate(KINDS):
        loss = loss + F.cross_entropy(fields.kinds[name][at], kinds[:, n], reduction="sum")
    return loss / len(rows)


def _bumps(one: Picture, cells: tuple[int, ...]) -> np.ndarray:
    """(h/4, w/4) float32: 1 in the cell of each middle, a bell around it that is as wide as a third of the thing."""
    height, width = cells
    out = np.zeros((height, width), np.float32)
    rows, columns = np.mgrid[:height, :width]
    for (x, y), radius in zip(one.places * height, one.radii * height, strict=True):
        spread = max(0.6, radius / 3)
        column, row = min(int(x), width - 1), min(int(y), height - 1)
        bell = np.exp(-((columns - column) ** 2 + (rows - row) ** 2) / (2 * spread**2))
        np.maximum(out, bell, out=out)
        out[row, column] = 1
    return out


def _batches(shown: list[Picture], rng: np.random.Generator, *, count: int) -> Iterator[list[Picture]]:
    """Pictures of one size at a time, for ever."""
    sizes: dict[tuple[int, ...], list[int]] = {}
    for i, one in enumerate(shown):
        sizes.setdefault(one.frame.shape, []).append(i)
    names, amounts = list(sizes), np.array([len(held) for held in sizes.values()])
    while True:
        chosen = sizes[names[rng.choice(len(names), p=amounts / amounts.sum())]]
        yield [_mirrored(shown[i]) if rng.random() < 0.5 else shown[i] for i in rng.choice(chosen, count)]


def _mirrored(one: Picture) -> Picture:
    height, width = one.frame.shape[:2]
    places = np.stack([width / height - one.places[:, 0], one.places[:, 1]], 1)
    return replace(one, frame=np.ascontiguousarray(one.frame[:, ::-1]), places=places.astype(np.float32))


def _worn(frames: Tensor, rng: np.random.Generator) -> Tensor:
    """As a model might make them: softer, noisier, a little brighter or darker. (b, h, w, 3) in -1..1."""
    height, width = frames.shape[1:3]
    x = frames.permute(0, 3, 1, 2)
    if rng.random() < 0.6:
        small = rng.uniform(1, 2.6)
        x = F.interpolate(x, (round(height / small), round(width / small)), mode="bilinear", antialias=True)
        x = F.interpolate(x, (height, width), mode="bicubic")
    noise = torch.from_numpy(rng.normal(0, rng.uniform(0, 0.06), x.shape).astype(np.float32))
    return (x * rng.uniform(0.93, 1.07) + rng.uniform(-0.05, 0.05) + noise).permute(0, 2, 3, 1)


def _at(motion: Motion, moments: list[int]) -> Motion:
    return Motion(
        poses=motion.poses[moments],
        velocities=motion.velocities[moments],
        contacts=tuple(motion.contacts[t] for t in moments),
        camera=motion.camera[moments],
        fps=motion.fps,
    )
