"""A model on disk: a folder of weights.safetensors, config.json and what else belongs to it; never pickle.

Saving is all or nothing: the new files are written to ``.saving-*`` inside the folder, that becomes ``.saved`` in one
rename, and only then do its files take their places. Whoever finds a ``.saved`` finishes the move, so a crash at any
point leaves the old model or the new one. Other files of the folder stay.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from torch import Tensor

FORMAT = 1
WEIGHTS, CONFIG, HASHES = "weights.safetensors", "config.json", "hashes.json"
OWN = "praxino"
"""The engine of models that do not name another one in their config."""


def find(model: str, *, partial: bool = False) -> Path:
    """The folder of a model: one that has a name ("pocket", see `list_models`), or any folder that holds a config.json.

    Raises ValueError naming the models there are; without ``partial`` also for a transformer that came without the
    parts it needs to make films.
    """
    known = {folder.name: folder for folder in list_models(partial=True)}
    able = [name for name, folder in known.items() if not _lacks(folder)]
    there = f"choose {', '.join(able) or 'a trained folder'}" + (", or give a model's folder" if able else "")
    folder = known.get(model, Path(model).expanduser())
    if not folder.is_dir():
        raise ValueError(f"model {model!r} does not exist; {there}")
    for name in (CONFIG, WEIGHTS if engine(folder) == OWN else HASHES):
        if not (folder / name).is_file() and not (folder / ".saved" / name).is_file():
            raise ValueError(f"model folder {model!r} holds no {name}; {there}")
    if not partial and (absent := _lacks(folder)):
        raise ValueError(
            f"model {model!r} was imported as a transformer alone and cannot make films yet: it has no"
            f" {' and no '.join(absent)}; {there}"
        )
    return folder


def list_models(*, partial: bool = False) -> list[Path]:
    """Folders of the models that have a name, their own: those that ship, and those that PRAXINO_MODELS lists.

    With ``partial`` also those that cannot make films yet.
    """
    own = [Path(folder) for folder in os.environ.get("PRAXINO_MODELS", "").split(os.pathsep) if folder]
    return shipped() + [folder for folder in own if (folder / CONFIG).is_file() and (partial or not _lacks(folder))]


def shipped() -> list[Path]:
    """Folders of the models that come with the package."""
    return sorted(path.parent for path in (Path(__file__).parent / "weights").glob(f"*/{CONFIG}"))


def lacks(about: Mapping[str, Any]) -> list[str]:
    """What a config's transformer lacks to make films; nothing where there is no transformer at all."""
    parts = {"text": "text encoder", "autoencoder": "autoencoder"}
    if about.get("transformer", {}).get("picture_channels"):
        parts["picture"] = "picture encoder"
    return [said for part, said in parts.items() if "transformer" in about and part not in about]


def _lacks(folder: Path) -> list[str]:
    try:
        return lacks(card(folder))
    except ValueError:
        return []  # whoever opens it says what is wrong


def engine(folder: Path) -> str:
    """What makes its films: `OWN`, or another engine that its config names."""
    try:
        return str(card(folder).get("engine", OWN))
    except ValueError:
        return OWN  # whoever opens it says what is wrong


def weights(folder: Path) -> list[Path]:
    """The files that hold its weights."""
    return [folder / WEIGHTS] if engine(folder) == OWN else sorted(folder.glob("*/*.safetensors"))


def card(folder: Path) -> dict[str, Any]:
    """What config.json says. Raises ValueError where it is missing, broken, or of another format."""
    _finish(folder)
    try:
        about = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{folder / CONFIG} cannot be read: {_first_line(error)}; choose another model") from None
    if not isinstance(about, dict):
        raise ValueError(f"{folder / CONFIG} must hold an object, not a {type(about).__name__}")
    found = cast("dict[str, Any]", about)
    if found.get("format") != FORMAT:
        raise ValueError(f"{folder / CONFIG} has format {found.get('format')!r}; this version reads {FORMAT}")
    return found


def digest(folder: Path) -> str:
    """First 16 hexadecimal digits of the SHA-256 of the weights; of another engine's, of what `seal` wrote down."""
    _finish(folder)
    if engine(folder) != OWN:
        if not (folder / HASHES).is_file():
            raise ValueError(f"model folder {str(folder)!r} holds no {HASHES}; import it again")
        return _sha256(folder / HASHES)[:16]
    return _sha256(folder / WEIGHTS)[:16]


def seal(folder: Path) -> None:
    """Write down the SHA-256 of every file of a model, for `damage`."""
    files = sorted(file for file in folder.rglob("*") if file.is_file() and file.name != HASHES)
    hashes = {file.relative_to(folder).as_posix(): _sha256(file) for file in files}
    staging = folder / f".{HASHES}-{os.getpid()}"
    staging.write_text(json.dumps(hashes, indent=1) + "\n", encoding="utf-8")
    staging.replace(folder / HASHES)


def hashes(folder: Path) -> dict[str, str]:
    """What `seal` wrote down: the SHA-256 of each file by its name; nothing where a model was never sealed."""
    try:
        held = json.loads((folder / HASHES).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return (
        {str(name): str(value) for name, value in cast("dict[Any, Any]", held).items()}
        if isinstance(held, dict)
        else {}
    )


def damage(folder: Path) -> list[str]:
    """The files that are not as they were when the model was sealed."""
    return [
        name
        for name, known in hashes(folder).items()
        if not (folder / name).is_file() or _sha256(folder / name) != known
    ]


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def save(
    folder: Path, tensors: Mapping[str, "Tensor"], config: Mapping[str, Any], extra: Mapping[str, bytes] | None = None
) -> None:
    """Write a model, whole or not at all, in place of the one that was there.

    ``extra`` are further files by name, such as tokenizer.json. Raises ValueError on a config without its format.
    """
    from safetensors.torch import save_file  # pyright: ignore[reportUnknownVariableType]

    if config.get("format") != FORMAT:
        raise ValueError(f"config has format {config.get('format')!r}; this version writes {FORMAT}")
    folder.mkdir(parents=True, exist_ok=True)
    _finish(folder)
    staging = folder / f".saving-{os.getpid()}"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir()
    try:
        save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, staging / WEIGHTS)
        about = json.dumps(config, ensure_ascii=False, indent=1, allow_nan=False)
        (staging / CONFIG).write_text(about + "\n", encoding="utf-8")
        for name, data in (extra or {}).items():
            (staging / name).write_bytes(data)
        for file in staging.iterdir():
            _flush(file)
        staging.rename(folder / ".saved")
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    _finish(folder)


def load(folder: Path) -> tuple[dict[str, "Tensor"], dict[str, Any]]:
    """The tensors, on the CPU, and the config. Raises ValueError where the folder does not hold a whole model."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file  # pyright: ignore[reportUnknownVariableType]

    about = card(folder)
    try:
        return load_file(folder / WEIGHTS), about
    except (OSError, SafetensorError) as error:
        raise ValueError(f"{folder / WEIGHTS} cannot be read: {_first_line(error)}; choose another model") from None


def stream(folder: Path) -> "Iterator[tuple[str, Tensor]]":
    """The tensors by name, one at a time, on the CPU. Raises ValueError as `load` does.

    The file is opened anew for each, so that what was read of it does not stay in memory.
    """
    import safetensors

    _finish(folder)
    look: Any = safetensors.safe_open  # untyped
    try:
        with look(folder / WEIGHTS, framework="pt") as opened:
            names: list[str] = list(opened.keys())
        for name in names:
            with look(folder / WEIGHTS, framework="pt") as opened:
                yield name, opened.get_tensor(name)
    except (OSError, safetensors.SafetensorError) as error:
        raise ValueError(f"{folder / WEIGHTS} cannot be read: {_first_line(error)}; choose another model") from None


def _finish(folder: Path) -> None:
    """Move the files of a finished save to their places, where a crash came between."""
    saved = folder / ".saved"
    if not saved.is_dir():
        return
    for file in sorted(saved.iterdir()):
        try:
            file.replace(folder / file.name)
        except FileNotFoundError:  # someone else is finishing too
            continue
    shutil.rmtree(saved, ignore_errors=True)


def _flush(file: Path) -> None:
    with file.open("rb") as opened:
        os.fsync(opened.fileno())


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
