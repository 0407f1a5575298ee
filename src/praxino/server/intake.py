"""The door for media that strangers send: looked at in a process of its own, which may die, and made anew by us.

No byte of what was sent goes further than that process. It has little memory and time, no network to fetch from (what
it opens it opens as a file, by a fixed list of containers), and writes nothing but the clean copy.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from praxino.server.decode import FILE, MADE

SAID = 65_536  # bytes: the most that is read of what the process says


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The most that a file may be, and cost."""

    upload_bytes: int = 64 * 2**20
    side: int = 4096  # pixels; a larger picture is made smaller, a larger clip is refused
    pixels: int = 8_300_000  # of a clip's frame
    picture_side: int = 16_384
    picture_pixels: int = 50_000_000
    frames: int = 3600
    clip_pixels: int = 2_000_000_000  # of all frames
    seconds: float = 120
    memory_bytes: int = 2 * 2**30  # of addresses; libraries map far more than they use
    file_bytes: int = 512 * 2**20  # of the clean copy
    cpu_seconds: int = 60
    wall_seconds: float = 90


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What a file holds, and where its clean copy is: a PNG, or an MP4."""

    path: Path
    kind: Literal["picture", "clip"]
    width: int
    height: int
    frames: int
    fps: float
    seconds: float


class Refused(ValueError):  # noqa: N818 - the file is, nothing went wrong here
    """The file cannot be used; the message says why and what can.

    ``code``: unsupported_media, media_too_large, media_too_long, broken_media or media_too_costly.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


LIMITS = Limits()


def taken(upload: Path, into: Path, *, limits: Limits = LIMITS) -> Taken:
    """Look at a file, and write its clean copy at ``into`` with its suffix. Raises Refused, and then there is none.

    Until it is whole the copy lies in a hidden folder beside ``into``. Raises OSError where the disk is full.
    """
    if upload.stat().st_size > limits.upload_bytes:
        raise Refused("media_too_large", f"the file is too large; send at most {limits.upload_bytes // 2**20} MiB")
    with TemporaryDirectory(prefix=f".{into.name}.", dir=into.parent) as folder:
        room = Path(folder).absolute()
        (room / FILE).symlink_to(upload.absolute())
        about = _about(child("praxino.server.decode", room, asdict(limits)))
        made = room / MADE[about["kind"]]
        if made.is_symlink() or not made.is_file():
            raise _broken()
        return Taken(path=made.replace(into.with_name(into.name + made.suffix)), **about)


def _about(said: bytes) -> dict[str, Any]:
    """What the process found, each thing of its type. Raises what it says is wrong."""
    try:
        told = json.loads(said)
        if "errno" in told:
            raise OSError(told["errno"], f"{os.strerror(told['errno'])}; make room where uploads are kept")
        if "code" in told:
            raise Refused(str(told["code"]), str(told["message"]))
        whole = {name: int(told[name]) for name in ("width", "height", "frames")}
        rates = {name: float(told[name]) for name in ("fps", "seconds")}
        return {"kind": {kind: kind for kind in MADE}[told["kind"]]} | whole | rates
    except (KeyError, TypeError, json.JSONDecodeError):  # it died on the way
        raise _broken() from None


def child(module: str, room: Path, told: Mapping[str, Any], *, most: int = SAID) -> bytes:
    """What a process says that looks at the file in this folder, ``most`` bytes of it.

    ``told`` are its `Limits` by name, and what else it has to know. Raises Refused where it took too much.
    """
    command = [sys.executable, "-P", "-m", module, str(room), json.dumps(told)]
    environment = {name: os.environ[name] for name in ("PYTHONPATH", "LANG") if name in os.environ}
    environment |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
    said = room / "said"
    with said.open("wb") as out:
        process = subprocess.Popen(  # noqa: S603 - our own program
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        )
    try:
        status = process.wait(told["wall_seconds"])
    except BaseException as error:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if isinstance(error, subprocess.TimeoutExpired):
            raise Refused("media_too_costly", "the file takes too long to decode; send a smaller one") from None
        raise
    if status in {-signal.SIGXCPU, -signal.SIGKILL}:
        raise Refused("media_too_costly", "the file takes too much time or memory to decode; send a smaller one")
    if status > 0:  # files kill it, or are told of; this is ours
        raise RuntimeError(f"the decoder of uploads ends with {status}; run {sys.executable} -m {module}")
    with said.open("rb") as file:
        return file.read(most)


def _broken() -> Refused:
    return Refused("broken_media", "the file cannot be decoded; send a PNG, JPEG or MP4")
