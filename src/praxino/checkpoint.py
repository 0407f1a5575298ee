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
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from praxino import look as looks
from praxino.look import Look

if TYPE_CHECKING:
    from torch import Tensor

FORMAT = 1
WEIGHTS, CONFIG, HASHES = "weights.safetensors", "config.json", "hashes.json"
LICENCE = "apache-2.0"
"""Of what ships."""
OWN = "praxino"
"""The engine of models that do not name another one in their config."""


def find(model: str, *, partial: bool = False) -> Path:
    """The folder of a model: one that has a name ("pocket", see `list_models`), or any folder that holds a config.json.

    Raises ValueError naming the models there are; without ``partial`` also for a transformer that came without the
    parts it needs to make films.
    """
    known = {folder.name: folder for folder in list_models(partial=True)}
    able = [name for name, folder in known.items() if _able(folder)]
    there = f"choose {', '.join(able) or 'a trained folder'}" + (", or give a model's folder" if able else "")
    folder = known.get(model, Path(model).expanduser())
    if not folder.is_dir():
        raise ValueError(f"model {model!r} does not exist; {there}")
    for name in (CONFIG, *([file.name for file in weights(folder)] if engine(folder) == OWN else [HASHES])):
        if not (folder / name).is_file() and not (folder / ".saved" / name).is_file():
            raise ValueError(f"model folder {model!r} holds no {name}; {there}")
    if not partial and (absent := _lacks(folder)):
        raise ValueError(
            f"model {model!r} was imported as a transformer alone and cannot make films yet: it has no"
            f" {' and no '.join(absent)}; {there}"
        )
    if not partial:
        base(folder)
    return folder


def list_models(*, partial: bool = False) -> list[Path]:
    """Folders of the models that have a name, their own: those that ship, and those that PRAXINO_MODELS lists.

    With ``partial`` also those that cannot make films yet.
    """
    return shipped() + [folder for folder in _own() if (folder / CONFIG).is_file() and (partial or _able(folder))]


def shipped() -> list[Path]:
    """Folders of the models that come with the package."""
    return sorted(path.parent for path in (Path(__file__).parent / "weights").glob(f"*/{CONFIG}"))


def _own() -> list[Path]:
    return [Path(folder) for folder in os.environ.get("PRAXINO_MODELS", "").split(os.pathsep) if folder]


def lacks(about: Mapping[str, Any]) -> list[str]:
    """What a config's transformer lacks to make films; nothing where there is no transformer at all."""
    parts = {"text": "text encoder", "autoencoder": "autoencoder"}
    if about.get("transformer", {}).get("picture_channels"):
        parts["picture"] = "picture encoder"
    return [said for part, said in parts.items() if "transformer" in about and part not in about]


def _able(folder: Path) -> bool:
    """Whether it has all that films need; of a look also its base."""
    try:
        return not lacks(card(folder)) and base(folder).is_dir()
    except ValueError:
        return look(folder) is None  # whoever opens it says what is wrong


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
    """The files that hold its weights; of a look, its changes."""
    if (kept := look(folder)) is not None:
        return [folder / change.file for change in kept.changes]
    return [folder / WEIGHTS] if engine(folder) == OWN else sorted(folder.glob("*/*.safetensors"))


def licence(folder: Path) -> dict[str, Any]:
    """What its config says of its licence; what ships is under the package's."""
    return card(folder).get("licence", {"id": LICENCE} if folder in shipped() else {})


def look(folder: Path) -> Look | None:
    """Of which model it is a look, and how; None where it has weights of its own."""
    try:
        return looks.of(card(folder))
    except ValueError:
        return None  # whoever opens it says what is wrong


def base(folder: Path) -> Path:
    """The folder whose weights a model's films are made with: its own, or that of the model it is a look of.

    Raises ValueError with the remedy where that is not here, or is known to have other weights than the look needs.
    """
    kept = looks.of(card(folder))
    if kept is None:
        return folder
    places = [Path(kept.folder), folder.resolve().parent / kept.base]
    places += [one for one in (*shipped(), *_own()) if one.resolve().name == kept.base]
    there = [place for place in places if (place / WEIGHTS).is_file()]
    for place in there:
        if (hashes(place).get(WEIGHTS) or digest(place))[:16] == kept.digest:
            return place
    told = f"model {folder.name!r} is a look of {kept.base!r} with the weights {kept.digest}"
    if there:
        raise ValueError(f"{told}, and {there[0]} holds others; put those back, or make the look anew")
    raise ValueError(
        f"{told}, which is not at {kept.folder} any more; put it back, or name its folder in PRAXINO_MODELS"
    )


def looks_of(folder: Path) -> list[Path]:
    """The looks of a model that can be found: those that PRAXINO_MODELS lists, and those in folders beside it."""
    home = folder.resolve()
    near = {one.resolve() for one in (*_own(), *(file.parent for file in home.parent.glob(f"*/{CONFIG}")))}
    return sorted(one for one in near - {home} if _needs(one, home))


def _needs(folder: Path, home: Path) -> bool:
    try:
        return look(folder) is not None and base(folder).resolve() == home
    except ValueError:
        return False  # it needs another one, that is not here


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
    """First 16 hexadecimal digits of the SHA-256 of the weights; of another engine's, of what `seal` wrote down.

    Of a look, of its base as it is now and its changes. What was read once is not read again while it stays as it is.
    """
    _finish(folder)
    if (kept := look(folder)) is not None:
        return looks.digest(kept, digest(base(folder)), {file.name: _known(file) for file in weights(folder)})
    if engine(folder) != OWN:
        if not (folder / HASHES).is_file():
            raise ValueError(f"model folder {str(folder)!r} holds no {HASHES}; import it again")
        return _known(folder / HASHES)[:16]
    return _known(folder / WEIGHTS)[:16]


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


def _known(file: Path) -> str:
    """The SHA-256 of a file, read once for as long as it stays the same one."""
    about = file.stat()
    return _read_once(file, (about.st_ino, about.st_size, about.st_mtime_ns))


@lru_cache(maxsize=64)
def _read_once(file: Path, _state: tuple[int, int, int]) -> str:
    return _sha256(file)


def save(
    folder: Path,
    tensors: Mapping[str, "Tensor"] | None,
    config: Mapping[str, Any],
    extra: Mapping[str, bytes | Path] | None = None,
) -> None:
    """Write a model, whole or not at all, in place of the one that was there; without ``tensors``, a look.

    ``extra`` are further files by name, such as tokenizer.json, or where to copy them from. Raises ValueError on a
    config without its format.
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
        if tensors is not None:
            save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, staging / WEIGHTS)
        about = json.dumps(config, ensure_ascii=False, indent=1, allow_nan=False)
        (staging / CONFIG).write_text(about + "\n", encoding="utf-8")
        for name, data in (extra or {}).items():
            if isinstance(data, Path):
                shutil.copyfile(data, staging / name)
            else:
                (staging / name).write_bytes(data)
        for file in staging.iterdir():
            _flush(file)
        staging.rename(folder / ".saved")
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    _finish(folder)
    if tensors is None:
        (folder / WEIGHTS).unlink(missing_ok=True)  # of a model that was here before


def load(folder: Path) -> tuple[dict[str, "Tensor"], dict[str, Any]]:
    """The tensors, on the CPU, and the config. Raises ValueError where the folder does not hold a whole model."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file  # pyright: ignore[reportUnknownVariableType]

    about = card(folder)
    _whole(folder)
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
    _whole(folder)
    peek: Any = safetensors.safe_open  # untyped
    try:
        with peek(folder / WEIGHTS, framework="pt") as opened:
            names: list[str] = list(opened.keys())
        for name in names:
            with peek(folder / WEIGHTS, framework="pt") as opened:
                yield name, opened.get_tensor(name)
    except (OSError, safetensors.SafetensorError) as error:
        raise ValueError(f"{folder / WEIGHTS} cannot be read: {_first_line(error)}; choose another model") from None


def _whole(folder: Path) -> None:
    if (kept := look(folder)) is not None:
        raise ValueError(f"{folder} is a look of {kept.base!r} and holds no weights of its own; name {kept.base!r}")


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
