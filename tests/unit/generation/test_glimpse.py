"""Latents can be looked at while a film is made."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from praxino.generation import glimpse

SPACE, TIME = 8, 4


class Coder(nn.Module):
    """An autoencoder as diffusers has them, whose latents are colours of patches, mixed."""

    def __init__(self, **held: Any) -> None:
        super().__init__()
        self.mixed = nn.Parameter(torch.randn(6, 3, generator=torch.Generator().manual_seed(1)), requires_grad=False)
        self.config, self.dtype, self.device = held, torch.float32, torch.device("cpu")

    def encode(self, frames: Tensor) -> Any:
        """Frames (b, 3, f, h, w) in -1..1."""
        moments = torch.cat([frames[:, :, :1], frames[:, :, 1:].unfold(2, TIME, TIME).mean(-1)], 2)
        small = nn.functional.avg_pool3d(moments, (1, SPACE, SPACE))
        latents = torch.einsum("bcthw,dc->bdthw", small, self.mixed)
        return SimpleNamespace(latent_dist=SimpleNamespace(mode=lambda: latents))


@pytest.mark.parametrize(
    "held",
    [
        {"scaling_factor": 0.7},
        {"latents_mean": [0.1, -0.2, 0.3, 0, 1, 2], "latents_std": [1, 2, 0.5, 3, 1, 2], "scaling_factor": None},
    ],
)
def test_a_look_at_latents_shows_the_colours_that_they_stand_for(held: dict[str, Any]):
    coder = Coder(**held)
    rows, columns = np.mgrid[:64, :96] / 96.0
    picture = torch.tensor(np.stack([rows, columns, 1 - rows], -1), dtype=torch.float32)
    still = (2 * picture - 1).permute(2, 0, 1)[None, :, None].expand(-1, -1, 1 + TIME, -1, -1)
    latents = coder.encode(still).latent_dist.mode()
    if "latents_mean" in held:
        mean, std = (torch.tensor(held[name]).float().view(1, -1, 1, 1, 1) for name in ("latents_mean", "latents_std"))
        latents = (latents - mean) / std
    latents = latents * (held["scaling_factor"] or 1)
    seen = glimpse.fitted(coder, space=SPACE, time=TIME).of(latents[0].permute(1, 2, 3, 0)[-1])
    assert seen.shape == (8, 12, 3)
    small = picture.numpy().reshape(8, SPACE, 12, SPACE, 3).mean((1, 3))
    assert np.abs(seen / 255 - small).max() < 0.04
