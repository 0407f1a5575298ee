"""Frames of one size and rate to another."""

from typing import Literal

import numpy as np
from PIL import Image

from praxino import geometry
from praxino.media.clip import Frames


def fit(frames: Frames, *, width: int, height: int, mode: Literal["crop", "pad"] = "crop") -> Frames:
    """Frames (t, h, w, 3) as (t, height, width, 3).

    ``crop`` fills the size and loses what sticks out, evenly; ``pad`` keeps the whole, between black bars. Resampled by
    Lanczos over the area each pixel covers, so that fine detail does not flicker.
    """
    old = (frames.shape[2], frames.shape[1])
    if old == (width, height):
        return frames
    if mode == "crop":
        box = geometry.crop_box(old, (width, height))
        part = (box.left, box.top, box.right, box.bottom)
        return np.stack([_resized(frame, (width, height), part) for frame in frames])
    box = geometry.pad_box(old, (width, height))
    out = np.zeros((len(frames), height, width, 3), np.uint8)
    rows, columns = slice(int(box.top), int(box.bottom)), slice(int(box.left), int(box.right))
    for frame, into in zip(frames, out, strict=True):
        into[rows, columns] = _resized(frame, (int(box.width), int(box.height)), (0, 0, *old))
    return out


def resample_time(frames: Frames, from_fps: float, to_fps: float) -> Frames:
    """The frames on screen at the moments of another frame rate; as long, within a frame."""
    order = geometry.shown(len(frames), from_fps, to_fps)
    return frames if order == list(range(len(frames))) else frames[order]


def _resized(frame: Frames, size: tuple[int, int], part: tuple[float, float, float, float]) -> Frames:
    image = Image.fromarray(np.ascontiguousarray(frame))
    return np.asarray(image.resize(size, Image.Resampling.LANCZOS, box=part))
