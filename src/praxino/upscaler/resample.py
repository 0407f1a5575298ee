"""The simplest upscaler: bicubic resampling.

Shapes: f frames, h rows, w columns.
"""

import torch.nn.functional as F
from einops import rearrange
from torch import Tensor


def resample(frames: Tensor, *, height: int, width: int) -> Tensor:
    """Frames (f, h, w, 3) in -1..1 -> (f, height, width, 3) in -1..1, by bicubic resampling (Keys 1981, a = -0.75)."""
    big = F.interpolate(
        rearrange(frames.float(), "f h w k -> f k h w"),
        (height, width),
        mode="bicubic",
        align_corners=False,
        antialias=height < frames.shape[1],
    )
    return rearrange(big, "f k h w -> f h w k").clamp(-1, 1)
