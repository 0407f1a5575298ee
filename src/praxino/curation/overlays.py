"""What was laid over a picture: lines of letters, and a mark in a corner that stays while the rest changes.

Letters are found by what they are in any script: thin strokes of strong contrast, many of a height, side by side.
Shapes: (h, w) uint8 luma.
"""
# pyright: reportUnknownMemberType=false, reportCallIssue=false, reportArgumentType=false
# (OpenCV's own types are loose)

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np

from praxino.curation.clip import Look

WIDE = 640
"""Pixels of the longer side of the picture that letters are sought in."""
SMALL = 400
"""Pixels of the longer side, below which it is enlarged for that: strokes are too thin to be told apart."""
STROKE = 9
"""Pixels of that picture that no stroke is wider than."""
FAINT, BOLD = 40, 95
"""Levels of luma that a stroke stands out by: of a mark where all else changes; and of one that nothing else is as."""
STRONG = 60
"""The same of a letter."""
MAP = (80, 128)
"""Rows and columns of the map of strokes that a look keeps."""
ALONE = 0.7, 0.3
"""Share of all strokes that stay which a mark has: where all else stays, too, and where the rest changes."""
CLOSE = 0.6
"""Of a letter's height: how wide the gaps between most letters are, at most."""
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


class Overlaid(NamedTuple):
    """What a look keeps of strokes and letters."""

    strokes: np.ndarray  # packed bits of (3, *MAP): where there are bold light strokes, light ones, dark ones
    words: tuple[Box, ...]


def overlaid(luma: np.ndarray) -> Overlaid:
    """Strokes of a picture, and boxes around what looks like a line of letters."""
    scale = WIDE / max(luma.shape)
    scale = scale if scale < 1 or max(luma.shape) < SMALL else 1.0
    height, width = (max(1, round(n * scale)) for n in luma.shape)
    page = cv2.resize(luma, (width, height), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    kernel = np.ones((STROKE, STROKE), np.uint8)
    maps, boxes = list[np.ndarray](), list[Box]()
    for way in (cv2.MORPH_TOPHAT, cv2.MORPH_BLACKHAT):  # light on dark, dark on light
        depth = cv2.morphologyEx(page, way, kernel)
        maps += [_map(depth, bold) for bold in ((BOLD, FAINT) if way == cv2.MORPH_TOPHAT else (FAINT,))]
        ink = cv2.threshold(depth, STRONG, 1, cv2.THRESH_BINARY)[1]
        lines = _lines(*_glyphs(ink), least=4)
        if way == cv2.MORPH_TOPHAT and not lines:  # white with a dark rim, as subtitles are: fewer letters will do
            ink = cv2.threshold(cv2.min(depth, cv2.subtract(page, 60)), 110, 1, cv2.THRESH_BINARY)[1]
            lines = _lines(*_glyphs(ink), least=2)
        boxes += [(x / width, y / height, right / width, bottom / height) for x, y, right, bottom in lines]
    return Overlaid(np.packbits(np.stack(maps)), tuple(boxes))


def _map(depth: np.ndarray, least: int) -> np.ndarray:
    """(*MAP) bool: where strokes stand out by so many levels."""
    rows, columns = MAP
    strong = cv2.threshold(depth, least, 255, cv2.THRESH_BINARY)[1]
    return cv2.resize(strong, (columns, rows), interpolation=cv2.INTER_AREA) > 40


def _glyphs(ink: np.ndarray) -> tuple[list[_Glyph], list[_Glyph]]:
    """Parts of the size of letters that are made of strokes; and smaller ones, such as dots and bars."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    left, top, width, height, area = stats[:, :5].T
    tall = ink.shape[0]
    sized = (height <= tall * 0.14) & (width <= tall * 0.2) & (area >= 3)
    fits = sized & (height >= max(5, tall * 0.015)) & (width <= 2.5 * height) & (area >= 8)
    fill = area / np.maximum(width * height, 1)
    fits &= (fill > 0.15) & (fill < 0.8) & (width > 0.25 * height)  # neither a bar nor a speck
    sized[0] = fits[0] = False  # the ground
    if not fits.any() or count > 4000:
        return [], []
    deep = cv2.distanceTransform(ink, cv2.DIST_L2, 3)
    found, rest = list[_Glyph](), list[_Glyph]()
    for number in np.flatnonzero(sized):
        x, y, w, h = (int(v[number]) for v in (left, top, width, height))
        glyph = _Glyph(x, y, x + w, y + h)
        own = labels[y : y + h, x : x + w] == number
        thin = fits[number] and 2 * float(deep[y : y + h, x : x + w][own].max()) - 1 <= 0.45 * h
        (found if thin else rest).append(glyph)
    return found, rest


def _lines(glyphs: list[_Glyph], rest: list[_Glyph], *, least: int) -> list[tuple[int, int, int, int]]:
    """Boxes of glyphs of a height, side by side, at least so many of them; or with dots and bars among them."""
    lines = list[list[_Glyph]]()
    for glyph in sorted(glyphs):
        for line in lines:
            last = line[-1]
            size = max(g.height for g in line[-4:])
            near = glyph.left - last.right < 1.3 * size and glyph.right > last.left
            level = abs(glyph.bottom - last.bottom) < 0.35 * size or abs(glyph.middle - last.middle) < 0.25 * size
            if near and level and 0.45 < glyph.height / size < 2.2:
                line.append(glyph)
                break
        else:
            lines.append([glyph])
    boxes = list[tuple[int, int, int, int]]()
    for line in lines:
        left, top = min(g.left for g in line), min(g.top for g in line)
        right, bottom = max(g.right for g in line), max(g.bottom for g in line)
        size = bottom - top
        among = [g for g in rest if left - size < (g.left + g.right) / 2 < right + size and top < g.middle < bottom]
        right = max([right, *(g.right for g in among)])
        enough = len(line) >= least and len(line) + len(among) >= max(3, least)
        if enough and right - left > 2.5 * size and _close(line, among):
            boxes.append((left, top, right, bottom))
    return boxes


def _close(line: list[_Glyph], among: list[_Glyph]) -> bool:
    """Whether most of it is as close together as letters are: tiles and dominoes of a row stand apart."""
    gaps = [right.left - left.right for left, right in pairwise(sorted([*line, *among]))]
    return float(np.median(gaps)) <= CLOSE * float(np.median([glyph.height for glyph in line]))


def text(looks: Sequence[Look], beside: Sequence[Look] = ()) -> tuple[float, Box | None]:
    """Share of the picture under letters, and the box around most of them.

    Letters count that stay where they are from one look to the next; ``beside`` are the looks before and after these.
    The share is of the looks that have any.
    """
    held = list[Box]()
    shares = list[float]()
    ordered = sorted([*looks, *beside], key=lambda look: look.frame)
    for number, look in enumerate(ordered):
        if not any(look is one for one in looks):
            continue
        near = [box for other in ordered[max(0, number - 1) : number + 2] if other is not look for box in other.words]
        stays = [box for box in look.words if len(ordered) == 1 or any(_same(box, other) for other in near)]
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


def logo(looks: Sequence[Look], small: np.ndarray) -> tuple[str, Box] | None:
    """The corner (top_left and so on) and the box of a mark that stays where it is; needs three looks.

    ``small`` (n, rows, columns, 3) are their small pictures. Where most of these change, whatever stays is a mark;
    where they do not, only bold light strokes are taken for one. Neither is one among many: tiles of a floor are such
    strokes, too.
    """
    held = [np.unpackbits(look.strokes).reshape(3, *MAP) for look in looks if look.strokes is not None]
    if len(held) < 3:
        return None
    lively = float(np.median(small.mean(-1).std(0))) > 4
    best: tuple[int, str, Box] | None = None
    for still in (np.mean(held, 0) >= 0.9)[: 3 if lively else 1]:
        least = ALONE[lively] * np.count_nonzero(still)
        for ink, (x, y, w, h) in _clusters(still):
            corner = _corner(x, y, w, h)
            if corner and ink >= least and (best is None or ink > best[0]):
                best = ink, corner, (x / MAP[1], y / MAP[0], (x + w) / MAP[1], (y + h) / MAP[0])
    return None if best is None else best[1:]


def _clusters(still: np.ndarray) -> Iterator[tuple[int, tuple[int, int, int, int]]]:
    """Pixels and box of what lies close together and is compact, as a mark is."""
    joined = cv2.dilate(still.astype(np.uint8), np.ones((3, 7), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    for number in range(1, len(stats)):
        x, y, w, h = (int(v) for v in stats[number, :4])
        x, y, w, h = x + 3, y + 1, max(1, w - 6), max(1, h - 2)
        ink = int(np.count_nonzero(still[labels == number]))
        if ink >= 8 and min(w, h) >= 3 and w * h <= 0.06 * still.size and ink >= 0.2 * w * h:
            yield ink, (x, y, w, h)


def _corner(x: int, y: int, w: int, h: int) -> str | None:
    """In which corner a box is: wholly, and off the rim."""
    rows, columns = MAP
    if x < 1 or y < 1 or x + w > columns - 1 or y + h > rows - 1:
        return None
    across = "left" if x + w <= CORNER * columns else "right" if x >= (1 - CORNER) * columns else None
    down = "top" if y + h <= 0.25 * rows else "bottom" if y >= 0.75 * rows else None
    return f"{down}_{across}" if across and down else None
