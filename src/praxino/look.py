"""A look: a model that is another one, its base, with low-rank changes (LoRA) kept beside it.

    DIR/config.json       the base's, under a name of its own; `look` in it says which base, and which changes
    DIR/lora.safetensors  a change; each in a file of its own

It holds no other weights: the changes are added to the base's while that is opened. Who makes films need not know.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from praxino import config

KEY = "look"
"""Of a config that is a look's."""
STRONGEST = 10.0
"""A change may be added so many times, or taken away."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """What is added to the base's weights."""

    file: str  # safetensors, in the look's folder
    name: str
    licence: str = "unknown"
    strength: float = 1.0  # how much of it; 0: none, and the base's bits are untouched
    part: Literal["transformer", "transformer_2"] = "transformer"  # of the base, that it changes


@dataclass(frozen=True, kw_only=True)
class Look:
    """Which model it is a look of, and which changes make it."""

    base: str  # its name
    digest: str  # of its weights; others are refused
    folder: str  # where it was when the look was made
    changes: tuple[Change, ...]  # added one after another


def of(about: Mapping[str, Any]) -> Look | None:
    """What a config says; None for a model that has its own weights. Raises ValueError where it makes no sense."""
    if KEY not in about:
        return None
    found = config.from_json(Look, about[KEY])
    for change in found.changes:
        if Path(change.file).name != change.file or Path(change.file).suffix != ".safetensors":
            raise ValueError(f"a look names {change.file!r}, which is no safetensors file beside its config.json")
        if not (math.isfinite(change.strength) and abs(change.strength) <= STRONGEST):
            raise ValueError(f"strength {change.strength} must be from {-STRONGEST:g} to {STRONGEST:g}; try 1")
    return found


def card_of(base: Mapping[str, Any], look: Look, *, name: str, licence: Mapping[str, Any]) -> dict[str, Any]:
    """The config of a look: what its base's says, under a name and licence of its own. Raises ValueError as `of`."""
    about = {key: value for key, value in base.items() if key not in {"origin", "licence"}}
    about |= {"name": name, "licence": dict(licence), KEY: config.to_json(look)}
    of(about)
    return about


def licence_of(base: Mapping[str, Any], changes: Sequence[Change]) -> dict[str, Any]:
    """All licences that a look is under: its base's, as `checkpoint.licence` gives it, and its changes'."""
    names = dict.fromkeys([str(base.get("id", "unknown")), *(change.licence for change in changes)])
    return {**base, "id": " + ".join(names)}


def digest(look: Look, base: str, files: Mapping[str, str]) -> str:
    """16 hexadecimal digits that stand for its weights: of its base's digest and its files' SHA-256."""
    said = [base, *(f"{files[change.file]} {change.strength!r} {change.part}" for change in look.changes)]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:16]
