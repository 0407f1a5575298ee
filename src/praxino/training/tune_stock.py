"""What a model is tuned on and asked about: one's own clips, and clips of the world that keep it as it was.

Shapes: n samples, t latents, h rows, w columns, c channels.
"""

import json
import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from praxino import geometry, shards
from praxino.autoencoder.config import AutoencoderConfig
from praxino.generation.parts import Parts
from praxino.pixels import unit
from praxino.text.vocabulary import Vocabulary
from praxino.training import latents, source, state
from praxino.training.batches import Shelf
from praxino.training.recipes import DataRecipe
from praxino.world.sampling import RUNGS

EVERY = 5
"""One clip in so many is not learned from, but asked about."""
FRAMES = 33
"""Of a sample, at most."""
ASKED = 8
"""Samples of each kind that are asked about, at most; evenly from all."""
REPLAYED, WORLD = 32, 8
"""Clips of the world that are learned from, and that are asked about."""
REPLAY_FROM, WORLD_FROM = 5_000_000_000, 9_010_000_000
"""First seeds of both; no one else uses these."""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Samples, and which clip each is a part of."""

    shelf: Shelf
    clips: tuple[int, ...]
    captions: tuple[tuple[str, ...], ...]

    def only(self, which: Sequence[int]) -> "Kept":
        """Some of them, by number."""
        rows = torch.tensor(which)
        names = ("latents", "matters", "ids", "mask")
        shelf = Shelf(**{name: getattr(self.shelf, name)[rows] for name in names})
        return Kept(
            shelf=shelf, clips=tuple(self.clips[k] for k in which), captions=tuple(self.captions[k] for k in which)
        )

    @property
    def count(self) -> int:
        """How many clips they are parts of."""
        return len(set(self.clips))


@dataclass(frozen=True, kw_only=True)
class Stock:
    """All of it, at one size."""

    size: tuple[int, int]  # (width, height) in pixels
    frames: int
    own: Kept  # to learn from
    held: Kept  # of one's own, to be asked about
    replay: Kept
    world: Kept  # to be asked about


def stock(data: Path, parts: Parts, into: Path, *, report: Callable[[str, float], None]) -> Stock:
    """Read, fit and encode the clips of a dataset, and clips of the world; kept in ``into``, so done once.

    Raises ValueError where the dataset has fewer than two clips that are long enough.
    """
    lengths = source.held(data)
    if len(lengths) < 2:
        raise ValueError(f"{data} holds {len(lengths)} clip; two or more are needed, for one is to be asked about")
    recipe = _recipe(data, parts)
    into.mkdir(parents=True, exist_ok=True)
    owners = [k for k, length in enumerate(lengths) for _ in range(source.count([length], recipe.frames))]
    own = _kept(into / "own.safetensors", parts, lambda: _own(data, recipe), owners, lambda f: report("reading", f))
    aside = _aside(sorted(set(own.clips)))
    if not aside:
        raise ValueError(f"only one clip of {data} has {recipe.frames} frames; two or more are needed")
    learned, asked = ([k for k, c in enumerate(own.clips) if (c in aside) is held] for held in (False, True))
    known = {
        name: _kept(
            into / f"{name}.safetensors",
            parts,
            lambda first=first, count=count: _world(recipe, first, count),
            range(count),
            lambda f: report("world", f),
        )
        for name, first, count in (("replay", REPLAY_FROM, REPLAYED), ("world", WORLD_FROM, WORLD))
    }
    return Stock(
        size=recipe.sizes[0], frames=recipe.frames, own=own.only(learned), held=own.only(_evenly(asked)), **known
    )


def _recipe(data: Path, parts: Parts) -> DataRecipe:
    """At the native size that fits the dataset's clips best, as long as half of them are."""
    aspects = [about["width"] / about["height"] for about in _tags(data) if about.get("height")]
    sizes = parts.card.sizes
    wanted = math.log(statistics.median(aspects)) if aspects else math.log(sizes[0][0] / sizes[0][1])
    size = min(sizes, key=lambda one: abs(math.log(one[0] / one[1]) - wanted))
    chunk, time = parts.transformer.config.chunk, parts.compression.time
    most = max(FRAMES, geometry.frames_of(chunk, time)) if chunk > 1 else FRAMES
    frames = geometry.frames_of(geometry.latent_frames(most, time), time)
    rung = parts.card.rung if parts.card.rung in RUNGS else RUNGS[0]
    recipe = DataRecipe(rungs=(rung,), sizes=(size,), shares=(1.0,), windows=0, stills=0, clips=0, frames=frames)
    return source.fitted(recipe, data, time=time)


def _tags(data: Path) -> Iterator[dict[str, Any]]:
    for item in shards.read(data):
        yield json.loads(item["json"]).get("tags", {})


def _own(data: Path, recipe: DataRecipe) -> Iterator[source.Sample]:
    return source.from_shards(data, size=recipe.sizes[0], frames=recipe.frames)


def _world(recipe: DataRecipe, first: int, count: int) -> Iterator[source.Sample]:
    size = recipe.sizes[0]
    seeds = source.allowed(range(first, first + 3 * count), recipe, size)
    for seed, rung in islice(seeds, count):
        yield source.clip(seed, rung=rung, size=size, frames=recipe.frames)


def _kept(
    path: Path,
    parts: Parts,
    samples: Callable[[], Iterator[source.Sample]],
    clips: Sequence[int],
    report: Callable[[float], None],
) -> Kept:
    """Samples as latents, from where they are kept or made and kept there."""
    if not path.exists():
        made, matters, captions = [], [], []
        coder, device = parts.autoencoder, next(parts.autoencoder.parameters()).device
        for sample in samples():
            with torch.inference_mode():
                made.append(coder.encode(unit(sample.frames)[None].to(device))[0].half().cpu())
            matters.append(latents.tokens(torch.from_numpy(sample.matters), cast("AutoencoderConfig", coder.config)))
            captions.append(list(sample.captions))
            report(len(made) / len(clips))
        if len(made) != len(clips):
            raise ValueError(f"{len(made)} samples were read where {len(clips)} are there; is the dataset whole?")
        held = {"latents": torch.stack(made), "matters": torch.stack(matters)}
        state.save(path, held | {"captions": captions, "clips": list(clips)})
    tree = state.load(path)
    if tree["clips"] != list(clips):
        raise ValueError(f"{path} holds other clips than there are now; tune anew, into another folder")
    return _opened(tree, parts)


def _opened(tree: dict[str, Any], parts: Parts) -> Kept:
    words = cast("Vocabulary", parts.vocabulary)  # umT5's is read the same way
    ids, mask = latents.words(tree["captions"], words, limit=parts.text.config.limit)
    held: dict[str, Tensor] = {name: tree[name] for name in ("latents", "matters")}
    captions = tuple(tuple(own) for own in tree["captions"])
    return Kept(shelf=Shelf(**held, ids=ids, mask=mask), clips=tuple(tree["clips"]), captions=captions)


def _aside(clips: list[int]) -> set[int]:
    """The clips that are asked about, of two or more."""
    return set(clips[EVERY - 1 :: EVERY] or clips[1:][-1:])


def _evenly(numbers: list[int]) -> list[int]:
    step = max(1, math.ceil(len(numbers) / ASKED))
    return numbers[::step]
