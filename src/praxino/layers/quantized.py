"""Blocks that hold their matrices in 8 bits (`torchao`); all else is as it was.

int8: a scale for each row, chosen by its largest weight; fp8: e4m3, scaled likewise. Products are of what comes in, in
full precision, with the weights as they were rounded; int8-dynamic rounds what comes in, too, to 8 bits for each token,
and multiplies whole numbers.
"""

import logging
from typing import Any, Literal, get_args

import torch
from torch import nn

from praxino import heap
from praxino.layers.pieces import Pieces

Kind = Literal["int8", "int8-dynamic", "fp8"]
KINDS: tuple[Kind, ...] = get_args(Kind)


def quantized(blocks: nn.ModuleList, pieces: Pieces, *, kind: Kind, device: torch.device) -> nn.ModuleList:
    """A list like ``blocks``, which are on the meta device and are filled; never is more than one there in full.

    Raises ValueError where `torchao` is not installed.
    """
    quantize, config = library(kind)
    run = torch.empty(pieces.layout.size, dtype=torch.uint8)
    with heap.shed():
        for number, block in enumerate(blocks):
            pieces.read(number, run)
            block.load_state_dict(pieces.layout.tensors(run.to(device)), assign=True)
            quantize(block.eval().requires_grad_(False), config)
            block.apply(_settle)
    return blocks


def _settle(layer: nn.Module) -> None:
    """What was not rounded moves out of the run that it was read into."""
    for name, held in layer.named_parameters(recurse=False):
        if type(held) is nn.Parameter:
            setattr(layer, name, nn.Parameter(held.detach().clone(), requires_grad=False))


def library(kind: Kind) -> tuple[Any, Any]:
    """What makes layers small in `torchao`, and how. Raises ValueError where it is not installed."""
    logs = [logging.getLogger(name) for name in ("torchao", "torch.utils._pytree")]
    before = [log.level for log in logs]
    for log in logs:  # kernels of its own for some GPUs, which are not used here, may be missing
        log.setLevel(logging.ERROR)
    try:
        from torchao import quantization
    except ImportError:
        raise ValueError(
            f'weights in {kind} need torchao, which is not installed; pip install "praxino[low-memory]"'
        ) from None
    finally:
        for log, level in zip(logs, before, strict=True):
            log.setLevel(level)
    configs = {
        "int8": quantization.Int8WeightOnlyConfig,
        "int8-dynamic": quantization.Int8DynamicActivationInt8WeightConfig,
        "fp8": quantization.Float8WeightOnlyConfig,
    }
    return quantization.quantize_, configs[kind]()
