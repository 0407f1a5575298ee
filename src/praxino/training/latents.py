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

import torch
from einops import reduce
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from praxino.autoencoder.config import AutoencoderConfig
from praxino.autoencoder.model import Autoencoder
from praxino.pixels import unit
from praxino.text.vocabulary import Vocabulary
from praxino.training import source
from praxino.training.batches import Shelf, Shelves
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


def jobs(into: Path, recipe: DataRecipe, data: Path | None) -> list[Job]:
    """The files a recipe asks for, stills first; no more than there is data for."""
    out: list[Job] = []
    lengths = None if data is None else source.held(data)
    plans: tuple[tuple[Kind, int, int, int], ...] = (
        ("stills", recipe.stills, recipe.shard, STILLS_FROM),
        ("clips", recipe.clips, min(CLIPS_PER_SHARD, recipe.shard), CLIPS_FROM),
    )
    for kind, total, per, first in plans:
        for size, share in zip(recipe.sizes, recipe.shares, strict=True):
            files = round(total * share / per)
            if lengths is not None:
                files = min(files, -(-source.count(lengths, 1 if kind == "stills" else recipe.frames) // per))
            for i in range(max(1, files)):
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


def shelves(folder: Path, kind: Kind, vocabulary: Vocabulary, *, limit: int) -> Shelves:
    """What is there of one kind, by size; prompts are cut at ``limit`` tokens."""
    out: Shelves = {}
    for size in sorted({_size_of(path) for path in folder.glob(f"{kind}-*.safetensors")}):
        latents, matters, captions = [], [], []
        for path in sorted(folder.glob(f"{kind}-{size[0]}x{size[1]}-*.safetensors")):
            with safe_open(path, "pt") as file:
                latents.append(file.get_tensor("latents"))
                matters.append(file.get_tensor("matters"))
                captions += json.loads(file.metadata()["captions"])
        ids, mask = words(captions, vocabulary, limit=limit)
        out[size] = Shelf(latents=torch.cat(latents), matters=torch.cat(matters), ids=ids, mask=mask)
    return out


def words(captions: list[list[str]], vocabulary: Vocabulary, *, limit: int) -> tuple[Tensor, Tensor]:
    """The captions of n samples as tokens (n, k, m) and mask; who has fewer than the most, k, has some twice."""
    most = max(map(len, captions))
    flat = [own[i % len(own)] for own in captions for i in range(most)]
    ids, mask = vocabulary.encode(flat, limit=limit, whole=True)
    return ids.unflatten(0, (len(captions), most)), mask.unflatten(0, (len(captions), most))


def samples(job: Job) -> Iterator[source.Sample]:
    """The samples of one file."""
    recipe = job.recipe
    frames = 1 if job.kind == "stills" else recipe.frames
    if job.data is not None:
        which = (job.seed - CLIPS_FROM if job.kind == "clips" else job.seed - STILLS_FROM) % 100_000_000
        yield from islice(source.from_shards(job.data, size=job.size, frames=frames, skip=which), job.count)
        return
    for seed, rung in source.allowed(range(job.seed, job.seed + job.count), recipe, job.size):
        if job.kind == "stills":
            yield source.still(seed, rung=rung, size=job.size)
        else:
            yield source.clip(seed, rung=rung, size=job.size, frames=frames)


def _make(job: Job, autoencoder: Path) -> None:
    model = _opened(autoencoder)
    latents, matters, captions = [], [], []
    for sample in samples(job):
        with torch.inference_mode():
            latents.append(model.encode(unit(sample.frames)[None])[0].half())
        matters.append(tokens(torch.from_numpy(sample.matters), model.config))
        captions.append(list(sample.captions))
    if latents:
        keep(job.path, torch.stack(latents), torch.stack(matters), captions)


def keep(path: Path, latents: Tensor, matters: Tensor, captions: list[list[str]]) -> None:
    """Write a file of latents (n, t, h, w, c), of tokens that matter (n, t, h, w), and of captions."""
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    tensors = {"latents": latents.contiguous(), "matters": matters.contiguous()}
    save_file(tensors, temporary, metadata={"captions": json.dumps(captions, ensure_ascii=False)})
    temporary.replace(path)


def tokens(matters: Tensor, config: AutoencoderConfig) -> Tensor:
    """(..., f, h, w) bool per pixel -> per latent: whether any of its pixels matters."""
    p, s = config.space, config.time
    near = reduce(matters.byte(), "... f (h p) (w q) -> ... f h w", "max", p=p, q=p)
    rest = reduce(near[..., 1:, :, :], "... (t s) h w -> ... t h w", "max", s=s)
    return torch.cat([near[..., :1, :, :], rest], -3).bool()


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
