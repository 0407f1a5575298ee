"""Render the world while a GPU learns from it: worker processes leave samples as files, the learner takes them.

Shapes: t frames, h rows, w columns of pixels.
"""

import json
import math
import os
import threading
import time
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Self

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from praxino.autoencoder.model import Autoencoder
from praxino.pixels import unit
from praxino.text.vocabulary import Vocabulary
from praxino.training import latents, source
from praxino.training.batches import Shelf, Shelves
from praxino.training.latents import CLIPS_FROM, STILLS_FROM, Kind
from praxino.training.recipes import DataRecipe, Recipe
from praxino.training.windows import Windows
from praxino.world import phrase

STILLS_IN_A_FILE = 64
STILLS_EVERY = 4
"""One file in so many holds stills; every other one a clip."""
ENOUGH = 3_600
"""Files that wait to be taken; while there are more, the workers rest."""
ENOUGH_TO_BEGIN = 192
"""Samples of a kind without which nobody begins to learn."""
AT_ONCE = 64
"""Files that are encoded in one go."""
SEEDS_OF_A_START = 1_000_000
"""Each start of a feed in the same folder renders scenes that no earlier one did."""


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """The samples of one file."""

    kind: Kind
    size: tuple[int, int]
    frames: np.ndarray  # (n, t, h, w, 3) uint8
    matters: np.ndarray  # (n, t, h, w) bool
    captions: list[list[str]]


class Feed:
    """Processes that render without end into a folder, for as long as the context lasts."""

    def __init__(self, folder: Path, recipe: DataRecipe, *, workers: int, until: float = math.inf) -> None:
        """``until``, by `time.time`, they render: they and the thread that encodes slow the learner down."""
        folder.mkdir(parents=True, exist_ok=True)
        starts = folder / "starts"
        first = int(starts.read_text()) if starts.exists() else 0
        starts.write_text(str(first + 1))
        self.folder, context = folder, get_context("spawn")
        self._workers = [
            context.Process(
                target=_work,
                args=(folder, recipe, first * SEEDS_OF_A_START + rank, workers, (os.getpid(), until)),
                daemon=True,
            )
            for rank in range(workers)
        ]

    def __enter__(self) -> Self:
        for worker in self._workers:
            worker.start()
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.terminate()  # a half-written file keeps its temporary name, which nobody reads
        for worker in self._workers:
            worker.join()

    def waiting(self) -> list[Path]:
        """Whole files, oldest first."""
        return sorted(self.folder.glob("*.safetensors"), key=lambda path: path.name.rpartition("-")[2])


class Footage:
    """Clips of the first size on the device, as many as have been rendered and fit: `Windows` that grow."""

    def __init__(self, feed: Feed, recipe: Recipe, device: str, *, most: int = 1_200) -> None:
        self.feed, self.size, self.seen = feed, recipe.data.sizes[0], set[Path]()
        (width, height), frames = self.size, recipe.data.frames
        self.frames = torch.empty((most, frames, height, width, 3), dtype=torch.uint8, device=device)
        self.matters = torch.empty(self.frames.shape[:-1], dtype=torch.bool, device=device)

    def __call__(self, at_once: int = 6) -> Windows:
        """All of it, with up to ``at_once`` new ones."""
        for path in [path for path in self.feed.waiting() if path not in self.seen and self._fits(path)][:at_once]:
            if len(self.seen) < len(self.frames):
                one, place = take(path), len(self.seen)
                self.frames[place] = torch.from_numpy(one.frames[0])
                self.matters[place] = torch.from_numpy(one.matters[0])
                self.seen.add(path)
        count = len(self.seen)
        return Windows(frames=self.frames[:count], matters=self.matters[:count], held_out=0)

    def first(self, count: int) -> Windows:
        """At least so many, in the processor's memory; waits for them."""
        while len(self(24).frames) < count:
            time.sleep(0.5)
        held = self()
        return Windows(frames=held.frames[:count].cpu(), matters=held.matters[:count].cpu(), held_out=0)

    def _fits(self, path: Path) -> bool:
        return path.name.startswith(f"clips-{self.size[0]}x{self.size[1]}-")


class Supply:
    """Encodes what a feed renders, in a thread: what there is to learn from, more with every call.

    Each sample also as a mirror shows it, with words to match: the world knows no left that is not also a right.

    Latents are kept in the folder ``into`` as well, so that a run that is resumed has them.
    """

    def __init__(self, feed: Feed, encoder: Autoencoder, vocabulary: Vocabulary, *, limit: int, into: Path) -> None:
        self.feed, self.encoder, self.vocabulary, self.limit, self.into = feed, encoder, vocabulary, limit, into
        into.mkdir(parents=True, exist_ok=True)
        self.device = str(encoder.std.device)
        kinds: tuple[Kind, Kind] = ("stills", "clips")
        self.held = {kind: latents.shelves(into, kind, vocabulary, limit=limit) for kind in kinds}
        self.held = {
            kind: {size: one.to(self.device) for size, one in held.items()} for kind, held in self.held.items()
        }
        self.closed = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closed.set()
        self.thread.join()

    def __call__(self, kind: Kind) -> Shelves:
        """All samples of one kind so far; waits for the first ones."""
        while sum(len(shelf) for shelf in self.held[kind].values()) < ENOUGH_TO_BEGIN:
            if not self.thread.is_alive():
                raise RuntimeError("the thread that encodes samples has ended")
            time.sleep(0.2)
        return self.held[kind]

    @torch.no_grad()
    def _run(self) -> None:
        while not self.closed.is_set():
            fresh: dict[tuple[Kind, tuple[int, int]], list[Rendered]] = {}
            found = self.feed.waiting()[:AT_ONCE]
            for path in found:
                one = take(path)
                path.unlink()
                fresh.setdefault((one.kind, one.size), []).append(one)
            for (kind, size), ones in fresh.items():
                self._add(kind, size, ones)
            if len(found) < AT_ONCE:
                self.closed.wait(1.5)

    def _add(self, kind: Kind, size: tuple[int, int], ones: list[Rendered]) -> None:
        coded, matters, captions = [], [], []
        for one in ones:
            frames, where = (torch.from_numpy(each).to(self.device) for each in (one.frames, one.matters))
            coded += [self._encode(frames), self._encode(frames.flip(3))]
            matters += [latents.tokens(each, self.encoder.config) for each in (where, where.flip(3))]
            captions += one.captions + [[phrase.mirrored(caption) for caption in own] for own in one.captions]
        ids, mask = latents.words(captions, self.vocabulary, limit=self.limit)
        new = Shelf(
            latents=torch.cat(coded), matters=torch.cat(matters), ids=ids.to(self.device), mask=mask.to(self.device)
        )
        old = self.held[kind].get(size)
        self.held[kind] = self.held[kind] | {size: old.and_(new) if old else new}
        number = len(list(self.into.glob(f"{kind}-{size[0]}x{size[1]}-*")))
        path = self.into / f"{kind}-{size[0]}x{size[1]}-{number:04d}.safetensors"
        latents.keep(path, new.latents.cpu(), new.matters.cpu(), captions)

    def _encode(self, frames: Tensor) -> Tensor:
        for _ in range(60):
            try:
                return self.encoder.encode(unit(frames)).half()
            except NameError:  # while the learner's thread compiles, torch takes every module called for one it traces
                time.sleep(1.0)
        raise RuntimeError("torch has been compiling for a minute")


def take(path: Path) -> Rendered:
    """The samples of a file."""
    kind, size, _ = path.stem.split("-")
    width, height = (int(side) for side in size.split("x"))
    with safe_open(path, "pt") as file:
        frames, packed = file.get_tensor("frames").numpy(), file.get_tensor("matters").numpy()
        captions = json.loads(file.metadata()["captions"])
    matters = np.unpackbits(packed, count=frames[..., 0].size).reshape(frames.shape[:-1]).astype(bool)
    return Rendered(
        kind="stills" if kind == "stills" else "clips",
        size=(width, height),
        frames=frames,
        matters=matters,
        captions=captions,
    )


def _work(folder: Path, recipe: DataRecipe, first: int, step: int, wanted: tuple[int, float]) -> None:
    os.nice(5)
    torch.set_num_threads(1)
    number, (parent, until) = first, wanted
    while os.getppid() == parent and time.time() < until:
        if sum(1 for _ in folder.iterdir()) > ENOUGH:
            time.sleep(0.5)
            continue
        _render(folder, recipe, number)
        number += step


def _render(folder: Path, recipe: DataRecipe, number: int) -> None:
    choice = np.random.default_rng([number, 5])
    size = recipe.sizes[int(choice.choice(len(recipe.sizes), p=recipe.shares))]
    stills = choice.random() < 1 / STILLS_EVERY
    first, count = (STILLS_FROM + number * STILLS_IN_A_FILE, STILLS_IN_A_FILE) if stills else (CLIPS_FROM + number, 1)
    chosen = source.allowed(range(first, first + count), recipe, size)
    if stills:
        samples = [source.still(seed, rung=rung, size=size) for seed, rung in chosen]
    else:
        samples = [source.clip(seed, rung=rung, size=size, frames=recipe.frames) for seed, rung in chosen]
    if not samples:
        return
    path = folder / f"{'stills' if stills else 'clips'}-{size[0]}x{size[1]}-{number:09d}.safetensors"
    tensors = {
        "frames": torch.from_numpy(np.stack([sample.frames for sample in samples])),
        "matters": torch.from_numpy(np.packbits(np.stack([sample.matters for sample in samples]))),
    }
    captions = json.dumps([list(sample.captions) for sample in samples], ensure_ascii=False)
    save_file(tensors, path.with_suffix(".tmp"), metadata={"captions": captions})
    path.with_suffix(".tmp").replace(path)
