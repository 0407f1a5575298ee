"""Requests at once against one after another: what a worker gains by making several films at a time.

Twice: a chunk's denoise alone, which is where passes are made as one, and whole small films, decoding, writing and all.
Both ways give the same films; that they do is measured, too.
"""

import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor

from praxino.evaluation.bench.figure import Figure, Report, side_by_side
from praxino.evaluation.bench.films import PROMPT, opened
from praxino.generation import engine
from praxino.generation.engine import Engine, Own
from praxino.generation.film import Options, make
from praxino.generation.gather import Gathered, Shared
from praxino.generation.parts import Parts
from praxino.media import read
from praxino.request import Request, Shot
from praxino.transformer.block import Heard
from praxino.transformer.cache import Cache
from praxino.transformer.model import Transformer


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How much is measured."""

    at_once: tuple[int, ...] = (1, 2, 4)
    films: int = 4  # requests, however many are made at once
    seconds: float = 4  # of each film
    size: tuple[int, int] = (512, 288)
    steps: int = 24  # passes of a denoise
    rounds: int = 3


QUICK = Scale(at_once=(1, 2), films=2, seconds=1, size=(256, 144), steps=6, rounds=1)


@dataclass(kw_only=True)
class Film:
    """One film's next chunk, as its thread denoises it."""

    latents: Tensor  # (1, t, h, w, c)
    text: Heard
    cache: Cache
    start: int


@torch.inference_mode()
def together(report: Report, model: str, *, quick: bool) -> list[Figure]:
    """Passes a second, and films a minute, of several at once against one after another; how many frames differ.

    Raises ValueError as `checkpoint.find`, and where the model is none of Praxino's own.
    """
    scale, parts = QUICK if quick else Scale(), opened(model)
    if not isinstance(parts.transformer, Transformer):
        raise ValueError(f"model {model!r} has two transformers, whose passes are not made as one; choose another one")
    figures, total = list[Figure](), 2 * len(scale.at_once)
    for number, count in enumerate(scale.at_once):
        figures.append(_passes(parts, count, scale))
        report("passes", (number + 1) / total)
    taken, others = dict[int, float](), 0
    with tempfile.TemporaryDirectory() as folder:
        alone = _made(_asked(model, scale), 0, Path(folder) / "alone")
        for number, count in enumerate(scale.at_once):
            taken[count] = _made(_asked(model, scale), count, Path(folder) / f"{count}")
            others += sum(_differ(Path(folder), count, film) for film in range(scale.films))
            report("films", (len(scale.at_once) + number + 1) / total)
    for count, seconds in taken.items():
        figures.append(
            Figure(
                what=f"films of {scale.seconds:g} s, {count} at once",
                value=60 * scale.films / seconds,
                unit="films/min",
                against="one after another",
                reference=60 * scale.films / alone,
            )
        )
    return [*figures, Figure(what="together_differs", value=others, unit="frames", against="bound", reference=0)]


def _passes(parts: Parts, count: int, scale: Scale) -> Figure:
    """Of so many films, each in a thread of its own, against the same passes one film after another."""
    films, network = [_film(parts, number) for number in range(count)], parts.transformer
    gathered = cast("Transformer", Gathered(network))
    with ThreadPoolExecutor(count) as pool:
        works: dict[str, Callable[[], object]] = {
            "after": lambda: [_denoised(network, film, scale.steps) for film in films],
            "at once": lambda: [*pool.map(partial(_denoised, gathered, steps=scale.steps), films)],
        }
        taken = side_by_side(works, rounds=scale.rounds)
    passes = count * scale.steps
    return Figure(
        what=f"passes of {films[0].latents.shape[1:4].numel()} latents, {count} films at once",
        value=passes / taken["at once"],
        unit="passes/s",
        against="one after another",
        reference=passes / taken["after"],
    )


def _film(parts: Parts, number: int) -> Film:
    """One in the middle of its making: with all the past that it can see."""
    config, random = parts.transformer.config, torch.Generator().manual_seed(number)
    width, height = (side // parts.compression.space for side in parts.card.sizes[0])
    device = next(parts.transformer.parameters()).device
    latents = torch.randn(1, config.chunk, height, width, config.latent_channels, generator=random).to(device)
    text = parts.transformer.read(*parts.read(PROMPT))
    film = Film(latents=latents, text=text, cache=Cache(), start=0)
    past = torch.full(latents.shape[:2], 0.1, device=device)
    for _ in range(config.sink + config.window):
        parts.transformer(latents, past, text, start=film.start, cache=film.cache, remember=True)
        film.start += config.chunk
    return film


@torch.inference_mode()
def _denoised(network: Transformer, film: Film, steps: int) -> None:
    for step in range(steps):
        time = torch.full(film.latents.shape[:2], 1 - step / steps, device=film.latents.device)
        network(film.latents, time, film.text, start=film.start, cache=film.cache)
    if film.latents.is_cuda:
        torch.cuda.synchronize()


def _asked(model: str, scale: Scale) -> list[Request]:
    width, height = scale.size
    first = Request(
        shots=(Shot(seconds=scale.seconds, prompt=PROMPT),), width=width, height=height, seed=0, model=model
    )
    return [replace(first, seed=seed) for seed in range(scale.films)]


def _made(requests: Sequence[Request], count: int, folder: Path) -> float:
    """Seconds that the films take, so many at once, with one model for all; 0: one after another, as ever."""
    folder.mkdir()
    shared, models = Shared(), list[Engine]()

    def open_it(model: str) -> Engine:
        """Kept between films, so that neither way opens it again and again."""
        if not models:
            models.append(shared.opened(model) if count else Own(cast("Own", engine.opened(model)).parts))
        return models[0]

    open_it(requests[0].model)
    options, begun = Options(opened=open_it), time.perf_counter()
    with ThreadPoolExecutor(max(1, count)) as pool:
        works = [
            pool.submit(make, request, folder / f"{number}.mp4", options=options)
            for number, request in enumerate(requests)
        ]
        for work in works:
            work.result()
    return time.perf_counter() - begun


def _differ(folder: Path, count: int, film: int) -> int:
    """Frames of a film that are not as when it is made alone."""
    pair = (read.stream(folder / place / f"{film}.mp4") for place in ("alone", f"{count}"))
    return sum(not np.array_equal(one, other) for one, other in zip(*pair, strict=True))
