"""Muon for the matrices inside blocks, AdamW for everything else (Jordan et al. 2024)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn, optim

from praxino.training.muon import Muon
from praxino.training.parallel import Team


@dataclass(frozen=True, kw_only=True)
class Optimizers:
    """Several optimisers that act as one."""

    members: tuple[optim.Optimizer, ...]
    rates: tuple[float, ...]

    def step(self, scale: float, *, sound: bool = True) -> None:
        """One step with every learning rate multiplied by ``scale``, then forget the gradients.

        Gradients that are not ``sound`` (infinite, or no numbers) are forgotten without a step.
        """
        for member, rate in zip(self.members, self.rates, strict=True):
            for group in member.param_groups:
                group["lr"] = rate * scale
            if sound:
                member.step()
            member.zero_grad(set_to_none=True)

    def state(self) -> list[dict[str, Any]]:
        """For a later `restore`."""
        return [member.state_dict() for member in self.members]

    def restore(self, state: list[dict[str, Any]]) -> None:
        """Continue as `state` left off."""
        for member, held in zip(self.members, state, strict=True):
            member.load_state_dict(held)

    def named(self, model: nn.Module) -> dict[str, Tensor]:
        """The state of each parameter of the model, by ``<name>.<what>``, as this process holds it: no copy."""
        return {
            f"{name}.{what}": tensor
            for name, p in model.named_parameters()
            for member in self.members
            for what, tensor in member.state.get(p, {}).items()
        }

    def told(self, state: list[dict[str, Any]], model: nn.Module) -> dict[str, Tensor]:
        """What `state` gave, by names as in `named`."""
        names = {p: name for name, p in model.named_parameters()}
        out: dict[str, Tensor] = {}
        for member, held in zip(self.members, state, strict=True):
            mine = [p for group in member.param_groups for p in group["params"]]
            out |= {f"{names[mine[i]]}.{what}": t for i, each in held["state"].items() for what, t in each.items()}
        return out

    def make_room(self, model: nn.Module, shapes: Mapping[str, torch.Size]) -> None:
        """Have state of such shapes, by names as in `named`, for someone to fill."""
        for name, p in model.named_parameters():
            (member,) = (
                one for one in self.members if any(p is held for g in one.param_groups for held in g["params"])
            )
            for key, shape in shapes.items():
                if key.rpartition(".")[0] == name:
                    room = torch.zeros_like(p) if shape == p.shape else torch.zeros(shape)
                    member.state[p][key.rpartition(".")[2]] = room


def adamw(model: nn.Module, *, rate: float) -> Optimizers:
    """AdamW for every parameter that learns."""
    learn = [p for p in model.parameters() if p.requires_grad]
    return Optimizers(members=(optim.AdamW(learn, lr=rate, betas=(0.9, 0.98), weight_decay=0.0),), rates=(rate,))


def muon(model: nn.Module, *, muon_rate: float, adam_rate: float, team: Team) -> Optimizers:
    """Muon for the matrices of ``...blocks...`` and ``...layers...``, AdamW for embeddings, ends, tables and norms."""
    matrices, rest = [], []
    for name, p in model.named_parameters():
        inside = p.ndim == 2 and ("blocks." in name or "layers." in name) and not name.endswith("table")
        (matrices if inside else rest).append(p)
    return Optimizers(
        members=(
            Muon(matrices, lr=muon_rate, weight_decay=0.01, team=team),
            optim.AdamW(rest, lr=adam_rate, betas=(0.9, 0.98), weight_decay=0.0),
        ),
        rates=(muon_rate, adam_rate),
    )
