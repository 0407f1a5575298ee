"""The short clips that the autoencoder learns from.

Shapes: n windows, b batch, f frames, h rows, w columns of pixels.
"""

import json
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from einops import rearrange
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from praxino.pixels import unit
from praxino.training import source
from praxino.training.latents import WINDOWS_FROM
from praxino.training.recipes import AutoencoderRecipe, Recipe

HELD_OUT = 16
"""Windows, the last ones, that are measured and never trained on."""
PATCHES = 24_000
"""How many patches the principal components are solved from, at most."""
Place = tuple[int, slice, slice, slice]
"""Window, frames, rows, columns."""


@dataclass(frozen=True, kw_only=True)
class Windows:
    """Short clips and where they matter."""

    frames: Tensor  # (n, f, h, w, 3) uint8
    matters: Tensor  # (n, f, h, w) bool
    captions: tuple[tuple[str, ...], ...] = ()  # of each, where they are known
    remade: Tensor | None = None  # (n, t, h, w, c): latents of the first frames, as a model makes them (`remake`)
    held_out: int = HELD_OUT  # of them, the last ones

    def batch(self, learn: AutoencoderRecipe, count: int, *, step: int, seed: int) -> tuple[Tensor, Tensor]:
        """Crops (b, f, h, w, 3) in -1..1, of three places each the one with most that matters, and where it matters."""
        generator = torch.Generator().manual_seed(seed)
        places = [self._place(learn, step, generator, grid=8) for _ in range(count)]
        crop, where = (torch.stack([x[place] for place in places]) for x in (self.frames, self.matters))
        if torch.rand((), generator=generator) < 0.5:
            crop, where = crop.flip(3), where.flip(3)
        return unit(crop), where

    def rehearsal(self, learn: AutoencoderRecipe, count: int, *, time: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
        """As `batch`, of clips that a model made anew: frames, where they matter, and latents (b, t, h, w, c).

        ``time`` is how many frames a latent stands for.
        """
        assert self.remade is not None
        generator = torch.Generator().manual_seed(seed)
        length, space = 1 + time * (self.remade.shape[1] - 1), self.frames.shape[2] // self.remade.shape[2]
        first = replace(self, frames=self.frames[:, :length], matters=self.matters[:, :length])
        learn = replace(learn, frames=length)
        places = [first._place(learn, 0, generator, grid=space) for _ in range(count)]  # noqa: SLF001 - of its own class
        crop, where = (torch.stack([x[place] for place in places]) for x in (first.frames, first.matters))
        latents = [
            self.remade[n, :, y.start // space : y.stop // space, x.start // space : x.stop // space]
            for n, _, y, x in places
        ]
        return unit(crop), where, torch.stack(latents)

    def patches(self, length: int, space: int, *, seed: int) -> Tensor:
        """Patches (n, length * space * space * 3) in -1..1 at random places; half of them where something matters."""
        generator = torch.Generator().manual_seed(seed)
        learned = len(self.frames) - self.held_out
        out: list[Tensor] = []
        for n in range(learned):
            for k in range(-(-PATCHES // learned) if learned > 40 else 600):
                tries = [self._patch(n, length, space, generator) for _ in range(1 if k % 2 else 8)]
                out.append(next((self.frames[p] for p in tries if self.matters[p].any()), self.frames[tries[0]]))
        return unit(rearrange(torch.stack(out), "n s p q k -> n (s p q k)"))

    def _patch(self, n: int, length: int, space: int, generator: torch.Generator) -> Place:
        _, frames, height, width = self.matters.shape
        f = _draw(frames - length + 1, generator)
        y, x = _draw(height - space + 1, generator), _draw(width - space + 1, generator)
        return n, slice(f, f + length), slice(y, y + space), slice(x, x + space)

    def _place(self, learn: AutoencoderRecipe, step: int, generator: torch.Generator, *, grid: int) -> Place:
        """Of three the one with most that matters; their corners lie on a grid of so many pixels."""
        total, length, height, width = self.matters.shape
        places: list[Place] = []
        for _ in range(3):
            n = (_draw(total - self.held_out, generator) + step) % (total - self.held_out)
            f = _draw(length - learn.frames + 1, generator)
            y = grid * _draw((height - min(learn.crop, height)) // grid + 1, generator)
            x = grid * _draw((width - min(learn.crop, width)) // grid + 1, generator)
            places.append((n, slice(f, f + learn.frames), slice(y, y + learn.crop), slice(x, x + learn.crop)))
        return max(places, key=lambda place: int(self.matters[place].sum()))


def windows(into: Path, recipe: Recipe, *, data: Path | None, workers: int) -> Windows:
    """Short clips of the first size of the recipe, rendered (or read) once and kept in ``into``."""
    path = into / "windows.safetensors"
    if not path.exists():
        into.mkdir(parents=True, exist_ok=True)
        made = _read(recipe, data) if data else _rendered(recipe, workers)
        frames = torch.from_numpy(np.stack([sample.frames for sample in made]))
        matters = torch.from_numpy(np.stack([sample.matters for sample in made]))
        captions = json.dumps([sample.captions for sample in made], ensure_ascii=False)
        save_file({"frames": frames, "matters": matters}, path.with_suffix(".tmp"), metadata={"captions": captions})
        path.with_suffix(".tmp").replace(path)
    with safe_open(path, "pt") as held:
        captions = json.loads(held.metadata()["captions"])
        return Windows(
            frames=held.get_tensor("frames"),
            matters=held.get_tensor("matters"),
            captions=tuple(tuple(several) for several in captions),
        )


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


def _draw(below: int, generator: torch.Generator) -> int:
    return int(torch.randint(max(below, 1), (), generator=generator))
