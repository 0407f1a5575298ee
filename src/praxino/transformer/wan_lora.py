"""Low-rank changes of weights (LoRA, Hu et al. 2021) in the layout of PEFT and `diffusers`, merged into a transformer.

Shapes: r rank, d_in and d_out of a linear layer.
"""

import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

from praxino.transformer import wan_files, wan_names
from praxino.transformer.model import Transformer

_PARTS = {"lora_A": "down", "lora_down": "down", "lora_B": "up", "lora_up": "up"}
_NAME = re.compile(
    r"(?:base_model\.model\.|transformer\.|diffusion_model\.|model\.)*"
    r"(?P<layer>.+?)\.(?:(?P<part>lora_A|lora_B|lora_up|lora_down)(?:\.default)?\.weight|alpha)"
)


@torch.no_grad()
def merge(transformer: Transformer, path: Path | str, *, strength: float = 1.0) -> int:
    """Add strength * (alpha / r) * up @ down to the weights that a LoRA file (or folder) changes; how many those are.

    alpha is r where neither the file nor adapter_config.json beside it says another. Raises ValueError for pickled
    files and for a change that is no plain LoRA of a Wan transformer.
    """
    changes = _changes(Path(path))
    state = transformer.state_dict()
    of = wan_names.layout(f"{layer}." for layer in changes)
    alpha = _alpha(Path(path))
    for layer, parts in changes.items():
        mine = wan_names.ours(f"{layer}.weight", of)
        if mine not in state or "down" not in parts or "up" not in parts:
            raise ValueError(f"{path} changes {layer}, which this transformer does not have, or does not say how")
        down, up = parts["down"].float(), parts["up"].float()
        rank = len(down)
        scale = strength * float(parts.get("alpha", rank if alpha is None else alpha)) / rank
        change = (up.flatten(1) @ down.flatten(1)).view(len(up), *down.shape[1:])
        change = wan_names.value_in(mine, change)
        if change.shape != state[mine].shape:
            raise ValueError(f"{path} changes {layer} in the shape {list(change.shape)}, not {list(state[mine].shape)}")
        state[mine].copy_(state[mine].float() + scale * change)
    return len(changes)


def _changes(path: Path) -> dict[str, dict[str, Tensor]]:
    """Of each layer, by its name there: down (r, d_in), up (d_out, r) and, where it is said, alpha."""
    held = wan_files.described(path)
    out: dict[str, dict[str, Tensor]] = defaultdict(dict)
    for name, value in wan_files.tensors(held):
        match = _NAME.fullmatch(name)
        if match is None:
            raise ValueError(f"{path} holds {name}, which is no plain LoRA weight")
        out[match["layer"]][_PARTS.get(match["part"], "alpha")] = value
    return out


def _alpha(path: Path) -> float | None:
    """What adapter_config.json, or the head of the file, says of all layers."""
    beside = (path if path.is_dir() else path.parent) / "adapter_config.json"
    said: dict[str, Any] = json.loads(beside.read_text(encoding="utf-8")) if beside.is_file() else {}
    with safe_open(wan_files.files(path)[0], framework="pt") as opened:
        head = json.loads((opened.metadata() or {}).get("lora_adapter_metadata", "{}"))
    said = {key.removeprefix("transformer."): value for key, value in head.items()} | said
    if special := [key for key in ("use_dora", "use_rslora", "alpha_pattern", "rank_pattern") if said.get(key)]:
        raise ValueError(f"{path} is no plain LoRA: {', '.join(special)}; merge it with the library that made it")
    return said.get("lora_alpha")
