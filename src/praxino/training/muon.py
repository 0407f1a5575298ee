"""Muon: momentum, made orthogonal (Jordan et al. 2024), for all matrices of a shape at once.

`torch.optim.Muon` goes matrix by matrix in bfloat16, which on a CPU takes longer than the backward pass (docs/log.md).
Shapes: n matrices, r ranks.
"""

from collections import defaultdict
from collections.abc import Iterable

import torch
import torch.distributed as dist
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn, optim
from torch.distributed.tensor import DTensor

from praxino.layers import precision
from praxino.training.parallel import Team
from praxino.training.spread import local


class Muon(optim.Optimizer):
    """For matrices (rows, columns): p -= rate * sqrt(max(1, rows / columns)) * orthogonal(momentum).

    A team shares the work: each process makes its part of the updates orthogonal, then all add up. Where matrices are
    in shards of rows (FSDP2), each process is given its part of them whole and gives everyone's rows back.
    """

    def __init__(self, matrices: Iterable[nn.Parameter], *, lr: float, weight_decay: float, team: Team) -> None:
        super().__init__(matrices, {"lr": lr, "momentum": 0.95, "weight_decay": weight_decay})
        self.team = team

    @torch.no_grad()
    def step(self) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """One step from the gradients that are there."""
        for group in self.param_groups:
            alike: defaultdict[tuple[int, ...], list[nn.Parameter]] = defaultdict(list)
            for p in group["params"]:
                if p.grad is not None:
                    alike[tuple(p.shape)].append(p)
            for (rows, columns), members in alike.items():
                momenta = torch.stack([self._momentum(p, group["momentum"]) for p in members])
                sharded = isinstance(members[0].data, DTensor)
                updates = exchanged(momenta, rows, self.team) if sharded else self._orthogonal(momenta)
                for p, update in zip(members, updates, strict=True):
                    mine = local(p)
                    mine.mul_(1 - group["lr"] * group["weight_decay"])
                    mine.add_(update, alpha=-group["lr"] * max(1.0, rows / columns) ** 0.5)

    def _orthogonal(self, momenta: Tensor) -> Tensor:
        mine = slice(self.team.rank, None, self.team.size)
        updates = torch.zeros_like(momenta)
        if momenta[mine].numel():
            updates[mine] = orthogonal(momenta[mine])
        self.team.average([updates])
        return updates * self.team.size

    def _momentum(self, p: nn.Parameter, keep: float) -> Tensor:
        """This process's part of it; what Newton and Schulz need is the whole."""
        assert p.grad is not None
        held = self.state[p].setdefault("momentum", torch.zeros_like(p))
        grad, held = local(p.grad), local(held)
        held.lerp_(grad, 1 - keep)
        return grad.lerp(held, keep)  # Nesterov


def exchanged(mine: Tensor, rows: int, team: Team) -> Tensor:
    """This rank's rows of n orthogonal updates, from its rows of n momenta: (n, own rows, columns).

    Two exchanges, each of as many numbers as a rank holds: never does one hold more than its n / r whole matrices.
    """
    n, own, _ = mine.shape
    each, most = -(-n // team.size), -(-rows // team.size)  # matrices and rows of a rank; the last ones may have fewer
    padded = F.pad(mine, (0, 0, 0, most - own, 0, each * team.size - n))
    given = _swapped(rearrange(padded, "(r n) h w -> r n h w", r=team.size))  # (r of the rows, n / r, ...)
    full = rearrange(given, "r n h w -> n (r h) w")[:, :rows]
    updates = F.pad(orthogonal(full), (0, 0, 0, most * team.size - rows))
    back = _swapped(rearrange(updates, "n (r h) w -> r n h w", r=team.size))
    return rearrange(back, "r n h w -> (r n) h w")[:n, :own]


def _swapped(parts: Tensor) -> Tensor:
    """What each rank has for this one, of what this one has for each: (r, ...)."""
    out = torch.empty_like(parts, memory_format=torch.contiguous_format)
    dist.all_to_all_single(out, parts.contiguous())
    return out


def orthogonal(g: Tensor, *, rounds: int = 5) -> Tensor:
    """Roughly the nearest semi-orthogonal matrices to g (n, rows, columns), by Newton-Schulz with Jordan's quintic."""
    tall = g.shape[1] > g.shape[2]
    x = g.mT if tall else g
    x = (x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)).to(precision.fastest(g.device))
    for _ in range(rounds):
        a = x @ x.mT
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * (a @ a)) @ x
    return (x.mT if tall else x).to(g.dtype)
