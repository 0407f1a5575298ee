"""Everything a run needs to go on as if nothing had happened, in one file; never pickle.

Optimiser state is a tree of tensors, numbers and lists: tensors go to safetensors, the tree to its metadata.
"""

import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor


def save(path: Path, tree: dict[str, Any]) -> None:
    """Write the tree, whole or not at all."""
    tensors: dict[str, Tensor] = {}
    outline = json.dumps(_outline(tree, tensors))
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    save_file(tensors, temporary, metadata={"tree": outline})
    temporary.replace(path)


def load(path: Path) -> dict[str, Any]:
    """The tree as it was saved."""
    with safe_open(path, "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
        outline = json.loads(file.metadata()["tree"])
    tree = _filled(outline, tensors)
    assert isinstance(tree, dict)
    return tree


def glance(path: Path) -> dict[str, Any]:
    """The numbers and texts at the top of the tree, without its tensors."""
    with safe_open(path, "pt") as file:
        outline = json.loads(file.metadata()["tree"])
    return {key: value for key, value in outline["items"] if not isinstance(value, dict)}


def _outline(value: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, Tensor):
        name = str(len(tensors))
        tensors[name] = value.detach().contiguous().clone()
        return {"tensor": name}
    if isinstance(value, dict):
        return {"items": [[key, _outline(held, tensors)] for key, held in value.items()]}
    if isinstance(value, list | tuple):
        return {"list": [_outline(held, tensors) for held in value]}
    return value


def _filled(value: Any, tensors: dict[str, torch.Tensor]) -> Any:
    match value:
        case {"tensor": name}:
            return tensors[name]
        case {"items": items}:
            return {key: _filled(held, tensors) for key, held in items}
        case {"list": held}:
            return [_filled(one, tensors) for one in held]
        case _:
            return value
