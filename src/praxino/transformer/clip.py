"""The tokens of a picture that the blocks of an image-conditioned Wan look at: by CLIP's eyes (Radford et al. 2021).

`transformers` computes. Shapes: b pictures, h rows, w columns of pixels, m tokens, d channels.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import torch
from einops import rearrange
from PIL import Image
from torch import Tensor, nn

from praxino import config

KIND = "clip"
"""What a model's config.json calls it."""
PREFIX = "vision_model."
"""What their names begin with in some versions, and in the files of all of them."""
MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
"""Of the pixels 0..1 that CLIP was trained on."""


@dataclass(frozen=True, kw_only=True)
class ClipConfig:
    """What fixes the weights of `transformers`' ``CLIPVisionModel``, under its names."""

    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    image_size: int
    patch_size: int
    hidden_act: str = "quick_gelu"
    layer_norm_eps: float = 1e-5


class PictureEncoder(nn.Module):
    """Raises ValueError where `transformers` is not installed."""

    def __init__(self, config: ClipConfig) -> None:
        super().__init__()
        self.config = config
        model, settings = _theirs()
        whole = model(settings(**asdict(config)))
        self.model = getattr(whole, PREFIX[:-1], whole)
        places = self.model.embeddings.position_ids  # kept with the weights, so that a model may be made without them
        self.model.embeddings.register_buffer("position_ids", places, persistent=True)

    def forward(self, picture: np.ndarray) -> Tensor:
        """A picture (h, w, 3) uint8 -> (1, m, d): what the last layer but one says of it."""
        weight = self.model.embeddings.patch_embedding.weight
        pixels = _pixels(picture, self.config.image_size).to(weight)
        return self.model(pixel_values=pixels, output_hidden_states=True).hidden_states[-2]


def theirs(values: Mapping[str, Any]) -> ClipConfig:
    """From `transformers`' config.json. Raises ValueError for other eyes than CLIP's."""
    said = values.get("vision_config", values)
    if said.get("model_type") != "clip_vision_model":
        raise ValueError(f"the picture encoder is {said.get('model_type')!r}; Wan's is 'clip_vision_model'")
    known = {field.name for field in fields(ClipConfig)}
    return config.from_json(ClipConfig, {key: value for key, value in said.items() if key in known})


def places(config: ClipConfig) -> Tensor:
    """The numbers of the tokens (1, m), which newer files do not hold."""
    return torch.arange((config.image_size // config.patch_size) ** 2 + 1)[None]


def _pixels(picture: np.ndarray, size: int) -> Tensor:
    """The middle of the picture (1, 3, size, size), its short side as long as that, in CLIP's units."""
    image, short = Image.fromarray(picture), min(picture.shape[:2])
    width, height = (int(size * side / short) for side in (image.width, image.height))
    image = image.resize((width, height), Image.Resampling.BICUBIC)
    left, top = (width - size) // 2, (height - size) // 2
    held = np.asarray(image.crop((left, top, left + size, top + size)), np.float32) / 255
    held = (held - np.array(MEAN, np.float32)) / np.array(STD, np.float32)
    return torch.tensor(rearrange(held, "h w c -> 1 c h w"))


def _theirs() -> tuple[Any, Any]:
    try:
        from transformers import CLIPVisionConfig, CLIPVisionModel
    except ImportError as error:
        raise ValueError(
            f"CLIP needs transformers ({error}); install it by: pip install 'praxino[open-weights]'"
        ) from None
    return CLIPVisionModel, CLIPVisionConfig
