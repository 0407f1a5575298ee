"""What one step of training sees: latents, words, times, and what is known.

Everything is drawn from the step's number, so that a resumed run sees what an unbroken one would have seen.
Shapes: n samples, b batch, t latents, h rows, w columns, c channels, k captions of a sample, m text tokens.
"""

from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from praxino.flow.path import draw, hold, mix
from praxino.training.recipes import FlowRecipe

Shelves = dict[tuple[int, int], "Shelf"]
"""What there is to learn from, by (width, height) in pixels."""


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """All samples of one kind and size, in the memory of the device that learns."""

    latents: Tensor  # (n, t, h, w, c) float16
    matters: Tensor  # (n, t, h, w) bool
    ids: Tensor  # (n, k, m) text tokens
    mask: Tensor  # (n, k, m) bool

    def __len__(self) -> int:
        return len(self.latents)

    def to(self, device: str) -> "Shelf":
        """The same samples on another device."""
        return Shelf(**{name: getattr(self, name).to(device) for name in ("latents", "matters", "ids", "mask")})

    def first(self, count: int) -> "Shelf":
        """The first ``count`` latents of each sample."""
        return replace(self, latents=self.latents[:, :count], matters=self.matters[:, :count])

    def and_(self, other: "Shelf") -> "Shelf":
        """Both together."""
        names = ("latents", "matters", "ids", "mask")
        return Shelf(**{name: torch.cat([getattr(self, name), getattr(other, name)]) for name in names})


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Clean latents and how they are to be shown."""

    latents: Tensor  # (b, t, h, w, c)
    noise: Tensor  # as latents
    time: Tensor  # (b, t) in 0..1
    known: Tensor  # (b, t) bool: shown clean within its chunk, and not judged
    weight: Tensor  # (b, t, h, w)
    past: Tensor  # as latents: what later chunks see of the film, nearly clean
    when: Tensor  # (b, t): the time of `past`
    ids: Tensor  # (b, m) text tokens
    mask: Tensor  # (b, m) bool
    judged: Tensor | float = 1.0  # of a part: its weight over the whole batch's, times the number of parts
    unknown: Tensor | float = 1.0  # the same, of frames not known

    @property
    def shown(self) -> Tensor:
        """The latents with as much noise as their time says."""
        return mix(self.latents, self.noise, self.time)

    def part(self, first: int, parts: int) -> "Batch":
        """Every sample that is ``parts`` after another, from ``first`` on.

        The mean over all parts of `loss` times ``judged``, and of `novelty` times ``unknown``, are those of the whole.
        """
        if parts == 1:
            return self
        held = {field.name: getattr(self, field.name) for field in fields(self)}
        mine = replace(self, **{name: one[first::parts] for name, one in held.items() if isinstance(one, Tensor)})
        weights, counts = ([(one.weight.sum((2, 3)) * ~one.known).sum(), (~one.known).sum()] for one in (mine, self))
        return replace(mine, judged=parts * weights[0] / counts[0], unknown=parts * weights[1] / counts[1])

    def wordless(self) -> "Batch":
        """The same batch without its words: token 1 alone, as an empty prompt is read."""
        said = torch.arange(self.ids.shape[1], device=self.ids.device) > 0
        return replace(self, ids=self.ids.masked_fill(said, 0), mask=self.mask & ~said)


def draw_shelf(shelves: Shelves, generator: torch.Generator) -> Shelf:
    """The samples of one size, sizes drawn in proportion to what there is of each."""
    sizes = list(shelves)
    amounts = torch.tensor([float(len(shelves[size])) for size in sizes])
    return shelves[sizes[int(torch.multinomial(amounts, 1, generator=generator))]]


def draw_batch(shelves: Shelves, count: int, *, learn: FlowRecipe, chunk: int, seed: int) -> Batch:
    """``count`` samples of one size; on the shelves' device."""
    plain = torch.Generator().manual_seed(seed)
    shelf = draw_shelf(shelves, plain)
    device = shelf.latents.device
    generator = torch.Generator(device).manual_seed(seed)
    rows = torch.randint(len(shelf), (count,), generator=generator, device=device)
    latents = shelf.latents[rows].float()
    t, chunks = latents.shape[1], -(-latents.shape[1] // chunk)
    known = torch.stack([known_frames(t, chunk, plain) for _ in range(count)]).to(device)
    mean, spread = learn.still_times if t == 1 else learn.clip_times
    time = draw((count, chunks), generator=generator, mean=mean, spread=spread)
    time = hold(time.repeat_interleave(chunk, 1)[:, :t], known)
    some = torch.rand((2, count, 1), generator=generator, device=device)
    when = (learn.floor * some[0] * (some[1] < 0.5)).expand(count, t)
    noise, old = (torch.randn(latents.shape, generator=generator, device=device) for _ in range(2))
    ids, mask = draw_words(shelf, rows, learn.wordless, generator)
    return Batch(
        latents=latents,
        noise=noise,
        time=time,
        known=known,
        weight=1 + (learn.attention - 1) * shelf.matters[rows].float(),
        past=mix(latents, old, when),
        when=when,
        ids=ids,
        mask=mask,
    )


def known_frames(t: int, chunk: int, generator: torch.Generator) -> Tensor:
    """(t,) bool: within chunks, one of the formats that are served.

    Nothing (text to video, or whole chunks before it), a chunk's first frames (a picture, a short clip), and, with each
    of these now and then, its last one (an end picture). A chunk of one frame has nothing known: what a
    film begins with are the chunks before it.
    """
    known = torch.zeros(t, dtype=torch.bool)
    if chunk == 1:
        return known
    for begin in range(0, t, chunk):
        length = min(chunk, t - begin)
        if length > 1 and torch.rand((), generator=generator) < 0.3:
            known[begin : begin + int(torch.randint(1, length, (), generator=generator))] = True
        if length > 1 and torch.rand((), generator=generator) < 0.1:
            known[begin + length - 1] = True
        if known[begin : begin + length].all():
            known[begin : begin + length] = False
    return known


def draw_words(shelf: Shelf, rows: Tensor, wordless: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """One caption of each row; some without words, for guidance: token 1 alone."""
    chance = torch.rand((2, len(rows)), generator=generator, device=rows.device)
    which = (chance[0] * shelf.ids.shape[1]).long()
    ids, mask = shelf.ids[rows, which], shelf.mask[rows, which]
    mute = (chance[1] < wordless)[:, None] & (torch.arange(ids.shape[1], device=rows.device) > 0)
    return ids.masked_fill(mute, 0), mask & ~mute
