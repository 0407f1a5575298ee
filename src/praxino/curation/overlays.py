"""What was laid over a picture: lines of letters, and a mark in a corner that stays while the rest changes.

Letters are found by what they are in any script: thin strokes of strong contrast, many of a height, side by side.
Shapes: (h, w) uint8 luma.
"""
# pyright: reportUnknownMemberType=false, reportCallIssue=false, reportArgumentType=false
# (OpenCV's own types are loose)

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from praxino.curation.clip import Look

WIDE = 640
"""Pixels of the longer side of the picture that letters are sought in."""
STROKE = 9
"""Pixels of that picture that no stroke is wider than."""
STRONG = 60
"""Levels of luma that a stroke stands out by."""
MAP = (80, 128)
"""Rows and columns of the map of edges that a look keeps."""
CORNER = 0.4
"""Of the picture's width and height: how far a corner reaches."""
Box = tuple[float, float, float, float]  # left, top, right, bottom, 0..1


class _Glyph(NamedTuple):
    left: int
    top: int
    right: int
    bottom: int

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2


def edges(luma: np.ndarray) -> np.ndarray:
    """Packed bits of MAP: where the picture has an edge."""
    half = cv2.resize(luma, (MAP[1] * 2, MAP[0] * 2), interpolation=cv2.INTER_AREA)
    slope = cv2.morphologyEx(half, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    seen = slope.reshape(MAP[0], 2, MAP[1], 2).max((1, 3)) > 40
    return np.packbits(seen)


def words(luma: np.ndarray) -> tuple[Box, ...]:
    """Boxes of what looks like a line of letters."""
    scale = min(1.0, WIDE / max(luma.shape))
    height, width = (max(1, round(n * scale)) for n in luma.shape)
    page = cv2.resize(luma, (width, height), interpolation=cv2.INTER_AREA) if scale < 1 else luma
    kernel = np.ones((STROKE, STROKE), np.uint8)
    boxes = list[Box]()
    for way in (cv2.MORPH_TOPHAT, cv2.MORPH_BLACKHAT):  # light on dark, dark on light
        ink = cv2.threshold(cv2.morphologyEx(page, way, kernel), STRONG, 1, cv2.THRESH_BINARY)[1]
        for line in _lines(_glyphs(ink)):
            left, top = min(g.left for g in line), min(g.top for g in line)
            right, bottom = max(g.right for g in line), max(g.bottom for g in line)
            boxes.append((left / width, top / height, right / width, bottom / height))
    return tuple(boxes)


def _glyphs(ink: np.ndarray) -> list[_Glyph]:
    """Parts of the size of letters that are made of strokes."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    left, top, width, height, area = stats[:, :5].T
    tall = ink.shape[0]
    fits = (height >= max(5, tall * 0.015)) & (height <= tall * 0.14) & (width <= 2.5 * height) & (area >= 8)
    fill = area / np.maximum(width * height, 1)
    fits &= (fill > 0.15) & (fill < 0.8) & (width > 0.25 * height)  # neither a bar nor a speck
    fits[0] = False  # the ground
    if fits.sum() < 4 or count > 4000:
        return []
    deep = cv2.distanceTransform(ink, cv2.DIST_L2, 3)
    found = list[_Glyph]()
    for number in np.flatnonzero(fits):
        x, y, w, h = (int(v[number]) for v in (left, top, width, height))
        own = labels[y : y + h, x : x + w] == number
        half_stroke = float(deep[y : y + h, x : x + w][own].max())
        if 2 * half_stroke - 1 <= 0.45 * h:
            found.append(_Glyph(x, y, x + w, y + h))
    return found


def _lines(glyphs: list[_Glyph]) -> list[list[_Glyph]]:
    """Glyphs of a height, side by side, at least four of them."""
    lines = list[list[_Glyph]]()
    for glyph in sorted(glyphs):
        for line in lines:
            last = line[-1]
            size = max(g.height for g in line[-4:])
            near = glyph.left - last.right < 1.3 * size and glyph.right > last.right
            level = abs(glyph.bottom - last.bottom) < 0.35 * size or abs(glyph.middle - last.middle) < 0.25 * size
            if near and level and 0.45 < glyph.height / size < 2.2:
                line.append(glyph)
                break
        else:
            lines.append([glyph])
    return [line for line in lines if len(line) >= 4 and line[-1].right - line[0].left > 3 * line[0].height]


def text(looks: Sequence[Look]) -> tuple[float, Box | None]:
    """Share of the picture under letters, and the box around most of them.

    Letters count that stay where they are from one look to the next. The share is of the looks that have any.
    """
    held = list[Box]()
    shares = list[float]()
    for number, look in enumerate(looks):
        beside = [box for other in (number - 1, number + 1) if 0 <= other < len(looks) for box in looks[other].words]
        stays = [box for box in look.words if len(looks) == 1 or any(_same(box, other) for other in beside)]
        held += stays
        shares.append(sum((r - x) * (b - t) for x, t, r, b in stays))
    if not held:
        return 0.0, None
    around = np.array(held)
    left, right = float(around[:, 0].min()), float(around[:, 2].max())
    return float(max(shares)), (left, float(np.median(around[:, 1])), right, float(np.median(around[:, 3])))


def _same(one: Box, other: Box) -> bool:
    """Whether two boxes share most of the smaller one, and a height."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    tall = min(one[3], other[3]) - max(one[1], other[1])
    if wide <= 0 or tall <= 0:
        return False
    least = min((b[2] - b[0]) * (b[3] - b[1]) for b in (one, other))
    return wide * tall > 0.6 * least and abs(one[3] - other[3]) < 0.02


def logo(part: Sequence[Look], whole: Sequence[Look]) -> tuple[str, Box] | None:
    """The corner (top_left and so on) and the box of a mark that stays where it is; needs three looks.

    ``whole`` are the looks of the whole file: over its cuts, only what was laid over it stays.
    """
    looks = whole if len(whole) > len(part) else part
    maps = [np.unpackbits(look.edges)[: MAP[0] * MAP[1]].reshape(MAP) for look in looks if look.edges is not None]
    if len(maps) < 3:
        return None
    share = np.mean(maps, 0)
    still = share >= 0.9
    joined = cv2.dilate(still.astype(np.uint8), np.ones((3, 5), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    best: tuple[int, str, Box] | None = None
    for number in range(1, len(stats)):
        x, y, w, h = (int(v) for v in stats[number, :4])
        x, y, w, h = x + 2, y + 1, max(1, w - 4), max(1, h - 2)
        corner = _corner(x, y, w, h)
        ink = int(still[labels == number].sum())
        if corner is None or ink < 8 or h < 2 or w < 2 or w * h > 0.06 * still.size or ink < 0.25 * w * h:
            continue
        if best is None or ink > best[0]:
            best = ink, corner, (x / MAP[1], y / MAP[0], (x + w) / MAP[1], (y + h) / MAP[0])
    return None if best is None else best[1:]


def _corner(x: int, y: int, w: int, h: int) -> str | None:
    """In which corner a box is: wholly, and off the rim."""
    rows, columns = MAP
    if x < 1 or y < 1 or x + w > columns - 1 or y + h > rows - 1:
        return None
    across = "left" if x + w <= CORNER * columns else "right" if x >= (1 - CORNER) * columns else None
    down = "top" if y + h <= 0.25 * rows else "bottom" if y >= 0.75 * rows else None
    return f"{down}_{across}" if across and down else None
