"""A running average of weights: what is evaluated and shipped."""

import copy
from typing import Generic, TypeVar

import torch
from torch import nn

from praxino.training.spread import local

N = TypeVar("N", bound=nn.Module)


class Ema(Generic[N]):
    """Exponential moving average whose memory grows from nothing, so that short runs do not lag (cf. Karras 2024)."""

    def __init__(self, model: N, *, decay: float) -> None:
        self.model: N = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, model: N, step: int) -> None:
        """Move towards ``model`` after its ``step``-th step (from 1)."""
        keep = min(self.decay, (1 + step) / (10 + step))
        mine, theirs = ([local(p) for p in each.parameters()] for each in (self.model, model))
        torch._foreach_lerp_(mine, theirs, 1 - keep)  # pyright: ignore[reportPrivateImportUsage] - all in one kernel
