"""Passes of one shape as one program, where a film has enough of them to pay for making it (`torch.compile`)."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field

import torch

from praxino.generation import speed
from praxino.generation.tracing import TRACING

SHAPES = 64
"""Programs that one process keeps; torch would give up, for good, after eight."""
BEGINNING = 2.0
"""Seconds of a film that are made without: who waits for its first second does not wait for a program as well."""


@dataclass(kw_only=True)
class Fuser:
    """Makes the program at the first pass that it is for."""

    wanted: bool
    _made: bool = field(default=False, init=False)

    def ready(self, once: Callable[[], object]) -> bool:
        """Whether there is a program; the first time ``once``, a pass whose result is not used, makes it."""
        if self.wanted and not self._made:
            self._made = True
            self.wanted = _make(once)
        return self.wanted


def _make(once: Callable[[], object]) -> bool:
    """False where it cannot be made here: a compiler may be there and not work."""
    prepare()
    with TRACING.making():
        try:
            once()
        except RuntimeError:
            return False
    return True


def prepare() -> None:
    """Say where programs are kept, and how many."""
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(speed.path().parent / "programs"))
    torch._dynamo.config.recompile_limit = SHAPES  # noqa: SLF001 - there is no public name
