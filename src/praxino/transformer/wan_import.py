"""Open weights as a model's folder, under a licence that was read."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from praxino import checkpoint, config
from praxino.transformer import wan, wan_files, wan_lora
from praxino.transformer.config import TransformerConfig
from praxino.transformer.model import Transformer
from praxino.transformer.wan import Found

PERMISSIVE = {"apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "isc", "cc0-1.0", "cc-by-4.0", "unlicense"}
_TEXTS = {"apache-2.0": r"Apache License\s+Version 2\.0", "mit": r"Permission is hereby granted, free of charge"}


@dataclass(frozen=True, kw_only=True)
class Terms:
    """How weights are to be imported."""

    name: str | None = None  # None: that of the folder
    accepted: bool = False  # the licence was read
    dtype: torch.dtype | None = None  # None: as it is
    loras: tuple[Path, ...] = ()  # to merge; of two that take turns, into that of much noise
    loras_2: tuple[Path, ...] = ()  # into the other
    sight: tuple[tuple[str, int], ...] = ()  # chunk, window, sink, where others are wanted than the weights suggest


@dataclass(frozen=True, kw_only=True)
class Others:
    """What belongs to a model besides its transformer; read when it is asked for."""

    about: dict[str, Any] = field(default_factory=dict[str, Any])  # of its config
    tensors: Callable[[], Iterator[tuple[str, Tensor]]] = lambda: iter(())
    files: tuple[Path, ...] = ()


def bring(
    source: Path, into: Path, terms: Terms, *, others: Callable[[TransformerConfig], Others] = lambda _: Others()
) -> dict[str, Any]:
    """Import the weights of ``source`` as the model ``into``; its config.

    ``others`` are what goes with a transformer of this kind. Raises ValueError for what `wan.read` refuses, for a
    licence that is not accepted, and for a folder that holds something else already.
    """
    pair = wan_files.pair(source)
    found, second = wan.found(pair[0] if pair else source), wan.found(pair[1]) if pair else None
    if found.layout == "praxino":
        raise ValueError(f"{source} is a Praxino model already; give it to --model, or copy it")
    licence = licence_of(source)
    check_place(source, into)
    check_licence(licence, source, into, accepted=terms.accepted)
    _check_turns(found, second, source, terms)
    seen = seeing(found.config, dict(terms.sight))
    more = others(seen)
    weights = {"transformer": (found, terms.loras)} | ({"transformer_2": (second, terms.loras_2)} if second else {})
    models = {name: _made(replace(one, config=seen), terms.dtype, loras) for name, (one, loras) in weights.items()}
    about = {
        "format": checkpoint.FORMAT,
        "name": terms.name or into.resolve().name,
        **dict.fromkeys(models, config.to_json(seen)),
        "licence": {"id": licence[0]} | ({} if licence[0] in PERMISSIVE else {"accepted": True}),
        "origin": {
            "layout": found.layout,
            "files": sorted({held.file.name for one, _ in weights.values() for held in one.tensors.values()}),
            "loras": [lora.name for lora in (*terms.loras, *terms.loras_2)],
        },
        **more.about,
    }
    tensors = {f"{part}.{name}": value for part, one in models.items() for name, value in one.state_dict().items()}
    for name, value in more.tensors():
        tensors[name] = value.to(terms.dtype or value.dtype) if value.is_floating_point() else value
    (into / checkpoint.HASHES).unlink(missing_ok=True)
    checkpoint.save(into, tensors, about, {file.name: file.read_bytes() for file in (*licence[1], *more.files)})
    checkpoint.seal(into)
    return about


def _made(found: Found, dtype: torch.dtype | None, loras: tuple[Path, ...]) -> Transformer:
    model = wan.filled(found, dtype=dtype)
    for lora in loras:
        wan_lora.merge(model, lora)
    return model


def _check_turns(found: Found, second: Found | None, source: Path, terms: Terms) -> None:
    """Raises ValueError where two cannot take turns, and for a LoRA of one that is not there."""
    if second is None and terms.loras_2:
        raise ValueError(f"{source} holds one transformer; give its LoRA to --lora, not to --lora-2")
    if second is not None and second.config != found.config:
        raise ValueError(f"the two transformers of {source} are of different sizes; they are of different models")


def seeing(config: TransformerConfig, sight: dict[str, int]) -> TransformerConfig:
    """The config with what it sees; who was taught whole clips sees nothing before its chunk, unless it is said."""
    seen = replace(config, **sight)
    return replace(seen, window=0) if seen.chunk >= wan.WHOLE and "window" not in sight else seen


def licence_of(source: Path) -> tuple[str, list[Path]]:
    """Its name, as model cards have it ("unknown" where nothing says), and the files that it is in."""
    folder = source if source.is_dir() else source.parent
    inside = {name for pair in wan_files.PAIRS for name in pair}
    places = [folder, folder.parent] if folder.name in inside else [folder]
    texts = [file for place in places for file in sorted(place.glob("LICEN[SC]E*")) if file.is_file()]
    for place in places:
        if (card := place / "README.md").is_file():
            head = re.match(r"---\n(.*?)\n---", card.read_text(encoding="utf-8", errors="replace"), re.DOTALL)
            said = dict(re.findall(r"^(license(?:_name)?):\s*([\w.+-]+)", head[1] if head else "", re.MULTILINE))
            if said:
                named = said.get("license", "other").lower()
                return said.get("license_name", named) if named == "other" else named, texts
    for text in texts:
        for name, pattern in _TEXTS.items():
            if re.search(pattern, text.read_text(encoding="utf-8", errors="replace")):
                return name, texts
    return "unknown", texts


def check_licence(licence: tuple[str, list[Path]], source: Path, into: Path, *, accepted: bool) -> None:
    """Raises ValueError for a licence, as `licence_of` gives it, that is not permissive and was never accepted."""
    name, texts = licence
    before: dict[str, Any] = {}
    if (into / checkpoint.CONFIG).is_file():
        before = checkpoint.card(into).get("licence", {})
    if accepted or name in PERMISSIVE or (before.get("accepted") and before.get("id") == name):
        return
    where = str(texts[0]) if texts else f"where {source.name} came from"
    raise ValueError(
        f"the licence of these weights is {name}, which is not known to be permissive; read it ({where}), and say that"
        " you accept it by --accept-licence"
    )


def check_place(source: Path, into: Path) -> None:
    """Raises ValueError where something else is that would be lost."""
    homes = [home.resolve() for home in wan_files.pair(source) or (wan_files.home(source),)]
    if into.resolve() in {source.resolve(), *homes, *(home.parent for home in homes)}:
        raise ValueError(f"{into} is where the weights are; choose another folder")
    if into.is_file():
        raise ValueError(f"{into} is a file; choose a folder")
    if (into / checkpoint.CONFIG).is_file():
        if "origin" not in checkpoint.card(into):
            raise ValueError(f"{into} holds a model that was not imported; choose another folder")
    elif into.is_dir() and any(into.iterdir()):
        raise ValueError(f"{into} is not empty; choose another folder")
