"""What Wan's weights are called: by `diffusers`, by Wan's own code and its descendants, and by us.

Shapes: d width, c latent channels, p x p latents of a token, m tokens of a picture.
"""

import re
from collections.abc import Iterable
from typing import Literal

from einops import rearrange
from torch import Tensor

Layout = Literal["diffusers", "original"]
PREFIX = "transformer."
"""What our own names of the transformer's weights begin with in a model's folder."""

_WHOLE = (  # ours, diffusers, original
    ("patch_in", "patch_embedding", "patch_embedding"),
    ("text_in", "condition_embedder.text_embedder.linear_1", "text_embedding.0"),
    ("text_out", "condition_embedder.text_embedder.linear_2", "text_embedding.2"),
    ("time_in", "condition_embedder.time_embedder.linear_1", "time_embedding.0"),
    ("time_out", "condition_embedder.time_embedder.linear_2", "time_embedding.2"),
    ("time_shift", "condition_embedder.time_proj", "time_projection.1"),
    ("picture_in.places", "condition_embedder.image_embedder.pos_embed", "img_emb.emb_pos"),
    ("picture_in.norm_in", "condition_embedder.image_embedder.norm1", "img_emb.proj.0"),
    ("picture_in.inner", "condition_embedder.image_embedder.ff.net.0.proj", "img_emb.proj.1"),
    ("picture_in.outer", "condition_embedder.image_embedder.ff.net.2", "img_emb.proj.3"),
    ("picture_in.norm_out", "condition_embedder.image_embedder.norm2", "img_emb.proj.4"),
    ("table", "scale_shift_table", "head.modulation"),
    ("patch_out", "proj_out", "head.head"),
)
_BLOCK = (
    ("table", "scale_shift_table", "modulation"),
    ("self_attention.to_out", "attn1.to_out.0", "self_attn.o"),
    ("cross_attention.to_out", "attn2.to_out.0", "cross_attn.o"),
    *((f"self_attention.to_{x}", f"attn1.to_{x}", f"self_attn.{x}") for x in "qkv"),
    *((f"cross_attention.to_{x}", f"attn2.to_{x}", f"cross_attn.{x}") for x in "qkv"),
    *((f"self_attention.norm_{x}", f"attn1.norm_{x}", f"self_attn.norm_{x}") for x in "qk"),
    *((f"cross_attention.norm_{x}", f"attn2.norm_{x}", f"cross_attn.norm_{x}") for x in "qk"),
    ("cross_attention.picture_k", "attn2.add_k_proj", "cross_attn.k_img"),
    ("cross_attention.picture_v", "attn2.add_v_proj", "cross_attn.v_img"),
    ("cross_attention.norm_picture_k", "attn2.norm_added_k", "cross_attn.norm_k_img"),
    ("norm_text", "norm2", "norm3"),
    ("ffn_in", "ffn.net.0.proj", "ffn.0"),
    ("ffn_out", "ffn.net.2", "ffn.2"),
)
_NAME = re.compile(r"(blocks\.\d+\.)?(.+?)(\.weight|\.bias)?")
_UNUSED = re.compile(r"norm_added_q")  # in some image-conditioned weights; nothing asks for it
_WRAPS = re.compile(r"_(?:fsdp_wrapped|checkpoint_wrapped)_module\.|_orig_mod\.")  # what trainers leave in names
_OUTER = re.compile(r"(?:generator_ema\.|generator\.)?(?:model\.|module\.)*(?:diffusion_model\.|transformer\.)?")


def bare(names: Iterable[str]) -> dict[str, str]:
    """The names without what trainers put before them, as keys, and as they are.

    Where a distilled generator has its average beside it (``generator_ema``), only that.
    """
    names = [name for name in names if not _UNUSED.search(name)]
    if any(name.startswith("generator_ema.") for name in names):
        names = [name for name in names if not name.startswith("generator.")]
    return {_OUTER.sub("", _WRAPS.sub("", name), count=1): name for name in names}


def causal(names: Iterable[str]) -> bool:
    """Whether names are prefixed as those of causal few-step models are (CausVid, Self-Forcing, LongLive)."""
    return any(re.match(r"generator(_ema)?\.|model\.(?!diffusion_model)", name) for name in names)


def layout(names: Iterable[str]) -> Layout:
    """Whose names these are."""
    telling = ("condition_embedder.", "attn1.", "attn2.", "ffn.net.")
    return "diffusers" if any(part in name for name in names for part in telling) else "original"


def ours(name: str, of: Layout) -> str | None:
    """What we call it; None for a name that no Wan transformer that we know has."""
    at = 1 if of == "diffusers" else 2
    return _named(name, {row[at]: row[0] for row in _WHOLE}, {row[at]: row[0] for row in _BLOCK})


def theirs(name: str, to: Layout) -> str:
    """What they call what we call so. Raises ValueError for what Wan has no place for."""
    at = 1 if to == "diffusers" else 2
    found = _named(name, {row[0]: row[at] for row in _WHOLE}, {row[0]: row[at] for row in _BLOCK})
    if found is None:
        raise ValueError(f"Wan has no place for {name}; only a transformer of Wan's own form can be written as one")
    return found


def value_in(mine: str, value: Tensor) -> Tensor:
    """The weight in our form, of theirs; ``mine`` is our name of it."""
    if mine == "patch_in.weight":
        return rearrange(value, "d c 1 p q -> d (p q c)")
    return value[0] if _leads(mine) else value


def value_out(mine: str, value: Tensor, patch: int) -> Tensor:
    """The weight in their form, of ours."""
    if mine == "patch_in.weight":
        return rearrange(value, "d (p q c) -> d c 1 p q", p=patch, q=patch).contiguous()
    return value[None] if _leads(mine) else value


def _leads(mine: str) -> bool:
    """Whether theirs has a leading axis of one."""
    return mine.endswith(("table", "places"))


def _named(name: str, whole: dict[str, str], block: dict[str, str]) -> str | None:
    match = _NAME.fullmatch(name)
    assert match is not None
    head, stem, kind = match.groups(default="")
    found = (block if head else whole).get(stem)
    return found and f"{head}{found}{kind}"
