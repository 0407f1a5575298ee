"""Processes that make one film together, one on each device: who they are, and how they speak."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import torch
import torch.distributed as dist
from torch.distributed.device_mesh import DeviceMesh

PATIENCE = timedelta(days=7)
"""That the others wait for the first rank to say something; if it is gone they notice at once."""
STEP = timedelta(minutes=5)
"""That ranks wait for each other within a step, before they take one for gone."""
CPU = torch.device("cpu")


class LostError(Exception):
    """Another rank is gone, and so is the chunk that was in the making."""

    def __init__(self, error: BaseException) -> None:
        said = re.sub(r"^\[\S+\] ", "", str(error).strip()).split(". ")[0].splitlines()  # without where gloo said it
        super().__init__(f"another rank is gone, killed or out of memory ({said[0] if said else type(error).__name__})")


@contextmanager
def lost() -> Iterator[None]:
    """What goes wrong between ranks is raised as LostError; memory that runs out here is not."""
    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:  # what gloo and nccl say differs
        raise LostError(error) from error


@dataclass(frozen=True, kw_only=True)
class Seat:
    """Where a process is among the others."""

    rank: int
    size: int
    here: int  # its number on this machine
    beside: int  # how many there are on this machine
    meeting: Path | None = None  # a file that they meet by; None: as torchrun said


def seat() -> Seat:
    """The one that torchrun, or whoever started this process, has put it on; alone where nobody did."""
    names = {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "1"}
    rank, size, here, beside = (int(os.environ.get(name, alone)) for name, alone in names.items())
    return Seat(rank=rank, size=size, here=here, beside=beside)


@dataclass(frozen=True, kw_only=True)
class Team:
    """This rank among the others. The first one speaks, and the others listen."""

    rank: int
    device: torch.device
    orders: dist.ProcessGroup  # over which the first one speaks
    mesh: DeviceMesh  # of those that denoise
    apart: bool  # whether the first one does not

    def say(self, what: Any) -> Any:
        """What the first rank has for all; what others give is ignored."""
        held = [what]
        with lost():
            dist.broadcast_object_list(held, src=0, group=self.orders, device=CPU)
        return held[0]

    def agree(self, mine: bool) -> bool:
        """Whether it is so for all; waits for them."""
        flag = torch.tensor(float(mine))
        with lost():
            dist.all_reduce(flag, dist.ReduceOp.MIN, group=self.orders)
        return bool(flag)


def join(at: Seat, *, apart: bool) -> Team:
    """Meet the others. The first rank's ``apart`` says whether it denoises. Raises LostError where one never comes."""
    gpu = torch.cuda.is_available()
    if gpu:
        torch.cuda.set_device(at.here)
    else:
        torch.set_num_threads(max(1, _cores() // at.beside))
    place = "env://" if at.meeting is None else f"file://{at.meeting}"
    backend = "cpu:gloo,cuda:nccl" if gpu else "gloo"
    with lost():
        dist.init_process_group(backend, init_method=place, rank=at.rank, world_size=at.size, timeout=STEP)
        orders = cast("dist.ProcessGroup", dist.new_group(backend="gloo", timeout=PATIENCE))
        told = [apart]
        dist.broadcast_object_list(told, src=0, group=orders, device=CPU)
        denoising = list(range(int(told[0]), at.size))
        mesh = DeviceMesh("cuda" if gpu else "cpu", denoising, mesh_dim_names=("ulysses",))
    device = torch.device("cuda", at.here) if gpu else CPU
    return Team(rank=at.rank, device=device, orders=orders, mesh=mesh, apart=told[0])


def _cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
