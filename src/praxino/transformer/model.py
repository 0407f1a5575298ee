"""A block-causal diffusion transformer: noisy latents, a time per frame and a text become a velocity.

Shapes: b batch, t latent frames, h rows, w columns, c latent channels, s tokens of a frame,
n = t*s, m text tokens, d width.
"""

import math

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from praxino.layers import rope
from praxino.layers.norm import layer_norm
from praxino.transformer.block import Block, Context, Sight, Span, modulate
from praxino.transformer.cache import Cache, sights
from praxino.transformer.config import TransformerConfig


class Transformer(nn.Module):
    """Predicts velocity = noise - clean (flow matching, Lipman et al. 2023) for each latent frame at its own time."""

    channel_std: Tensor

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        d, inside = config.width, config.latent_channels * config.patch**2
        self.register_buffer("channel_std", torch.ones(config.latent_channels))
        self.patch_in = nn.Linear(inside, d)
        self.first = nn.Parameter(torch.zeros(2, d)) if config.marks_first else None  # [is not, is] the film's first
        self.text_in, self.text_out = nn.Linear(config.text_channels, d), nn.Linear(d, d)
        self.time_in, self.time_out = nn.Linear(config.time_channels, d), nn.Linear(d, d)
        self.time_shift = nn.Linear(d, 6 * d)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.depth))
        self.table = nn.Parameter(torch.randn(2, d) / d**0.5)
        self.patch_out = nn.Linear(d, inside)
        nn.init.zeros_(self.patch_out.weight)
        nn.init.zeros_(self.patch_out.bias)

    def forward(
        self,
        latents: Tensor,
        time: Tensor,
        text: tuple[Tensor, Tensor],
        *,
        start: int = 0,
        cache: Cache | None = None,
        remember: bool = False,
    ) -> Tensor:
        """Velocity (b, t, h, w, c) of latents (b, t, h, w, c) at time (b, t) in 0..1.

        ``text`` is (b, m, d_text) with a mask (b, m), True where a token counts. ``start`` is the number of the first
        latent frame in the film. ``cache`` holds the clean past; with ``remember`` this call's chunk (exactly one) is
        added to it.
        """
        cache = cache if cache is not None else Cache()
        x, (skip, out) = self._precondition(latents, time)
        p = self.config.patch
        x = rearrange(x.to(self.dtype), "b t (h p) (w q) c -> b t (h w) (p q c)", p=p, q=p)
        x = self.patch_in(x)  # (b, t, s, d)
        if self.first is not None:
            kind = (torch.arange(start, start + x.shape[1], device=x.device) == 0).long()
            x = x + self.first[kind][None, :, None]
        tokens = x.shape[2]
        seen = sights(start=start, frames=x.shape[1], tokens=tokens, remembered=cache.chunks, config=self.config)
        context, embedded = self._context(latents, time, text, start=start, seen=seen)
        x = rearrange(x, "b t s d -> b (t s) d")
        made: list[Span] = []
        for i, block in enumerate(self.blocks):
            x, span = block(x, context, cache.spans[i] if cache.spans else [])
            made.append(span)
        if remember:
            cache.remember(start // self.config.chunk, made, self.config)
        shift, scale = (self.table + embedded[:, :, None]).unbind(2)
        x = self.patch_out(modulate(layer_norm(x), shift, scale))
        rows = latents.shape[2] // p
        x = rearrange(x, "b (t h w) (p q c) -> b t (h p) (w q) c", t=latents.shape[1], h=rows, p=p, q=p)
        return skip * latents + out * x.to(latents.dtype)

    @property
    def dtype(self) -> torch.dtype:
        """Of the weights. Latents may have a finer one: noise and clean mix in float32 whatever the weights are."""
        return self.patch_in.weight.dtype

    def _context(
        self, latents: Tensor, time: Tensor, text: tuple[Tensor, Tensor], *, start: int, seen: list[Sight]
    ) -> tuple[Context, Tensor]:
        config, (_b, t, h, w, _) = self.config, latents.shape
        words, mask = text
        words = self.text_out(F.gelu(self.text_in(words), approximate="tanh"))
        wave = sinusoid(1000 * time, config.time_channels).to(self.dtype)
        embedded = self.time_out(F.silu(self.time_in(wave)))  # (b, t, d)
        if config.pools_text:
            share = mask.to(words.dtype) / mask.sum(-1, keepdim=True).clamp(min=1)
            embedded = embedded + torch.einsum("bmd,bm->bd", words, share)[:, None]
        shift = rearrange(self.time_shift(F.silu(embedded)), "b t (k d) -> b t k d", k=6)
        size = (t, h // config.patch, w // config.patch)
        turn = rope.angles(start=start, size=size, channels=config.width // config.heads).to(latents.device)
        pair = (turn.cos().to(self.dtype), turn.sin().to(self.dtype))
        return Context(shift=shift, turn=pair, sights=seen, text=words, mask=mask), embedded

    def _precondition(self, latents: Tensor, time: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """The network's input, and (skip, out): velocity = skip * latents + out * network (after Karras et al. 2022).

        Per channel, with the latents' standard deviation s: skip * x_t is the best linear guess of the velocity, and
        out the deviation of what remains, so that the network's target has unit variance at every time.
        """
        if not self.config.preconditioned:
            one = torch.ones((), dtype=latents.dtype, device=latents.device)
            return latents, (torch.zeros_like(one), one)
        t, s = time.float()[:, :, None, None, None], self.channel_std.float()
        variance = t**2 + ((1 - t) * s) ** 2
        skip, out = (t - (1 - t) * s**2) / variance, s * torch.rsqrt(variance)
        x = (latents.float() * torch.rsqrt(variance)).to(latents.dtype)
        return x, (skip.to(latents.dtype), out.to(latents.dtype))


def sinusoid(x: Tensor, channels: int) -> Tensor:
    """Cosines then sines of x (...) at geometric frequencies: (..., channels), float32 (as in Wan and DiT)."""
    frequency = torch.exp(-math.log(10000) * torch.arange(channels // 2, device=x.device) / (channels // 2))
    angle = x.float()[..., None] * frequency
    return torch.cat([angle.cos(), angle.sin()], -1)
