"""Where the stages run: on the cores of this machine, or on a cluster of Ray. The stage functions are the same.

A job is a function and what it is given; both travel. Jobs leave what they find in files, so nothing comes back but
that they are done, and one that is done twice does no harm.
"""

import os
import signal
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice
from multiprocessing import active_children, get_context, parent_process
from multiprocessing.connection import wait as readable
from typing import Any, Protocol

Job = tuple[Callable[..., None], tuple[Any, ...]]


class DecoderError(Exception):
    """The process that had a job in hand died of it."""


class Engine(Protocol):
    """What runs jobs."""

    def run(self, jobs: Sequence[Job]) -> Generator[tuple[int, Exception | None]]:
        """Run jobs; their numbers as they end, in any order, with what went wrong."""
        ...


@dataclass(frozen=True, kw_only=True)
class Local:
    """Processes of this machine, one a core. They end with the one that started them, however it ends."""

    workers: int

    def run(self, jobs: Sequence[Job]) -> Generator[tuple[int, Exception | None]]:
        """Run jobs; one that takes its process down is tried once more, alone, and then given up."""
        left = list(range(len(jobs)))
        while left:
            running: dict[Future[None], int] = {}
            try:
                for number, error in self._together(jobs, left, running):
                    yield number, error
                return
            except BrokenProcessPool:
                suspects = sorted(running.values())
            for number in suspects:
                yield number, _alone(jobs[number])
            left = [number for number in left if number > max(suspects)]  # they are handed over in order

    def _together(
        self, jobs: Sequence[Job], numbers: Sequence[int], running: dict[Future[None], int]
    ) -> Generator[tuple[int, Exception | None]]:
        queue = iter(numbers)
        with _pool(min(self.workers, len(numbers))) as pool:
            try:
                while True:  # few are handed over at a time, so that Ctrl-C has little to wait for
                    for number in islice(queue, 2 * self.workers - len(running)):
                        function, given = jobs[number]
                        running[pool.submit(function, *given)] = number
                    if not running:
                        return
                    for future in wait(running, return_when=FIRST_COMPLETED).done:
                        error = future.exception()
                        if isinstance(error, BrokenProcessPool):
                            raise error
                        yield running.pop(future), error if isinstance(error, Exception) else None
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                for child in active_children():
                    child.terminate()
                raise


def _alone(job: Job) -> Exception | None:
    function, given = job
    with _pool(1) as pool:
        try:
            error = pool.submit(function, *given).exception()
        except BaseException:
            for child in active_children():
                child.terminate()
            raise
    if isinstance(error, BrokenProcessPool):
        return DecoderError("the decoder died of it")
    return error if isinstance(error, Exception) else None


def _pool(workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_begun)


def _begun() -> None:
    """A worker uses one core, leaves Ctrl-C to its parent, and does not outlive it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_watch, daemon=True).start()
    import cv2

    cv2.setNumThreads(1)


def _watch() -> None:
    parent = parent_process()
    if parent is not None:
        readable([parent.sentinel])
        os._exit(1)
