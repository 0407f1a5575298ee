"""Muon: momentum, made orthogonal (Jordan et al. 2024), for all matrices of a shape at once.

`torch.optim.Muon` goes matrix by matrix in bfloat16, which on a CPU takes longer than the backward pass (docs/log.md).
"""

from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import Tensor, nn, optim

from praxino.layers import precision
from praxino.training.parallel import Team


class Muon(optim.Optimizer):
    """For matrices (rows, columns): p -= rate * sqrt(max(1, rows / columns)) * orthogonal(momentum).

    A team shares the work: each process makes its part of the updates orthogonal, then all add up.
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
                updates = self._orthogonal(torch.stack([self._momentum(p, group["momentum"]) for p in members]))
                for p, update in zip(members, updates, strict=True):
                    p.mul_(1 - group["lr"] * group["weight_decay"])
                    p.add_(update, alpha=-group["lr"] * max(1.0, rows / columns) ** 0.5)

    def _orthogonal(self, momenta: Tensor) -> Tensor:
        mine = slice(self.team.rank, None, self.team.size)
        updates = torch.zeros_like(momenta)
        if momenta[mine].numel():
            updates[mine] = orthogonal(momenta[mine])
        self.team.average([updates])
        return updates * self.team.size

    def _momentum(self, p: nn.Parameter, keep: float) -> Tensor:
        assert p.grad is not None
        held = self.state[p].setdefault("momentum", torch.zeros_like(p))
        held.lerp_(p.grad, 1 - keep)
        return p.grad.lerp(held, keep)  # Nesterov


def orthogonal(g: Tensor, *, rounds: int = 5) -> Tensor:
    """Roughly the nearest semi-orthogonal matrices to g (n, rows, columns), by Newton-Schulz with Jordan's quintic."""
    tall = g.shape[1] > g.shape[2]
    x = g.mT if tall else g
    x = (x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)).to(precision.fastest(g.device))
    for _ in range(rounds):
        a = x @ x.mT
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * (a @ a)) @ x
    return (x.mT if tall else x).to(g.dtype)
