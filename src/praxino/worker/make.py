"""The process that makes films: it can be killed at any time, and ends when whoever started it does.

It reads orders, one line of JSON each, from stdin, and writes what happens, one line of JSON each, to stdout:
``{"stage", "done"}``, ``{"preview": file}``, and at the end of an order ``{"end": {...}}``.
"""

import errno
import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np

from praxino.worker.files import FILM, PARTS, PREVIEW, SHEET, THUMBNAIL

EVERY = 1.0
"""Seconds between previews, and a fifth of that between reports."""
WIDE = 640
"""Pixels of a thumbnail's and a preview's width at most."""
OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "cannot allocate memory", "not enough memory")


class StoppedError(Exception):
    """The work was called off."""


@dataclass(kw_only=True)
class Wishes:
    """What is wanted of the order in hand; lines on stdin say it, the end of stdin ends the process."""

    orders: "list[dict[str, Any]]" = field(default_factory=list)
    ready: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    wanted: str | None = None

    def listen(self, lines: IO[str]) -> None:
        """Hear everything that is said, until there is nobody to say it."""
        for line in lines:
            said = json.loads(line)
            if "want" in said:
                self.wanted = said["want"]
            else:
                self.wanted = None
                self.orders.append(said)
                self.ready.release()
        os._exit(0)

    def check(self) -> None:
        """Raises StoppedError where the work is to end."""
        if self.wanted in {"cancel", "pause", "delete", "lost"}:
            raise StoppedError(self.wanted)


@dataclass(kw_only=True)
class Teller:
    """Says how far the work is, and shows it now and then."""

    wishes: Wishes
    out: IO[str]
    told: float = 0.0
    shown: float = 0.0

    def say(self, what: Mapping[str, Any]) -> None:
        """One line."""
        self.out.write(json.dumps(what, ensure_ascii=False) + "\n")
        self.out.flush()

    def report(self, stage: str, done: float) -> None:
        """What `generation` reports to."""
        self.wishes.check()
        now = time.monotonic()
        if now - self.told >= EVERY / 5 or done >= 1:
            self.told = now
            self.say({"stage": stage, "done": min(1.0, done)})

    def look(self, piece: np.ndarray) -> None:
        """What `generation` shows each piece (f, H, W, 3) uint8 to."""
        self.wishes.check()
        now = time.monotonic()
        if now - self.shown >= EVERY:
            self.shown = now
            _picture(piece[-1], Path(PREVIEW))
            self.say({"preview": PREVIEW})


def main() -> None:
    """Do orders until there is nobody to give any."""
    from praxino import heap

    heap.keep()
    os.nice(5)
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print is no message
    wishes = Wishes()
    threading.Thread(target=wishes.listen, args=(sys.stdin,), daemon=True).start()
    teller = Teller(wishes=wishes, out=out)
    import praxino.generation.film  # noqa: F401 - torch: a second or two, before there is an order

    while True:
        wishes.ready.acquire()
        teller.say({"end": _done(wishes.orders.pop(0), teller)})


def _done(order: Mapping[str, Any], teller: Teller) -> dict[str, Any]:
    """How an order ended: {"result"}, {"stopped"} or {"error": {"code", "message"}}."""
    try:
        folder = Path(order["folder"])
        folder.mkdir(parents=True, exist_ok=True)
        os.chdir(folder)
        return {"result": VERBS[order["work"]["verb"]](order["work"], teller)}
    except StoppedError as stopped:
        return {"stopped": str(stopped)}
    except MemoryError:
        return _error("out_of_memory", "the film needs more memory than there is; ask for a smaller or shorter one")
    except ValueError as error:
        return _error("invalid_request", str(error))
    except Exception as error:  # noqa: BLE001 - whatever it is, the job must end, and say so
        return _failed(error)


def _failed(error: Exception) -> dict[str, Any]:
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return _error("disk_full", "the disk of the worker is full; retry when there is room")
    if any(words in str(error).lower() for words in OUT_OF_MEMORY):
        return _error("out_of_memory", "the film needs more memory than there is; ask for a smaller or shorter one")
    if isinstance(error.__cause__ or error.__context__, StoppedError):
        return {"stopped": str(error.__cause__ or error.__context__)}
    traceback.print_exception(error, file=sys.stderr)
    return _error("internal_error", f"the worker failed ({type(error).__name__}); retry, and tell the operator")


def _error(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


def _generate(work: Mapping[str, Any], teller: Teller) -> dict[str, Any]:
    from praxino import request
    from praxino.generation import film

    options = film.Options(
        journal=Path(PARTS),
        sheet=Path("sheet.png"),
        draft=bool(work.get("draft")),
        look=teller.look,
        enough=lambda: (
            teller.wishes.wanted == "stop" or not work.get("whole", True)
        ),  # of a stopped draft, what there is
    )
    made = film.make(request.from_json(work["request"]), Path(FILM), options=options, report=teller.report)
    return _pictured(made)


def _retake(work: Mapping[str, Any], teller: Teller) -> dict[str, Any]:
    from praxino.generation.generate import Around
    from praxino.generation.retake import Take, retake

    made = retake(Path(work["film"]), Take(**work["take"]), Path(FILM), around=Around(report=teller.report))
    return _pictured(made)


def _calibrate(work: Mapping[str, Any], teller: Teller) -> dict[str, Any]:
    from praxino import request
    from praxino.generation.quote import calibrate

    calibrate(request.from_json(work["request"]), report=teller.report)
    return {}


VERBS = {"generate": _generate, "retake": _retake, "calibrate": _calibrate}


def _pictured(made: dict[str, Any]) -> dict[str, Any]:
    """The summary of a film, with a thumbnail and a sheet beside the film."""
    from PIL import Image

    from praxino.media import read, sheet

    about = read.probe(Path(FILM))
    first = next(read.stream(Path(FILM)))
    _picture(first, Path(THUMBNAIL))
    if Path("sheet.png").exists():
        Image.open("sheet.png").convert("RGB").save(SHEET, quality=88)
    else:
        step = max(1, about.frames // 12)
        moments = [frame for k, frame in enumerate(read.stream(Path(FILM))) if k % step == 0][:12]
        Image.fromarray(sheet.sheet(np.stack(moments))).save(SHEET, quality=88)
    size = {"frames": about.frames, "fps": about.fps, "width": about.width, "height": about.height}
    size |= {"seconds": round(about.seconds, 3), "bytes": Path(FILM).stat().st_size}
    kept = {
        name: made[name]
        for name in ("seed", "stopped", "tokens", "warnings", "timings", "peak_rss_bytes")
        if name in made
    }
    return size | kept


def _picture(frame: np.ndarray, path: Path) -> None:
    from PIL import Image

    picture = Image.fromarray(frame)
    picture.thumbnail((WIDE, WIDE))
    temporary = path.with_suffix(f".tmp{path.suffix}")
    picture.save(temporary, quality=85)
    temporary.replace(path)


if __name__ == "__main__":
    main()
