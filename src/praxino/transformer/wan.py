"""Wan-family open weights in and out: of `diffusers`, of Wan's own code, and of its causal descendants.

Shapes: d width, c latent channels, p x p latents of a token.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, ones

from praxino.config import from_json
from praxino.layers.unfilled import unfilled
from praxino.transformer import wan_files, wan_names
from praxino.transformer.config import TransformerConfig
from praxino.transformer.model import Transformer
from praxino.transformer.wan_files import Held

WHOLE = 21
"""Latent frames of the clips (81 frames) that Wan was trained on: a chunk, where all frames see each other."""
WHOLE_5B = 31
"""The same of Wan 2.2 5B, whose clips have 121."""
CAUSAL = {"chunk": 3, "window": 6}
"""What a frame sees in CausVid and Self-Forcing: its own three, and as much past as makes 21 with them."""
SHARD = 4 * 2**30
STEM = "diffusion_pytorch_model"
_DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


@dataclass(frozen=True, kw_only=True)
class Found:
    """Weights that can be read."""

    config: TransformerConfig
    layout: wan_names.Layout | Literal["praxino"]
    tensors: dict[str, Held]  # by the name in the files
    names: dict[str, str]  # ours, by the name in the files
    dtype: torch.dtype  # of the largest


def read(folder: Path | str, *, dtype: torch.dtype | None = None, part: str = "transformer") -> Transformer:
    """The transformer of a folder (or file) of open weights, or of a model of ours, in evaluation mode.

    In ``dtype``, or in that of the file. ``part`` is what a model of ours calls it.

    Each tensor goes from the file to its place, so that memory never holds the weights twice. Raises ValueError for
    pickled weights, for a damaged file, and, with the first names that are not known, for another kind of model.
    """
    return filled(found(folder, part=part), dtype=dtype)


def found(folder: Path | str, *, part: str = "transformer") -> Found:
    """What a folder holds; reads headers only. Raises ValueError as `read` does."""
    path = wan_files.home(Path(folder))
    tensors, about = wan_files.described(path), wan_files.about(path)
    dtype = _DTYPES.get(max(tensors.values(), key=lambda one: math.prod(one.shape)).dtype, torch.bfloat16)
    if "format" in about and part in about:
        own = {name: name.removeprefix(f"{part}.") for name in tensors if name.startswith(f"{part}.")}
        config = from_json(TransformerConfig, about[part])
        return Found(config=config, layout="praxino", tensors={n: tensors[n] for n in own}, names=own, dtype=dtype)
    bare = wan_names.bare(tensors)
    layout = wan_names.layout(bare)
    names = {full: wan_names.ours(name, layout) for name, full in bare.items()}
    unknown = [full for full, mine in names.items() if mine is None]
    if unknown:
        raise ValueError(
            f"{path} holds no Wan transformer that is known here: {len(unknown)} of its {len(names)} names are not"
            f" Wan's, the first {', '.join(unknown[:4])}"
        )
    known = {full: mine for full, mine in names.items() if mine is not None}
    config = _config({mine: tensors[full].shape for full, mine in known.items()}, about, path)
    if about.get("_class_name") == "CausalWanModel" or wan_names.causal(tensors):
        config = replace(config, **CAUSAL)
    return Found(config=config, layout=layout, tensors={n: tensors[n] for n in known}, names=known, dtype=dtype)


def filled(weights: Found, *, dtype: torch.dtype | None = None) -> Transformer:
    """The transformer that has these weights; see `read`."""
    with unfilled():
        model = Transformer(weights.config)
    model = model.to(dtype or weights.dtype).to_empty(device="cpu").eval().requires_grad_(False)
    model.channel_std.fill_(1)
    state = model.state_dict()
    _check_complete(state, weights)
    for name, value in wan_files.tensors(weights.tensors):
        mine = weights.names[name]
        value = value if weights.layout == "praxino" else wan_names.value_in(mine, value)
        if value.shape != state[mine].shape:
            raise ValueError(f"{name} has the shape {list(value.shape)}, not {list(state[mine].shape)}")
        state[mine].copy_(value)
    return model


def write(
    transformer: Transformer, folder: Path | str, *, layout: wan_names.Layout = "diffusers", shard: int = SHARD
) -> None:
    """Write it as a folder that `diffusers` (or Wan's own code) opens, in files of at most ``shard`` bytes.

    config.json comes last: a folder without it was not finished. Raises ValueError for a transformer that Wan's form
    has no place for.
    """
    config, folder = transformer.config, Path(folder)
    if config.marks_first or config.pools_text or config.preconditioned or config.leans_on_past:
        raise ValueError("only a transformer of Wan's own form can be written as one; this one does more than Wan")
    (folder / "config.json").unlink(missing_ok=True)
    state = transformer.state_dict()
    named = {mine: wan_names.theirs(mine, layout) for mine in state if mine != "channel_std"}
    values = ((name, wan_names.value_out(mine, state[mine], config.patch)) for mine, name in named.items())
    wan_files.write(folder, values, stem=STEM, shard=shard)
    wan_files.write_json(folder / "config.json", _theirs(config) if layout == "diffusers" else _originals(config))


def from_diffusers(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state of a `diffusers` ``WanTransformer3DModel`` -> the state of ours.

    Raises ValueError for a name that no Wan transformer has.
    """
    out: dict[str, Tensor] = {}
    for name, value in weights.items():
        mine = wan_names.ours(name, "diffusers")
        if mine is None:
            raise ValueError(f"{name} is not a name of Wan's")
        out[mine] = wan_names.value_in(mine, value)
    channels = len(weights["proj_out.bias"]) // weights["patch_embedding.weight"].shape[-1] ** 2
    return out | {"channel_std": ones(channels)}


def _config(shapes: Mapping[str, tuple[int, ...]], about: Mapping[str, Any], path: Path) -> TransformerConfig:
    """What the shapes say, and, of what they do not, config.json."""
    for name, axes in _TELLING.items():
        if len(shapes.get(name, ())) != axes or 0 in shapes[name]:
            raise ValueError(f"{path} lacks {name} of a Wan transformer, or has it in a shape that cannot be")
    other = [f"{key} {about[key]!r}" for key, own in _FIXED.items() if about.get(key, own[0]) not in own]
    if other:
        raise ValueError(f"{path} differs from Wan's block: {', '.join(other)}")
    width, given, patch_time, patch, _ = shapes["patch_in.weight"]
    latents = shapes["patch_out.bias"][0] // patch**2
    if patch_time != 1 or given < latents:
        raise ValueError(f"{path} takes patches of {patch_time} frames and {given} channels; Wan takes one frame")
    blocks = {int(name.split(".")[1]) for name in shapes if name.startswith("blocks.")}
    if len(blocks) != 1 + max(blocks):
        raise ValueError(f"{path} lacks blocks between {min(blocks)} and {max(blocks)}")
    heads = about.get("num_attention_heads", about.get("num_heads", width // 128))
    if not isinstance(heads, int) or heads < 1 or width % (2 * heads):
        raise ValueError(f"{path} does not say its number of heads; put num_heads into a config.json beside it")
    return TransformerConfig(
        width=width,
        depth=len(blocks),
        heads=heads,
        ffn=shapes["blocks.0.ffn_in.weight"][0],
        latent_channels=latents,
        text_channels=shapes["text_in.weight"][1],
        patch=patch,
        time_channels=shapes["time_in.weight"][1],
        chunk=WHOLE_5B if latents == 48 else WHOLE,
        marks_first=False,
        pools_text=False,
        preconditioned=False,
        given_channels=given - latents,
        picture_channels=shapes.get("picture_in.inner.weight", (0,))[0],
        picture_places=shapes.get("picture_in.places", (1, 0))[1],
    )


_TELLING = {  # a weight, and how many axes it has
    "patch_in.weight": 5,
    "patch_out.bias": 1,
    "text_in.weight": 2,
    "time_in.weight": 2,
    "blocks.0.ffn_in.weight": 2,
}
_FIXED: dict[str, tuple[Any, ...]] = {
    "eps": (1e-6,),
    "qk_norm": ("rms_norm_across_heads", True),
    "cross_attn_norm": (True,),
}


def _check_complete(state: Mapping[str, Tensor], weights: Found) -> None:
    have = {*weights.names.values(), "channel_std"}
    if missing := [name for name in state if name not in have]:
        first = missing[0] if weights.layout == "praxino" else wan_names.theirs(missing[0], weights.layout)
        raise ValueError(f"the weights lack {len(missing)} of a Wan transformer's tensors, the first {first}")
    if strange := [full for full, mine in weights.names.items() if mine not in state]:
        raise ValueError(f"the weights hold {len(strange)} tensors that fit no place, the first {strange[0]}")


def _theirs(config: TransformerConfig) -> dict[str, Any]:
    return {
        "_class_name": "WanTransformer3DModel",
        "patch_size": [1, config.patch, config.patch],
        "num_attention_heads": config.heads,
        "attention_head_dim": config.width // config.heads,
        "in_channels": config.latent_channels + config.given_channels,
        "out_channels": config.latent_channels,
        "text_dim": config.text_channels,
        "freq_dim": config.time_channels,
        "ffn_dim": config.ffn,
        "num_layers": config.depth,
        "cross_attn_norm": True,
        "qk_norm": "rms_norm_across_heads",
        "eps": 1e-6,
        "image_dim": config.picture_channels or None,
        "added_kv_proj_dim": config.width if config.picture_channels else None,
        "pos_embed_seq_len": config.picture_places or None,
    }


def _originals(config: TransformerConfig) -> dict[str, Any]:
    kind = "flf2v" if config.picture_places else "i2v" if config.picture_channels else "t2v"
    return {
        "_class_name": "CausalWanModel" if config.chunk < WHOLE else "WanModel",
        "model_type": kind,
        "dim": config.width,
        "ffn_dim": config.ffn,
        "freq_dim": config.time_channels,
        "in_dim": config.latent_channels + config.given_channels,
        "out_dim": config.latent_channels,
        "num_heads": config.heads,
        "num_layers": config.depth,
        "text_len": 512,
        "eps": 1e-6,
    }
