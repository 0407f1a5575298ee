"""A chunk-causal video autoencoder: 1 + time * n frames <-> 1 + n latents.

Shapes: b batch, f frames, t latents, h rows, w columns of latents, c latent channels, p = space pixels,
s = time frames, d channels inside. Frames are (b, f, h * p, w * p, 3) in -1..1.
"""

import torch
from einops import rearrange
from torch import Tensor, nn

from praxino.autoencoder.block import Block, State
from praxino.autoencoder.config import AutoencoderConfig


class Autoencoder(nn.Module):
    """Linear patches at both ends, initialised by PCA (`praxino.training.pca`), and residual blocks between.

    ``mean`` and ``scale`` bring latents to a mean of zero and a mean variance of one; ``std`` is their deviation after
    that, per channel. Encoding and decoding run in pieces of any length of whole latents, with a carried state.
    """

    mean: Tensor
    scale: Tensor
    std: Tensor

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        self.config = config
        p, s, c = config.space, config.time, config.channels
        wide = max(config.encoder_width, c)
        self.still_in, self.clip_in = nn.Linear(3 * p * p, wide), nn.Linear(3 * p * p * s, wide)
        self.encoder = nn.ModuleList(Block(wide, name=f"encoder{i}") for i in range(config.encoder_depth))
        self.latent_out = nn.Identity() if wide == c else nn.Linear(wide, c)
        self.still_out, self.clip_out = nn.Linear(c, 3 * p * p), nn.Linear(c, 3 * p * p * s)
        self.decoder = _Detail(config)
        for name in ("mean", "scale", "std"):
            self.register_buffer(name, torch.zeros(c) if name == "mean" else torch.ones(c))

    def encode(self, frames: Tensor, *, state: State | None = None) -> Tensor:
        """Frames in -1..1 -> latents (b, t, h, w, c).

        Without ``state`` the first frame is the film's first; a non-empty ``state`` continues the piece it comes from.
        """
        state = {} if state is None else state
        frames = frames.to(self.still_in.weight.dtype)
        stills, clips = self._cut(frames, begun="begun" in state)
        state["begun"] = torch.ones(())
        p = self.config.space
        parts = []
        if stills.shape[1]:
            parts.append(self.still_in(rearrange(stills, "b t (h p) (w q) k -> b t h w (p q k)", p=p, q=p)))
        if clips.shape[1]:
            pattern = "b (t s) (h p) (w q) k -> b t h w (s p q k)"
            parts.append(self.clip_in(rearrange(clips, pattern, p=p, q=p, s=self.config.time)))
        x = torch.cat(parts, 1)
        for block in self.encoder:
            x = block(x, state)
        return (self.latent_out(x) - self.mean) * self.scale

    def decode(self, latents: Tensor, *, state: State | None = None) -> Tensor:
        """Latents (b, t, h, w, c) -> frames, about -1..1: time * t, or 1 + time * (t - 1) at the film's start."""
        state = {} if state is None else state
        latents = latents.to(self.still_in.weight.dtype)
        begun = "begun" in state
        state["begun"] = torch.ones(())
        detail = self.decoder(latents, state)  # (b, t * s, H, W, 3)
        x = latents / self.scale + self.mean
        p, s = self.config.space, self.config.time
        still = self.still_out(x[:, : 0 if begun else 1])
        still = rearrange(still, "b t h w (p q k) -> b t (h p) (w q) k", p=p, q=p)
        clip = self.clip_out(x[:, 0 if begun else 1 :])
        clip = rearrange(clip, "b t h w (s p q k) -> b (t s) (h p) (w q) k", p=p, q=p, s=s)
        return torch.cat([still, clip], 1) + (detail if begun else detail[:, s - 1 :])

    def _cut(self, frames: Tensor, *, begun: bool) -> tuple[Tensor, Tensor]:
        first = 0 if begun else 1
        if (frames.shape[1] - first) % self.config.time or frames.shape[1] == 0:
            want = f"a multiple of {self.config.time}" if begun else f"1 + a multiple of {self.config.time}"
            raise ValueError(f"{frames.shape[1]} frames must be {want}")
        return frames[:, :first], frames[:, first:]


class _Detail(nn.Module):
    """What the linear decoder misses: latents (b, t, h, w, c) -> (b, t * s, h * p, w * p, 3), zero before training.

    Works at the latents' resolution, at twice and at four times it, in space and in time. The film's first latent
    stands for s frames, of which the caller keeps the last.
    """

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        self.config = config
        wide, narrow, grain = config.decoder_width, config.detail_width, config.grain_width
        self.enter = nn.Linear(config.channels, wide)
        self.coarse = nn.ModuleList(Block(wide, name=f"coarse{i}") for i in range(config.decoder_depth))
        self.spread = nn.Linear(wide, 8 * narrow)
        self.fine = nn.ModuleList(Block(narrow, name=f"fine{i}") for i in range(config.detail_depth))
        self.norm, self.leave = nn.LayerNorm(narrow), _pixels(narrow, config, 2)
        self.grain = nn.ModuleList(Block(grain, name=f"grain{i}") for i in range(config.grain_depth))
        if config.grain_depth:
            self.scatter = nn.Linear(narrow, 8 * grain)
            self.grain_norm, self.grain_leave = nn.LayerNorm(grain), _pixels(grain, config, 4)

    def forward(self, latents: Tensor, state: State) -> Tensor:
        x = self.enter(latents)
        for block in self.coarse:
            x = block(x, state)
        x = self._doubled(self.spread(x))
        for block in self.fine:
            x = block(x, state)
        x = self.norm(x)
        out = self._laid_out(self.leave(x), 2)
        if self.config.grain_depth:
            x = self._doubled(self.scatter(x))
            for block in self.grain:
                x = block(x, state)
            out = out + self._laid_out(self.grain_leave(self.grain_norm(x)), 4)
        return out

    @staticmethod
    def _doubled(x: Tensor) -> Tensor:
        return rearrange(x, "b t h w (s p q d) -> b (t s) (h p) (w q) d", s=2, p=2, q=2)

    def _laid_out(self, x: Tensor, times: int) -> Tensor:
        """The pixels that each place of ``times`` the latents' resolution stands for, in their places."""
        p, s = self.config.space // times, self.config.time // times
        return rearrange(x, "b t h w (s p q k) -> b (t s) (h p) (w q) k", s=s, p=p, q=p)


def _pixels(width: int, config: AutoencoderConfig, times: int) -> nn.Linear:
    """To the pixels of a place at ``times`` the latents' resolution; zero before training."""
    leave = nn.Linear(width, 3 * (config.time // times) * (config.space // times) ** 2)
    nn.init.zeros_(leave.weight)
    nn.init.zeros_(leave.bias)
    return leave
