"""Encode once, train many times: files of latents, rendered and encoded by several processes.

Shapes: n samples, t latents, h rows, w columns, c channels.
"""

import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from einops import reduce
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from praxino.autoencoder.model import Autoencoder
from praxino.training import source
from praxino.training.recipes import DataRecipe

Kind = Literal["stills", "clips"]
CLIPS_PER_SHARD = 16
STILLS_FROM, CLIPS_FROM, WINDOWS_FROM = 1_000_000_000, 2_000_000_000, 3_000_000_000
"""First seeds of each kind of sample, so that no two kinds share a scene; evaluation counts from zero."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One file to make."""

    path: Path
    kind: Kind
    size: tuple[int, int]
    count: int
    seed: int  # of the first sample; the next samples count on
    recipe: DataRecipe
    data: Path | None = None  # a folder of shards instead of the world


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """All samples of one kind and size, in memory."""

    latents: Tensor  # (n, t, h, w, c) float16
    matters: Tensor  # (n, t, h, w) bool
    captions: list[list[str]]


def jobs(into: Path, recipe: DataRecipe, data: Path | None) -> list[Job]:
    """The files a recipe asks for, stills first."""
    out: list[Job] = []
    plans: tuple[tuple[Kind, int, int, int], ...] = (
        ("stills", recipe.stills, recipe.shard, STILLS_FROM),
        ("clips", recipe.clips, min(CLIPS_PER_SHARD, recipe.shard), CLIPS_FROM),
    )
    for kind, total, per, first in plans:
        for size, share in zip(recipe.sizes, recipe.shares, strict=True):
            for i in range(max(1, round(total * share / per))):
                seed = first + 100_000_000 * recipe.sizes.index(size) + i * per
                path = into / f"{kind}-{size[0]}x{size[1]}-{i:04d}.safetensors"
                out.append(Job(path=path, kind=kind, size=size, count=per, seed=seed, recipe=recipe, data=data))
    return out


def make(todo: list[Job], autoencoder: Path, *, workers: int, report: Callable[[float], None]) -> None:
    """Make the files that are not there yet; an interrupted run continues where it stopped."""
    missing = [job for job in todo if not job.path.exists()]
    if not missing:
        return
    missing[0].path.parent.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_one_thread) as pool:
        running = [pool.submit(partial(_make, autoencoder=autoencoder), job) for job in missing]
        for done, future in enumerate(as_completed(running), start=1):
            future.result()
            report(done / len(running))


def shelves(folder: Path, kind: Kind) -> dict[tuple[int, int], Shelf]:
    """What is there of one kind, by size."""
    out: dict[tuple[int, int], Shelf] = {}
    for size in sorted({_size_of(path) for path in folder.glob(f"{kind}-*.safetensors")}):
        latents, matters, captions = [], [], []
        for path in sorted(folder.glob(f"{kind}-{size[0]}x{size[1]}-*.safetensors")):
            with safe_open(path, "pt") as file:
                latents.append(file.get_tensor("latents"))
                matters.append(file.get_tensor("matters"))
                captions += json.loads(file.metadata()["captions"])
        out[size] = Shelf(latents=torch.cat(latents), matters=torch.cat(matters), captions=captions)
    return out


def samples(job: Job) -> Iterator[source.Sample]:
    """The samples of one file."""
    recipe = job.recipe
    frames = 1 if job.kind == "stills" else recipe.frames
    if job.data is not None:
        which = (job.seed - CLIPS_FROM if job.kind == "clips" else job.seed - STILLS_FROM) % 100_000_000
        yield from islice(source.from_shards(job.data, size=job.size, frames=frames), which, which + job.count)
    for seed in range(job.seed, job.seed + job.count if job.data is None else job.seed):
        if job.kind == "stills":
            yield source.still(seed, rung=recipe.rung, size=job.size)
        else:
            yield source.clip(seed, rung=recipe.rung, size=job.size, frames=frames)


def unit(frames: np.ndarray) -> Tensor:
    """uint8 frames -> float32 in -1..1."""
    return torch.from_numpy(frames).float() / 127.5 - 1


def _make(job: Job, autoencoder: Path) -> None:
    model = _opened(autoencoder)
    latents, matters, captions = [], [], []
    for sample in samples(job):
        with torch.inference_mode():
            latents.append(model.encode(unit(sample.frames)[None])[0].half())
        matters.append(_tokens(sample.matters, model.config.space, model.config.time))
        captions.append(list(sample.captions))
    if not latents:
        return
    temporary = job.path.with_suffix(f".{os.getpid()}.tmp")
    tensors = {"latents": torch.stack(latents), "matters": torch.stack(matters)}
    save_file(tensors, temporary, metadata={"captions": json.dumps(captions, ensure_ascii=False)})
    temporary.replace(job.path)


def _tokens(matters: np.ndarray, space: int, time: int) -> Tensor:
    """(t, h, w) bool per pixel -> per latent: whether any of its pixels matters."""
    first = reduce(matters[:1], "t (h p) (w q) -> t h w", "max", p=space, q=space)
    rest = reduce(matters[1:], "(t s) (h p) (w q) -> t h w", "max", s=time, p=space, q=space)
    return torch.from_numpy(np.concatenate([first, rest]))


_model: dict[Path, Autoencoder] = {}


def _opened(folder: Path) -> Autoencoder:
    """The encoder of this worker process, opened once."""
    from praxino.generation.parts import open_autoencoder

    if folder not in _model:
        _model[folder] = open_autoencoder(folder)
    return _model[folder]


def _one_thread() -> None:
    torch.set_num_threads(1)


def _size_of(path: Path) -> tuple[int, int]:
    width, height = path.name.split("-")[1].split("x")
    return int(width), int(height)
