"""What a request gives of its film: the picture or clip that it begins with, the picture that it ends on.

Shapes: f frames, h rows, w columns.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from praxino import geometry
from praxino.generation.frame import Frame
from praxino.media import fit, read
from praxino.request import Request


@dataclass(frozen=True, kw_only=True)
class Sight:
    """What a model sees of a start."""

    fps: float  # native frames a second
    frames: int  # of a clip, the last ones, at most
    time: int  # frames of a latent: it sees as many as whole latents take


@dataclass(frozen=True, kw_only=True)
class Given:
    """What a request gives, read; of a clip only the frames that the model sees are held."""

    count: int  # frames of the start at the output's rate; 0: there is none
    moving: bool  # whether the start is a clip, to which the film is added, or a picture, with which it begins
    last: np.ndarray | None  # (H, W, 3) uint8: the start's last frame, at the output's size
    native: np.ndarray | None  # (f, h, w, 3) uint8: the frames of the start that the model sees
    end: np.ndarray | None  # (H, W, 3) uint8 at the output's size

    @property
    def seen(self) -> int:
        """Native frames that were given at the start."""
        return 0 if self.native is None else len(self.native)


def given(request: Request, frame: Frame, sight: Sight) -> Given:
    """Read and fit what the request gives. Raises ValueError for pictures and clips that cannot be read."""
    count, last = 0, None
    tail: deque[np.ndarray] = deque(maxlen=sight.frames)
    moves = moving(request)
    for last in opening(request, request.fps):
        count += 1
        tail.append(last)
    if moves and request.fps != sight.fps:
        tail.extend(opening(request, sight.fps))
    native = None
    if tail:
        seen = geometry.frames_of(geometry.latent_frames(len(tail), sight.time), sight.time)
        native = frame.into_native(np.stack(list(tail)[-seen:]))
    end = None if request.end is None else next(_fitted(request.end, request, None))
    return Given(count=count, moving=moves, last=last, native=native, end=end)


def moving(request: Request) -> bool:
    """Whether the start is a clip. Raises ValueError where it cannot be read."""
    return request.start is not None and read.probe(Path(request.start)).kind == "clip"


def opening(request: Request, fps: float) -> Iterator[np.ndarray]:
    """The frames (H, W, 3) uint8 of the request's start, one by one, at the output's size and at ``fps``."""
    if request.start is not None:
        yield from _fitted(request.start, request, fps)


def _fitted(path: str, request: Request, fps: float | None) -> Iterator[np.ndarray]:
    for picture in read.stream(Path(path), fps=fps):
        yield fit.fit(picture[None], width=request.width, height=request.height, mode=request.fit)[0]
