"""What a step of tuning sees: clips of one's own and of the world, and beginnings of both, that words alone decide."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch

from praxino.training.batches import Batch, Shelves, draw_batch
from praxino.training.recipes import FlowRecipe
from praxino.training.transformer import opened

OPENING = 4
"""Latents of the clips in two of three steps, of more clips (`transformer.opened`); a chunk is never cut."""


@dataclass(frozen=True, kw_only=True)
class TuneRecipe:
    """How a model is tuned."""

    rank: int = 16  # of the change of each layer
    rate: float = 3e-3  # AdamW, after the warmup; what is left of it is told by the step alone (`pace`)
    batch: int = 3  # whole clips a step, or the openings of more
    beginnings: int = 6  # of one's own a step, and as many of the world: a chunk, with nothing before it
    begun: tuple[float, float] = (4.0, 1.5)  # times of beginnings are sigmoid(N(mean, spread)): most are all but noise
    replay: float = 0.34  # share of clips that are of the world; 0: nor are beginnings
    trust: float = 10.0  # weight of what the model said of the world before, against 1 for one's own clips
    warmup: int = 10  # steps
    settles: int = 100  # steps, after which the rate falls as one over their number
    ema: float = 0.98  # of what is kept
    attention: float = 3.0  # weight of what moves, against 1 for the rest

    def pace(self, step: int) -> float:
        """Share of the rate at a step, by its number alone, so that a run can go on for as long as one likes.

        At the full rate the look comes, and costs the world some; later steps give that back (docs/tuning.md).
        """
        return min(1.0, (step + 1) / self.warmup) * min(1.0, self.settles / (step + 1))

    @property
    def counts(self) -> tuple[int, int]:
        """Clips of one's own, and of the world, in a step."""
        world = min(self.batch - 1, round(self.batch * self.replay))
        return self.batch - world, world

    @property
    def learn(self) -> FlowRecipe:
        """The same as batches are drawn by; what is made without words stays."""
        return FlowRecipe(still_steps=0, warmup=self.warmup, attention=self.attention, wordless=0.0)


def drawn(step: int, recipe: TuneRecipe, own: Shelves, world: Shelves, *, chunk: int) -> Iterator[tuple[Batch, bool]]:
    """The batches of a step, and of each whether it is of the world; one's own come first.

    How a film looks is decided in its first chunk while that is still noise, and only there by words: later the noise
    itself shows it, and what follows takes it from what is before. Clips alone hold few such moments, and films of new
    words do not get the look (docs/tuning.md). Where clips are no longer than a chunk all of them are beginnings.
    """
    kinds = tuple(zip((own, world), recipe.counts, (False, True), strict=True))
    begin = recipe.beginnings > 0 and chunk < max(shelf.latents.shape[1] for shelf in own.values())
    if begin:
        learn = replace(recipe.learn, still_times=recipe.begun, clip_times=recipe.begun)
        for shelves, count, foreign in kinds:
            if count:
                firsts = {size: shelf.first(chunk) for size, shelf in shelves.items()}
                seed = (step * 2 + foreign) * 1009 + 500_009
                yield draw_batch(firsts, recipe.beginnings, learn=learn, chunk=chunk, seed=seed), foreign
    for shelves, count, foreign in kinds:
        if count:
            learn = replace(recipe.learn, clip_batch=count, opening=max(OPENING, chunk))
            clips, many = opened(shelves, learn, step)
            seed = (step * 2 + foreign) * 1009 + 7
            yield draw_batch(clips, many, learn=recipe.learn, chunk=chunk, seed=seed), foreign


def unknown(batch: Batch, chunk: int) -> Batch:
    """The same with nothing known within chunks, as a model sees clips that is never shown a beginning."""
    times = [part.amax(1, keepdim=True).expand_as(part) for part in batch.time.split(chunk, 1)]
    return replace(batch, time=torch.cat(times, 1), known=torch.zeros_like(batch.known))
