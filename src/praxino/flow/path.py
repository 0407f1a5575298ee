"""The straight path between clean and noise (flow matching, Lipman et al. 2023; rectified flow, Liu et al. 2023).

Time 0 is clean, time 1 is noise, one time per latent frame. Shapes: (b, t, h, w, c) latents, (b, t) times.
"""

from collections.abc import Callable

import torch
from torch import Tensor

Predict = Callable[[Tensor, Tensor, float], Tensor]
"""(latents, time (b, t), the unknown frames' time as a number) -> velocity."""


def hold(time: Tensor, known: Tensor, *, floor: float = 0.0) -> Tensor:
    """``time`` (b, t) where a frame is unknown; ``floor`` (0: perfectly clean) where ``known`` (b, t) is True."""
    return torch.where(known, torch.full_like(time, floor), time)


def mix(clean: Tensor, noise: Tensor, time: Tensor) -> Tensor:
    """The point of the path at ``time`` (b, t): (1 - t) * clean + t * noise."""
    t = time[:, :, None, None, None]
    return (1 - t) * clean + t * noise


def velocity(clean: Tensor, noise: Tensor) -> Tensor:
    """The path's direction, noise - clean: what the network predicts."""
    return noise - clean


def ends(latents: Tensor, direction: Tensor, time: Tensor) -> tuple[Tensor, Tensor]:
    """The (clean, noise) that a point and a velocity at ``time`` (b, t) point to."""
    t = time[:, :, None, None, None]
    return latents - t * direction, latents + (1 - t) * direction


def shifted(time: Tensor, shift: float) -> Tensor:
    """Move times towards noise: s t / (1 + (s - 1) t) (Esser et al. 2024, eq. 23)."""
    return shift * time / (1 + (shift - 1) * time)


def draw(shape: tuple[int, ...], *, generator: torch.Generator, mean: float, spread: float) -> Tensor:
    """Training times in 0..1: sigmoid(N(mean, spread)) (logit-normal, Esser et al. 2024)."""
    return torch.sigmoid(mean + spread * torch.randn(shape, generator=generator, device=generator.device))
