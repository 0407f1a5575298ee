"""A small bilingual text encoder, trained together with the transformer.

Shapes: b batch, n tokens, d channels, h heads.
"""

from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor, nn

from praxino.layers.attention import attend
from praxino.layers.gelu import gelu


@dataclass(frozen=True, kw_only=True)
class TextConfig:
    """Sizes of the text encoder."""

    vocabulary: int  # tokens
    width: int = 192
    depth: int = 2
    heads: int = 4
    limit: int = 64  # tokens of a prompt that are read


class TextEncoder(nn.Module):
    """A pre-norm transformer encoder (Vaswani et al. 2017) with learned positions."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.config = config
        self.tokens = nn.Embedding(config.vocabulary, config.width)
        self.positions = nn.Embedding(config.limit, config.width)
        self.layers = nn.ModuleList(_Layer(config) for _ in range(config.depth))
        self.norm = nn.LayerNorm(config.width)

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Token numbers (b, n) and mask (b, n), True where a token counts -> (b, n, d) and the mask."""
        x = self.tokens(ids) + self.positions(torch.arange(ids.shape[1], device=ids.device))
        for layer in self.layers:
            x = layer(x, mask)
        return self.norm(x), mask


class _Layer(nn.Module):
    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        d = config.width
        self.heads = config.heads
        self.norm_a, self.norm_f = nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv, self.out = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.ffn_in, self.ffn_out = nn.Linear(d, 4 * d), nn.Linear(4 * d, d)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        q, k, v = rearrange(self.qkv(self.norm_a(x)), "b n (k h d) -> k b h n d", k=3, h=self.heads)
        x = x + self.out(rearrange(attend(q, k, v, mask=mask[:, None, None]), "b h n d -> b n (h d)"))
        return x + self.ffn_out(gelu(self.ffn_in(self.norm_f(x))))
