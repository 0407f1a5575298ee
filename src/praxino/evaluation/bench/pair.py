"""Wan's network made small, as `diffusers` has it and as we do, with the same weights."""

from dataclasses import dataclass

import torch
from torch import nn

from praxino.transformer.config import TransformerConfig
from praxino.transformer.model import Transformer
from praxino.transformer.wan import from_diffusers

CHANNELS = 16
"""Of a latent."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """How large the networks are."""

    heads: int
    channels: int  # of a head
    depth: int
    ffn: int  # channels
    text: int  # channels
    frames: int  # latents that see each other

    @property
    def width(self) -> int:
        """Channels of a token."""
        return self.heads * self.channels


def pair(size: Size, *, device: torch.device | str = "cpu") -> tuple[nn.Module, Transformer]:
    """Theirs, with random weights, and ours with the same, in float32, without gradients.

    Raises ValueError where `diffusers` is not installed.
    """
    try:
        from diffusers.models.transformers.transformer_wan import WanTransformer3DModel
    except ImportError:
        raise ValueError(
            'diffusers is not installed, and there is nothing to compare with; pip install "praxino[open-weights]"'
        ) from None
    torch.manual_seed(0)
    with torch.device(device):
        theirs = WanTransformer3DModel(
            patch_size=(1, 2, 2), num_attention_heads=size.heads, attention_head_dim=size.channels,
            in_channels=CHANNELS, out_channels=CHANNELS, text_dim=size.text, freq_dim=256, ffn_dim=size.ffn,
            num_layers=size.depth, rope_max_seq_len=128,
        ).eval()  # fmt: skip
        config = TransformerConfig(
            width=size.width, depth=size.depth, heads=size.heads, ffn=size.ffn, latent_channels=CHANNELS,
            text_channels=size.text, patch=2, chunk=size.frames, marks_first=False, pools_text=False,
            preconditioned=False,
        )  # fmt: skip
        ours = Transformer(config).eval()
    ours.load_state_dict(from_diffusers(theirs.state_dict()))
    return theirs.requires_grad_(False), ours.requires_grad_(False)
