"""An imported Wan as open weights again: its transformers, or the whole folder that `diffusers` makes its films with.

What makes films here but not there in the same way (chunk by chunk) is written as a transformer alone.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from torch import Tensor

from praxino import checkpoint, config
from praxino.autoencoder import wan_config
from praxino.autoencoder.wan_config import WanAutoencoderConfig
from praxino.generation import look
from praxino.generation.card import Card, Walk
from praxino.generation.wan_import import FINE, TICKS, UNIPC
from praxino.text import umt5
from praxino.transformer import clip, wan, wan_files
from praxino.transformer.wan_import import PERMISSIVE
from praxino.transformer.wan_names import Layout

WORDS, PICTURES = "WanPipeline", "WanImageToVideoPipeline"
TELLING = ("<pad>", "</s>", "<unk>")
"""Tokens of umT5 that fill a prompt up, end it, and stand for what it does not know."""


def send(folder: Path, into: Path, *, layout: Layout = "diffusers") -> list[str]:
    """Write the model in ``folder`` as ``into``; the folders of its parts, or none for a transformer alone.

    A look is written as its base with the changes in it.

    ``into`` is whole once it has its model_index.json, or the config.json of a transformer alone. Raises ValueError for
    a folder that is taken, and for a model that is not of Wan's form.
    """
    about = checkpoint.card(folder)
    if into.is_file() or (into.is_dir() and any(into.iterdir())):
        raise ValueError(f"{into} is there already; choose a new folder")
    if "transformer" not in about:
        raise ValueError(f"model {folder.name!r} is a pipeline of another kind; its folder is what diffusers opens")
    whole = layout == "diffusers" and _whole(about)
    _transformers(folder, into, about, layout=layout, inside=whole)
    if whole:
        for part in _PARTS.keys() & about.keys():
            _PARTS[part](checkpoint.base(folder), into, about[part])
        card = config.from_json(Card, about["card"])
        wan_files.write_json(into / "scheduler" / "scheduler_config.json", _scheduler(card.walk))
        _licence(folder, into, about)
        wan_files.write_json(into / "model_index.json", _index(about, card))
    return sorted(one.name for one in into.iterdir() if one.is_dir())


def _whole(about: Mapping[str, Any]) -> bool:
    """Whether it has all parts of a pipeline of Wan's, and diffusers makes its films as they are made here."""
    kinds = {"autoencoder": wan_config.KIND, "text": umt5.KIND}
    return (
        all(about.get(part, {}).get("kind") == kind for part, kind in kinds.items())
        and not checkpoint.lacks(about)
        and about["card"].get("frames") is not None
    )


def _transformers(folder: Path, into: Path, about: Mapping[str, Any], *, layout: Layout, inside: bool) -> None:
    """One in ``into`` itself, unless it is to be ``inside``; two always in folders of their own."""
    parts = [part for part in ("transformer", "transformer_2") if part in about]
    places = wan_files.PAIRS[0 if layout == "diffusers" else 1] if len(parts) == 2 else ("transformer",)
    source = look.source(folder)
    for part, place in zip(parts, places, strict=True):
        network = wan.read(source.path.parent, part=part)
        for name, weight in network.state_dict().items():
            if (touch := source.touches.get(f"{part}.{name}")) is not None:
                weight.copy_(touch(weight))
        wan.write(network, into / place if inside or len(parts) == 2 else into, layout=layout)


def _held(folder: Path, prefix: str, *, but: str | None = None, outer: str = "") -> Iterator[tuple[str, Tensor]]:
    """The weights of a part by their own names, one at a time, ``but`` one that they need not have."""
    found = wan_files.described(folder / checkpoint.WEIGHTS)
    for name, value in wan_files.tensors({name: one for name, one in found.items() if name.startswith(prefix)}):
        if (inner := name.removeprefix(prefix)) != but:
            yield outer + inner, value


def _bare(values: Mapping[str, Any], *, but: str | None = None) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in {"kind", but}}


def _autoencoder(folder: Path, into: Path, values: Mapping[str, Any]) -> None:
    coder = config.from_json(WanAutoencoderConfig, _bare(values))
    wan_files.write(into / "vae", _held(folder, "autoencoder.vae."), stem=wan.STEM, shard=wan.SHARD)
    sizes = {"scale_factor_spatial": coder.space, "scale_factor_temporal": coder.time}
    wan_files.write_json(into / "vae" / "config.json", {"_class_name": "AutoencoderKLWan", **_bare(values), **sizes})


def _text(folder: Path, into: Path, values: Mapping[str, Any]) -> None:
    wan_files.write(into / "text_encoder", _held(folder, "text.model."), stem="model", shard=wan.SHARD)
    said = {"architectures": ["UMT5EncoderModel"], "model_type": umt5.KIND, **_bare(values, but="limit")}
    wan_files.write_json(into / "text_encoder" / "config.json", said)
    words = (folder / "tokenizer.json").read_bytes()
    known = Tokenizer.from_str(words.decode())
    special = dict(zip(("pad_token", "eos_token", "unk_token"), TELLING, strict=True))
    told = {kind: token for kind, token in special.items() if known.token_to_id(token) is not None}
    about = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": values["limit"], **told}
    wan_files.write_json(into / "tokenizer" / "tokenizer_config.json", about)
    (into / "tokenizer" / "tokenizer.json").write_bytes(words)


def _picture(folder: Path, into: Path, values: Mapping[str, Any]) -> None:
    held = _held(folder, "picture.model.", but="embeddings.position_ids", outer=clip.PREFIX)
    wan_files.write(into / "image_encoder", held, stem="model", shard=wan.SHARD)
    said = {"architectures": ["CLIPVisionModel"], "model_type": "clip_vision_model", **_bare(values)}
    wan_files.write_json(into / "image_encoder" / "config.json", said)
    side = values["image_size"]
    looks_at = {
        "image_processor_type": "CLIPImageProcessor",
        "size": {"shortest_edge": side},
        "crop_size": {"height": side, "width": side},
        "image_mean": clip.MEAN,
        "image_std": clip.STD,
        "resample": 3,
    }
    does = ("do_resize", "do_center_crop", "do_rescale", "do_normalize", "do_convert_rgb")
    processor = looks_at | dict.fromkeys(does, True) | {"rescale_factor": 1 / 255}
    wan_files.write_json(into / "image_processor" / "preprocessor_config.json", processor)


_PARTS = {"autoencoder": _autoencoder, "text": _text, "picture": _picture}


def _scheduler(walk: Walk) -> dict[str, Any]:
    if walk.solver == "unipc":
        return {
            **UNIPC,
            "flow_shift": walk.shift,
            "num_train_timesteps": TICKS,
            "solver_order": 2,
            "solver_type": "bh2",
        }
    return {"_class_name": "FlowMatchEulerDiscreteScheduler", "num_train_timesteps": TICKS, "shift": walk.shift}


def _index(about: Mapping[str, Any], card: Card) -> dict[str, Any]:
    pictures = bool(about["transformer"]["given_channels"])
    eyes, turns = "picture" in about, "transformer_2" in about
    parts: dict[str, tuple[str | None, str | None]] = {
        "tokenizer": ("transformers", "PreTrainedTokenizerFast"),
        "text_encoder": ("transformers", "UMT5EncoderModel"),
        "vae": ("diffusers", "AutoencoderKLWan"),
        "scheduler": ("diffusers", _scheduler(card.walk)["_class_name"]),
        "transformer": ("diffusers", "WanTransformer3DModel"),
        "transformer_2": ("diffusers", "WanTransformer3DModel") if turns else (None, None),
    }
    if pictures:
        parts["image_encoder"] = ("transformers", "CLIPVisionModel") if eyes else (None, None)
        parts["image_processor"] = ("transformers", "CLIPImageProcessor") if eyes else (None, None)
    return {
        "_class_name": PICTURES if pictures else WORDS,
        "boundary_ratio": card.walk.boundary if turns else None,
        "expand_timesteps": about["transformer"]["latent_channels"] == FINE,
        **parts,
    }


def _licence(folder: Path, into: Path, about: Mapping[str, Any]) -> None:
    for file in folder.glob("LICEN[SC]E*"):
        (into / file.name).write_bytes(file.read_bytes())
    name = about.get("licence", {}).get("id", "unknown")
    said = f"license: {name}" if name in PERMISSIVE else f"license: other\nlicense_name: {name}"
    (into / "README.md").write_text(f"---\n{said}\n---\n", encoding="utf-8")
