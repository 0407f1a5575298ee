"""The flow-matching loss. Shapes: (b, t, h, w, c) latents, (b, t) times and masks, (b, t, h, w) weights."""

import torch
from torch import Tensor


def loss(predicted: Tensor, target: Tensor, *, known: Tensor, weight: Tensor, scale: Tensor) -> Tensor:
    """Weighted mean square of (predicted - target) / scale over the frames not known: a scalar.

    ``scale`` broadcasts to (b, t, h, w, c): the deviation of what can be predicted, so that every channel and time
    counts alike. Each call's weights are normalised to mean one over the unknown tokens.
    """
    error = ((predicted.float() - target.float()) / scale).square().mean(-1)  # (b, t, h, w)
    share = weight * (~known)[:, :, None, None]
    return (error * share).sum() / share.sum().clamp(min=1e-6)


def residual_scale(time: Tensor, std: Tensor) -> Tensor:
    """Deviation (b, t, 1, 1, c) of the velocity given its point on the path, for latents of deviation ``std`` (c,)."""
    t = time.float()[:, :, None, None, None]
    return std * torch.rsqrt(t**2 + ((1 - t) * std) ** 2)


def novelty(clean: Tensor, past: Tensor, new: Tensor, *, known: Tensor, std: Tensor) -> Tensor:
    """How badly the share ``new`` (b, t, h, w, c) in 0..1 tells by how much latents leave the ones before: a scalar.

    Negative log-likelihood, up to constants, of ``clean`` as the next value of an autoregressive process of order one:
    N(sqrt(1 - new) * past, new * std^2), with ``std`` (c,); mean over the frames not known.
    """
    away = (clean.float() - (1 - new).sqrt() * past) / std
    each = (new.log() + away.square() / new).mean((2, 3, 4))  # (b, t)
    return (each * ~known).sum() / (~known).sum().clamp(min=1)
