"""Where a clip of the world changes from frame to frame, and whether a window on it shows that.

Shapes: n frames, h rows and w columns of pixels, r rows and c columns of cells.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from einops import reduce

CELL = 3
"""Pixels a side of a cell, of every second one."""
CHANGED = 6
"""Levels that a pixel changes by where something moves."""
LEAST = 0.0005
"""Share of the pixels that change where something moves."""
LONG = 8
"""Steps of rest that are no moment any more."""


@dataclass(frozen=True, kw_only=True)
class Life:
    """Where a clip changes, and how much of it a window shows."""

    cells: np.ndarray  # (n - 1, r, c) uint8: pixels of each cell that a step changes
    window: tuple[float, float]  # of the clip's width and height, 0..1

    @property
    def lively(self) -> bool:
        """Whether something always moves somewhere, but for moments."""
        return longest(self.cells.mean((1, 2)) < LEAST * CELL * CELL) < LONG

    def rests(self, shown: np.ndarray, path: np.ndarray) -> np.ndarray:
        """Of frames ``shown`` (n,) through a window at ``path`` (n, 2), 0..1 of its room: whether each step rests.

        (n - 1,) bool. A step rests where the window stays and nothing that it shows changes.
        """
        _, rows, columns = self.cells.shape
        wide, high = self.window
        out = np.zeros(len(shown) - 1, bool)
        for n in np.flatnonzero((np.diff(path, axis=0) == 0).all(1)):
            left, top = path[n, 0] * (1 - wide) * columns, path[n, 1] * (1 - high) * rows
            across = slice(round(left), round(left + wide * columns))
            down = slice(round(top), round(top + high * rows))
            seen = self.cells[shown[n] : shown[n + 1], down, across]  # none where the same frame is shown again
            pixels = CELL * CELL * wide * high * rows * columns
            out[n] = seen.sum() < LEAST * pixels
        return out


def changes(frames: np.ndarray) -> np.ndarray:
    """(n - 1, r, c) uint8: how many of every second pixel change in each cell, from frame to frame (n, h, w, 3)."""
    few = frames[:, ::2, ::2].astype(np.int16)
    moved = np.stack([(np.abs(now - before) > CHANGED).any(-1) for before, now in pairwise(few)])
    height, width = (side // CELL * CELL for side in moved.shape[1:])
    cells = reduce(moved[:, :height, :width].astype(np.uint8), "n (r p) (c q) -> n r c", "sum", p=CELL, q=CELL)
    return cells.astype(np.uint8)


def longest(rests: np.ndarray) -> int:
    """Steps of the longest run of rest (n,) bool."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], rests.astype(np.int8), [0]])))
    return int(max(edges[1::2] - edges[::2], default=0))
