"""The weights of a list of blocks, block by block, straight from a safetensors file: no more in memory than are wanted.

The file is the length of a header (8 bytes), the header (JSON: dtype, shape and place of each tensor) and the tensors;
see huggingface.co/docs/safetensors. Reading by place leaves no mapped pages behind that would count as ours.
"""

import json
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

ALIGNED = 256
"""Bytes: kernels are chosen by how weights are aligned, and other kernels would round otherwise."""
DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where the tensors of a block lie in one run of bytes."""

    dtype: torch.dtype
    places: dict[str, tuple[int, tuple[int, ...]]]  # first byte and shape, by name
    size: int  # bytes

    @classmethod
    def of(cls, block: nn.Module, dtype: torch.dtype) -> "Layout":
        """Of a block and all that are built alike, in ``dtype``."""
        places, at = dict[str, tuple[int, tuple[int, ...]]](), 0
        for name, tensor in block.state_dict().items():
            places[name] = (at, tuple(tensor.shape))
            at += math.ceil(tensor.numel() * dtype.itemsize / ALIGNED) * ALIGNED
        return cls(dtype=dtype, places=places, size=at)

    def tensors(self, run: Tensor) -> dict[str, Tensor]:
        """The block's tensors by name, as views of a run of ``size`` bytes."""
        return {
            name: run[at : at + math.prod(shape) * self.dtype.itemsize].view(self.dtype).view(shape)
            for name, (at, shape) in self.places.items()
        }


@dataclass(frozen=True, kw_only=True)
class Source:
    """A safetensors file, and what is done to some of its tensors, by name, when they are read."""

    path: Path
    touches: Mapping[str, Callable[[Tensor], Tensor]] = field(default_factory=dict[str, Callable[[Tensor], Tensor]])


class Pieces:
    """The blocks ``prefix``0, ``prefix``1 and so on of a file, ``count`` of them, all of one layout.

    Raises ValueError where the file cannot be read, or lacks a tensor of theirs.
    """

    def __init__(self, source: Source, *, prefix: str, layout: Layout, count: int) -> None:
        path, self._touches = source.path, source.touches
        self.path, self.prefix, self.layout, self.count = path, prefix, layout, count
        try:
            self._file = path.open("rb", buffering=0)
            length = int.from_bytes(self._file.read(8), "little")
            self._header: dict[str, Any] = json.loads(self._file.read(length))
        except (OSError, ValueError, OverflowError, MemoryError) as error:
            raise ValueError(f"{path} cannot be read: {error}; choose another model") from None
        self._begin = 8 + length
        for number in range(count):
            for name, (_, shape) in layout.places.items():
                self._check(f"{prefix}{number}.{name}", shape)

    def read(self, number: int, run: Tensor) -> None:
        """Read a block into a run of bytes on the CPU, in the order of ``layout``. Raises OSError as files do."""
        into = run.numpy()
        for name, place in self.layout.tensors(run).items():
            full = f"{self.prefix}{number}.{name}"
            if full in self._touches:
                place.copy_(self._touches[full](self._tensor(full)))
            elif DTYPES[self._header[full]["dtype"]] == self.layout.dtype:
                at = self.layout.places[name][0]
                self._fill(full, into[at : at + place.nbytes].data)
            else:
                place.copy_(self._tensor(full))

    def _check(self, name: str, shape: tuple[int, ...]) -> None:
        said = self._header.get(name, {})
        if tuple(said.get("shape", ())) != shape or said.get("dtype") not in DTYPES:
            raise ValueError(f"{self.path} lacks {name} of the shape {list(shape)}; choose another model")

    def _tensor(self, name: str) -> Tensor:
        said = self._header[name]
        out = torch.empty(said["shape"], dtype=DTYPES[said["dtype"]])
        self._fill(name, out.view(-1).view(torch.uint8).numpy().data)
        return out

    def _fill(self, name: str, into: memoryview) -> None:
        begin, end = self._header[name]["data_offsets"]
        done = 0
        while done < end - begin:
            count = os.preadv(self._file.fileno(), [into[done:]], self._begin + begin + done)
            if not count:
                raise OSError(f"{self.path} ends within {name}; get it again")
            done += count
