"""Wan-family open weights, in the names of the `diffusers` library, as weights of our transformer.

Shapes: d width, c latent channels, p x p latents of a token.
"""

import re
from collections.abc import Mapping

from einops import rearrange
from torch import Tensor, ones

_NAMES = (
    (r"attn1\.to_out\.0", "self_attention.to_out"),
    (r"attn2\.to_out\.0", "cross_attention.to_out"),
    (r"attn1", "self_attention"),
    (r"attn2", "cross_attention"),
    (r"norm2", "norm_text"),
    (r"ffn\.net\.0\.proj", "ffn_in"),
    (r"ffn\.net\.2", "ffn_out"),
    (r"scale_shift_table", "table"),
    (r"condition_embedder\.time_embedder\.linear_1", "time_in"),
    (r"condition_embedder\.time_embedder\.linear_2", "time_out"),
    (r"condition_embedder\.time_proj", "time_shift"),
    (r"condition_embedder\.text_embedder\.linear_1", "text_in"),
    (r"condition_embedder\.text_embedder\.linear_2", "text_out"),
    (r"patch_embedding", "patch_in"),
    (r"proj_out", "patch_out"),
)


def from_diffusers(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state of a `diffusers` ``WanTransformer3DModel`` (or of one block) -> the state of ours.

    Raises ValueError for a name that text-to-video Wan 2.1 does not have (image embedders and the like).
    """
    out: dict[str, Tensor] = {}
    for name, value in weights.items():
        if "image_embedder" in name or "add_k_proj" in name or "add_v_proj" in name:
            raise ValueError(f"{name} belongs to an image-to-video Wan; only text-to-video weights can be converted")
        mine = name
        for theirs, ours in _NAMES:
            mine = re.sub(rf"(^|\.){theirs}(?=\.|$)", rf"\g<1>{ours}", mine)
        if mine == "patch_in.weight":
            value = rearrange(value, "d c 1 p q -> d (p q c)")
        elif mine.endswith("table"):
            value = value[0]
        out[mine] = value
    if "patch_in.weight" in out:
        channels = weights["patch_embedding.weight"].shape[1]
        out["channel_std"] = ones(channels)
    return out
