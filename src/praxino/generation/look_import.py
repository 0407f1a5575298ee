"""LoRA files beside a model: a folder that holds them alone, and is a model like any other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from praxino import checkpoint
from praxino import look as looks
from praxino.generation.look import shapes_of
from praxino.look import Change, Look
from praxino.transformer import wan_import, wan_lora


@dataclass(frozen=True, kw_only=True)
class Given:
    """A LoRA file (or folder)."""

    path: Path
    strength: float = 1.0
    part: Literal["transformer", "transformer_2"] = "transformer"  # of the base, that it changes


@dataclass(frozen=True, kw_only=True)
class Terms:
    """How a look is to be."""

    name: str | None = None  # None: that of the folder
    accepted: bool = False  # the licences were read


def bring(loras: Sequence[Given], base: Path, into: Path, terms: Terms) -> dict[str, Any]:
    """Make the look ``into`` of ``base``, with what is given added in that order; its config.

    Raises ValueError for a base that can have no looks, a change that does not fit it, a strength out of range, a
    licence that is not accepted, and a folder that holds something else already.
    """
    check(base)
    wan_import.check_place(base, into)
    changes, files = list[Change](), dict[str, bytes | Path]()
    for number, lora in enumerate(loras, 1):
        _fits(lora, base)
        name, texts = licence = wan_import.licence_of(lora.path)
        wan_import.check_place(lora.path, into)
        wan_import.check_licence(licence, lora.path, into, accepted=terms.accepted)
        prefix, file = ("", "lora.safetensors") if len(loras) == 1 else (f"{number}-", f"lora-{number}.safetensors")
        changes.append(Change(file=file, name=lora.path.stem, licence=name, strength=lora.strength, part=lora.part))
        files[file] = wan_lora.alone(lora.path)
        files |= {prefix + text.name: text for text in texts}
    about = {
        "name": terms.name or into.resolve().name,
        "origin": {"layout": "lora", "files": [lora.path.name for lora in loras]},
        "licence": {"accepted": True} if terms.accepted else {},
    }
    return write(into, base, changes, files, about)


def check(base: Path) -> None:
    """Raises ValueError, with the remedy, for a model that can have no looks."""
    about = checkpoint.card(base)
    if (look := looks.of(about)) is not None:
        raise ValueError(f"model {base.name!r} is a look itself; name its base, {look.base!r}, and all the changes")
    if checkpoint.engine(base) != checkpoint.OWN or "transformer" not in about:
        raise ValueError(
            f"model {base.name!r} is a pipeline of another kind, and can have no looks; name a Praxino model"
        )


def _fits(lora: Given, base: Path) -> None:
    if lora.part not in checkpoint.card(base):
        raise ValueError(f"model {base.name!r} has one transformer; leave --lora-2 out")
    wan_lora.changes(lora.path, shapes_of(base, lora.part))


def write(
    into: Path,
    base: Path,
    changes: Sequence[Change],
    files: Mapping[str, bytes | Path],
    said: Mapping[str, Any],
) -> dict[str, Any]:
    """Write a look, whole or not at all; its config, in which ``said`` stands instead of what the base's says."""
    look = Look(
        base=base.resolve().name,
        digest=checkpoint.digest(base),
        folder=str(base.resolve()),
        changes=tuple(changes),
    )
    licence = looks.licence_of(checkpoint.licence(base), changes) | said.get("licence", {})
    about = looks.card_of(checkpoint.card(base), look, name=said["name"], licence=licence)
    about |= {key: value for key, value in said.items() if key != "licence"}
    (into / checkpoint.HASHES).unlink(missing_ok=True)
    checkpoint.save(into, None, about, files)
    checkpoint.seal(into)
    return about
