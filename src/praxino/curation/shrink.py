"""Planes of a picture averaged down to a few pixels, in one pass each: several times faster than OpenCV's areas.

Shapes: h rows, w columns of pixels.
"""

import numba as nb
import numpy as np

ROWS_AT_ONCE = 256
"""Rows that a row of the result averages, at most; of more, every second one, and so on: sums are 16 bits."""


@nb.njit(cache=True, nogil=True, fastmath=True)
def averaged(plane: np.ndarray, out: np.ndarray) -> None:
    """Of a plane (h, w) uint8, means over equal parts into ``out`` float32; parts begin and end at whole pixels."""
    h, w = plane.shape
    rows, columns = out.shape
    step = (h // rows) // ROWS_AT_ONCE + 1
    sums = np.empty(w, np.uint16)
    for i in range(rows):
        top, count = i * h // rows, 0
        for x in range(w):
            sums[x] = 0
        for y in range(top, max(top + 1, (i + 1) * h // rows), step):
            count += 1
            for x in range(w):
                sums[x] += np.uint16(plane[y, x])
        for j in range(columns):
            left = j * w // columns
            right = max(left + 1, (j + 1) * w // columns)
            total = np.uint32(0)
            for x in range(np.uint32(left), np.uint32(right)):  # unsigned, for numba looks for -1 otherwise
                total += sums[x]
            out[i, j] = total / np.float32(count * (right - left))


@nb.njit(cache=True, nogil=True, fastmath=True)
def coloured(luma, blue, red, matrix, out) -> None:  # noqa: ANN001
    """Of three planes uint8, a small picture (h, w, 3) uint8 RGB; see `upright.matrix`."""
    kr, kb, full = np.float32(matrix[0]), np.float32(matrix[1]), matrix[2]
    rows, columns = out.shape[:2]
    means = np.empty((3, rows, columns), np.float32)
    y, u, v = means[0], means[1], means[2]
    averaged(luma, y)
    averaged(blue, u)
    averaged(red, v)
    black, light, span = (0, 255, 255) if full else (16, 219, 224)
    one = np.float32(1)
    for i in range(rows):
        for j in range(columns):
            bright = min(max((y[i, j] - black) / np.float32(light), np.float32(0)), one)
            r = bright + 2 * (one - kr) * (v[i, j] - 128) / np.float32(span)
            b = bright + 2 * (one - kb) * (u[i, j] - 128) / np.float32(span)
            g = (bright - kr * r - kb * b) / (one - kr - kb)
            out[i, j, 0] = np.uint8(min(max(r * 255 + np.float32(0.5), np.float32(0)), np.float32(255)))
            out[i, j, 1] = np.uint8(min(max(g * 255 + np.float32(0.5), np.float32(0)), np.float32(255)))
            out[i, j, 2] = np.uint8(min(max(b * 255 + np.float32(0.5), np.float32(0)), np.float32(255)))
