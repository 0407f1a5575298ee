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
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

MADE = {"picture": ".png", "clip": ".mp4"}


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The most that a file may be, and cost."""

    upload_bytes: int = 64 * 2**20
    side: int = 4096  # pixels
    pixels: int = 8_300_000  # of a frame
    frames: int = 3600
    seconds: float = 120
    memory_bytes: int = 3 * 2**30  # of addresses; libraries map far more than they use
    file_bytes: int = 512 * 2**20
    cpu_seconds: int = 120
    wall_seconds: float = 180


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
    """Look at a file, and write its clean copy at ``into`` with its suffix. Raises Refused, and then there is none."""
    if upload.stat().st_size > limits.upload_bytes:
        raise Refused("media_too_large", f"the file is too large; send at most {limits.upload_bytes // 2**20} MiB")
    try:
        told = json.loads(_child(upload, into, limits) or b"{}")
        if "code" in told:
            raise Refused(told["code"], told["message"])
        if "kind" not in told:
            raise Refused("broken_media", "the file cannot be decoded; send a PNG, JPEG or MP4")
        return Taken(path=into.with_suffix(MADE[told["kind"]]), **told)
    except BaseException:
        for suffix in MADE.values():
            into.with_suffix(suffix).unlink(missing_ok=True)
            into.with_suffix(f".part{suffix}").unlink(missing_ok=True)
        raise


def _child(upload: Path, into: Path, limits: Limits) -> bytes:
    """What the process says."""
    command = [sys.executable, "-m", "praxino.server.decode", str(upload), str(into), json.dumps(asdict(limits))]
    environment = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "LANG", "HOME") if name in os.environ}
    environment |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    process = subprocess.Popen(  # noqa: S603 - our own program
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
    )
    try:
        out, _ = process.communicate(timeout=limits.wall_seconds)
    except BaseException as error:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if isinstance(error, subprocess.TimeoutExpired):
            raise Refused("media_too_costly", "the file takes too long to decode; send a smaller one") from None
        raise
    if process.returncode in {-signal.SIGXCPU, -signal.SIGKILL}:
        raise Refused("media_too_costly", "the file takes too much time or memory to decode; send a smaller one")
    return out
