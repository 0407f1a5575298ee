"""Models in less memory: the lists of blocks that hold nearly all of their weights, not all at hand or in 8 bits."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import torch
from torch import nn

from praxino.generation.low_memory import LowMemory
from praxino.layers.offload import offloaded
from praxino.layers.pieces import Layout, Pieces, Source
from praxino.layers.quantized import KINDS, Kind, quantized
from praxino.transformer.model import Transformer

LISTS = {"transformer": "blocks", "transformer_2": "blocks", "text": "model.encoder.block"}
"""Where networks have their blocks; the text encoder that ships has none, it is small."""


@dataclass(frozen=True, kw_only=True)
class Taken:
    """Blocks, on the meta device, that were taken out of a network."""

    network: nn.Module
    owner: nn.Module
    name: str  # that the owner has them by
    prefix: str  # that their weights have in the model's file
    blocks: nn.ModuleList


def take(networks: Mapping[str, nn.Module]) -> list[Taken]:
    """Take the blocks out of networks that are on the meta device, so that no memory is made for them."""
    out: list[Taken] = []
    for first, path in LISTS.items():
        way, _, name = path.rpartition(".")
        try:
            owner = networks[first].get_submodule(way)
            blocks = cast("nn.ModuleList", owner.get_submodule(name))
        except (KeyError, AttributeError):
            continue
        setattr(owner, name, type(blocks)())
        out.append(Taken(network=networks[first], owner=owner, name=name, prefix=f"{first}.{path}.", blocks=blocks))
    return out


def give(taken: list[Taken], source: Source, how: LowMemory, *, device: torch.device, dtype: torch.dtype) -> None:
    """Give the networks their blocks back, with the weights of a model's file.

    Raises ValueError where it lacks some, and where a library that is needed is not installed.
    """
    for one in taken:
        layout = Layout.of(one.blocks[0], dtype)
        pieces = Pieces(source, prefix=one.prefix, layout=layout, count=len(one.blocks))
        if how in KINDS:
            blocks = quantized(one.blocks, pieces, kind=cast("Kind", how), device=device)
        else:
            blocks = offloaded(one.blocks, pieces, device=device)
            if isinstance(one.network, Transformer):
                one.network.fusible = False
        setattr(one.owner, one.name, blocks)
