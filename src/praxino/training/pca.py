"""Principal components of patches of film: the linear ends of an autoencoder, solved instead of trained.

Shapes: n patches, k numbers of a patch, c latent channels.
"""

import torch
from torch import Tensor

from praxino.autoencoder.model import Autoencoder

SOFT = 0.5
"""Latents keep deviation^(1 - SOFT) of their component: between raw (0) and fully whitened (1)."""


@torch.no_grad()
def fit(model: Autoencoder, stills: Tensor, clips: Tensor) -> None:
    """Set the linear ends of ``model`` from patches (n, k) of single frames and of ``time`` frames, values -1..1.

    The decoder's linear end is the transpose of the encoder's, so that both together project onto the components;
    residual blocks, which begin as the identity, start from there.
    """
    c = model.config.channels
    still_std = _solve(stills, c, model.still_in, model.still_out)
    clip_std = _solve(clips, c, model.clip_in, model.clip_out)
    std = (still_std + clip_std) / 2
    model.mean.zero_()
    if isinstance(model.latent_out, torch.nn.Linear):
        model.latent_out.weight.copy_(torch.eye(c, model.latent_out.in_features))
        model.latent_out.bias.zero_()
    soft = std ** (1 - SOFT)
    soft = soft / soft.square().mean().sqrt()
    model.scale.copy_(soft / std)
    model.std.copy_(soft)


def _solve(patches: Tensor, channels: int, into: torch.nn.Linear, out: torch.nn.Linear) -> Tensor:
    """Fill the pair of layers; the deviation (c,) of each component. In units of the patch's root mean square."""
    mean = patches.mean(0)
    centred = patches - mean
    wide = into.out_features  # a residual encoder sees further components too
    _, values, basis = torch.svd_lowrank(centred, q=min(wide + 32, *centred.shape), niter=4)
    basis = basis * torch.where(basis.sum(0) < 0, -1.0, 1.0)  # a fixed sign: stills and clips of the same thing agree
    size = patches.shape[1] ** 0.5  # latents in units of the patch's root mean square, so stills and clips agree
    seen, kept = basis[:, :wide], basis[:, :channels]  # (k, wide), (k, c)
    into.weight.zero_()
    into.bias.zero_()
    into.weight[: seen.shape[1]].copy_(seen.T / size)
    into.bias[: seen.shape[1]].copy_(-(mean @ seen) / size)
    out.weight.copy_(kept * size)
    out.bias.copy_(mean)
    return values[:channels] / max(len(patches) - 1, 1) ** 0.5 / size
