"""Low-rank changes of weights (LoRA, Hu et al. 2021) in the layout of PEFT and `diffusers`, added to a transformer's.

Shapes: r rank, d_in and d_out of a linear layer.
"""

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from praxino.transformer import wan_files, wan_names
from praxino.transformer.model import Transformer
from praxino.transformer.wan_files import Held

_PARTS = {"lora_A": "down", "lora_down": "down", "lora_B": "up", "lora_up": "up"}
_NAME = re.compile(
    r"(?:base_model\.model\.|transformer\.|diffusion_model\.|model\.)*"
    r"(?P<layer>.+?)\.(?:(?P<part>lora_A|lora_B|lora_up|lora_down)(?:\.default)?\.weight|alpha)"
)


@dataclass(frozen=True, kw_only=True)
class Change:
    """What is added to one weight; in its file until it is asked for."""

    name: str  # of the weight, as we call it
    down: tuple[str, Held]  # (r, d_in), by its name in the file
    up: tuple[str, Held]  # (d_out, r)
    scale: float  # alpha / r

    def added(self, value: Tensor, *, strength: float = 1.0) -> Tensor:
        """A weight and strength * scale * up @ down, in the weight's own precision; at 0 its very bits."""
        if strength == 0:
            return value
        (_, down), (_, up) = wan_files.tensors(dict((self.down, self.up)))
        change = (up.float().flatten(1) @ down.float().flatten(1)).view(len(up), *down.shape[1:])
        return (value.float() + strength * self.scale * wan_names.value_in(self.name, change)).to(value.dtype)


@torch.no_grad()
def merge(transformer: Transformer, path: Path | str, *, strength: float = 1.0) -> int:
    """Add a LoRA file (or folder), so many times, to the weights that it changes; how many those are.

    Raises ValueError as `changes` does.
    """
    state = transformer.state_dict()
    found = changes(Path(path), {name: tuple(value.shape) for name, value in state.items()})
    for change in found:
        state[change.name].copy_(change.added(state[change.name], strength=strength))
    return len(found)


def changes(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> list[Change]:
    """What a LoRA file (or folder) changes of weights that have these shapes, by our names; reads headers.

    alpha is r where neither the file nor adapter_config.json beside it says another. Raises ValueError for pickled
    files and for a change that is no plain LoRA of such a transformer.
    """
    layers = _layers(path)
    of = wan_names.layout(f"{layer}." for layer in layers)
    said = _alpha(path)
    out: list[Change] = []
    for layer, parts in layers.items():
        mine = wan_names.ours(f"{layer}.weight", of)
        if mine is None or mine not in shapes or "down" not in parts or "up" not in parts:
            raise ValueError(f"{path} changes {layer}, which this transformer does not have, or does not say how")
        down, up = parts["down"], parts["up"]
        rank = down[1].shape[0]
        shape = tuple(wan_names.value_in(mine, torch.empty(up[1].shape[0], *down[1].shape[1:], device="meta")).shape)
        if shape != shapes[mine] or up[1].shape[1] != rank:
            raise ValueError(f"{path} changes {layer} in the shape {list(shape)}, not {list(shapes[mine])}")
        alpha = _scalar(parts["alpha"]) if "alpha" in parts else rank if said is None else said
        out.append(Change(name=mine, down=down, up=up, scale=alpha / rank))
    return out


def alone(path: Path) -> Path | bytes:
    """A LoRA as one file that needs no other: its own, or what to write where something beside it says alpha."""
    files = wan_files.files(path)
    if len(files) == 1 and not _beside(path).is_file():
        return files[0]
    tensors = dict(wan_files.tensors(wan_files.described(path)))
    said = _alpha(path)
    return save(tensors, None if said is None else {"lora_adapter_metadata": json.dumps({"lora_alpha": said})})


def _layers(path: Path) -> dict[str, dict[str, tuple[str, Held]]]:
    """Of each layer, by its name there: where down and up are and, where it is said, alpha."""
    out: dict[str, dict[str, tuple[str, Held]]] = defaultdict(dict)
    for name, held in wan_files.described(path).items():
        match = _NAME.fullmatch(name)
        if match is None:
            raise ValueError(f"{path} holds {name}, which is no plain LoRA weight")
        out[match["layer"]][_PARTS.get(match["part"], "alpha")] = (name, held)
    return out


def _beside(path: Path) -> Path:
    return (path if path.is_dir() else path.parent) / "adapter_config.json"


def _scalar(place: tuple[str, Held]) -> float:
    return float(next(value for _, value in wan_files.tensors(dict([place]))))


def _alpha(path: Path) -> float | None:
    """What adapter_config.json, or the head of the file, says of all layers."""
    beside = _beside(path)
    said: dict[str, Any] = json.loads(beside.read_text(encoding="utf-8")) if beside.is_file() else {}
    with safe_open(wan_files.files(path)[0], framework="pt") as opened:
        head = json.loads((opened.metadata() or {}).get("lora_adapter_metadata", "{}"))
    said = {key.removeprefix("transformer."): value for key, value in head.items()} | said
    if special := [key for key in ("use_dora", "use_rslora", "alpha_pattern", "rank_pattern") if said.get(key)]:
        raise ValueError(f"{path} is no plain LoRA: {', '.join(special)}; merge it with the library that made it")
    return said.get("lora_alpha")
