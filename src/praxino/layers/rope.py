"""Rotary positions in time, height and width (Su et al. 2021; the three-way split of Wan 2.1).

Shapes: t frames, h rows, w columns, n = t*h*w tokens, d channels of one head.
"""

from functools import lru_cache

import torch
from einops import rearrange
from torch import Tensor


@lru_cache(maxsize=64)
def angles(numbers: tuple[int, ...], *, size: tuple[int, int], channels: int, theta: float = 10000.0) -> Tensor:
    """Rotation angles (n, d/2) in radians of frames with these numbers in the film, each (h, w) tokens."""
    height, width = size
    frames, spatial = len(numbers), 2 * (channels // 6)
    parts = [(numbers, channels - 2 * spatial), (range(height), spatial), (range(width), spatial)]
    axes = []
    for places, dims in parts:
        frequency = theta ** (-torch.arange(0, dims, 2, dtype=torch.float64) / dims)
        axes.append(torch.outer(torch.tensor(list(places), dtype=torch.float64), frequency))
    time = axes[0][:, None, None].expand(frames, height, width, -1)
    row = axes[1][None, :, None].expand(frames, height, width, -1)
    column = axes[2][None, None, :].expand(frames, height, width, -1)
    return rearrange(torch.cat([time, row, column], -1), "t h w d -> (t h w) d").float()


def turning(angle: Tensor) -> tuple[Tensor, Tensor]:
    """What `rotate` turns by angles (..., n, d/2): cosines and, of the even channels negative, sines (..., n, d)."""
    sin = angle.sin()
    return angle.cos().repeat_interleave(2, -1), torch.stack([-sin, sin], -1).flatten(-2)


def rotate(x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
    """Turn each neighbouring pair of channels of x (b, heads, n, d); ``turn`` is what `turning` makes of angles.

    Whole rows are multiplied: every second channel alone would take three to four times as long (docs/log.md).
    """
    cos, sin = (part.to(x.dtype) for part in turn)
    swapped = x.unflatten(-1, (-1, 2)).flip(-1).flatten(-2)
    return torch.addcmul(x * cos, swapped, sin)
