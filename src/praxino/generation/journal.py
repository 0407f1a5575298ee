"""What survives a crash: each finished chunk's latents, on disk before they are decoded."""

import json
import os
from pathlib import Path

from safetensors.torch import load_file, save_file
from torch import Tensor


class Journal:
    """A folder of finished chunks of one film; opened again, it continues where it stopped."""

    def __init__(self, folder: Path, *, film: dict[str, object]) -> None:
        """``film`` tells films apart: the request and the model's digest.

        Raises ValueError where the folder holds another film's journal or cannot be written.
        """
        self.folder = folder
        about = folder / "film.json"
        text = json.dumps(film, sort_keys=True, ensure_ascii=False)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if about.exists() and about.read_text() != text:
                raise ValueError(f"{folder} is the journal of another film; give another folder or remove it")
            temporary = folder / f"film.{os.getpid()}.tmp"
            temporary.write_text(text)
            temporary.replace(about)
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
