"""What every engine gives: a film that can be made now, and the frames of it as they are made."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from praxino.generation.card import Card
from praxino.generation.frame import Frame
from praxino.generation.generate import Around
from praxino.request import SMALLEST, Request


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A film that can be made now: what was given is read, and nothing of it is made yet."""

    shown: Request  # the film as it is shown: of a draft, at the model's own size
    given: int  # frames of its start, which come first in it
    frames: int  # of the film
    tokens: Callable[[int], int]  # that were made, once so many latents were had
    pieces: Callable[[Around], Iterator[np.ndarray]]  # the frames (f, H, W, 3) uint8, as soon as they are made


class Engine(Protocol):
    """A model that was opened."""

    @property
    def name(self) -> str:
        """What the model is called."""
        ...

    @property
    def digest(self) -> str:
        """Of its weights."""
        ...

    @property
    def card(self) -> Card:
        """What it says of itself."""
        ...

    def plan(self, request: Request, *, draft: bool = False) -> Planned:
        """Read what the request gives. Raises ValueError for what cannot be read, and for what the model cannot do."""
        ...


def drafted(request: Request, frame: Frame) -> Request:
    """The request at the size that the model makes it, or a multiple that can be asked for; never a larger one."""
    width, height = frame.box[2:]
    times = math.ceil(SMALLEST / min(width, height))
    size = (times * width // 2 * 2, times * height // 2 * 2)
    return request if size[0] >= request.width else replace(request, width=size[0], height=size[1])
