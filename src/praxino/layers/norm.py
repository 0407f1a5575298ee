"""Normalisation.

Shapes: b batch, n tokens, d channels.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class RMSNorm(nn.Module):
    """x / rms(x) * weight over the last axis (Zhang & Sennrich 2019); computed in float32, returned in x's dtype.

    Written out rather than ``F.rms_norm``, whose CPU kernel is several times slower forward and backward.
    """

    def __init__(self, channels: int, *, eps: float = 1e-6) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        fine = x.float()
        scale = torch.rsqrt(fine.square().mean(-1, keepdim=True) + self.eps)
        return (fine * scale).to(x.dtype) * self.weight.to(x.dtype)


def layer_norm(x: Tensor, *, eps: float = 1e-6) -> Tensor:
    """Layer normalisation over the last axis without weights, in x's dtype; its sums are in float32."""
    return F.layer_norm(x, x.shape[-1:], eps=eps)
