"""A small convolutional upscaler that sees each frame and the one before it, so that what it adds does not flicker.

Efficient sub-pixel convolution (Shi et al. 2016, arXiv 1609.05158) on top of bicubic resampling.
Shapes: f frames, h rows, w columns, k factor.
"""

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from praxino.pixels import unit, whole
from praxino.upscaler.config import UpscalerConfig
from praxino.upscaler.resample import resample


class Upscaler(nn.Module):
    """Frames (f, h, w, 3) in -1..1 -> (f, k h, k w, 3); begins as bicubic resampling."""

    def __init__(self, config: UpscalerConfig) -> None:
        super().__init__()
        self.config = config
        d = config.width
        self.enter = nn.Conv2d(6, d, 3, padding=1)
        self.middle = nn.ModuleList(nn.Conv2d(d, d, 3, padding=1) for _ in range(config.depth))
        self.leave = nn.Conv2d(d, 3 * config.factor**2, 3, padding=1)
        assert self.leave.bias is not None
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def forward(self, frames: Tensor, before: Tensor | None = None) -> Tensor:
        """``before`` (1, h, w, 3) is the frame before the first; without it the first stands for it."""
        return unit(self._plain(frames)) + self._fine(frames, before)

    def enlarged(self, frames: Tensor, before: Tensor | None = None) -> Tensor:
        """`forward` in whole numbers, 0..255, which takes half of the memory and of the time."""
        fine = self._fine(frames, before)
        return torch.add(self._plain(frames).to(fine.dtype), fine, alpha=127.5).round_().clamp_(0, 255).to(torch.uint8)

    def _plain(self, frames: Tensor) -> Tensor:
        """By bicubic resampling alone: (f, k h, k w, 3) uint8."""
        _, h, w, _ = frames.shape
        return resample(whole(frames), height=self.config.factor * h, width=self.config.factor * w)

    def _fine(self, frames: Tensor, before: Tensor | None) -> Tensor:
        """What is added to that."""
        past = torch.cat([frames[:1] if before is None else before, frames[:-1]])
        x = rearrange(torch.cat([frames, past], -1), "f h w k -> f k h w").to(self.enter.weight.dtype)
        x = self.enter(x.contiguous(memory_format=torch.channels_last))
        for convolution in self.middle:
            x = x + convolution(F.silu(x))
        return rearrange(F.pixel_shuffle(self.leave(F.silu(x)), self.config.factor), "f k h w -> f h w k")
