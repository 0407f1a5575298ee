"""The visible label of GB 45438-2025: words on the first two seconds that say that a model made the film.

The words are a picture, drawn once with Droid Sans Fallback (Apache-2.0) and DejaVu Sans (Bitstream Vera's licence), so
that no font has to be there and every machine draws the same pixels.
"""

import math
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from praxino.media.clip import Frames

WORDS = "AI 生成 / AI-generated"
SECONDS = 2.0  # at least, from the beginning
SHARE = 0.05  # of the shortest side: the height of a capital, at least
CAPITAL = 134 / 200  # of the picture's height; a Chinese character is higher
LEAST = 14  # pixels of height where there is room: on small films a twentieth cannot be read
PADDING, MARGIN = 0.35, 0.4  # of the words' height: around them in the box, and around the box
PAPER, INK = 16.0, 245.0  # greys


def marked(piece: Frames, *, first: int, fps: float) -> Frames:
    """The frames (f, h, w, 3), of which ``first`` is the number of the first one, with the words where they belong.

    What is under the words is covered, so that a frame may be marked twice.
    """
    count = math.ceil(SECONDS * fps - 1e-6) - first
    if count <= 0 or not len(piece):
        return piece
    out = piece.copy()
    height, width = piece.shape[1:3]
    box = _box(width, height)
    margin = min(round(MARGIN * box.shape[0]), width - box.shape[1], height - box.shape[0])
    down, across = height - margin - box.shape[0], margin
    out[:count, down : height - margin, across : across + box.shape[1]] = box
    return out


@lru_cache(maxsize=8)
def _box(width: int, height: int) -> Frames:
    """The words on their ground, (h, w, 3), for frames of this size."""
    with Image.open(Path(__file__).with_name("visible.png")) as picture:
        words = picture.convert("L")
    ratio = words.width / words.height
    widest = width / (ratio + 2 * PADDING)
    tall = math.ceil(min(max(SHARE * min(width, height) / CAPITAL, LEAST), widest, height / (1 + 2 * PADDING)))
    size = (min(round(tall * ratio), width), tall)
    ink = np.asarray(words.resize(size, Image.Resampling.LANCZOS), np.float32)[..., None] / 255
    pad = min(round(PADDING * tall), (width - size[0]) // 2, (height - tall) // 2)
    grey = np.pad(PAPER + (INK - PAPER) * ink, ((pad, pad), (pad, pad), (0, 0)), constant_values=PAPER)
    return np.repeat(grey.round().astype(np.uint8), 3, axis=2)
