"""The process that makes films: it can be killed at any time, and ends when whoever started it does.

It reads orders, one line of JSON each, from stdin, does each in a thread of its own, and writes what happens, one line
of JSON each that names the order, to stdout: ``{"stage", "done"}``, ``{"preview": file}``, and at the end of an order
``{"end": {...}}``. Orders that may share a model (``"shared"``) make their passes as one where they can.
"""

import errno
import json
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from praxino.worker.files import FILM, PARTS, PREVIEW, SHEET, THUMBNAIL

if TYPE_CHECKING:
    from praxino.generation.engine import Engine

EVERY = 1.0
"""Seconds between previews, and a fifth of that between reports."""
WIDE = 640
"""Pixels of a thumbnail's and a preview's width at most."""
OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "cannot allocate memory", "not enough memory")


class StoppedError(Exception):
    """The work was called off."""


@dataclass(kw_only=True)
class Order:
    """One thing to do, and what is wanted of it meanwhile."""

    name: str
    folder: Path  # where its files are
    work: Mapping[str, Any]
    shared: bool = False
    wanted: str | None = None

    def check(self) -> None:
        """Raises StoppedError where the work is to end."""
        if self.wanted in {"cancel", "pause", "delete", "lost"}:
            raise StoppedError(self.wanted)


@dataclass(kw_only=True)
class Orders:
    """What there is to do; lines on stdin say it, and what is wanted of it. The end of stdin ends the process."""

    new: "queue.Queue[Order]" = field(default_factory=queue.Queue)
    open: dict[str, Order] = field(default_factory=dict[str, Order])

    def listen(self, lines: IO[str]) -> None:
        """Hear everything that is said, until there is nobody to say it."""
        for line in lines:
            said = json.loads(line)
            name = said["order"]
            if "want" not in said:
                order = Order(
                    name=name, folder=Path(said["folder"]), work=said["work"], shared=said.get("shared", False)
                )
                self.open[name] = order
                self.new.put(order)
            elif (known := self.open.get(name)) is not None:
                known.wanted = said["want"]
        os._exit(0)


@dataclass(kw_only=True)
class Voice:
    """Where all orders are told of."""

    out: IO[str]
    turn: threading.Lock = field(default_factory=threading.Lock)

    def say(self, order: str, what: Mapping[str, Any]) -> None:
        """One line."""
        with self.turn:
            self.out.write(json.dumps({"order": order, **what}, ensure_ascii=False) + "\n")
            self.out.flush()


@dataclass(kw_only=True)
class Teller:
    """Says how far an order is, and shows it now and then."""

    order: Order
    voice: Voice
    told: float = 0.0
    shown: float = 0.0

    def report(self, stage: str, done: float) -> None:
        """What `generation` reports to."""
        self.order.check()
        now = time.monotonic()
        if now - self.told >= EVERY / 5 or done >= 1:
            self.told = now
            self.voice.say(self.order.name, {"stage": stage, "done": min(1.0, done)})

    def look(self, piece: np.ndarray) -> None:
        """What `generation` shows each piece (f, H, W, 3) uint8 to."""
        self.order.check()
        now = time.monotonic()
        if now - self.shown >= EVERY:
            self.shown = now
            _picture(piece[-1], self.order.folder / PREVIEW)
            self.voice.say(self.order.name, {"preview": PREVIEW})


def main() -> None:
    """Do orders until there is nobody to give any."""
    from praxino import heap

    heap.keep()
    os.nice(5)
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print is no message
    orders, voice = Orders(), Voice(out=out)
    threading.Thread(target=orders.listen, args=(sys.stdin,), daemon=True).start()
    import torch  # a second or two, before there is an order

    import praxino.generation.film  # noqa: F401

    whole = torch.get_num_threads()
    while True:
        order = orders.new.get()
        threading.Thread(target=_do, args=(order, orders, voice, whole), daemon=True).start()


def _do(order: Order, orders: Orders, voice: Voice, count: int) -> None:
    """An order from its beginning to its end, on so many cores."""
    from praxino.generation.ahead import cores

    with cores(count):  # not as many as another order has left to those that come
        end = _done(order, Teller(order=order, voice=voice))
    orders.open.pop(order.name, None)
    voice.say(order.name, {"end": end})


def _done(order: Order, teller: Teller) -> dict[str, Any]:
    """How an order ended: {"result"}, {"stopped"} or {"error": {"code", "message"}}."""
    try:
        order.folder.mkdir(parents=True, exist_ok=True)
        return {"result": VERBS[order.work["verb"]](order, teller)}
    except StoppedError as stopped:
        return {"stopped": str(stopped)}
    except MemoryError:
        return _error("out_of_memory", "the film needs more memory than there is; ask for a smaller or shorter one")
    except ValueError as error:
        return _error("invalid_request", str(error).replace(f"{order.folder}/", ""))
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


def _generate(order: Order, teller: Teller) -> dict[str, Any]:
    from praxino import request
    from praxino.generation import film

    work = order.work
    options = film.Options(
        journal=order.folder / PARTS,
        sheet=order.folder / "sheet.png",
        draft=bool(work.get("draft")),
        look=teller.look,
        opened=_opened(order),
        within=order.folder,
        enough=lambda: order.wanted == "stop" or not work.get("whole", True),  # of a stopped draft, what there is
    )
    made = film.make(request.from_json(work["request"]), order.folder / FILM, options=options, report=teller.report)
    return _pictured(order, made)


def _opened(order: Order) -> "Callable[[str], Engine]":
    from praxino.generation import engine, gather

    return gather.SHARED.opened if order.shared else engine.opened


def _retake(order: Order, teller: Teller) -> dict[str, Any]:
    from praxino.generation.generate import Around
    from praxino.generation.retake import Take, retake

    film, take = order.folder / order.work["film"], Take(**order.work["take"])
    made = retake(film, take, order.folder / FILM, around=Around(report=teller.report))
    return _pictured(order, made)


def _calibrate(order: Order, teller: Teller) -> dict[str, Any]:
    from praxino import request
    from praxino.generation.quote import calibrate

    calibrate(request.from_json(order.work["request"]), report=teller.report)
    return {}


VERBS = {"generate": _generate, "retake": _retake, "calibrate": _calibrate}


def _pictured(order: Order, made: dict[str, Any]) -> dict[str, Any]:
    """The summary of a film, with a thumbnail and a sheet beside the film."""
    from PIL import Image

    from praxino.media import read, sheet

    film, moments = order.folder / FILM, order.folder / "sheet.png"
    about = read.probe(film)
    first = next(read.stream(film))
    _picture(first, order.folder / THUMBNAIL)
    if moments.exists():
        Image.open(moments).convert("RGB").save(order.folder / SHEET, quality=88)
    else:
        step = max(1, about.frames // 12)
        some = [frame for k, frame in enumerate(read.stream(film)) if k % step == 0][:12]
        Image.fromarray(sheet.sheet(np.stack(some))).save(order.folder / SHEET, quality=88)
    size = {"frames": about.frames, "fps": about.fps, "width": about.width, "height": about.height}
    size |= {"seconds": round(about.seconds, 3), "bytes": film.stat().st_size}
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
