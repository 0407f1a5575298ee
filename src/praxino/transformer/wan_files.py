"""The files of open weights: found, described, and read a tensor at a time; safetensors, never pickle."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

PICKLED = (".pt", ".pth", ".bin", ".ckpt", ".pkl")
CONVERT = (
    "python -c \"import torch; from safetensors.torch import save_file; s = torch.load('{name}', map_location='cpu',"
    " weights_only=True); s = s.get('generator_ema', s.get('generator', s));"
    " save_file({{k: v.contiguous() for k, v in s.items()}}, '{stem}.safetensors')\""
)


PAIRS = (("transformer", "transformer_2"), ("high_noise_model", "low_noise_model"))
"""Folders of two transformers that take turns, in the layouts of diffusers and of Wan's own code."""


@dataclass(frozen=True, kw_only=True)
class Held:
    """A tensor in a file."""

    file: Path
    shape: tuple[int, ...]
    dtype: str  # as safetensors calls it: F32, BF16


def home(path: Path) -> Path:
    """The folder, or file, of the transformer itself: a `diffusers` pipeline has it in a folder of its own.

    Raises ValueError for a pipeline that has two.
    """
    if any(path.glob("*.safetensors")):
        return path
    if two := pair(path):
        raise ValueError(f"{path} holds two transformers that take turns; name one: {two[0]}, or {two[1]}")
    inner = path / "transformer"
    return inner if (inner / "config.json").is_file() else path


def pair(path: Path) -> tuple[Path, Path] | None:
    """The folders of two transformers that take turns, that of much noise first; None where there is one.

    Raises ValueError where one of the two is missing.
    """
    said = json_of(path / "model_index.json").get("transformer_2", [None])
    named = isinstance(said, list) and bool(said) and said[0] is not None
    for at, names in enumerate(PAIRS):
        high, low = (path / name for name in names)
        there = [one for one in (high, low) if one.is_dir()]
        if len(there) == 2:
            return high, low
        if there and (named or at == 1):
            lacking = low if there == [high] else high
            raise ValueError(f"{path} lacks {lacking.name}, which takes turns with {there[0].name}; get it again")
    return None


def about(path: Path) -> dict[str, Any]:
    """What config.json beside the weights says; nothing where there is none. Raises ValueError where it is broken."""
    return json_of((path if path.is_dir() else path.parent) / "config.json")


def json_of(file: Path) -> dict[str, Any]:
    """What a file holds; nothing where there is none. Raises ValueError where it is broken."""
    if not file.is_file():
        return {}
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{file} cannot be read: {error}") from None
    if not isinstance(said, dict):
        raise ValueError(f"{file} must hold an object, not a {type(said).__name__}")
    return cast("dict[str, Any]", said)


def files(path: Path) -> list[Path]:
    """The safetensors files of one set of weights. Raises ValueError where there are none, or more than one set."""
    if not path.exists():
        raise ValueError(f"{path} does not exist; name a folder with safetensors files")
    if path.is_file():
        if path.suffix != ".safetensors":
            raise ValueError(_pickled(path) if path.suffix in PICKLED else f"{path} is no safetensors file")
        return [path]
    if indices := sorted(path.glob("*.safetensors.index.json")):
        return _indexed(indices[0])
    found = sorted(path.glob("*.safetensors"))
    if not found:
        pickled = sorted(file for file in path.rglob("*") if file.suffix in PICKLED)
        raise ValueError(_pickled(pickled[0]) if pickled else f"{path} holds no safetensors file")
    whole = [file for file in found if file.stem == "diffusion_pytorch_model"]
    if len(found) > 1 and not whole and not all("-of-" in file.stem for file in found):
        raise ValueError(f"{path} holds {len(found)} safetensors files; name one: {', '.join(f.name for f in found)}")
    return whole or found


def described(path: Path) -> dict[str, Held]:
    """The tensors of these weights by name; reads headers only. Raises ValueError where a file is damaged."""
    out: dict[str, Held] = {}
    for file in files(path):
        try:
            with safe_open(file, framework="pt") as opened:
                for name in opened.keys():  # noqa: SIM118 - no mapping
                    piece = opened.get_slice(name)
                    out[name] = Held(file=file, shape=tuple(piece.get_shape()), dtype=piece.get_dtype())
        except (OSError, SafetensorError) as error:
            raise ValueError(f"{file} cannot be read: {error}; get it again") from None
    if not out:
        raise ValueError(f"{path} holds no tensors")
    return out


def tensors(held: dict[str, Held]) -> Iterator[tuple[str, Tensor]]:
    """Each by name. The file is opened anew for each, so that what was read of it does not stay in memory."""
    for name, one in held.items():
        with safe_open(one.file, framework="pt") as opened:
            yield name, opened.get_tensor(name)


def write(folder: Path, named: Iterable[tuple[str, Tensor]], *, stem: str, shard: int) -> None:
    """Write tensors in files of at most ``shard`` bytes, with an index where there are several.

    One file's tensors are in memory at a time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob(f"{stem}*.safetensors*"):
        old.unlink()
    files, placed, total = list[Path](), dict[str, int](), 0
    held: dict[str, Tensor] = {}

    def put() -> None:
        files.append(folder / f"{stem}-{len(files) + 1:05d}.safetensors.part")
        save_file(held, files[-1], metadata={"format": "pt"})
        placed.update(dict.fromkeys(held, len(files)))
        held.clear()

    for name, value in named:
        if held and sum(each.nbytes for each in held.values()) + value.nbytes > shard:
            put()
        held[name] = value.cpu().contiguous()
        total += value.nbytes
    put()
    if len(files) == 1:
        files[0].rename(folder / f"{stem}.safetensors")
        return
    names = [f"{stem}-{number:05d}-of-{len(files):05d}.safetensors" for number in range(1, len(files) + 1)]
    for file, name in zip(files, names, strict=True):
        file.rename(folder / name)
    where = {name: names[number - 1] for name, number in placed.items()}
    write_json(folder / f"{stem}.safetensors.index.json", {"metadata": {"total_size": total}, "weight_map": where})


def write_json(file: Path, value: Mapping[str, Any]) -> None:
    """Write a config, as `json_of` reads it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _indexed(index: Path) -> list[Path]:
    try:
        names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{index} cannot be read: {error!r}") from None
    for name in names:
        if Path(name).name != name or Path(name).suffix != ".safetensors":
            raise ValueError(f"{index} names {name!r}, which is no safetensors file beside it")
        if not (index.parent / name).is_file():
            raise ValueError(f"{index.parent} lacks {name}, which {index.name} names; get it again")
    return [index.parent / name for name in names]


def _pickled(file: Path) -> str:
    command = CONVERT.format(name=file.name, stem=file.stem)
    return (
        f"{file} is pickled, and opening it would run whatever code it holds; only safetensors are read."
        f" Convert it on a machine that you can afford to lose: {command}"
    )
