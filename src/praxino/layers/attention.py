"""Softmax attention, slow and fast.

Shapes: b batch, h heads, n queries, m keys, d channels of one head.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def attend(q: Tensor, k: Tensor, v: Tensor, *, mask: Tensor | None = None) -> Tensor:
    """softmax(q k^T / sqrt(d)) v for q (b, h, n, d), k and v (b, h, m, d); mask (b, 1, 1, m): True where a key counts.

    The fused kernel; `attend_slowly` is what it must equal, and what is faster in training in bfloat16 on a CPU, where
    the fused one has a slow gradient (docs/log.md, 2026-11-27).
    """
    if q.dtype == torch.bfloat16 and q.device.type == "cpu" and torch.is_grad_enabled():
        return attend_slowly(q, k, v, mask=mask)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)


def attend_slowly(q: Tensor, k: Tensor, v: Tensor, *, mask: Tensor | None = None) -> Tensor:
    """The same, written out (Vaswani et al. 2017, eq. 1)."""
    weight = (q * q.shape[-1] ** -0.5) @ k.mT
    if mask is not None:
        weight = weight.masked_fill(~mask, -torch.inf)
    return weight.softmax(-1) @ v
