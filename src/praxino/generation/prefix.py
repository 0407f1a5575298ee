"""What is known of a film before it is made: nothing, a picture, a clip, an end.

Shapes: f frames, h rows, w columns of pixels or latents, t latents, c channels.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from praxino import geometry
from praxino.generation import able
from praxino.generation.frame import Frame
from praxino.generation.given import Sight, given, moving
from praxino.generation.parts import Parts
from praxino.generation.shown import shown
from praxino.pixels import unit
from praxino.request import Request


@dataclass(frozen=True, kw_only=True)
class Known:
    """A film's plan: how many native frames the model makes, and which of its latents are given."""

    frames: int  # native frames of the part of the film that the model makes or sees
    seen: int  # of these, frames that were given at the start
    latents: Tensor  # (1, t, h, w, c): given latents in place, zeros elsewhere
    known: Tensor  # (t,) bool
    given: int  # frames of the start at the output's rate; 0: there is none
    moving: bool  # whether the start is a clip, to which the film is added, or a picture, with which it begins
    last: np.ndarray | None  # (H, W, 3) uint8: the start's last frame, at the output's size
    end: np.ndarray | None  # (H, W, 3) uint8 at the output's size
    beside: Tensor | None = None  # (1, t, h, w, g): given with each latent, to a transformer that takes that
    picture: Tensor | None = None  # (1, m, d): tokens of the picture or pictures, for one that looks at them


def prefix(request: Request, parts: Parts, frame: Frame) -> Known:
    """Read, fit and encode what the request gives; of a clip only the last frames are held.

    Raises ValueError for pictures and clips that cannot be read, and for what the model cannot make.
    """
    able.check(request, parts.card, moving=moving(request))
    sight = Sight(fps=parts.card.fps, frames=_reach(parts), time=parts.compression.time)
    had = given(request, frame, sight)
    frames = geometry.frames_of_seconds(request.seconds, parts.card.fps) + (had.seen if had.moving else 0)
    clean, known = _encoded(had.native, had.end, frames, parts, frame)
    beside = picture = None
    if parts.transformer.config.given_channels:  # to such a one the start is shown, and it makes all latents itself
        beside, picture = shown(had.native, had.end, clean.shape, parts, frame)
        clean, known = torch.zeros_like(clean), torch.zeros_like(known)
    return Known(
        frames=frames, seen=had.seen, latents=clean, known=known, given=had.count, moving=had.moving, last=had.last,
        end=had.end, beside=beside, picture=picture,
    )  # fmt: skip


def _reach(parts: Parts) -> int:
    """How many of a start's last frames the model sees at most: those of its window, or, without one, the last."""
    seen = parts.transformer.config.window * parts.transformer.config.chunk
    return geometry.frames_of(max(1, seen), parts.compression.time)


@torch.inference_mode()
def _encoded(
    native: np.ndarray | None, end: np.ndarray | None, frames: int, parts: Parts, frame: Frame
) -> tuple[Tensor, Tensor]:
    time, space, coder = parts.compression.time, parts.compression.space, parts.autoencoder
    device = coder.mean.device
    t = geometry.covering(frames, time)
    h, w = frame.native_height // space, frame.native_width // space
    clean = torch.zeros(1, t, h, w, coder.config.channels, device=device)
    known = torch.zeros(t, dtype=torch.bool, device=device)
    if native is not None:
        latents = coder.encode(unit(native).to(device)[None])
        clean[:, : latents.shape[1]], known[: latents.shape[1]] = latents, True
    if end is not None:
        # The end is a moment held still: the frames of one latent, with itself before it for the encoder's past.
        held = frame.into_native(np.repeat(end[None], 1 + time, 0))
        clean[:, -1], known[-1] = coder.encode(unit(held).to(device)[None])[:, -1], True
    return clean, known
