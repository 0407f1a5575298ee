"""Two transformers that take turns by the time, as one (Wan 2.2 A14B): one for what is nearly noise, one for the rest.

Each hears a text and sees the past by its own keys and values. Wherever those are kept block by block (`Heard`,
`Cache`), the blocks of ``high`` come first, then those of ``low``.
Shapes: b batch, t latent frames, h rows, w columns, c latent channels, m text tokens.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Unpack

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh

from praxino.transformer.block import Heard
from praxino.transformer.cache import Cache
from praxino.transformer.model import How, Text, Transformer, hear


class Experts(nn.Module):
    """`Transformer`, for who calls it: ``high`` makes the calls from ``boundary`` on, ``low`` those of earlier times.

    The clean past has a time at which only ``low`` was ever called, and yet each reads it, for neither can use the
    other's keys and values: ``high`` sees it as it is too, since noise of its own times would leave nothing of it.
    Raises ValueError for two that are not of the same form.
    """

    fusible: bool = False
    """Not one program: a call would need two, made at different times; ``fused`` is not heard."""

    def __init__(self, high: Transformer, low: Transformer, *, boundary: float) -> None:
        super().__init__()
        if high.config != low.config or high.config.pools_text or high.config.leans_on_past:
            raise ValueError("two transformers take turns only where both are of Wan's form and of the same sizes")
        self.high, self.low, self.boundary = high, low, boundary
        self.config = high.config

    @property
    def dtype(self) -> torch.dtype:
        """Of the weights."""
        return self.high.dtype

    @property
    def mesh(self) -> DeviceMesh | None:
        """As `Transformer.mesh`, of both."""
        return self.high.mesh

    @mesh.setter
    def mesh(self, mesh: DeviceMesh | None) -> None:
        self.high.mesh = self.low.mesh = mesh

    def read(self, text: Tensor, mask: Tensor | None = None, *, picture: Tensor | None = None) -> Heard:
        """As `Transformer.read`, of both."""
        high, low = (one.read(text, mask, picture=picture) for one in (self.high, self.low))
        return replace(high, spans=high.spans + low.spans, pictures=high.pictures + low.pictures)

    def forward(
        self,
        latents: Tensor,
        time: Tensor,
        text: Text,
        **how: Unpack[How],
    ) -> Tensor:
        """As `Transformer.forward`; whose turn it is says the latest time of each sample."""
        cache, remember = how.get("cache"), how.get("remember", False)
        heard = hear(text, self.read)
        pasts = [_share(cache, one) for one in self._blocks()] if cache is not None else [None, None]
        turn = time.amax(1) >= self.boundary  # (b,)
        made: Tensor | None = None
        for expert, mine, blocks, past in zip((self.high, self.low), (turn, ~turn), self._blocks(), pasts, strict=True):
            if not remember and not mine.any():
                continue
            said = replace(heard, spans=heard.spans[blocks], pictures=heard.pictures[blocks])
            one = expert(latents, time, said, **{**how, "cache": past, "fused": False})
            made = one if made is None else torch.where(mine[:, None, None, None, None], one, made)
        if cache is not None and remember and pasts[0] is not None and pasts[1] is not None:
            cache.chunks, cache.last = pasts[0].chunks, pasts[0].last
            cache.spans = pasts[0].spans + pasts[1].spans
        assert made is not None
        return made

    def _blocks(self) -> Iterator[slice]:
        """Of each, among the blocks of both."""
        yield slice(self.config.depth)
        yield slice(self.config.depth, None)


def _share(cache: Cache, blocks: slice) -> Cache:
    return Cache(chunks=list(cache.chunks), spans=cache.spans[blocks], last=cache.last)
