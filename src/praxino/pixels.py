"""Pixels as files hold them, uint8, and as networks see them, -1..1."""

import numpy as np
import torch
from torch import Tensor


def unit(frames: np.ndarray | Tensor) -> Tensor:
    """uint8 of any shape -> float32 in -1..1."""
    held = frames if isinstance(frames, Tensor) else torch.tensor(frames)  # a copy: pictures may be read-only
    return held.float() / 127.5 - 1


def whole(frames: Tensor) -> Tensor:
    """-1..1 of any shape, cut to that -> uint8, rounded."""
    return ((frames.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
