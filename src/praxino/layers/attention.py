"""Softmax attention, slow and fast.

Shapes: b batch, h heads, n queries, m keys, d channels of one head.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from praxino.layers.precision import fuses_attention

FUSED = fuses_attention()
"""A constant, so that a program may be made of what asks for it."""
TILE = 3 * 2**20
"""Weights of queries and keys at once, for a sample, at most: 6 MiB, which the caches of two cores hold."""
ROWS = 64
"""Queries at once, at least: with fewer, products are slow."""


def attend(q: Tensor, k: Tensor, v: Tensor, *, mask: Tensor | None = None) -> Tensor:
    """softmax(q k^T / sqrt(d)) v for q (b, h, n, d), k and v (b, h, m, d); mask (b, 1, 1, m): True where a key counts,
    and one at least does.

    The fused kernel, or products of the processor's own where these are faster; `attend_slowly` is what all must equal,
    and what is faster in training in bfloat16 on a CPU, where the fused one has a slow gradient (docs/log.md).
    """
    if q.dtype == torch.bfloat16 and q.device.type == "cpu":
        if torch.is_grad_enabled():
            return attend_slowly(q, k, v, mask=mask)
        if not FUSED:
            return attend_by_tiles(q, k, v, mask=mask)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)


def attend_by_tiles(q: Tensor, k: Tensor, v: Tensor, *, mask: Tensor | None = None) -> Tensor:
    """`attend_slowly`, a few queries at a time, so that their weights stay in the caches and memory goes with n."""
    _b, h, m, _ = k.shape  # samples do not count: one's tiles are the same beside others
    k, v = k.contiguous(), v.contiguous()  # once, and not for each tile
    tiles = q.split(max(ROWS, TILE // (h * m)), 2)
    if len(tiles) == 1:
        return attend_slowly(q, k, v, mask=mask)
    return torch.cat([attend_slowly(tile, k, v, mask=mask) for tile in tiles], 2)


def attend_slowly(q: Tensor, k: Tensor, v: Tensor, *, mask: Tensor | None = None) -> Tensor:
    """The same, written out (Vaswani et al. 2017, eq. 1)."""
    weight = (q * q.shape[-1] ** -0.5) @ k.mT
    if mask is not None:
        weight = weight.masked_fill(~mask, -torch.inf)
    return weight.softmax(-1) @ v
