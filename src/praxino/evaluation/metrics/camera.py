"""How the camera moves: a shift and a scale of the whole picture from frame to frame, by least squares on gradients.

Lucas & Kanade 1981 with one motion for all pixels; what moves by itself is left out.
Shapes: t frames, h rows, w columns of pixels.
"""

import itertools

import numpy as np
from scipy.ndimage import binary_dilation, gaussian_filter

MOVED = 0.06
"""Share of the picture's height the picture has to shift, or its size to change by, for the camera to have moved."""
CHANGES = 0.12
"""Grey levels a step that a picture changes by beside its things, at least, where the camera moves: shadows do less."""
DOUBT = 0.03
"""Squared slope a pixel, in grey levels, below which a picture is too plain to tell how it moves (ridge regression)."""


def camera(frames: np.ndarray, things: np.ndarray, *, every: int = 2) -> str:
    """Which way the camera of (t, h, w, 3) uint8 frames goes: right, left, up, down, in, out or still.

    ``things`` (t, h, w) is True where something may move by itself.
    """
    height = frames.shape[1]
    small = [gaussian_filter(frame.astype(np.float32).mean(-1), 1.5) for frame in frames[::every]]
    rest = [np.logical_not(binary_dilation(mask, iterations=6)) for mask in things[::every]]
    both = [(a, b, m & n) for (a, b), (m, n) in zip(itertools.pairwise(small), itertools.pairwise(rest), strict=True)]
    if not both or np.mean([np.abs(a - b)[kept].mean() if kept.any() else 0 for a, b, kept in both]) < CHANGES:
        return "still"
    steps = np.array([_step(a, b, kept=kept) for a, b, kept in both])
    right, down, grown = steps.sum(0)
    # The picture goes against the camera.
    amounts = {"right": -right, "left": right, "up": down, "down": -down}
    shares = {way: amount / height for way, amount in amounts.items()} | {"in": grown, "out": -grown}
    way = max(shares, key=lambda name: shares[name])
    return way if shares[way] > MOVED else "still"


def _step(before: np.ndarray, after: np.ndarray, *, kept: np.ndarray) -> np.ndarray:
    """(right, down, log of scale) by which the ``kept`` pixels move, in pixels and as a ratio."""
    down, right = np.gradient((before + after) / 2)
    height, width = before.shape
    y, x = np.mgrid[:height, :width] - np.array([(height - 1) / 2, (width - 1) / 2])[:, None, None]
    basis = np.stack([right, down, right * x + down * y], -1).reshape(-1, 3)
    change = (before - after).reshape(-1)
    kept = kept.reshape(-1) & (np.abs(basis[:, 0]) + np.abs(basis[:, 1]) > 1.0)
    doubt = DOUBT * before.size * np.array([1, 1, height**2 / 16])
    motion = np.zeros(3)
    for _ in range(3):
        if kept.sum() < 50:
            break
        a, b = basis[kept], change[kept]
        motion = np.linalg.solve(a.T @ a + np.diag(doubt), a.T @ b)
        off = np.abs(basis @ motion - change)
        kept &= off <= 3 * np.median(off[kept]) + 0.5
    return motion
