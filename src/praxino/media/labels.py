"""Provenance in a film's metadata: its recipe, and the implicit label that GB 45438-2025 asks for."""

import hashlib
import json
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, cast

import av
from av.error import FFmpegError

RECIPE, LABEL, COMMENT = "praxino_recipe", "AIGC", "comment"
GENERATED = "1"  # GB 45438-2025, annex E: 1 is made by AI, 2 may be, 3 is suspected to be
DEEPEST = 32  # objects and lists inside one another; more is no recipe


def versions() -> dict[str, str]:
    """Of what takes part in making pixels."""
    found: dict[str, str] = {}
    for name in ("praxino", "torch", "numpy", "av", "pillow"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def metadata(recipe: Mapping[str, Any]) -> dict[str, str]:
    """The metadata of a film made by ``recipe`` (JSON values): recipe and label.

    The recipe stands in the comment too, which survives tools that drop keys they do not know.
    """
    text = json.dumps(recipe, ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False)
    return {RECIPE: text, COMMENT: text, LABEL: json.dumps(label(text), separators=(",", ":"))}


def label(content: str, *, producer: str | None = None) -> dict[str, str]:
    """The implicit label of a film whose recipe is ``content``. Equal recipes have equal numbers."""
    made = hashlib.sha256(content.encode()).hexdigest()[:32]
    return {
        "Label": GENERATED,
        "ContentProducer": producer or f"Praxino {versions().get('praxino', '')}".strip(),
        "ProduceID": made,
        "ReservedCode1": "",
        "ContentPropagator": "",
        "PropagateID": "",
        "ReservedCode2": "",
    }


def read_metadata(path: Path) -> dict[str, str]:
    """A film's metadata as its container holds it. Raises ValueError where the file is not a film."""
    if not path.is_file():
        raise ValueError(f"{path} does not exist; give an MP4 that Praxino made")
    try:
        with av.open(str(path.absolute()), options={"protocol_whitelist": "file"}) as container:
            return dict(container.metadata)
    except (FFmpegError, OSError, ValueError):
        raise ValueError(f"{path} cannot be read as a film; give an MP4 that Praxino made") from None


def read_recipe(path: Path) -> dict[str, Any] | None:
    """The recipe a film carries; None where it carries none. Raises ValueError where the file is not a film."""
    return recipe_in(read_metadata(path))


def read_label(path: Path) -> dict[str, Any] | None:
    """The AIGC label a film carries; None where it carries none. Raises ValueError where the file is not a film."""
    return label_in(read_metadata(path))


def recipe_in(found: Mapping[str, str]) -> dict[str, Any] | None:
    """The recipe in a film's metadata."""
    for key in (RECIPE, COMMENT):
        recipe = sound(found.get(key, ""))
        if recipe is not None and "request" in recipe:
            return recipe
    return None


def label_in(found: Mapping[str, str]) -> dict[str, Any] | None:
    """The AIGC label in a film's metadata."""
    return sound(found.get(LABEL, ""))


def sound(text: str) -> dict[str, Any] | None:
    """The object that a stranger's text stands for; None where it is none, or one that cannot be written again."""
    try:
        value = json.loads(text)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", value) if isinstance(value, dict) and _depth(value, DEEPEST) else None


def _depth(value: Any, left: int) -> bool:
    """Whether nothing is nested more deeply than this."""
    inner = cast("Any", value.values() if isinstance(value, dict) else value if isinstance(value, list) else ())
    return left > 0 and all(_depth(each, left - 1) for each in inner)
