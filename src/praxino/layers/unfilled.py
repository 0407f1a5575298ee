"""Networks that are built without memory and without numbers, for whoever has those of all their weights."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

DRAWN = frozenset(
    {"normal_", "uniform_", "trunc_normal_", "kaiming_uniform_", "kaiming_normal_", "xavier_uniform_", "xavier_normal_"}
)
"""What modules fill their weights by (`torch.nn.init`)."""


@contextmanager
def unfilled() -> Iterator[None]:
    """Networks built here are on the meta device, and nothing is drawn for them.

    Drawing nothing on the meta device takes torch over a second, for which it imports its compiler.
    """
    with torch.device("meta"), _Undrawn():
        yield


class _Undrawn(TorchFunctionMode):
    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        given = kwargs or {}
        if getattr(func, "__name__", "") in DRAWN:
            return args[0] if args else given["tensor"]
        return func(*args, **given)
