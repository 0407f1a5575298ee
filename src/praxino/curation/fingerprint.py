"""What a shot looks like, small enough to keep and firm enough to know it again.

A fingerprint outlives another codec, size, frame rate, brightness and borders. Ten times a second it has a hash, by
which likely twins are found among very many, and a tiny picture, by which they are told apart for sure.
Shapes: m moments of a shot, n frames of a video.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy.fft import dctn

RATE = 10
"""Moments a second."""
LUMA, CHROMA = (18, 32), (9, 16)  # rows, columns of the tiny pictures
STEP = 2  # moments between the two pictures whose difference is hashed: a fifth of a second
VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Print:
    """The fingerprint of a shot."""

    hashes: np.ndarray  # (m, 2) uint64: of the picture, of its movement
    pictures: np.ndarray  # (m, 864) uint8: brightness, then two of colour, each a row after the other


def fingerprint(
    small: np.ndarray, times: np.ndarray, *, box: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
) -> Print:
    """The fingerprint of a shot: its small pictures (n, h, w, 3) uint8 and when they are shown (n,), in seconds.

    ``box`` is the part without borders: left, top, right and bottom as shares of width and height.
    """
    moments = np.arange(times[0], times[-1] + 0.5 / RATE, 1 / RATE)
    chosen = np.abs(times[None] - moments[:, None]).argmin(1) if len(times) < 64 else _nearest(times, moments)
    pictures = np.stack([_tiny(small[i], box) for i in chosen])
    luma = pictures[:, : LUMA[0] * LUMA[1]].reshape(-1, *LUMA).astype(np.float32)
    later = luma[np.minimum(np.arange(len(luma)) + STEP, len(luma) - 1)]
    earlier = luma[np.maximum(np.minimum(np.arange(len(luma)), len(luma) - 1 - STEP), 0)]
    hashes = np.stack([_hashed(luma), _hashed(later - earlier)], axis=1)
    return Print(hashes=hashes, pictures=pictures)


def brightness(pictures: np.ndarray) -> np.ndarray:
    """(m, 864) uint8 -> (m, 18, 32) float32."""
    return pictures[:, : LUMA[0] * LUMA[1]].reshape(-1, *LUMA).astype(np.float32)


def colour(pictures: np.ndarray) -> np.ndarray:
    """(m, 864) uint8 -> (m, 2, 9, 16) float32."""
    return pictures[:, LUMA[0] * LUMA[1] :].reshape(-1, 2, *CHROMA).astype(np.float32)


def _nearest(times: np.ndarray, moments: np.ndarray) -> np.ndarray:
    """Index of the frame closest to each moment; times rise."""
    after = np.searchsorted(times, moments).clip(1, len(times) - 1)
    return after - (moments - times[after - 1] < times[after] - moments)


def _tiny(picture: np.ndarray, box: tuple[float, float, float, float]) -> np.ndarray:
    rows, columns = picture.shape[:2]
    part = (box[0] * columns, box[1] * rows, box[2] * columns, box[3] * rows)
    planes = zip(Image.fromarray(picture).convert("YCbCr").split(), (LUMA, CHROMA, CHROMA), strict=True)
    tiny = [plane.resize((width, height), Image.Resampling.BOX, box=part) for plane, (height, width) in planes]
    return np.concatenate([np.asarray(plane).ravel() for plane in tiny])


def _hashed(pictures: np.ndarray) -> np.ndarray:
    """(m, h, w) -> (m,) uint64: signs of the 64 lowest waves of each, the constant one left out."""
    waves = np.asarray(dctn(pictures, axes=(1, 2), norm="ortho"))[:, :8, :9].reshape(len(pictures), -1)[:, 1:65]
    return np.packbits(waves > 0, axis=1).view(">u8").astype(np.uint64)[:, 0]
