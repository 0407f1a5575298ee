"""What two things do to each other, and what a wall does to one; lengths in picture heights, times in seconds.

Shapes: n frames.
"""

from dataclasses import dataclass

import numpy as np

from praxino.evaluation.metrics.motion import SMOOTH, Path
from praxino.evaluation.parse import Track

NEAR = 0.4
"""Gap between two outlines, in radii of the smaller, at which they may touch: outlines are taken for discs."""
AFTER = 3
"""Frames beside a contact that its speeds are taken at, outside of the fit's reach."""
STILL, PUSHED = 0.06, 0.02
"""Picture heights a second below which a thing rests; and by how much the speed of what is hit changes at least."""


@dataclass(frozen=True, kw_only=True)
class Meeting:
    """Two things that touch: their velocities (2,) just before and just after, as (first, second)."""

    frame: int  # of the film
    before: tuple[np.ndarray, np.ndarray]
    after: tuple[np.ndarray, np.ndarray]


def meeting(one: Path, two: Path) -> Meeting | None:
    """The first time two things touch and their velocities change; None where they do not."""
    first, last = max(one.first, two.first), min(one.first + len(one.places), two.first + len(two.places))
    reach = AFTER + SMOOTH // 2
    if last - first <= 2 * reach:
        return None
    frames = np.arange(first, last)
    gap = _gap(one, two, frames)
    smaller = np.minimum(one.radii[frames - one.first], two.radii[frames - two.first])
    touching = np.flatnonzero(gap < NEAR * smaller)
    if not len(touching):
        return None
    begin = int(touching[0])
    closest = begin + int(np.argmin(gap[begin : begin + 2 * reach]))
    if not reach <= closest < len(frames) - reach:
        return None
    at = frames[closest]
    a, b = ((way.velocities[at - reach - way.first], way.velocities[at + reach - way.first]) for way in (one, two))
    return Meeting(frame=int(at), before=(a[0], b[0]), after=(a[1], b[1]))


def momentum(met: Meeting, masses: tuple[float, float]) -> float:
    """|change of the momentum across the picture| over what the faster one brought: 0 where nothing is lost."""
    before, after = (
        sum(m * float(v[0]) for m, v in zip(masses, side, strict=True)) for side in (met.before, met.after)
    )
    brought = max(m * abs(float(v[0])) for m, v in zip(masses, met.before, strict=True))
    return abs(after - before) / max(brought, 1e-6)


def bounciness(met: Meeting) -> float:
    """Speed of parting over speed of meeting, across the picture (restitution)."""
    meet, part = (float(side[0][0] - side[1][0]) for side in (met.before, met.after))
    return -part / meet if abs(meet) > STILL else 0.0


def in_order(met: Meeting, *, head_on: bool) -> float:
    """1 where cause comes before effect: what is hit rests until it is hit (or both come, head on), then it goes."""
    one, two = (float(np.hypot(*v)) for v in met.before)
    pushed = float(np.hypot(*(met.after[1] - met.before[1])))
    return float(one > STILL and pushed > PUSHED and (two > STILL) == head_on)


def overlap(one: Path, two: Path) -> float:
    """The deepest that one thing goes into another, over the smaller radius; 0 where they only touch."""
    first, last = max(one.first, two.first), min(one.first + len(one.places), two.first + len(two.places))
    if last <= first:
        return 0.0
    frames = np.arange(first, last)
    smaller = np.minimum(one.radii[frames - one.first], two.radii[frames - two.first])
    return float(np.max(-_gap(one, two, frames) / smaller, initial=0.0))


def comes_back(track: Track, *, gone: int = 5) -> float | None:
    """How far from where it was going a thing comes out again, in radii; None where it is never out of sight.

    The gap is one of at least ``gone`` frames; where it was going: on, as fast as in the 12 frames before.
    """
    frames = np.array(track.frames)
    gaps = np.flatnonzero(np.diff(frames) >= gone)
    if not len(gaps) or gaps[0] < 3:
        return None
    out = int(gaps[0])
    known = slice(max(0, out - 11), out + 1)
    x = track.places[:, 0]
    line = np.polyfit(frames[known], x[known], 1)
    return abs(float(np.polyval(line, frames[out + 1]) - x[out + 1])) / float(np.median(track.radii))


def _gap(one: Path, two: Path, frames: np.ndarray) -> np.ndarray:
    """Distance of the outlines, taken for discs, in each frame (n,)."""
    a, b = (way.places[frames - way.first] for way in (one, two))
    return np.hypot(*(a - b).T) - one.radii[frames - one.first] - two.radii[frames - two.first]
