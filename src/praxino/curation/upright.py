"""A decoder's picture as it is meant to be seen: turned, with square pixels, full range, one field, tone-mapped.

Nothing becomes RGB at full size: planes are averaged down as they are, and only the small picture is converted.
Shapes: h rows and w columns of pixels.
"""
# pyright: reportUnknownMemberType=false, reportCallIssue=false, reportArgumentType=false
# (OpenCV's own types are loose)

from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import cv2
import numpy as np
from av.video.frame import VideoFrame

from praxino.curation.clip import COLUMNS, ROWS

LINES = 720
"""Of the picture that is looked at closely: its shorter side is at most this."""
THUMB = 160
"""Pixels of the longer side of the picture that motion is measured on."""
PQ, HLG = 16, 18
"""Transfer characteristics of high dynamic range (ITU-T H.273): SMPTE ST 2084 and ARIB STD-B67."""
PLANAR = {
    "yuv420p": 8, "yuvj420p": 8, "yuv422p": 8, "yuvj422p": 8, "yuv444p": 8, "yuvj444p": 8,
    "yuv420p10le": 10, "yuv422p10le": 10, "yuv444p10le": 10, "yuv420p12le": 12, "yuv422p12le": 12, "yuv444p12le": 12,
}  # fmt: skip
"""Formats whose planes are read where the decoder left them, and their bits; the others are converted first."""
Chroma = tuple[np.ndarray | None, np.ndarray | None]
WHITE = 203.0  # nits of diffuse white in HDR (ITU-R BT.2408)


@dataclass(frozen=True, kw_only=True)
class Shape:
    """How a stream's frames are to be shown."""

    width: int  # upright and with square pixels
    height: int
    turns: int = 0  # quarter turns, anticlockwise

    @classmethod
    def of(cls, frame: VideoFrame, pixel: Fraction | None) -> "Shape":
        """Of a frame whose pixels are ``pixel`` times as wide as high."""
        wide = max(1, round(frame.width * float(pixel))) if pixel else frame.width
        turns = round(frame.rotation / 90) % 4
        sides = (wide, frame.height) if turns % 2 == 0 else (frame.height, wide)
        return cls(width=sides[0], height=sides[1], turns=turns)

    def within(self, *, shorter: int | None = None, longer: int | None = None) -> tuple[int, int]:
        """Width and height in proportion, no larger than either limit."""
        sides = self.width, self.height
        scale = min(1.0, shorter / min(sides) if shorter else 1.0, longer / max(sides) if longer else 1.0)
        return max(1, round(self.width * scale)), max(1, round(self.height * scale))


def planar(frame: VideoFrame) -> VideoFrame:
    """The frame itself where ``planes`` can read it, else converted."""
    if frame.format.name in PLANAR or frame.format.name == "gray":
        return frame
    return frame.reformat(format="yuv420p10le" if frame.format.components[0].bits > 8 else "yuv420p")


def planes(frame: VideoFrame) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    """Luma and two planes of chroma as the decoder has them (not copied where they can be read); grey has no chroma."""
    if frame.format.name == "gray":
        return _plane(frame, 0, np.uint8), None, None
    kind = np.uint8 if bits(frame) == 8 else np.uint16
    return _plane(frame, 0, kind), _plane(frame, 1, kind), _plane(frame, 2, kind)


def bits(frame: VideoFrame) -> int:
    """Of a sample of what ``planes`` gives."""
    return PLANAR.get(frame.format.name, 8)


def small(
    frame: VideoFrame, luma: np.ndarray, chroma: tuple[np.ndarray | None, np.ndarray | None], shape: Shape
) -> np.ndarray:
    """(ROWS, COLUMNS, 3) uint8 RGB, upright. ``luma`` may be averaged down already, but not turned."""
    sides = (COLUMNS, ROWS) if shape.turns % 2 == 0 else (ROWS, COLUMNS)
    depth = bits(frame)
    light = tones(frame)[reduced(luma, sides)].astype(np.float32) / 255
    if chroma[0] is None or chroma[1] is None:
        return _turned(np.repeat(np.round(light * 255).astype(np.uint8)[..., None], 3, -1), shape.turns)
    middle, span = float(1 << (depth - 1)), float((255 if _full(frame) else 224) << (depth - 8))
    blue, red = ((reduced(plane, sides).astype(np.float32) - middle) / span for plane in chroma if plane is not None)
    kr, kb, _ = matrix(frame)
    r, b = light + 2 * (1 - kr) * red, light + 2 * (1 - kb) * blue
    g = (light - kr * r - kb * b) / (1 - kr - kb)
    rgb = np.clip(np.stack([r, g, b], -1) * 255 + 0.5, 0, 255).astype(np.uint8)
    return _turned(rgb, shape.turns)


def matrix(frame: VideoFrame) -> tuple[float, float, bool]:
    """Shares of red and blue in its luma, and whether it is full range."""
    kr, kb = {1: (0.2126, 0.0722), 9: (0.2627, 0.0593), 10: (0.2627, 0.0593)}.get(int(frame.colorspace), (0.299, 0.114))
    return kr, kb, _full(frame)


def thumb(frame: VideoFrame, luma: np.ndarray, shape: Shape) -> tuple[np.ndarray, np.ndarray]:
    """Luma of at most THUMB pixels a side: as the decoder has it, and full range, upright, uint8."""
    width, height = shape.within(longer=THUMB)
    sides = (width, height) if shape.turns % 2 == 0 else (height, width)
    raw = reduced(luma, sides)
    return raw, _turned(tones(frame)[raw], shape.turns)


def closely(frame: VideoFrame, luma: np.ndarray, shape: Shape, *, one_field: bool) -> np.ndarray:
    """(h, w) uint8 luma of the whole upright picture, of at most LINES lines; of its first field only if asked."""
    width, height = shape.within(shorter=LINES)
    sides = (width, height) if shape.turns % 2 == 0 else (height, width)
    if one_field:
        luma = luma[::2]
    if luma.shape != (sides[1], sides[0]):
        grown = luma.shape[0] < sides[1] or luma.shape[1] < sides[0]
        luma = cv2.resize(luma, sides, interpolation=cv2.INTER_LINEAR if grown else cv2.INTER_AREA)
    table = tones(frame)
    full = cv2.LUT(luma, table) if luma.dtype == np.uint8 else table[luma]
    return np.ascontiguousarray(_turned(full, shape.turns))


def combed(luma: np.ndarray) -> bool | None:
    """Whether lines differ more from their neighbours than from the next but one: two fields of a moving picture.

    None where nothing can be said: lines hardly differ.
    """
    if len(luma) < 16:
        return None
    lines = luma[: min(len(luma), 1080) // 2 * 2].astype(np.int16)
    middle = lines[:, :: max(1, lines.shape[1] // 240)]
    near, far = (float(np.abs(middle[n:] - middle[:-n]).mean()) for n in (1, 2))
    return None if far < 1 else near > 1.05 * far


def hdr(frame: VideoFrame) -> bool:
    """Whether its samples are of high dynamic range (PQ or HLG)."""
    return int(frame.color_trc) in {PQ, HLG}


def tones(frame: VideoFrame) -> np.ndarray:
    """(2^bits,) uint8: of each luma sample, the full-range one that it is shown as."""
    return _tones(bits(frame), _full(frame), int(frame.color_trc) if hdr(frame) else 0)


@cache
def _tones(depth: int, full: bool, transfer: int) -> np.ndarray:
    samples = np.arange(1 << (8 if depth == 8 else 16), dtype=np.float64) / (1 << (depth - 8))
    value = np.clip(samples / 255 if full else (samples - 16) / 219, 0, 1)
    if transfer == PQ:  # SMPTE ST 2084, to multiples of diffuse white
        m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
        root = value ** (1 / m2)
        light = (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1) * 10_000 / WHITE
        value = _mapped(light)
    elif transfer == HLG:  # ARIB STD-B67 with a system gamma of 1.2 on a display of 1000 nits
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        light = np.where(value <= 0.5, value**2 / 3, (np.exp((value - c) / a) + b) / 12) ** 1.2 * 1000 / WHITE
        value = _mapped(light)
    return np.round(np.clip(value, 0, 1) * 255).astype(np.uint8)


def _mapped(light: np.ndarray, peak: float = 1000 / WHITE) -> np.ndarray:
    """Light in multiples of diffuse white -> 0..1 for a common display (Reinhard et al. 2002, eq. 4; gamma 2.2)."""
    return np.clip(light * (1 + light / peak**2) / (1 + light), 0, 1) ** (1 / 2.2)


def reduced(plane: np.ndarray, sides: tuple[int, int]) -> np.ndarray:
    """A plane averaged by area to (width, height)."""
    return cv2.resize(plane, sides, interpolation=cv2.INTER_AREA)


def _plane(frame: VideoFrame, number: int, kind: type[np.uint8 | np.uint16]) -> np.ndarray:
    plane = frame.planes[number]
    size = np.dtype(kind).itemsize
    return np.frombuffer(plane, kind).reshape(-1, plane.line_size // size)[: plane.height, : plane.width]


def _turned(pixels: np.ndarray, turns: int) -> np.ndarray:
    return np.rot90(pixels, turns) if turns else pixels


def _full(frame: VideoFrame) -> bool:
    return int(frame.color_range) == 2 or frame.format.name.startswith(("yuvj", "gray"))
