"""Which of several pictures shows best what the words say? Both become directions in one space (Radford et al. 2021).

It judges first latents, before a film is made of them (as DALL-E's samples were, Ramesh et al. 2021, section 2.6).
It reads the words by itself, so that it stays right while the networks that make pictures learn on.
Shapes: b batch, h rows, w columns, c latent channels, m text tokens, e dimensions of the space.
"""

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from praxino.critic.config import CriticConfig


class Critic(nn.Module):
    """Latents (b, h, w, c) and text tokens with their mask, both (b, m) -> how well each fits, -1..1 (b,)."""

    channel_std: Tensor

    def __init__(self, config: CriticConfig) -> None:
        super().__init__()
        self.config = config
        d, e = config.width, config.space
        self.register_buffer("channel_std", torch.ones(config.latent_channels))
        self.enter = nn.Conv2d(config.latent_channels, d, 1)
        self.blocks = nn.Sequential(*(_Block(d) for _ in range(config.depth)))
        self.leave = nn.Sequential(nn.Linear(2 * d, 2 * e), nn.SiLU(), nn.Linear(2 * e, e))
        self.tokens, self.phrases = nn.Embedding(config.vocabulary, 2 * d), nn.Conv1d(2 * d, 2 * d, 3, padding=1)
        self.said = nn.Sequential(nn.Linear(2 * d, 2 * e), nn.SiLU(), nn.Linear(2 * e, e))
        self.sharpness = nn.Parameter(torch.tensor(2.5))  # log of what directions are multiplied by in training

    def forward(self, latents: Tensor, ids: Tensor, mask: Tensor) -> Tensor:
        return (self.picture(latents) * self.words(ids, mask)).sum(-1)

    def picture(self, latents: Tensor) -> Tensor:
        """The directions (b, e) of latents."""
        x = rearrange(latents / self.channel_std, "b h w c -> b c h w").to(self.enter.weight.dtype)
        x = F.silu(self.blocks(self.enter(x.contiguous(memory_format=torch.channels_last)))).flatten(2)
        return F.normalize(self.leave(torch.cat([x.mean(2), x.amax(2)], 1)).float(), dim=-1)

    def words(self, ids: Tensor, mask: Tensor) -> Tensor:
        """The directions (b, e) of text tokens (b, m) with their mask (b, m), True where a token counts."""
        said = mask[..., None]
        x = F.silu(self.phrases((self.tokens(ids) * said).mT)).mT * said
        return F.normalize(self.said(x.sum(1) / said.sum(1).clamp(min=1)).float(), dim=-1)


class _Block(nn.Module):
    """x (b, d, h, w) plus what a 3x3 convolution makes of it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(8, width)
        self.near, self.out = nn.Conv2d(width, width, 3, padding=1), nn.Conv2d(width, width, 1)
        assert self.out.bias is not None
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)  # every block begins as the identity

    def forward(self, x: Tensor) -> Tensor:
        return x + self.out(F.silu(self.near(F.silu(self.norm(x)))))
