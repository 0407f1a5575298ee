"""From native frames to the film's frames: size, rate, and the fine detail of what was given.

Shapes: f frames, h rows, w columns.
"""

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from praxino.generation.frame import Frame
from praxino.pixels import unit, whole
from praxino.upscaler.model import Upscaler

TRUST = 0.1
"""How far (of -1..1) a frame may be from the given one for the given one's detail still to hold there."""


@dataclass(kw_only=True)
class Detail:
    """Lends a given picture's fine detail to the frames that follow it, wherever they still show the same thing.

    The autoencoder and the small native picture lose detail; without this a film made from a picture would soften at
    its second frame. ``given`` and ``made`` (h, w, 3) are the same moment, as given and as the model sees it.
    """

    given: Tensor
    made: Tensor

    def lend(self, frames: Tensor) -> Tensor:
        """frames (f, h, w, 3) + (given - made), faded out where a frame no longer looks like ``made``."""
        away = (frames - self.made).abs().amax(-1, keepdim=True)
        away = torch.nn.functional.max_pool2d(away.permute(0, 3, 1, 2), 5, stride=1, padding=2).permute(0, 2, 3, 1)
        return frames + torch.exp(-((away / TRUST) ** 2)) * (self.given - self.made)


@dataclass(kw_only=True)
class Finisher:
    """Turns native frames in -1..1, as they come, into the frames of the film; keeps one frame between calls."""

    frame: Frame
    ratio: float  # native frames per output frame
    first: float  # position, in native frames from the first one pushed, of the first output frame
    count: int  # output frames to make
    detail: Detail | None = None
    finer: Upscaler | None = None
    end: Tensor | None = None  # (h, w, 3) uint8: the last frame, faded in over ``fade`` output frames
    fade: int = 8
    _held: Tensor | None = field(default=None, init=False)
    _before: Tensor | None = field(default=None, init=False)  # the last native frame
    _begin: int = field(default=0, init=False)
    _made: int = field(default=0, init=False)

    def push(self, native: Tensor) -> Tensor:
        """Native frames (f, h, w, 3) -> as many output frames (n, H, W, 3) uint8 as they allow."""
        frames = self.frame.out_of_native(native, finer=self.finer, before=self._before)
        self._before = native[-1:]
        if self.detail is not None:
            frames = whole(self.detail.lend(unit(frames)))
        if self._held is not None:
            frames = torch.cat([self._held, frames])
        last = self._begin + len(frames) - 1
        out: list[Tensor] = []
        while self._made < self.count and self.first + self._made * self.ratio <= last + 1e-6:
            at = self.first + self._made * self.ratio - self._begin
            low = min(math.floor(at + 1e-6), len(frames) - 1)
            part = max(0.0, at - low)
            out.append(self._ended(frames[low] if part < 1e-6 else _between(frames[low], frames[low + 1], part)))
            self._made += 1
        self._held, self._begin = frames[-1:], last
        return torch.stack(out) if out else frames[:0]

    def rest(self) -> Tensor:
        """Once all native frames were pushed: the output frames (n, H, W, 3) after the last one, which they repeat."""
        assert self._held is not None  # once all were pushed
        out: list[Tensor] = []
        while self._made < self.count:
            out.append(self._ended(self._held[0]))
            self._made += 1
        return torch.stack(out) if out else self._held[:0]

    def _ended(self, picture: Tensor) -> Tensor:
        share = min(1.0, max(0.0, 1 - (self.count - 1 - self._made) / self.fade))
        return picture if self.end is None or share == 0 else _between(picture, self.end, share)


def _between(one: Tensor, other: Tensor, share: float) -> Tensor:
    """The picture (h, w, 3) uint8 so far on the way from one to the other."""
    return whole(torch.lerp(unit(one), unit(other), share))
