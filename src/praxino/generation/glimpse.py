"""What latents look like, at no cost: colours that are linear in them, for looking on while a film is made.

The map is fitted once for an autoencoder, on a picture of many colours that it encodes itself; no family needs a table.
Shapes: t latents, h rows, w columns, c channels.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

CELLS = 16
"""Latents along a side of the picture that the map is fitted on."""
RIDGE = 1e-4
"""For autoencoders with nearly as many channels as there are latents to fit on."""


@dataclass(frozen=True)
class Glimpse:
    """The map of one autoencoder."""

    colours: Tensor  # (c + 1, 3)

    def of(self, latents: Tensor) -> np.ndarray:
        """Latents (h, w, c) as a picture (h, w, 3) uint8."""
        seen = _lined(latents.float().cpu()) @ self.colours
        return (seen.clamp(0, 1) * 255).round().byte().numpy()


@torch.inference_mode()
def fitted(vae: Any, *, space: int, time: int) -> Glimpse:
    """The map of an autoencoder of diffusers, by least squares."""
    draw = torch.Generator().manual_seed(0)
    drawn = [torch.rand(1, 3, side, side, generator=draw) for side in (3, CELLS)]  # large shapes, and single latents
    cells = torch.stack([interpolate(one, size=(CELLS, CELLS), mode="bilinear") for one in drawn]).mean(0)
    still = interpolate(cells, scale_factor=space)[:, :, None].expand(-1, -1, 1 + time, -1, -1)
    made = vae.encode((2 * still - 1).to(vae.device, vae.dtype)).latent_dist.mode()
    made = _walked(vae, made.float().cpu())  # (1, c, t, h, w)
    rows = _lined(made[0].permute(1, 2, 3, 0).flatten(0, 2))
    wanted = cells[0].permute(1, 2, 0).flatten(0, 1).repeat(made.shape[2], 1)
    square = rows.T @ rows
    damped = square + RIDGE * square.diagonal().mean() * torch.eye(len(square))
    return Glimpse(torch.linalg.solve(damped, rows.T @ wanted))


def _lined(latents: Tensor) -> Tensor:
    """Latents (..., c) with a one at the end of each."""
    return torch.cat([latents, torch.ones_like(latents[..., :1])], -1)


def _walked(vae: Any, latents: Tensor) -> Tensor:
    """Latents (1, c, t, h, w) of the autoencoder in the units that its pipelines walk in."""
    mean, std = (_numbers(vae, name) for name in ("latents_mean", "latents_std"))
    if mean is not None and std is not None:
        latents = (latents - mean) / std
    return latents * float(vae.config.get("scaling_factor") or 1)


def _numbers(vae: Any, name: str) -> Tensor | None:
    """A number for each channel (c, 1, 1, 1): a buffer of LTX's, else of the config."""
    held = dict(vae.named_buffers()).get(name, vae.config.get(name))
    return None if held is None else torch.as_tensor(held).float().cpu().view(-1, 1, 1, 1)
