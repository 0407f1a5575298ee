"""Several one-thread processes that train one model.

On a CPU two such processes do twice the work of one process with two threads (docs/log.md).
"""

import os
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.multiprocessing.spawn import spawn

Work = Callable[["Team"], None]


@dataclass(frozen=True, kw_only=True)
class Team:
    """This process among its equals."""

    rank: int = 0
    size: int = 1
    device: str = "cpu"

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

    def agree(self, stop: bool) -> bool:
        """True for all as soon as it is true for one."""
        flag = torch.tensor([float(stop)])
        self.average([flag])
        return bool(flag.item() > 0)


def run(work: Work, *, processes: int) -> None:
    """Run ``work`` in a team of one-thread processes on the CPU, or alone on the GPU where there is one."""
    if torch.cuda.is_available():
        work(Team(device="cuda"))
    elif processes == 1:
        work(Team())
    else:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        spawn(_member, args=(work, processes, port), nprocs=processes, daemon=True)  # they end with their parent


def _member(rank: int, work: Work, size: int, port: int) -> None:
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    torch.set_num_threads(1)
    dist.init_process_group("gloo", rank=rank, world_size=size)
    try:
        work(Team(rank=rank, size=size))
    finally:
        dist.destroy_process_group()
