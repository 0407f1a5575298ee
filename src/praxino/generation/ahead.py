"""Work that goes on while its results are used: what is made next is made in a thread of its own."""

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from queue import Full, Queue
from threading import Event, Thread
from typing import TypeVar

import torch

T = TypeVar("T")


def ahead(source: Iterator[T], *, room: int, stop: Event) -> Generator[T]:
    """What ``source`` yields, in order, made up to ``room`` items ahead of their use.

    What the source raises is raised here. Where the use ends early, ``stop`` is set: the source should look at it now
    and then and raise `CancelledError`; it is waited for.
    """
    made: Queue[tuple[str, T | BaseException | None]] = Queue(room)
    thread = Thread(target=_work, args=(source, made, stop), name="ahead", daemon=True)
    thread.start()
    try:
        while True:
            kind, item = made.get()
            if kind == "end":
                return
            if isinstance(item, BaseException):
                raise item
            yield item  # pyright: ignore[reportReturnType]
    finally:
        stop.set()
        thread.join()


def _work(source: Iterator[T], made: "Queue[tuple[str, T | BaseException | None]]", stop: Event) -> None:
    try:
        with closing(source):  # pyright: ignore[reportArgumentType]
            for item in source:
                if not _put(made, ("item", item), stop):
                    return
        _put(made, ("end", None), stop)
    except BaseException as error:  # noqa: BLE001 - it is raised where the results are used
        _put(made, ("error", error), stop)


def _put(made: "Queue[tuple[str, T | BaseException | None]]", what: tuple[str, T | BaseException | None],
         stop: Event) -> bool:  # fmt: skip
    """False where no one wants it any more."""
    while not stop.is_set():
        try:
            made.put(what, timeout=0.1)
        except Full:
            continue
        return True
    return False


@contextmanager
def halves() -> Iterator[int]:
    """Half of the cores for each of two threads; small products hardly gain from more (docs/log.md, 2026-11-27).

    Gives the number of all of them.
    """
    whole = torch.get_num_threads()
    with cores(max(1, whole // 2)):
        yield whole


@contextmanager
def cores(count: int) -> Iterator[None]:
    """So many cores for this thread, and for those that begin meanwhile."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
