"""What is measured on one whole picture: sharpness, exposure, contrast, noise, blockiness, colour, borders' profiles.

Borders and flat black are left out of the measures, so that a letterbox is neither dark nor sharp.
Shapes: (h, w) uint8 luma, upright and full range.
"""
# pyright: reportUnknownMemberType=false, reportCallIssue=false, reportArgumentType=false
# (OpenCV's own types are loose)

from typing import NamedTuple

import cv2
import numpy as np

from praxino.curation.clip import Look
from praxino.curation.overlays import overlaid

BLACK = 20
"""Luma up to which a pixel is black."""
RING = 1.5
"""Standard deviation in pixels of the blur that edges are compared with."""
BLOCK = 16
"""Pixels a side of the squares that noise is measured in."""


class Inner(NamedTuple):
    """What borders leave of a picture, in pixels: [top, bottom) and [left, right)."""

    top: int
    bottom: int
    left: int
    right: int


def look(frame: int, luma: np.ndarray, native: np.ndarray, colours: np.ndarray) -> Look:
    """Measure one picture. ``native`` is its luma as decoded, for the grid of the codec; ``colours`` a small RGB."""
    rows, columns = profiles(luma)
    inner = inside(rows[0], columns[0])
    part = np.ascontiguousarray(luma[inner.top : inner.bottom, inner.left : inner.right])
    tags = {
        **_light(part),
        **_detail(part),
        "blockiness": blockiness(native),
        "colourfulness": colourfulness(colours),
        "blown_share": float((colours.max(-1) > 250).mean()),
    }
    laid = overlaid(luma)
    return Look(
        frame=frame,
        tags=tags,
        rows=rows.astype(np.float16),
        columns=columns.astype(np.float16),
        strokes=laid.strokes,
        words=laid.words,
    )


def profiles(luma: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(2, h) and (2, w) of rows and columns: the share of pixels that are not black, and mean luma, of at most 64."""
    lit = cv2.threshold(luma, BLACK, 255, cv2.THRESH_BINARY)[1]
    dim = np.minimum(luma, 64)
    rows, columns = (
        np.stack([cv2.reduce(plane, way, cv2.REDUCE_AVG, dtype=cv2.CV_32F).ravel() for plane in (lit, dim)])
        for way in (1, 0)
    )
    rows[0], columns[0] = rows[0] / 255, columns[0] / 255
    return rows, columns


def inside(rows: np.ndarray, columns: np.ndarray) -> Inner:
    """Where the picture is, by the share of each row's and column's pixels that are lit; all of it where none is."""
    top, bottom = _span(rows)
    left, right = _span(columns)
    return Inner(top, bottom, left, right)


def _span(profile: np.ndarray) -> tuple[int, int]:
    lit = np.flatnonzero(profile > 0.005)
    if len(lit) == 0 or lit[-1] - lit[0] < len(profile) // 4:  # a black picture, or a small bright thing on black
        return 0, len(profile)
    return int(lit[0]), int(lit[-1]) + 1


def _light(luma: np.ndarray) -> dict[str, float]:
    counts = cv2.calcHist([luma], [0], None, [256], [0, 256]).ravel() / luma.size
    levels = np.arange(256)
    mean = float(counts @ levels)
    total = np.cumsum(counts)
    low, high = (float(np.searchsorted(total, share)) for share in (0.01, 0.99))
    return {
        "brightness": mean,
        "contrast": float(np.sqrt(counts @ (levels - mean) ** 2)),
        "range": high - low,
        "dark_share": float(counts[:5].sum()),
        "bright_share": float(counts[251:].sum()),
    }


def _detail(luma: np.ndarray) -> dict[str, float]:
    spread = cv2.meanStdDev(luma)[1].item() ** 2
    energy = cv2.meanStdDev(cv2.Laplacian(luma, cv2.CV_16S))[1].item() ** 2
    return {"sharpness": energy / (spread + 25), "blur": blur(luma), "noise": noise(luma)}


def blur(luma: np.ndarray) -> float:
    """Standard deviation in pixels of the blur of the picture's edges, per 720 lines; 0 to 15 (Zhuo & Sim 2011).

    An edge blurred again loses more of its slope the sharper it was. Of the strongest edges the sharper quarter
    counts; they are strong after blurring, so that noise is none of them, nor is a soft shadow.
    """
    before, after = _slopes(luma), _slopes(cv2.GaussianBlur(luma, (0, 0), RING))
    some = after[::3, ::3].ravel()
    rank = max(1, len(some) // 400)
    strong = after >= max(16, int(np.partition(some, -rank)[-rank]))  # 16 is two levels a pixel
    if np.count_nonzero(strong) < 20:
        return 15.0
    ratio = np.maximum(before[strong] / after[strong].astype(np.float64), 1.0001)
    sigma = RING / np.sqrt(ratio**2 - 1)
    return float(min(15.0, np.quantile(sigma, 0.25) * 720 / min(luma.shape)))


def _slopes(luma: np.ndarray) -> np.ndarray:
    """(h, w) uint16: the sum of both slopes, eight times a level a pixel."""
    across, down = (np.abs(cv2.Sobel(luma, cv2.CV_16S, x, 1 - x, ksize=3)) for x in (1, 0))
    return cv2.add(across, down)


def noise(luma: np.ndarray) -> float:
    """Standard deviation of the noise in levels of luma (Immerkaer 1996), in the picture's calmest fifth.

    Of squares that are not crushed to black or white: noise cannot be seen there.
    """
    height, width = (n // BLOCK * BLOCK for n in luma.shape)
    if min(height, width) == 0:
        return 0.0
    bend = np.array([1, -2, 1], np.float32)
    response = cv2.convertScaleAbs(cv2.sepFilter2D(luma[:height, :width], cv2.CV_16S, bend, bend)).astype(np.float32)
    sides = width // BLOCK, height // BLOCK
    strength = cv2.resize(response, sides, interpolation=cv2.INTER_AREA).ravel() * np.sqrt(np.pi / 2) / 6
    level = cv2.resize(luma[:height, :width], sides, interpolation=cv2.INTER_AREA).ravel()
    seen = strength[(level > 8) & (level < 245)]
    return float(np.quantile(seen, 0.2)) if len(seen) >= 8 else 0.0


def blockiness(native: np.ndarray) -> float:
    """How much stronger steps are on the 8x8 grid of a codec than between its lines; about 1 where no grid is seen."""
    if native.dtype != np.uint8:
        native = (native >> 2).astype(np.uint8)
    found = 1.0
    for lines in (native, cv2.transpose(native)):
        bend = cv2.absdiff(lines[:, 1:], lines[:, :-1])  # between column k and k + 1
        steps = cv2.reduce(np.minimum(bend, 24), 0, cv2.REDUCE_AVG, dtype=cv2.CV_32F).ravel()
        if len(steps) < 64:
            continue
        whole = steps[: len(steps) // 8 * 8].reshape(-1, 8)
        whole = whole[whole.max(1) > 0.05]
        if len(whole) < 4:
            continue
        phases = np.median(whole, 0) + 0.5
        found = max(found, float(phases[7] / np.median(phases[[1, 2, 4, 5]])))
    return found


def colourfulness(rgb: np.ndarray) -> float:
    """0 (grey) to about 110 (Hasler & Suesstrunk 2003)."""
    r, g, b = np.moveaxis(rgb.astype(np.float32), -1, 0)
    first, second = r - g, (r + g) / 2 - b
    return float(np.hypot(first.std(), second.std()) + 0.3 * np.hypot(first.mean(), second.mean()))
