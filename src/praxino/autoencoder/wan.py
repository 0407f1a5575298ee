"""Wan's autoencoder behind the interface of ours: `diffusers` computes, the state is carried here.

Shapes: b batch, f frames, t latents, h rows, w columns, c latent channels. Frames are (b, f, h, w, 3) in -1..1.
"""

from dataclasses import asdict
from typing import Any

import torch
from einops import rearrange
from torch import Tensor, nn

from praxino.autoencoder.block import State
from praxino.autoencoder.wan_config import WanAutoencoderConfig


class WanAutoencoder(nn.Module):
    """Encoding and decoding run in pieces of whole latents with a carried state, each latent as Wan's own code does it.

    ``mean`` and ``scale`` bring latents to a mean of zero and a variance of one, as Wan's config has them, in float32
    whatever the weights are. Raises ValueError where `diffusers` is not installed.
    """

    def __init__(self, config: WanAutoencoderConfig) -> None:
        super().__init__()
        self.config = config
        self.vae = _theirs()(**{name: _plain(value) for name, value in asdict(config).items()})

    @property
    def mean(self) -> Tensor:
        """Of each channel (c,)."""
        return torch.tensor(self.config.latents_mean, device=self.vae.quant_conv.weight.device)

    @property
    def scale(self) -> Tensor:
        """One over the deviation of each channel (c,)."""
        return 1 / torch.tensor(self.config.latents_std, device=self.vae.quant_conv.weight.device)

    @property
    def dtype(self) -> torch.dtype:
        """Of the weights."""
        return self.vae.quant_conv.weight.dtype

    def encode(self, frames: Tensor, *, state: State | None = None) -> Tensor:
        """Frames in -1..1 -> latents (b, t, h, w, c): the mean of what Wan's encoder says.

        Without ``state`` the first frame is the film's first; a non-empty ``state`` continues the piece it comes from.
        """
        state = {} if state is None else state
        x = rearrange(frames.to(self.dtype), "b f h w k -> b k f h w")
        x = _patched(x, self.config.patch_size or 1)
        parts = []
        for piece in self._pieces(x, begun="begun" in state):
            memory = _memory(state, "encoder", self.vae.encoder)
            said = self.vae.quant_conv(self.vae.encoder(piece, feat_cache=memory, feat_idx=[0]))
            _keep(memory, state, "encoder")
            parts.append(rearrange(said[:, : self.config.z_dim], "b c t h w -> b t h w c"))
        return (torch.cat(parts, 1) - self.mean) * self.scale

    def decode(self, latents: Tensor, *, state: State | None = None) -> Tensor:
        """Latents (b, t, h, w, c) -> frames, about -1..1: time * t, or 1 + time * (t - 1) at the film's start."""
        state = {} if state is None else state
        x = (latents.float() / self.scale + self.mean).to(self.dtype)
        x = self.vae.post_quant_conv(rearrange(x, "b t h w c -> b c t h w"))
        parts = []
        for latent in x.split(1, 2):
            first, memory = "begun" not in state, _memory(state, "decoder", self.vae.decoder)
            parts.append(self.vae.decoder(latent, feat_cache=memory, feat_idx=[0], first_chunk=first))
            _keep(memory, state, "decoder")
        made = _spread(torch.cat(parts, 2), self.config.patch_size or 1)
        return rearrange(made, "b k f h w -> b f h w k")

    def _pieces(self, x: Tensor, *, begun: bool) -> list[Tensor]:
        """The frames of each latent (b, k, f, h, w)."""
        first, time = 0 if begun else 1, self.config.time
        if (x.shape[2] - first) % time or x.shape[2] == 0:
            want = f"a multiple of {time}" if begun else f"1 + a multiple of {time}"
            raise ValueError(f"{x.shape[2]} frames must be {want}")
        return [each for each in (x[:, :, :first], *x[:, :, first:].split(time, 2)) if each.shape[2]]


def _theirs() -> Any:
    try:
        from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan
    except ImportError as error:
        raise ValueError(
            f"Wan's autoencoder needs diffusers ({error}); install it by: pip install 'praxino[open-weights]'"
        ) from None
    return AutoencoderKLWan


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _memory(state: State, name: str, network: nn.Module) -> list[Tensor | str | None]:
    """What each causal convolution remembers, in the order in which `diffusers` counts them."""
    from diffusers.models.autoencoders.autoencoder_kl_wan import WanCausalConv3d

    count = sum(isinstance(each, WanCausalConv3d) for each in network.modules())
    held = [state.get(f"{name}{i}") for i in range(count)]
    return ["Rep" if one is not None and not len(one) else one for one in held]  # their word for nothing, at the start


def _keep(memory: list[Tensor | str | None], state: State, name: str) -> None:
    state["begun"] = torch.ones(())
    for i, one in enumerate(memory):
        if one is not None:
            state[f"{name}{i}"] = torch.zeros(0) if isinstance(one, str) else one


def _patched(x: Tensor, patch: int) -> Tensor:
    """Wan 2.2: the pixels of a patch are channels, columns before rows."""
    return rearrange(x, "b k f (h p) (w q) -> b (k q p) f h w", p=patch, q=patch)


def _spread(x: Tensor, patch: int) -> Tensor:
    return rearrange(x, "b (k q p) f h w -> b k f (h p) (w q)", p=patch, q=patch)
