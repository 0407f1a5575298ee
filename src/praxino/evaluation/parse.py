"""A clip of the world becomes things and their tracks: what each is, and where it is in every frame.

Shapes: t frames, h rows, w columns of pixels, n frames in which a thing is seen.
Places and radii are in picture heights.
"""

from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from praxino.evaluation.eye import KINDS, Eye, Fields
from praxino.layers import precision
from praxino.pixels import unit

AREA = 256 * 144
"""Pixels of the pictures the eye was taught on; others are made as large, in their own shape."""
SURE = 0.4
"""How likely a middle has to be."""
PATIENCE = 45
"""Frames that a thing may be out of sight, behind another, before it counts as gone."""
BRIEF = 4
"""Frames; what is seen for fewer is not counted as a thing."""


@dataclass(frozen=True, kw_only=True)
class Spot:
    """A thing in one picture."""

    place: np.ndarray  # (2,) right and down
    radius: float
    likely: float  # 0..1
    kinds: dict[str, np.ndarray]  # how likely each name of each kind is


@dataclass(kw_only=True)
class Track:
    """One thing through a clip."""

    frames: list[int] = field(default_factory=list)
    spots: list[Spot] = field(default_factory=list)

    @property
    def places(self) -> np.ndarray:
        """(n, 2)."""
        return np.array([spot.place for spot in self.spots])

    @property
    def radii(self) -> np.ndarray:
        """(n,)."""
        return np.array([spot.radius for spot in self.spots])

    def name(self, kind: str, part: slice = slice(None)) -> str:
        """What the thing is called, by all frames (or a part of them) together."""
        sums = np.sum([spot.kinds[kind] for spot in self.spots[part]], 0)
        return KINDS[kind][int(np.argmax(sums))]

    def off(self, place: np.ndarray, frame: int) -> float:
        """How far a place is from where it may be in a later frame: anywhere from where it was to as far as it goes."""
        known = self.places[-6:]
        steps = self.frames[-1] - self.frames[-len(known)]
        speed = (known[-1] - known[0]) / steps if steps else np.zeros(2)
        waited = frame - self.frames[-1]
        least = 1 - 1 / waited  # of the way: what was seen a moment ago does not stand still at once
        way, away = speed * waited, place - known[-1]
        share = float(np.clip(away @ way / max(1e-9, float(way @ way)), least * (waited < BRIEF), 1))
        return float(np.hypot(*(away - share * way)))


def parse(eye: Eye, frames: np.ndarray) -> list[Track]:
    """The things of a clip (t, h, w, 3) uint8, in the order in which they come into sight."""
    return link(spots(eye, frames))


@torch.inference_mode()
def spots(eye: Eye, frames: np.ndarray, *, batch: int = 16) -> list[list[Spot]]:
    """The things of each picture (t, h, w, 3) uint8."""
    out: list[list[Spot]] = []
    height, width = frames.shape[1:3]
    scale = (AREA / (height * width)) ** 0.5
    rows, columns = (max(1, round(side * scale / 16)) * 16 for side in (height, width))
    for begin in range(0, len(frames), batch):
        x = unit(frames[begin : begin + batch]).permute(0, 3, 1, 2)
        if (rows, columns) != (height, width):
            x = F.interpolate(x, (rows, columns), mode="bilinear", antialias=True, align_corners=False)
        with precision.mixed("cpu"):
            fields = eye(x.permute(0, 2, 3, 1))
        stretch = (width / height) / (columns / rows)  # sixteens do not divide every shape
        out += [found(fields, i, stretch) for i in range(len(x))]
    return out


def found(fields: Fields, index: int, stretch: float = 1.0) -> list[Spot]:
    """The peaks of one picture's map of middles, most likely first."""
    likely = fields.middle[index].sigmoid()
    peaks = (F.max_pool2d(likely[None], 5, stride=1, padding=2)[0] == likely) & (likely > SURE)
    height = len(likely)
    out = [_spot(fields, index, (int(row), int(column)), height, stretch) for row, column in peaks.nonzero()]
    kept: list[Spot] = []
    for spot in sorted(out, key=lambda spot: -spot.likely):
        if all(np.hypot(*(spot.place - other.place)) > 0.45 * max(spot.radius, other.radius) for other in kept):
            kept.append(spot)
    return kept


def _spot(fields: Fields, index: int, cell: tuple[int, int], height: int, stretch: float) -> Spot:
    row, column = cell
    right, down, radius = (float(value) for value in fields.place[index, row, column])
    return Spot(
        place=np.array([(column + right) * stretch, row + down]) / height,
        radius=float(np.exp(radius)) / height,
        likely=float(fields.middle[index, row, column].sigmoid()),
        kinds={kind: _shares(values[index, row, column]) for kind, values in fields.kinds.items()},
    )


def _shares(logits: Tensor) -> np.ndarray:
    return logits.softmax(-1).numpy()


def link(seen: list[list[Spot]]) -> list[Track]:
    """Spots of neighbouring frames that are one thing: near where it was going, and alike (Hungarian, Kuhn 1955)."""
    tracks: list[Track] = []
    for frame, spots_now in enumerate(seen):
        live = [track for track in tracks if frame - track.frames[-1] <= PATIENCE]
        cost = np.array([[_unlike(track, spot, frame) for spot in spots_now] for track in live])
        taken: set[int] = set()
        if cost.size:
            for a, b in zip(*linear_sum_assignment(np.minimum(cost, 1e3)), strict=True):
                if cost[a, b] < 1:
                    live[a].frames.append(frame)
                    live[a].spots.append(spots_now[b])
                    taken.add(int(b))
        tracks += [Track(frames=[frame], spots=[spot]) for b, spot in enumerate(spots_now) if b not in taken]
    return [track for track in tracks if len(track.frames) >= BRIEF]


def _unlike(track: Track, spot: Spot, frame: int) -> float:
    """Below 1 where a spot may be the track's next."""
    waited = frame - track.frames[-1]
    reach = 1.2 * track.spots[-1].radius + 0.02 + 0.015 * min(waited, 20)
    distance = track.off(spot.place, frame) / reach
    colour = 1 - float(np.mean([s.kinds["colour"] for s in track.spots[-8:]], 0) @ spot.kinds["colour"])
    shape = 1 - float(np.mean([s.kinds["shape"] for s in track.spots[-8:]], 0) @ spot.kinds["shape"])
    return 0.7 * distance + 0.4 * colour * min(1.0, 0.3 + 0.1 * waited) + 0.1 * shape
