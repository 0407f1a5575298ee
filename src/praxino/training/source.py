"""Where training samples come from: the world, or a folder of shards.

Shapes: t frames, h rows, w columns of pixels.
"""

import io
import json
import tempfile
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from praxino import geometry, shards
from praxino.media import fit
from praxino.training.recipes import DataRecipe
from praxino.world import describe, physics, render
from praxino.world import film as world_film
from praxino.world.cast import HELD_OUT
from praxino.world.sampling import sample

LATE = 0.4
"""Share of world clips that begin in the middle of their action, as a clip given for continuation does."""

APART = 8
"""Frames between the stills that are taken from a clip: those in between look the same."""
SHORTEST = 17
"""Frames that a clip needs to teach how things move."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A clip, what may be said of it, and where to look."""

    frames: np.ndarray  # (t, h, w, 3) uint8
    captions: tuple[str, ...]  # several wordings, in several languages
    matters: np.ndarray  # (t, h, w) bool: things, or movement


def allowed(seeds: Iterable[int], recipe: DataRecipe, size: tuple[int, int]) -> list[tuple[int, str]]:
    """Seeds of the world with their rungs, but for scenes that hold a colour and shape kept for evaluation."""
    out: list[tuple[int, str]] = []
    for seed in seeds:
        rung = recipe.rungs[seed % len(recipe.rungs)]
        things = sample(seed, rung=rung, aspect=size[0] / size[1]).things
        if not any((thing.colour, thing.shape) in HELD_OUT for thing in things if thing.role != "prop"):
            out.append((seed, rung))
    return out


def still(seed: int, *, rung: str, size: tuple[int, int]) -> Sample:
    """One picture of the world."""
    frame, ids, captions = world_film.still(seed, rung=rung, width=size[0], height=size[1])
    return Sample(frames=frame[None], captions=tuple(captions.values()), matters=ids[None] > 0)


def clip(seed: int, *, rung: str, size: tuple[int, int], frames: int) -> Sample:
    """One clip of the world."""
    width, height = size
    what = sample(seed, rung=rung, aspect=width / height)
    rng = np.random.default_rng(seed)
    skip = int(rng.integers(1, 45)) if rng.random() < LATE else 0
    motion = physics.simulate(what, frames=frames + skip).part(skip)
    picture, ids = render.render(what, motion, width=width, height=height, masks=True)
    captions = [describe.describe(what, language=lang, seed=seed + k) for lang in ("en", "zh") for k in range(2)]
    return Sample(frames=picture, captions=tuple(captions), matters=ids > 0)


def held(folder: Path) -> list[int]:
    """How many frames each clip in a folder of shards has; only headers are read."""
    from praxino.media import read  # a machine that only learns from the world needs no codec

    out: list[int] = []
    for item in shards.read(folder):
        with _film(item) as path:
            out.append(read.probe(path).frames)
    return out


def count(lengths: Iterable[int], frames: int) -> int:
    """How many samples of ``frames`` frames `from_shards` makes of clips of these lengths."""
    return sum(len(_begins(length, frames)) for length in lengths)


def fitted(recipe: DataRecipe, folder: Path, *, time: int) -> DataRecipe:
    """The recipe with clips that are short enough for half of those in a folder of shards; ``time``: see `geometry`.

    Raises ValueError where most are shorter than `SHORTEST` frames.
    """
    lengths = sorted(held(folder))
    usual = lengths[len(lengths) // 2]
    if usual < SHORTEST:
        raise ValueError(f"most clips of {folder} have fewer than {SHORTEST} frames; the middle one has {usual}")
    return replace(recipe, frames=min(recipe.frames, geometry.frames_of(geometry.latent_frames(usual, time), time)))


def from_shards(folder: Path, *, size: tuple[int, int], frames: int, skip: int = 0) -> Iterator[Sample]:
    """Every whole clip of ``frames`` frames in a folder of shards, fitted to ``size``; what moves is what matters.

    Single frames are `APART` from each other. The first ``skip`` samples are left out, and cost next to nothing.
    """
    from praxino.media import read

    for item in shards.read(folder):
        with _film(item) as path:
            there = len(_begins(read.probe(path).frames, frames)) if skip else 0
            if skip and there <= skip:
                skip -= there
                continue
            picture = read.read(path).frames
        about = json.loads(item["json"])
        captions = tuple(about["captions"].values())
        for begin in _begins(len(picture), frames)[skip:]:
            piece = fit.fit(picture[begin : begin + frames], width=size[0], height=size[1], mode="crop")
            still_part = np.median(piece[:: max(1, frames // 8)], axis=0)
            moved = np.abs(piece.astype(np.int16) - still_part).max(-1) > 24
            yield Sample(frames=piece, captions=captions, matters=moved)
        skip = 0


def _begins(length: int, frames: int) -> range:
    return range(0, length - frames + 1, max(frames, APART))


@contextmanager
def _film(item: dict[str, bytes]) -> Generator[Path]:
    with tempfile.NamedTemporaryFile(suffix=".mp4") as film:
        film.write(io.BytesIO(item["mp4"]).getbuffer())
        film.flush()
        yield Path(film.name)
