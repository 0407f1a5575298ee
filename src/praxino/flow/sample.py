"""From noise to clean: by a stochastic flow sampler, as a plain loop, or by UniPC.

Shapes: (b, t, h, w, c) latents, (b, t) times and masks.
"""

import torch
from torch import Tensor

from praxino.flow.config import SampleConfig
from praxino.flow.path import Predict, ends, hold, mix, shifted
from praxino.flow.unipc import unipc


def clock(config: SampleConfig) -> Tensor:
    """The times from ``since`` down to 0: steps + 1 of them from 1, fewer from later."""
    times = shifted(torch.linspace(1, 0, config.steps + 1), config.shift)
    return torch.cat([times.new_tensor([config.since]), times[times < config.since]])


def sample(
    predict: Predict, known: Tensor, clean: Tensor, *, config: SampleConfig, generator: torch.Generator
) -> Tensor:
    """Fill the unknown frames of ``clean`` (b, t, h, w, c); known (b, t) frames come back bit for bit."""
    if config.solver == "unipc":
        return unipc(predict, known, clean, config=config, generator=generator)
    times = clock(config)
    noise = torch.randn(clean.shape, generator=generator).to(clean)
    mask = known[:, :, None, None, None]
    begin = torch.full(known.shape, config.since, device=clean.device)
    latents = torch.where(mask, clean, mix(clean, noise, begin))
    for now, after in zip(times[:-1].tolist(), times[1:].tolist(), strict=True):
        time = hold(torch.full(known.shape, now, device=clean.device), known)
        guess, predicted = ends(latents, predict(latents, time, now), time)
        if after > config.churn_until:
            fresh = torch.randn(clean.shape, generator=generator).to(clean)
            predicted = (1 - config.churn**2) ** 0.5 * predicted + config.churn * fresh
        latents = mix(guess, predicted, torch.full_like(time, after))
        latents = torch.where(mask, clean, latents)
    return latents
