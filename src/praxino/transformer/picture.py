"""The tokens of a picture, as the blocks look at them beside the text (Wan 2.1, image-conditioned).

Shapes: b batch, m tokens of the picture or pictures.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from praxino.transformer.config import TransformerConfig


class PictureIn(nn.Module):
    """(b, m, picture_channels) -> (b, m, width)."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        c = config.picture_channels
        self.places = nn.Parameter(torch.zeros(config.picture_places, c)) if config.picture_places else None
        self.norm_in, self.inner, self.outer = nn.LayerNorm(c), nn.Linear(c, c), nn.Linear(c, config.width)
        self.norm_out = nn.LayerNorm(config.width)

    def forward(self, picture: Tensor) -> Tensor:
        if self.places is not None:
            picture = picture + self.places
        return self.norm_out(self.outer(F.gelu(self.inner(self.norm_in(picture)))))
