"""Several one-thread processes that train one model.

On a CPU two such processes do twice the work of one process with two threads (docs/log.md).
"""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from types import FrameType
from typing import Protocol

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.multiprocessing.spawn import spawn

Work = Callable[["Team"], None]


class Flag(Protocol):
    """Raised once, for all processes: an event of `threading` or `multiprocessing`."""

    def set(self) -> None: ...
    def is_set(self) -> bool: ...


@dataclass(frozen=True, kw_only=True)
class Team:
    """This process among its equals."""

    rank: int = 0
    size: int = 1
    device: str = "cpu"
    stop: Flag = field(default_factory=threading.Event)  # someone wants the work to end after its step

    @property
    def leads(self) -> bool:
        """Whether this process writes files and logs."""
        return self.rank == 0

    def share(self, count: int) -> int:
        """How many of ``count`` samples this process takes; at least one."""
        return max(1, count // self.size)

    def average(self, tensors: Iterable[Tensor]) -> None:
        """Replace each tensor by its mean over the team."""
        if self.size == 1:
            return
        held = list(tensors)
        flat = torch.cat([t.reshape(-1) for t in held])
        dist.all_reduce(flat)
        flat /= self.size
        for tensor, piece in zip(held, flat.split([t.numel() for t in held]), strict=True):
            tensor.copy_(piece.view_as(tensor))

    def average_gradients(self, model: nn.Module) -> None:
        """Average the gradients of all parameters; a parameter one process did not use counts as zero there."""
        for p in model.parameters():
            if p.grad is None and p.requires_grad:
                p.grad = torch.zeros_like(p)
        self.average(p.grad for p in model.parameters() if p.grad is not None)

    def ends(self, deadline: float) -> bool:
        """Whether the work is over for all: at ``deadline`` (time.time()), or as soon as it is to stop."""
        return self.agree(time.time() > deadline or self.stop.is_set())

    def agree(self, one: bool) -> bool:
        """True for all as soon as it is true for one."""
        flag = torch.tensor([float(one)])
        self.average([flag])
        return bool(flag.item() > 0)


def run(work: Work, *, processes: int) -> None:
    """Run ``work`` in a team of one-thread processes on the CPU, or alone on the GPU where there is one.

    The first Ctrl-C or SIGTERM raises the team's ``stop``, and does what it always does once the work has returned; a
    second one does so at once.
    """
    stop = get_context("spawn").Event()
    with _patient(stop):
        if torch.cuda.is_available():
            work(Team(device="cuda", stop=stop))
        elif processes == 1:
            work(Team(stop=stop))
        else:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = probe.getsockname()[1]
            spawn(_member, args=(work, processes, port, stop), nprocs=processes, daemon=True)  # end with their parent


@contextmanager
def _patient(stop: Flag) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():  # only the main thread hears signals
        yield
        return
    usual = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    heard: list[int] = []

    def hear(number: int, _frame: FrameType | None) -> None:
        stop.set()
        heard.append(number)
        restore()

    def restore() -> None:
        for number, handler in usual.items():
            signal.signal(number, handler)

    for number in usual:
        signal.signal(number, hear)
    try:
        yield
    finally:
        restore()
    if heard:
        signal.raise_signal(heard[0])


def _member(rank: int, work: Work, size: int, port: int, stop: Flag) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C reaches everyone; the parent passes it on
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    torch.set_num_threads(1)
    dist.init_process_group("gloo", rank=rank, world_size=size)
    try:
        work(Team(rank=rank, size=size, stop=stop))
        dist.barrier()  # the leader is still writing
    finally:
        dist.destroy_process_group()
    # Gloo's threads may still hold tensors: an interpreter that takes itself down under them aborts now and then
    # (pytorch pull request 179291). All is written; leave at once.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
