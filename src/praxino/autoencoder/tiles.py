"""Decoding large frames tile by tile, each with a state of its own that goes on in time.

Shapes: b batch, f frames, t latents, h rows, w columns of latents, c latent channels, p pixels of a latent.
"""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import torch
from torch import Tensor

from praxino.autoencoder.block import State
from praxino.autoencoder.config import AutoencoderConfig

SHARED = 16
"""Latents that neighbours share where what a pixel depends on has no bounds; seams are blended over them."""


class Decodes(Protocol):
    """An autoencoder: ours, or one behind the same interface."""

    config: Any

    def decode(self, latents: Tensor, *, state: State | None = None) -> Tensor:
        """Latents (b, t, h, w, c) -> frames (b, f, h * p, w * p, 3)."""
        ...


@dataclass(frozen=True, kw_only=True)
class Tiling:
    """How frames are cut."""

    most: int = 56  # latents of a tile's side; smaller frames are one tile
    shared: int | None = None  # latents that neighbours share; None: as many as leave no seam, or `SHARED`


def decoder(autoencoder: Decodes, tiling: Tiling | None) -> Callable[[Tensor], Tensor]:
    """What decodes a film's latents (b, t, h, w, c), piece after piece; ``None``: not in tiles.

    Where tiles share twice the reach of what a pixel depends on, they make what the whole would, but for the order of
    sums. Raises ValueError for tiles that share all they have.
    """
    if tiling is None:
        return partial(autoencoder.decode, state={})
    reach = reach_of(autoencoder.config)
    shared = tiling.shared if tiling.shared is not None else SHARED if reach is None else 2 * reach
    if not 0 <= shared < tiling.most:
        raise ValueError(f"tiles of {tiling.most} latents cannot share {shared}; try {tiling.most // 4}")
    sharp = reach is not None and shared >= 2 * reach
    return _Tiles(autoencoder=autoencoder, most=tiling.most, shared=shared, sharp=sharp).decode


def reach_of(config: object) -> int | None:
    """How many latents away something may be that a pixel depends on; None: any number, or it is not known."""
    if not isinstance(config, AutoencoderConfig):
        return None
    return math.ceil(config.decoder_depth + config.detail_depth / 2 + config.grain_depth / 4)  # 3x3 at each


@dataclass(frozen=True, kw_only=True)
class Run:
    """The rows, or columns, [begin, end) of a tile, and each one's share (end - begin, times) of what is shown."""

    begin: int
    end: int
    share: Tensor


def runs(count: int, *, most: int, shared: int, sharp: bool, times: int) -> list[Run]:
    """Cut ``count`` latents into runs of at most ``most``, as even as can be; shares are of each of ``times`` pixels.

    At each pixel shares add up to one. ``sharp``: each pixel is one run's; else the next run fades in over what both
    have.
    """
    many = 1 if count <= most else math.ceil((count - shared) / (most - shared))
    size = math.ceil((count + (many - 1) * shared) / many)
    begins = [i * (count - size) // max(1, many - 1) for i in range(many)]
    at = (torch.arange(count * times) + 0.5) / times
    fades = []
    for before, after in itertools.pairwise(begins):
        cut = (after + before + size) / 2
        wide = 0.0 if sharp else min(before + size - after, after - before)
        fades.append((at >= cut).float() if wide == 0 else ((at - cut) / wide + 0.5).clamp(0, 1))
    edges = [torch.ones_like(at), *fades, torch.zeros_like(at)]
    return [
        Run(begin=a, end=a + size, share=(edges[i] - edges[i + 1])[a * times : (a + size) * times])
        for i, a in enumerate(begins)
    ]


@dataclass(frozen=True, kw_only=True)
class _Tiles:
    autoencoder: Decodes
    most: int
    shared: int
    sharp: bool
    _states: dict[tuple[int, int], State] = field(default_factory=dict, init=False)

    def decode(self, latents: Tensor) -> Tensor:
        h, w, p = *latents.shape[2:4], self.autoencoder.config.space
        rows, columns = (runs(count, most=self.most, shared=self.shared, sharp=self.sharp, times=p) for count in (h, w))
        out: Tensor | None = None
        for row in rows:
            for column in columns:
                state = self._states.setdefault((row.begin, column.begin), {})
                tile = latents[:, :, row.begin : row.end, column.begin : column.end]
                made = self.autoencoder.decode(tile, state=state)
                if len(rows) == len(columns) == 1:
                    return made
                if out is None:
                    out = made.new_zeros(*made.shape[:2], h * p, w * p, 3)
                share = (row.share[:, None, None] * column.share[:, None]).to(made)  # (h * p, w * p, 1)
                out[:, :, row.begin * p : row.end * p, column.begin * p : column.end * p] += share * made
        assert out is not None
        return out
