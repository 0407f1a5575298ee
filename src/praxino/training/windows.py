"""The short clips that the autoencoder learns from.

Shapes: n windows, b batch, f frames, h rows, w columns of pixels.
"""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from einops import rearrange
from safetensors.torch import load_file, save_file
from torch import Tensor

from praxino.training import source
from praxino.training.latents import WINDOWS_FROM
from praxino.training.recipes import AutoencoderRecipe, Recipe

HELD_OUT = 16
"""Windows, the last ones, that are measured and never trained on."""
PATCHES = 24_000
"""How many patches the principal components are solved from, at most."""
Place = tuple[int, int, int, int]
"""Window, first frame, top, left."""


@dataclass(frozen=True, kw_only=True)
class Windows:
    """Short clips and where they matter."""

    frames: Tensor  # (n, f, h, w, 3) uint8
    matters: Tensor  # (n, f, h, w) bool
    held_out: int = HELD_OUT  # of them, the last ones

    def batch(self, learn: AutoencoderRecipe, count: int, *, step: int, seed: int) -> tuple[Tensor, Tensor]:
        """Crops (b, f, h, w, 3) in -1..1, of three places each the one with most that matters, and where it matters."""
        generator = torch.Generator().manual_seed(seed)
        frames, matters = [], []
        for _ in range(count):
            places = [self._place(learn, step, generator) for _ in range(3)]
            best = max(places, key=lambda place: int(_cut(self.matters, place, learn).sum()))
            frames.append(_cut(self.frames, best, learn))
            matters.append(_cut(self.matters, best, learn))
        crop, where = torch.stack(frames), torch.stack(matters)
        if torch.rand((), generator=generator) < 0.5:
            crop, where = crop.flip(3), where.flip(3)
        return crop.float() / 127.5 - 1, where

    def patches(self, length: int, space: int, *, seed: int) -> Tensor:
        """Patches (n, length * space * space * 3) in -1..1 at random places; half of them where something matters."""
        generator = torch.Generator().manual_seed(seed)
        learned = len(self.frames) - self.held_out
        out: list[Tensor] = []
        for n in range(learned):
            for k in range(-(-PATCHES // learned) if learned > 40 else 600):
                tries = [self._patch(n, length, space, generator) for _ in range(1 if k % 2 else 8)]
                out.append(next((self.frames[p] for p in tries if self.matters[p].any()), self.frames[tries[0]]))
        return rearrange(torch.stack(out), "n s p q k -> n (s p q k)").float() / 127.5 - 1

    def _patch(self, n: int, length: int, space: int, generator: torch.Generator) -> tuple[int, slice, slice, slice]:
        _, frames, height, width = self.matters.shape
        f = _draw(frames - length + 1, generator)
        y, x = _draw(height - space + 1, generator), _draw(width - space + 1, generator)
        return n, slice(f, f + length), slice(y, y + space), slice(x, x + space)

    def _place(self, learn: AutoencoderRecipe, step: int, generator: torch.Generator) -> Place:
        total, length, height, width = self.matters.shape
        grid = 8  # crops begin on a coarse grid, as patches do
        return (
            (_draw(total - self.held_out, generator) + step) % (total - self.held_out),
            _draw(length - learn.frames + 1, generator),
            grid * _draw((height - min(learn.crop, height)) // grid + 1, generator),
            grid * _draw((width - min(learn.crop, width)) // grid + 1, generator),
        )


def windows(into: Path, recipe: Recipe, *, data: Path | None, workers: int) -> Windows:
    """Short clips of the first size of the recipe, rendered (or read) once and kept in ``into``."""
    path = into / "windows.safetensors"
    if not path.exists():
        into.mkdir(parents=True, exist_ok=True)
        made = _read(recipe, data) if data else _rendered(recipe, workers)
        frames = torch.from_numpy(np.stack([sample.frames for sample in made]))
        matters = torch.from_numpy(np.stack([sample.matters for sample in made]))
        save_file({"frames": frames, "matters": matters}, path.with_suffix(".tmp"))
        path.with_suffix(".tmp").replace(path)
    held = load_file(path)
    return Windows(frames=held["frames"], matters=held["matters"])


def _rendered(recipe: Recipe, workers: int) -> list[source.Sample]:
    seeds = range(WINDOWS_FROM, WINDOWS_FROM + recipe.data.windows + HELD_OUT)
    make = partial(_one, recipe=recipe)
    if workers == 1:
        return [make(seed) for seed in seeds]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return list(pool.map(make, seeds, chunksize=4))


def _one(seed: int, recipe: Recipe) -> source.Sample:
    learn = recipe.learn_autoencoder
    rung = learn.rungs[seed % len(learn.rungs)]
    return source.clip(seed, rung=rung, size=recipe.data.sizes[0], frames=2 * learn.frames - 1)


def _read(recipe: Recipe, data: Path) -> list[source.Sample]:
    frames = 2 * recipe.learn_autoencoder.frames - 1
    found = list(source.from_shards(data, size=recipe.data.sizes[0], frames=frames))
    if len(found) <= HELD_OUT:
        raise ValueError(f"{data} holds {len(found)} clips of {frames} frames; more than {HELD_OUT} are needed")
    return found


def _cut(x: Tensor, place: Place, learn: AutoencoderRecipe) -> Tensor:
    n, f, y, left = place
    return x[n, f : f + learn.frames, y : y + learn.crop, left : left + learn.crop]


def _draw(below: int, generator: torch.Generator) -> int:
    return int(torch.randint(max(below, 1), (), generator=generator))
