"""What makes the films of one model: our own parts, or a pipeline of diffusers. Nobody else knows which it is."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from praxino import checkpoint
from praxino.generation.card import Card
from praxino.generation.frame import Frame, frame_of
from praxino.generation.generate import Around, frames_of, generate
from praxino.generation.parts import Parts, open_parts
from praxino.generation.prefix import prefix
from praxino.layers import precision
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


def opened(model: str) -> Engine:
    """The engine that serves a model, on the fastest device that is here. Raises ValueError as `checkpoint.find`."""
    folder = checkpoint.find(model)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    dtype = precision.fastest(device)
    if checkpoint.engine(folder) == checkpoint.OWN:
        return Own(open_parts(folder, device=device, dtype=dtype))
    return _foreign(folder, device, dtype)


def _foreign(folder: Path, device: torch.device, dtype: torch.dtype) -> Engine:
    from praxino.generation import pipelines  # diffusers: some seconds, and an extra

    return pipelines.opened(folder, device=device, dtype=dtype)


@dataclass(frozen=True)
class Own:
    """Praxino's own transformer, chunk by chunk."""

    parts: Parts

    @property
    def name(self) -> str:
        """What the model is called."""
        return self.parts.name

    @property
    def digest(self) -> str:
        """Of its weights."""
        return self.parts.digest

    @property
    def card(self) -> Card:
        """What it says of itself."""
        return self.parts.card

    def plan(self, request: Request, *, draft: bool = False) -> Planned:
        """What is shown and what is known: of a draft, the latents of the film that it is a draft of."""
        frame = frame_of(request.width, request.height, self.card.sizes)
        known = prefix(request, self.parts, frame)
        shown = drafted(request, frame) if draft else request
        if shown != request:
            small = frame_of(shown.width, shown.height, self.card.sizes)
            known = replace(prefix(shown, self.parts, small), latents=known.latents, known=known.known)
        area = known.latents.shape[2] * known.latents.shape[3] // self.parts.transformer.config.patch**2
        return Planned(
            shown=shown,
            given=known.given,
            frames=frames_of(request, known),
            tokens=lambda latents: int((~known.known[:latents]).sum()) * area,
            pieces=lambda around: generate(shown, self.parts, known=known, around=around),
        )


def drafted(request: Request, frame: Frame) -> Request:
    """The request at the size that the model makes it, or a multiple that can be asked for; never a larger one."""
    width, height = frame.box[2:]
    times = math.ceil(SMALLEST / min(width, height))
    size = (times * width // 2 * 2, times * height // 2 * 2)
    return request if size[0] >= request.width else replace(request, width=size[0], height=size[1])
