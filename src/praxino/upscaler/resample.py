"""The simplest upscaler: bicubic resampling.

Shapes: f frames, h rows, w columns.
"""

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor


def resample(frames: Tensor, *, height: int, width: int) -> Tensor:
    """Frames (f, h, w, 3) uint8 -> (f, height, width, 3) uint8, by bicubic resampling (Keys 1981).

    In whole numbers: a film is of whole numbers in the end, and of floats it takes twenty times as long on a CPU
    (docs/log.md, 2026-11-27).
    """
    if frames.shape[1:3] == (height, width):
        return frames
    shrinks = height < frames.shape[1]
    planes = rearrange(frames.contiguous(), "f h w k -> f k h w")  # still in the order of pixels
    if planes.is_cuda:  # which knows no whole numbers here
        planes = planes.float()
    big = F.interpolate(planes, (height, width), mode="bicubic", align_corners=False, antialias=shrinks)
    big = big.round().clamp(0, 255).to(torch.uint8) if planes.is_cuda else big
    return rearrange(big, "f k h w -> f h w k")
