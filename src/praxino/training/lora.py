"""Low-rank changes (LoRA, Hu et al. 2021) of linear layers of a transformer, which stays as it is.

Shapes: r rank, d_in and d_out of a linear layer.
"""

import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from praxino.transformer import wan_names
from praxino.transformer.model import Transformer


class Change(nn.Module):
    """What is added to a linear layer's output: up @ down @ x, nothing to begin with."""

    def __init__(self, layer: nn.Linear, *, rank: int, generator: torch.Generator) -> None:
        super().__init__()
        reach = 1 / math.sqrt(layer.in_features)
        down = torch.empty(rank, layer.in_features).uniform_(-reach, reach, generator=generator)
        self.down, self.up = nn.Parameter(down), nn.Parameter(torch.zeros(layer.out_features, rank))

    def forward(self, x: Tensor) -> Tensor:
        """x (..., d_in) -> (..., d_out)."""
        return F.linear(F.linear(x, self.down), self.up)


class Lora(nn.Module):
    """The changes of all linear layers inside a transformer's blocks, ``strength`` times as strong.

    Where the prompt as a whole moves what blocks scale and shift, also of those it goes through: they are what tells a
    look from others by its words, many times sooner than attention learns to (docs/tuning.md).
    """

    def __init__(self, transformer: Transformer, *, rank: int, seed: int = 0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.rank, self.strength = rank, 1.0
        self.names = list(_layers(transformer))
        self.changes = nn.ModuleList(
            Change(layer, rank=rank, generator=generator) for layer in _layers(transformer).values()
        )

    def change(self, name: str) -> Change:
        """That of one layer."""
        return cast("Change", self.changes[self.names.index(name)])

    def attach(self, transformer: Transformer) -> None:
        """Change what a transformer of the same sizes computes from now on; its own weights are not touched."""
        for name, layer in _layers(transformer).items():
            layer.register_forward_hook(self._hook(self.change(name)))

    @contextmanager
    def off(self) -> Iterator[None]:
        """The transformer as it was, bit for bit."""
        before, self.strength = self.strength, 0.0
        try:
            yield
        finally:
            self.strength = before

    def save(self, path: Path) -> None:
        """Write it in the layout of PEFT and `diffusers`, whole or not at all; `wan_lora.merge` reads it back.

        alpha is the rank, so that a reader that knows of no alpha does the same.
        """
        tensors: dict[str, Tensor] = {}
        theirs = {name: wan_names.theirs(f"{name}.weight", "diffusers").removesuffix(".weight") for name in self.names}
        for name, called in theirs.items():
            one = self.change(name)
            tensors[f"transformer.{called}.lora_A.weight"] = one.down.detach().cpu().contiguous()
            tensors[f"transformer.{called}.lora_B.weight"] = one.up.detach().cpu().contiguous()
        about = {"transformer.r": self.rank, "transformer.lora_alpha": self.rank}
        about |= {"transformer.peft_type": "LORA", "transformer.target_modules": sorted(theirs.values())}
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        try:
            save_file(tensors, temporary, metadata={"lora_adapter_metadata": json.dumps(about)})
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)

    def _hook(self, change: Change):  # noqa: ANN202 - what torch calls with (layer, arguments, output)
        def changed(_layer: nn.Module, given: tuple[Tensor, ...], made: Tensor) -> Tensor:
            return made if self.strength == 0 else made + self.strength * change(given[0]).to(made.dtype)

        return changed


def _layers(transformer: Transformer) -> dict[str, nn.Linear]:
    """The linear layers that are changed, by name."""
    inside = {
        f"blocks.{name}": layer for name, layer in transformer.blocks.named_modules() if isinstance(layer, nn.Linear)
    }
    before = ("text_in", "text_out", "time_shift") if transformer.config.pools_text else ()
    return inside | {name: cast("nn.Linear", getattr(transformer, name)) for name in before}
