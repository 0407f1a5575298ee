"""Contact sheets: a film at a glance."""

import os
from pathlib import Path

import numpy as np
from einops import rearrange
from numpy.typing import NDArray
from PIL import Image

from praxino.media.clip import Frames
from praxino.media.fit import fit

GAP = 4  # pixels between pictures
PAPER = 24  # their grey


def sheet(frames: Frames, *, columns: int = 4, rows: int = 3, width: int = 256) -> NDArray[np.uint8]:
    """Up to columns x rows frames, evenly spread from the first to the last, as one picture (h, w, 3).

    ``width`` is that of each frame on the sheet, in pixels.
    """
    if not len(frames):
        raise ValueError("a contact sheet needs at least one frame")
    chosen = np.unique(np.linspace(0, len(frames) - 1, min(len(frames), columns * rows)).round().astype(int))
    height = max(1, round(width * frames.shape[1] / frames.shape[2]))
    tiles = fit(frames[chosen], width=width, height=height, mode="crop")
    across = min(columns, len(tiles))
    empty = -len(tiles) % across
    tiles = np.pad(tiles, ((0, empty), (GAP, 0), (GAP, 0), (0, 0)), constant_values=PAPER)
    if empty:
        tiles[len(tiles) - empty :] = PAPER
    grid = rearrange(tiles, "(r c) h w k -> (r h) (c w) k", c=across)
    return np.pad(grid, ((0, GAP), (0, GAP), (0, 0)), constant_values=PAPER)


def blocks(picture: NDArray[np.uint8], *, columns: int = 96) -> str:
    """The picture (h, w, 3) for a terminal with true colour: half blocks, two pixels to a character."""
    rows = 2 * max(1, round(columns * picture.shape[0] / picture.shape[1] / 2))
    small = np.asarray(Image.fromarray(picture).resize((columns, rows), Image.Resampling.BOX)).astype(int)
    lines: list[str] = []
    for upper, lower in zip(small[::2], small[1::2], strict=True):
        cells = zip(upper.tolist(), lower.tolist(), strict=True)
        marks = (f"\x1b[38;2;{a};{b};{c}m\x1b[48;2;{d};{e};{f}m▀" for (a, b, c), (d, e, f) in cells)
        lines.append("".join(marks) + "\x1b[0m")
    return "\n".join(lines)


def save(picture: NDArray[np.uint8], path: Path) -> None:
    """Write a picture (h, w, 3) as PNG, whole or not at all. Raises OSError where it cannot be written."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        Image.fromarray(picture).save(temporary, format="PNG")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
