"""Calls of several films as one: what is stacked, and which calls can be.

Shapes: b batch, t latent frames, h rows, w columns, c latent channels, m text tokens, d channels.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from praxino.transformer.block import Heard, Sight, Span
from praxino.transformer.cache import Cache, sights
from praxino.transformer.config import TransformerConfig


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call of a transformer for one film: b = 1."""

    latents: Tensor  # (1, t, h, w, c)
    time: Tensor  # (1, t)
    text: Heard
    start: int  # number of its first latent frame in its film
    cache: Cache = field(default_factory=Cache)
    remember: bool = False

    def sights(self, config: TransformerConfig) -> tuple[Sight, ...]:
        """What each of its chunks sees."""
        frames, tokens = self.latents.shape[1], self.latents.shape[2] * self.latents.shape[3] // config.patch**2
        remembered = self.cache.chunks
        return tuple(sights(start=self.start, frames=frames, tokens=tokens, remembered=remembered, config=config))

    def kind(self, config: TransformerConfig) -> Hashable:
        """Calls of one kind can be made as one: they bring and see as much; texts may be longer and shorter."""
        first = [span.k.shape for span in self.cache.spans[0]] if self.cache.spans else []
        heard = (self.text.pooled is None, self.text.mask is None)
        seen = [span.k.shape for span in self.text.pictures[:1]]
        brought = (self.latents.shape, self.latents.dtype, self.latents.device, self.time.dtype)
        return (*brought, self.sights(config), tuple(first), heard, tuple(seen), self.cache.last is None)


@dataclass(frozen=True, kw_only=True)
class Behind:
    """What the films of several calls have behind them, side by side."""

    cache: Cache
    text: Heard


def behind(calls: Sequence[Call]) -> Behind:
    """The pasts and texts of calls of one kind, copied into one."""
    pasts, texts = [call.cache for call in calls], [call.text for call in calls]
    lasts = [past.last for past in pasts if past.last is not None]
    cache = Cache(
        chunks=list(pasts[0].chunks),
        spans=[_beside(block) for block in zip(*(past.spans for past in pasts), strict=True)],
        last=(torch.cat([x for x, _ in lasts]), torch.cat([t for _, t in lasts])) if lasts else None,
    )
    lengths = tuple(text.spans[0].k.shape[2] for text in texts)
    text = Heard(
        spans=tuple(_beside([[_filled(span, max(lengths)) for span in text.spans] for text in texts])),
        pooled=_one([text.pooled for text in texts]),
        mask=_one([None if text.mask is None else _longer(text.mask, 1, max(lengths)) for text in texts]),
        pictures=tuple(_beside([text.pictures for text in texts])),
        lengths=lengths,
    )
    return Behind(cache=cache, text=text)


def own(spans: Sequence[Span], number: int) -> list[Span]:
    """Of each block's spans of several films those of one, which keep nothing of the others."""
    return [Span(k=span.k[number : number + 1].clone(), v=span.v[number : number + 1].clone()) for span in spans]


def _filled(span: Span, length: int) -> Span:
    return Span(k=_longer(span.k, 2, length), v=_longer(span.v, 2, length))


def _longer(x: Tensor, axis: int, length: int) -> Tensor:
    """x with zeros at its end along an axis, until it is so long."""
    shape = list(x.shape)
    shape[axis] = length - shape[axis]
    return torch.cat([x, x.new_zeros(shape)], axis) if shape[axis] else x


def _beside(films: Sequence[Sequence[Span]]) -> list[Span]:
    """The spans of several films, each with its like."""
    return [
        Span(k=torch.cat([span.k for span in same]), v=torch.cat([span.v for span in same]))
        for same in zip(*films, strict=True)
    ]


def _one(parts: Sequence[Tensor | None]) -> Tensor | None:
    there = [part for part in parts if part is not None]
    return torch.cat(there) if there else None
