"""A transformer whose blocks hold their matrices in 8 bits (`torchao`); all else is as it was.

int8: a scale for each row, chosen by its largest weight; fp8: e4m3, scaled likewise. Products are of what comes in, in
full precision, with the weights as they were rounded; int8-dynamic rounds what comes in, too, to 8 bits for each token,
and multiplies whole numbers.
"""

import logging
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from praxino import heap
from praxino.transformer.block import Stack
from praxino.transformer.model import Transformer
from praxino.transformer.pieces import Pieces, bare

Kind = Literal["int8", "int8-dynamic", "fp8"]


def opened(folder: Path, *, kind: Kind, device: torch.device, dtype: torch.dtype) -> Transformer:
    """The transformer of a model's folder, made small block by block: never is more than one block there in full.

    Raises ValueError where `torchao` is not installed, and where the folder holds no whole transformer.
    """
    quantize, config = _torchao(kind)
    pieces = Pieces(folder, dtype=dtype)
    model, blocks = pieces.around(device), list[nn.Module]()
    run = torch.empty(pieces.layout.size, dtype=torch.uint8)
    with heap.shed():
        for number in range(pieces.config.depth):
            pieces.read(number, run)
            block = bare(pieces.config)
            block.load_state_dict(pieces.layout.tensors(run.to(device)), assign=True)
            block.requires_grad_(False)
            quantize(block, config)
            blocks.append(block.apply(_settle))
    model.blocks = Stack(blocks)
    return model


def _settle(layer: nn.Module) -> None:
    """What was not rounded moves out of the run that it was read into."""
    for name, held in layer.named_parameters(recurse=False):
        if type(held) is nn.Parameter:
            setattr(layer, name, nn.Parameter(held.detach().clone(), requires_grad=False))


def _torchao(kind: Kind) -> tuple[Any, Any]:
    log = logging.getLogger("torchao")
    before = log.level
    log.setLevel(logging.ERROR)  # kernels of its own for some GPUs, which are not used here, may be missing
    try:
        from torchao import quantization
    except ImportError:
        raise ValueError(
            f'low memory {kind} needs torchao, which is not installed; pip install "praxino[low-memory]"'
        ) from None
    finally:
        log.setLevel(before)
    configs = {
        "int8": quantization.Int8WeightOnlyConfig,
        "int8-dynamic": quantization.Int8DynamicActivationInt8WeightConfig,
        "fp8": quantization.Float8WeightOnlyConfig,
    }
    return quantization.quantize_, configs[kind]()
