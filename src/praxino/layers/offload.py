"""Blocks that come to the device one after another, each while the one before it is at work.

The device holds two. On a GPU all of them wait in the host's pinned memory, and come by a stream of their own; on a CPU
they wait in the model's file, and a thread reads them, so that a model may be larger than memory.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from copy import deepcopy
from typing import Protocol

import torch
from torch import Tensor, nn

from praxino.layers.pieces import Pieces

SLOTS = 2
"""Blocks that the device holds: the one at work, and the next."""


def offloaded(blocks: nn.ModuleList, pieces: Pieces, *, device: torch.device) -> nn.ModuleList:
    """A list like ``blocks``, which are on the meta device; it computes, bit for bit, what it does with all at hand.

    It is for one thread at a time, only to be gone over from first to last, and not for `torch.compile`.
    """
    runs = [torch.empty(pieces.layout.size, dtype=torch.uint8, device=device) for _ in range(SLOTS)]
    way = _Copied(pieces, runs) if device.type == "cuda" else _Read(pieces, runs)
    slots = [deepcopy(blocks[0]) for _ in runs]
    for slot, run in zip(slots, runs, strict=True):
        slot.load_state_dict(pieces.layout.tensors(run), assign=True)
        slot.eval().requires_grad_(False)
    kind = type("Streamed", (Streamed, type(blocks)), {})  # what the list does with its blocks, it goes on doing
    return kind(slots, way, pieces.count)


class Way(Protocol):
    """How a block comes to a slot. All calls come from the thread that uses the blocks, one block after another."""

    def send(self, number: int, slot: int) -> None:
        """Begin to bring a block, once nothing is at work in the slot any more."""
        ...

    def wait(self, slot: int) -> None:
        """What is done on the device from now on finds the block there. Raises OSError where it could not be read."""
        ...

    def free(self, slot: int) -> None:
        """What was done on the device up to now was all that needed the slot."""
        ...


class Streamed(nn.ModuleList):
    """A list of ``count`` blocks of which a few are at hand: going over it brings each one ahead of its turn.

    A block that it yields is another one when the next but one is asked for.
    """

    def __init__(self, slots: Sequence[nn.Module], way: Way, count: int) -> None:
        super().__init__(slots)
        self._slots, self._way, self._count = list(slots), way, count
        self._held: list[int | None] = [None] * len(slots)  # which block is in each, or on its way to it
        self._next = 0  # slot of the block that is used next

    def __iter__(self) -> Iterator[nn.Module]:
        for number in range(self._count):
            slot = self._next
            self._send(number, slot)  # it was, but for the first time and after a call that was broken off
            self._wait(slot)
            self._next = 1 - slot
            self._send((number + 1) % self._count, self._next)
            try:
                yield self._slots[slot]
            finally:
                self._way.free(slot)

    def _send(self, number: int, slot: int) -> None:
        if self._held[slot] != number:
            self._held[slot] = number
            self._way.send(number, slot)

    def _wait(self, slot: int) -> None:
        try:
            self._way.wait(slot)
        except BaseException:
            self._held[slot] = None
            raise


class _Read:
    """From the file, by a thread."""

    def __init__(self, pieces: Pieces, runs: list[Tensor]) -> None:
        self._pieces, self._runs = pieces, runs
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="blocks")
        self._coming: dict[int, Future[None]] = {}

    def send(self, number: int, slot: int) -> None:
        self._coming[slot] = self._thread.submit(self._pieces.read, number, self._runs[slot])

    def wait(self, slot: int) -> None:
        self._coming[slot].result()

    def free(self, slot: int) -> None:
        """On a CPU whatever was begun is done."""


class _Copied:
    """From the host's pinned memory, by a stream."""

    def __init__(self, pieces: Pieces, runs: list[Tensor]) -> None:
        self._runs, self._device = runs, runs[0].device
        self._stream = torch.cuda.Stream(self._device)
        self._stream.wait_stream(torch.cuda.current_stream(self._device))  # which the slots' memory may come from
        self._here, self._done = ([torch.cuda.Event() for _ in runs] for _ in range(2))
        self._kept = [_pinned(pieces, number) for number in range(pieces.count)]

    def send(self, number: int, slot: int) -> None:
        self._stream.wait_event(self._done[slot])
        with torch.cuda.stream(self._stream):
            self._runs[slot].copy_(self._kept[number], non_blocking=True)
            self._here[slot].record(self._stream)

    def wait(self, slot: int) -> None:
        torch.cuda.current_stream(self._device).wait_event(self._here[slot])

    def free(self, slot: int) -> None:
        self._done[slot].record(torch.cuda.current_stream(self._device))


def _pinned(pieces: Pieces, number: int) -> Tensor:
    run = torch.empty(pieces.layout.size, dtype=torch.uint8, pin_memory=True)
    pieces.read(number, run)
    return run
