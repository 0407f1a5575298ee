"""Several processes that train one model: one-thread ones on the CPU, or those that torchrun started.

On a CPU two such processes do twice the work of one process with two threads (docs/log.md). Under torchrun the first
rank leads: it alone makes data, writes and speaks, and hands out the work that all do together (`led`, docs/scale.md).
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
from datetime import timedelta
from multiprocessing import get_context
from types import FrameType
from typing import Any, Protocol, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous
from torch.multiprocessing.spawn import ProcessExitedException, spawn

Work = Callable[["Team"], None]
Made = TypeVar("Made")
PATIENCE = timedelta(days=7)
"""That the others wait for the leader, who makes data meanwhile; one that is gone is noticed at once."""


class LostError(RuntimeError):
    """A process of the team is gone, and so is the step that it was in."""

    def __init__(self) -> None:
        super().__init__("a training process is gone, killed or out of memory; go on from what was saved with --resume")


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
        try:
            dist.all_reduce(flat)
        except RuntimeError as error:  # what gloo and nccl say differs
            raise LostError from error
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
    """Run ``work`` in a team: of all ranks within `led`, else alone on a GPU, else of one-thread processes on the CPU.

    The first Ctrl-C or SIGTERM raises the team's ``stop``, and does what it always does once the work has returned; a
    second one does so at once. Raises LostError where a process of the team dies.
    """
    if dist.is_initialized():
        _lead(work)
        return
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
            try:
                spawn(_member, args=(work, processes, port, stop), nprocs=processes, daemon=True)  # end with parent
            except ProcessExitedException as error:
                raise LostError from error


def led(job: Callable[[], Made]) -> Made | None:
    """What ``job`` makes. Among ranks of torchrun the first does it, and the others what it gives to `run`: None there.

    Raises ValueError where there are fewer GPUs than ranks on a machine, and LostError where another rank dies.
    """
    rank, size, here = (int(os.environ.get(name, one)) for name, one in RANKS.items())
    if size == 1:
        return job()
    _join(rank, size, here)
    try:
        if rank > 0:
            _follow(Team(rank=rank, size=size, device=_device()))
            return None
        return job()
    finally:
        if dist.is_initialized():  # else it broke in the middle of some work
            if rank == 0:
                _hand_out(None)
            dist.destroy_process_group()


RANKS = {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0"}
"""How torchrun tells a process where it is, and what it is where nothing is told."""


@contextmanager
def missed() -> Iterator[None]:
    """Raises LostError for what gloo or nccl say within, in the middle of a pass, where a rank is gone."""
    try:
        yield
    except RuntimeError as error:
        if isinstance(error, dist.DistError) or "gloo" in str(error) or "NCCL" in str(error):
            raise LostError from error
        raise


def alone() -> bool:
    """Whether no other rank waits for work."""
    return not dist.is_initialized()


def ranks(processes: int) -> int:
    """How many a team of `run` has."""
    told = int(os.environ.get("WORLD_SIZE", "1"))
    return processes if told == 1 and not torch.cuda.is_available() else told


def restarted() -> bool:
    """Whether torchrun began this process anew after a death (``--max-restarts``)."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")) > 0


def leave() -> None:
    """End a rank of torchrun now, when all is written.

    Gloo's threads may still hold tensors: an interpreter that takes itself down under them aborts now and then
    (pytorch pull request 179291).
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        _exit(0)


def _join(rank: int, size: int, here: int) -> None:
    backend = "gloo"
    if torch.cuda.is_available():
        if here >= torch.cuda.device_count():
            raise ValueError(
                f"rank {here} of this machine has no GPU, there are {torch.cuda.device_count()}; "
                f"give torchrun --nproc-per-node={torch.cuda.device_count()}"
            )
        torch.cuda.set_device(here)
        backend = "cpu:gloo,cuda:nccl"
    else:
        torch.set_num_threads(1)
    store, _, _ = next(rendezvous("env://", rank, size, timeout=PATIENCE))
    # torchrun keeps its store when it starts ranks anew: they would wait for the dead, whose addresses are still there.
    attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    store = PrefixStore(f"attempt-{attempt}", store)
    dist.init_process_group(backend, store=store, rank=rank, world_size=size, timeout=PATIENCE)


def _device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


def _lead(work: Work) -> None:
    """Do the work together with those that `_follow`."""
    team, together = Team(size=dist.get_world_size(), device=_device()), False
    try:
        _hand_out(work)
        with _patient(team.stop):
            work(team)
            stopped = team.agree(team.stop.is_set())
            together = True
    finally:
        if not together:  # it broke in the middle: the others cannot be told, they find it gone
            dist.destroy_process_group()
    if stopped:  # another rank heard a signal, and this one did not
        signal.raise_signal(signal.SIGTERM)


def _follow(team: Team) -> None:
    """Do what the leader hands out, until there is no more."""
    with _patient(team.stop):
        while (work := _hand_out(None)) is not None:
            work(team)
            team.agree(team.stop.is_set())


def _hand_out(work: Work | None) -> Work | None:
    """What the leader has for all; what others give is ignored."""
    held: list[Any] = [work]
    try:
        dist.broadcast_object_list(held, src=0, device=torch.device("cpu"))
    except RuntimeError as error:
        raise LostError from error
    return held[0]


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
    team = Team(rank=rank, size=size, stop=stop)
    try:
        work(team)
        team.agree(one=True)  # the leader is still writing
    except LostError:
        _exit(1)
    dist.destroy_process_group()
    _exit(0)  # see `leave`


def _exit(code: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
