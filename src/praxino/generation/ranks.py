"""One film by several processes: each on a GPU of its own, or on some of the cores.

The first rank makes the film as it always does; only its transformer is another one (`together.Together`), whose calls
the others make at the same time, each for its share of the tokens. Where decoding is apart, the first rank takes no
share: it decodes, enlarges and writes a chunk on its own device while the others denoise the next.
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, NoReturn, TypeVar, cast

import torch
import torch.distributed as dist

from praxino import checkpoint
from praxino.generation import engine
from praxino.generation.parts import open_parts
from praxino.generation.team import LostError, Seat, Team, join, seat
from praxino.generation.together import Follower, Open, Together
from praxino.layers import precision
from praxino.transformer import sequence
from praxino.transformer.model import Transformer

Opened = Callable[[str], engine.Engine]
"""Opens a model by its name, as `engine.opened` does."""
Made = TypeVar("Made")


def led(job: Callable[[Opened], Made], *, devices: int = 1, apart: bool = False) -> Made:
    """What ``job`` makes of the models that it opens, on so many devices, or on those of torchrun's ranks.

    For the first rank; the others `follow`. With ``apart`` its device decodes and does not denoise. Raises ValueError
    where there are not that many devices, LostError where a rank dies.
    """
    at = seat()
    if at.size > 1 and devices not in {1, at.size}:
        raise ValueError(f"devices {devices} does not fit torchrun, which started {at.size} ranks; leave --devices out")
    if apart and max(at.size, devices) == 1:
        raise ValueError("decoding apart takes a device more; give --devices 2 or more, or leave --decode-apart out")
    needed = devices if at.size == 1 else at.beside
    if torch.cuda.is_available() and needed > torch.cuda.device_count():
        raise ValueError(f"devices {needed} are too many; this machine has {torch.cuda.device_count()} GPUs")
    if at.size == 1 and devices == 1:
        return job(engine.opened)
    if at.size == 1:
        with _started(devices) as meeting:
            return _lead(join(Seat(rank=0, size=devices, here=0, beside=devices, meeting=meeting), apart=apart), job)
    return _lead(join(at, apart=apart), job)


@torch.inference_mode()
def follow(meeting: Path | None = None) -> None:
    """Do what the first rank says, until it says None; Ctrl-C and SIGTERM are its business.

    Raises LostError where a rank dies.
    """
    team = join(replace(seat(), meeting=meeting), apart=False)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    follower = Follower(team=team)
    while (order := team.say(None)) is not None:
        follower.do(order)
    dist.destroy_process_group()


def leave(code: int = 0) -> NoReturn:
    """End a process that was a rank, now, when all is written.

    Gloo's threads may still hold tensors: an interpreter that takes itself down under them aborts now and then
    (pytorch pull request 179291).
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


@contextmanager
def _started(count: int) -> Iterator[Path]:
    """The other ranks, as processes that end when this one does; gives the file that they meet by."""
    with tempfile.TemporaryDirectory(prefix="praxino-ranks-") as folder:
        meeting, others = Path(folder) / "meeting", list["subprocess.Popen[bytes]"]()
        try:
            for rank in range(1, count):
                place = {"RANK": rank, "WORLD_SIZE": count, "LOCAL_RANK": rank, "LOCAL_WORLD_SIZE": count}
                environment = os.environ | {name: str(number) for name, number in place.items()}
                command = [sys.executable, "-m", "praxino.generation.ranks", str(meeting)]
                others.append(subprocess.Popen(command, stdin=subprocess.PIPE, env=environment))  # noqa: S603
            yield meeting
        finally:
            for other in others:
                cast("IO[bytes]", other.stdin).close()  # which ends it, whatever it waits for
            for other in others:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    other.wait(timeout=5)
                other.kill()
                other.wait()


def _lead(team: Team, job: Callable[[Opened], Made]) -> Made:
    broken = False
    try:
        return job(lambda model: _opened(team, model))
    except LostError:
        broken = True
        raise
    finally:
        if not broken:
            with contextlib.suppress(LostError):
                team.say(None)
            dist.destroy_process_group()


def _opened(team: Team, model: str) -> engine.Engine:
    """A model, on all ranks. Raises ValueError where they could not share it."""
    folder = checkpoint.find(model)
    if checkpoint.engine(folder) != checkpoint.OWN:
        raise ValueError(f"model {model!r} is served by diffusers, on one device; leave --devices out")
    heads = int(checkpoint.card(folder)["transformer"]["heads"])
    sequence.check(tokens=heads, heads=heads, size=team.mesh.size())  # before anyone loads it
    dtype = precision.fastest(team.device)
    team.say(Open(folder=folder.absolute(), dtype=dtype))
    parts = open_parts(folder, device=team.device, dtype=dtype)
    network = Together(team, parts.transformer)
    team.agree(True)
    return engine.Own(replace(parts, transformer=cast("Transformer", network)))


def member(meeting: Path) -> None:
    """A rank that `_started` began: it ends when its stdin does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C reaches everyone
    threading.Thread(target=lambda: (sys.stdin.read(), leave(1)), daemon=True).start()
    try:
        follow(meeting)
    except LostError:  # the first rank says so, if it is there
        leave(1)
    except Exception as error:  # noqa: BLE001 - whatever it is, the others must not wait for this one
        print(f"praxino: rank {seat().rank}: {type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201
        leave(1)
    leave()


if __name__ == "__main__":
    member(Path(sys.argv[1]))
