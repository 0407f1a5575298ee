"""What one step of training sees: latents, words, times, and what is known.

Everything is drawn from the step's number, so that a resumed run sees what an unbroken one would have seen.
Shapes: b batch, t latents, h rows, w columns, c channels, m text tokens.
"""

from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from praxino.flow.path import draw, hold
from praxino.text.vocabulary import Vocabulary
from praxino.training.latents import Shelf
from praxino.training.recipes import FlowRecipe

Shelves = dict[tuple[int, int], Shelf]


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Clean latents and how they are to be shown."""

    latents: Tensor  # (b, t, h, w, c)
    noise: Tensor  # as latents
    time: Tensor  # (b, t) in 0..1
    known: Tensor  # (b, t) bool: shown (nearly) clean and not judged
    weight: Tensor  # (b, t, h, w)
    ids: Tensor  # (b, m) text tokens
    mask: Tensor  # (b, m) bool
    start: int  # number of the first latent in its film

    def to(self, device: str) -> "Batch":
        """The same batch on another device."""
        held = {field.name: getattr(self, field.name) for field in fields(self)}
        return replace(self, **{name: value.to(device) for name, value in held.items() if isinstance(value, Tensor)})


@dataclass(frozen=True, kw_only=True)
class Drawer:
    """Draws batches of a model with chunks of ``chunk`` latent frames, whose prompts ``vocabulary`` reads."""

    vocabulary: Vocabulary
    recipe: FlowRecipe
    chunk: int
    limit: int  # tokens of a prompt

    def draw(self, shelves: Shelves, count: int, generator: torch.Generator) -> Batch:
        """``count`` samples of one size, sizes drawn in proportion to what there is of each."""
        sizes = list(shelves)
        amounts = torch.tensor([float(len(shelves[size].captions)) for size in sizes])
        shelf = shelves[sizes[int(torch.multinomial(amounts, 1, generator=generator))]]
        rows = torch.randint(len(shelf.captions), (count,), generator=generator)
        start, t = self._span(shelf.latents.shape[1], generator)
        latents = shelf.latents[rows, start : start + t].float()
        b = len(rows)
        known = torch.stack([known_frames(t, self.chunk, generator) for _ in range(b)])
        if start:  # in the middle of a film there is a past, and something to learn
            known[:, : self.chunk] = True
            known[:, -1] &= t > self.chunk + 1
        chunks, learn = -(-t // self.chunk), self.recipe
        time = draw((b, chunks), generator=generator, mean=learn.time_mean, spread=learn.time_spread)
        time = time.repeat_interleave(self.chunk, 1)[:, :t]
        floor = (
            self.recipe.floor * torch.rand(b, 1, generator=generator) * (torch.rand(b, 1, generator=generator) < 0.5)
        )
        time = torch.where(known, hold(floor.expand(b, t), known & (floor == 0)), time)
        captions = [self._caption(shelf.captions[row], generator) for row in rows.tolist()]
        ids, mask = self.vocabulary.encode(captions, limit=self.limit)
        return Batch(
            latents=latents,
            noise=torch.randn(latents.shape, generator=generator),
            time=time,
            known=known,
            weight=1 + (learn.attention - 1) * shelf.matters[rows, start : start + t].float(),
            ids=ids,
            mask=mask,
            start=start,
        )

    def _span(self, whole: int, generator: torch.Generator) -> tuple[int, int]:
        """First latent and number of latents. Half are cut short, as a film's last chunk may be."""
        if whole <= self.chunk:
            return 0, whole
        window = min(whole, self.recipe.window)
        start = self.chunk * int(torch.randint((whole - window) // self.chunk + 1, (), generator=generator))
        start = 0 if torch.rand((), generator=generator) < self.recipe.starts else start
        cut = int(torch.randint(2 * self.chunk, (), generator=generator)) - self.chunk
        return start, max(1, window - max(0, cut))

    def _caption(self, choices: list[str], generator: torch.Generator) -> str:
        if torch.rand((), generator=generator) < self.recipe.wordless:
            return ""
        return choices[int(torch.randint(len(choices), (), generator=generator))]


def known_frames(t: int, chunk: int, generator: torch.Generator) -> Tensor:
    """(t,) bool: one of the prefix formats that are served.

    Nothing (text to video), the first one to three latents (a picture, a short clip), whole chunks (continuation), and,
    with each of these now and then, the last latent (an end picture). A still has nothing known.
    """
    known = torch.zeros(t, dtype=torch.bool)
    if t == 1:
        return known
    kind, chunks = torch.rand((), generator=generator).item(), -(-t // chunk)
    if kind > 0.75:
        known[: int(torch.randint(1, chunk, (), generator=generator)) if chunk > 1 else 1] = True
    elif kind > 0.4 and chunks > 1:
        known[: chunk * int(torch.randint(1, chunks, (), generator=generator))] = True
    if chunk > 1 and torch.rand((), generator=generator) < 0.1:  # an end is seen by its own chunk alone
        known[-1] = True
    return known
