"""Figures of frames alone: (t, h, w, 3) uint8. None needs learned weights."""

import itertools

import numpy as np
from scipy.ndimage import laplace


def psnr(one: np.ndarray, two: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB of uint8 arrays of one shape; 99 where they are equal."""
    error = float(np.mean((one.astype(np.float32) - two.astype(np.float32)) ** 2))
    return 99.0 if error == 0 else 10 * float(np.log10(255**2 / error))


def moving(frames: np.ndarray, threshold: int = 12) -> np.ndarray:
    """(t, h, w) bool: pixels that differ from the film's own median picture. For a camera that stands still."""
    still = np.median(frames[:: max(1, len(frames) // 32)], axis=0)
    return np.abs(frames.astype(np.int16) - still).max(-1) > threshold


def flicker(frames: np.ndarray) -> float:
    """Temporal flickering as VBench has it, (255 - mean |I(t+1) - I(t)|) / 255, where nothing moves. 1 is perfect."""
    steps = np.abs(np.diff(frames.astype(np.int16), axis=0)).mean(-1)
    rests = ~(moving(frames)[1:] | moving(frames)[:-1])
    return float(1 - (steps[rests].mean() if rests.any() else steps.mean()) / 255)


def sharpness(frames: np.ndarray) -> float:
    """Mean absolute Laplacian of the brightness, in grey levels."""
    bright = frames[::8].astype(np.float32).mean(-1)
    return float(np.mean([np.abs(laplace(frame)).mean() for frame in bright]))


def brightness_drift(frames: np.ndarray) -> float:
    """|mean of the last 15% of the frames - mean of the first 15%|, in grey levels."""
    n = max(1, len(frames) * 15 // 100)
    return abs(float(frames[-n:].mean()) - float(frames[:n].mean()))


def liveliness(frames: np.ndarray) -> float | None:
    """How much changes within a tenth of a second in the last third, over the first; None where nothing moves there."""
    steps = np.abs(frames[3::3].astype(np.int16) - frames[:-3:3]).mean((1, 2, 3))
    third = len(steps) // 3
    if third == 0 or steps[:third].mean() < 0.05:
        return None
    return float(steps[-third:].mean() / steps[:third].mean())


def seam(frames: np.ndarray, join: int) -> float:
    """How much more the picture changes at a join than around it, in dB; 0 is an invisible one.

    ``join`` is the first frame after it; the usual change is the median of the 16 before and the 16 after.
    """
    steps = [psnr(a, b) for a, b in itertools.pairwise(frames)]
    around = [*steps[max(0, join - 17) : join - 1], *steps[join : join + 16]]
    return max(0.0, float(np.median(around)) - steps[join - 1])
