"""A folder of a diffusers pipeline as a model's folder: copied as it is, without what could run code, and described."""

import json
import os
import shutil
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any, cast

from praxino import checkpoint, config
from praxino.generation.card import Card
from praxino.generation.families import ENGINE, FAMILIES, Family, Latents, family_of, sizes_of
from praxino.transformer import wan_files, wan_import
from praxino.transformer.config import pocket

INDEX = "model_index.json"
KEPT = {".json", ".safetensors", ".model", ".txt", ".jinja"}
"""Endings of files that are taken over: configs, weights, tokenizers and their templates."""
LIBRARIES = {"diffusers", "transformers", "ltx2"}
"""Where the classes of parts may come from; the last is of diffusers' own pipelines."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """How a pipeline is to be imported."""

    name: str | None = None  # None: that of the folder
    accepted: bool = False  # the licence was read
    size: tuple[int, int] | None = None  # native (width, height); None: the family's


def recognised(source: Path) -> bool:
    """Whether a folder holds a pipeline of a family that diffusers makes films with here."""
    return (source / INDEX).is_file() and family_of(str(_read(source / INDEX).get("_class_name"))) is not None


def bring(source: Path, into: Path, terms: Terms) -> dict[str, Any]:
    """Import the pipeline of ``source`` as the model ``into``, whole or not at all; its config.

    Raises ValueError for a part that is missing, damaged, pickled or of a library that is not known, for a licence that
    is not accepted, and for a folder that holds something else already.
    """
    index = _read(source / INDEX)
    family = family_of(str(index["_class_name"]))
    if family is None:
        known = ", ".join(one for each in FAMILIES for one in each.pipelines)
        raise ValueError(f"{source} is a {index['_class_name']}, which is not known here; known are {known}")
    if (source / checkpoint.CONFIG).is_file():  # a pipeline has none at its top
        raise ValueError(f"{source} is a Praxino model already; give it to --model, or copy it")
    licence = wan_import.licence_of(source)
    wan_import.check_place(source, into)
    wan_import.check_licence(licence, source, into, accepted=terms.accepted)
    files = _files(source, index)
    about = {
        "format": checkpoint.FORMAT,
        "name": terms.name or into.resolve().name,
        "engine": ENGINE,
        "family": family.name,
        "pipeline": index["_class_name"],
        **_described(source, family, str(index["_class_name"]), terms.size),
        "licence": {"id": licence[0]} | ({} if licence[0] in wan_import.PERMISSIVE else {"accepted": True}),
        "origin": {"layout": "diffusers", "version": index.get("_diffusers_version")},
    }
    _place(source, into, [*files, *licence[1]], about)
    return about


def _described(source: Path, family: Family, pipeline: str, size: tuple[int, int] | None) -> dict[str, Any]:
    """The card and what a latent stands for: the family's, but for what the configs of the parts say."""
    latents = _latents(source, family, pipeline)
    made = _read(source / "transformer" / "config.json")
    fps, frames, sizes = family.fps, family.frames, None
    if family.name == "CogVideoX":
        frames = int(made.get("sample_frames") or frames)
        later = bool(made.get("patch_size_t"))  # CogVideoX 1.5, some of whose configs say a square that nobody makes
        fps, said = 16 if later else fps, (made["sample_width"], made["sample_height"])
        square = later and said[0] == said[1]
        size = size or ((1360, 768) if square else (said[0] * latents.space, said[1] * latents.space))
    elif family.name == "HunyuanVideo 1.5" and size is None:
        sizes = _hunyuan(int(made.get("target_size") or 640), latents.space)
    if size is not None and (size[0] % family.multiple or size[1] % family.multiple):
        near = "x".join(str(max(1, round(side / family.multiple)) * family.multiple) for side in size)
        raise ValueError(
            f"size {size[0]}x{size[1]} of {family.name} must be of multiples of {family.multiple}; try {near}"
        )
    card = Card(
        sizes=sizes or sizes_of(family, size),
        fps=fps,
        rung="open weights",
        words=(),
        steps=family.steps,
        guidance=family.guidance,
        credits=_credits(source / "transformer"),
        takes=family.pipelines[pipeline],
        frames=1 + (frames - 1) // latents.time * latents.time,
        context=family.context,
    )
    return {"card": config.to_json(card), "latents": config.to_json(latents)}


def _credits(transformer: Path) -> float:
    """What its work costs, of pocket's: as many times as much as it has weights."""
    ours = pocket()
    weights = sum(prod(held.shape) for file in _weights(transformer) for held in wan_files.described(file).values())
    return max(1.0, round(weights / (ours.depth * (8 * ours.width**2 + 2 * ours.width * ours.ffn)), 1))


def _latents(source: Path, family: Family, pipeline: str) -> Latents:
    """As the autoencoder itself says, built without memory for its weights."""
    try:
        import diffusers
    except ImportError:
        raise ValueError(f"{source} is a pipeline of diffusers; install praxino[open-weights]") from None
    import torch

    if not hasattr(diffusers, pipeline):
        raise ValueError(
            f"{source} is a {pipeline}, which diffusers {diffusers.__version__} lacks; install a newer one"
        )
    about = _read(source / "vae" / "config.json")
    with torch.device("meta"):
        vae = getattr(diffusers, str(about["_class_name"])).from_config(about)
    held, usual = vae.config, family.latents
    space = getattr(vae, "spatial_compression_ratio", None) or held.get("scale_factor_spatial")
    if space is None:
        space = 2 ** (len(held["block_out_channels"]) - 1)
    time = held.get("temporal_compression_ratio") or held.get("scale_factor_temporal")
    return replace(
        usual,
        space=int(space),
        time=int(time or vae.temporal_compression_ratio),
        channels=int(held.get("latent_channels") or held.get("z_dim") or usual.channels),
    )


def _hunyuan(target: int, space: int) -> tuple[tuple[int, int], ...]:
    """Of the sizes that HunyuanVideo 1.5 was trained at, those nearest to the usual shapes."""
    from diffusers.pipelines.hunyuan_video1_5.image_processor import generate_crop_size_list

    from praxino.generation.families import SHAPES

    found = [(int(size[1]), int(size[0])) for size in generate_crop_size_list(base_size=target, patch_size=space)]
    near = (min(found, key=lambda size: abs(size[0] / size[1] - across / down)) for across, down in SHAPES)
    return tuple(dict.fromkeys(near))


def _files(source: Path, index: dict[str, Any]) -> list[Path]:
    """The files that belong to the pipeline: its index, and of each part what is no code and no pickle."""
    found = [source / INDEX]
    for part, value in index.items():
        if part.startswith("_") or not isinstance(value, list) or value[0] is None:
            continue
        if value[0] not in LIBRARIES:
            raise ValueError(
                f"{source / INDEX} takes its {part} from {value[0]!r}; only {', '.join(sorted(LIBRARIES))} are trusted"
            )
        folder = source / Path(part).name
        if not folder.is_dir():
            raise ValueError(f"{source} lacks the folder {part}, which {INDEX} names; get it again")
        weights = _weights(folder) if (folder / "config.json").is_file() else []
        others = [file for file in sorted(folder.iterdir()) if file.suffix in KEPT - {".safetensors"}]
        found += weights + [file for file in others if file.is_file()]
    return found


def _weights(folder: Path) -> list[Path]:
    """Those that diffusers opens. Raises ValueError where there are none, or a file is damaged or missing."""
    names = ("diffusion_pytorch_model.safetensors", "model.safetensors")
    file = next((folder / name for name in names if (folder / name).is_file()), None)
    files = [file] if file else wan_files.files(folder)
    for one in files:
        wan_files.described(one)
    return files


def _place(source: Path, into: Path, files: list[Path], about: dict[str, Any]) -> None:
    """Copy, describe and seal beside the place, and move there once it is whole."""
    staging = into.parent / f".{into.name}.importing-{os.getpid()}"
    shutil.rmtree(staging, ignore_errors=True)
    try:
        for file in files:
            target = staging / file.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
        text = json.dumps(about, ensure_ascii=False, indent=1, allow_nan=False)
        (staging / checkpoint.CONFIG).write_text(text + "\n", encoding="utf-8")
        checkpoint.seal(staging)
        if into.exists():
            shutil.rmtree(into)  # `check_place` saw that it is empty, or was imported
        staging.rename(into)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _read(file: Path) -> dict[str, Any]:
    try:
        held = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{file} cannot be read: {error}; get it again") from None
    if not isinstance(held, dict):
        raise ValueError(f"{file} must hold an object, not a {type(held).__name__}")
    return cast("dict[str, Any]", held)
