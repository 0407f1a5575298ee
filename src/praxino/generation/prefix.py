"""What is known of a film before it is made: nothing, a picture, a clip, an end.

Shapes: f frames, h rows, w columns of pixels or latents, t latents, c channels.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from praxino import geometry
from praxino.generation.frame import Frame
from praxino.generation.parts import Parts
from praxino.media import read
from praxino.request import Request


@dataclass(frozen=True, kw_only=True)
class Known:
    """A film's plan: how many native frames, which of its latents are given, and the given frames themselves."""

    frames: int  # native frames of the film the model makes, the part of the start that it sees included
    seen: int  # of these, frames that were given at the start
    latents: Tensor  # (1, t, h, w, c): given latents in place, zeros elsewhere
    known: Tensor  # (t,) bool
    start: np.ndarray  # (f, H, W, 3) uint8 at the output's size and rate: what comes first, untouched; f may be 0
    moving: bool  # whether the start is a clip, to which the film is added, or a picture, with which it begins
    end: np.ndarray | None  # (H, W, 3) uint8 at the output's size


def prefix(request: Request, parts: Parts, frame: Frame) -> Known:
    """Read, fit and encode what the request gives.

    Raises ValueError for pictures and clips that cannot be read.
    """
    native = shown = np.empty((0, request.height, request.width, 3), np.uint8)
    moving = False
    if request.start is not None:
        shown = _fitted(request.start, request, request.fps)
        moving = read.probe(Path(request.start)).kind == "clip"
        again = request.fps != parts.card.fps and moving
        source = _fitted(request.start, request, parts.card.fps) if again else shown
        native = frame.into_native(source[-_reach(parts, len(source)) :])
    end = None if request.end is None else _fitted(request.end, request, None)[-1]
    wanted = geometry.frames_of_seconds(request.seconds, parts.card.fps)
    frames = wanted + (len(native) if moving else 0)
    clean, known = _encoded(native, end, frames, parts, frame)
    return Known(frames=frames, seen=len(native), latents=clean, known=known, start=shown, moving=moving, end=end)


def _fitted(path: str, request: Request, fps: float | None) -> np.ndarray:
    return read.read(Path(path), fps=fps, size=(request.width, request.height), mode=request.fit).frames


def _reach(parts: Parts, frames: int) -> int:
    """How many of a start's last frames the model sees: whole latents, at most one chunk of them."""
    time = parts.compression.time
    latents = min(parts.transformer.config.chunk, geometry.latent_frames(frames, time))
    return geometry.frames_of(latents, time)


@torch.inference_mode()
def _encoded(
    native: np.ndarray, end: np.ndarray | None, frames: int, parts: Parts, frame: Frame
) -> tuple[Tensor, Tensor]:
    time, space, coder = parts.compression.time, parts.compression.space, parts.autoencoder
    device = coder.mean.device
    t = geometry.covering(frames, time)
    h, w = frame.native_height // space, frame.native_width // space
    clean = torch.zeros(1, t, h, w, coder.config.channels, device=device)
    known = torch.zeros(t, dtype=torch.bool, device=device)
    if len(native):
        latents = coder.encode(_unit(native).to(device)[None])
        clean[:, : latents.shape[1]], known[: latents.shape[1]] = latents, True
    if end is not None:
        # The end is a moment held still: the frames of one latent, with itself before it for the encoder's past.
        held = frame.into_native(np.repeat(end[None], 1 + time, 0))
        clean[:, -1], known[-1] = coder.encode(_unit(held).to(device)[None])[:, -1], True
    return clean, known


def _unit(frames: np.ndarray) -> Tensor:
    return torch.from_numpy(frames.astype(np.float32) / 127.5 - 1)
