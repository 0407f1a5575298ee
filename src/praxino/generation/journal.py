"""What survives a crash: a film's request, and each finished chunk's latents, on disk before they are decoded."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor

from praxino import request
from praxino.request import Request

ABOUT = "film.json"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a film was asked for and where it goes: what a resumed one has to know besides its request."""

    folder: str  # that relative paths of the request start from
    output: str
    sheet: str | None = None


class Journal:
    """A folder of finished chunks of one film; opened again, it continues where it stopped."""

    def __init__(self, folder: Path, *, film: dict[str, Any], place: Place) -> None:
        """``film`` tells films apart: the request and the model's digest.

        Raises ValueError where the folder holds another film's journal or cannot be written.
        """
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if (folder / ABOUT).exists() and _filled(_about(folder)["film"]) != film:
                raise ValueError(f"{folder} is the journal of another film; give another folder or remove it")
            text = json.dumps({"film": film, "place": asdict(place)}, sort_keys=True, ensure_ascii=False)
            temporary = folder / f"film.{os.getpid()}.tmp"
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(folder / ABOUT)
        except OSError as error:
            raise ValueError(
                f"the journal {folder} cannot be written: {error.strerror}; choose another folder"
            ) from None

    def done(self) -> dict[int, Tensor]:
        """The chunks that are there, by number."""
        return {int(path.stem[6:]): load_file(path)["latents"] for path in self.folder.glob("chunk-*.safetensors")}

    def write(self, number: int, latents: Tensor) -> None:
        """Keep one chunk, whole or not at all."""
        temporary = self.folder / f"chunk-{number:05d}.{os.getpid()}.tmp"
        save_file({"latents": latents.contiguous().cpu()}, temporary)
        temporary.replace(self.folder / f"chunk-{number:05d}.safetensors")


def _filled(film: dict[str, Any]) -> dict[str, Any]:
    """The same with what requests did not have when it was written, as it is when nobody asks for it."""
    try:
        return film | {"request": request.to_json(request.from_json(film["request"]))}
    except (KeyError, ValueError):
        return film


def asked(folder: Path) -> tuple[Request, Place]:
    """The request whose journal a folder is, and its place. Raises ValueError where it is none."""
    about = _about(folder)
    try:
        return request.from_json(about["film"]["request"]), Place(**about["place"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"{folder} is a journal that cannot be used ({error}); make the film anew") from None


def _about(folder: Path) -> dict[str, Any]:
    try:
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        about = None
    if not isinstance(about, dict) or not {"film", "place"} <= about.keys():
        raise ValueError(f"{folder} holds no journal; `praxino generate --journal FOLDER` keeps one")
    return about
