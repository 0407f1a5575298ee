"""Do things stay what and where they are? Births, deaths, drift of identity, clips that have to be discarded."""

from dataclasses import dataclass

import numpy as np

from praxino.evaluation.metrics.binding import Match
from praxino.evaluation.parse import Track

EDGE = 8
"""Frames at either end of a clip in which things may come and go."""
SHARE = 0.15
"""Of a track, at each end, that its drift is taken between."""


@dataclass(frozen=True, kw_only=True)
class Clip:
    """What the counts below need to know of a clip."""

    frames: int
    aspect: float
    fps: float


def comings(tracks: list[Track], clip: Clip) -> dict[str, float]:
    """Things born and gone inside the picture, per second and thing seen: what never happens in the world."""
    seconds = max(1e-6, sum(len(track.frames) for track in tracks) / clip.fps)
    born = sum(t.frames[0] > EDGE and _inside(t, 0, clip) for t in tracks)
    gone = [t for t in tracks if t.frames[-1] < clip.frames - 1 - EDGE and _inside(t, -1, clip)]
    merged = sum(any(_near(t, other) for other in tracks if other is not t) for t in gone)
    return {"births": born / seconds, "deaths": (len(gone) - merged) / seconds, "merges": merged / seconds}


def drift(track: Track) -> dict[str, float]:
    """How a thing's look changes between the first and the last 15% of a track.

    ``size_drift``: |log ratio of radii|; ``colour_drift``, ``shape_drift``: distance of what the parser makes of it,
    0..1 (half the L1 distance of the shares of each name).
    """
    n = max(1, round(SHARE * len(track.spots)))
    first, last = slice(0, n), slice(-n, None)
    out = {"size_drift": abs(float(np.log(np.median(track.radii[last]) / np.median(track.radii[first]))))}
    for kind in ("colour", "shape"):
        early, late = (np.mean([spot.kinds[kind] for spot in track.spots[part]], 0) for part in (first, last))
        out[f"{kind}_drift"] = float(np.abs(early - late).sum() / 2)
    return out


def discarded(found: Match, tracks: list[Track], clip: Clip, *, moves: bool, visible: np.ndarray) -> float:
    """1 where a clip's subject vanished, was doubled or froze (as Morpheus discards), else 0.

    ``visible`` (t,): how many of the named things are to be seen in the true film.
    """
    if found.hero is None:
        return 1.0
    seen = np.zeros(clip.frames)
    for track in tracks:
        seen[track.frames] += 1
    if float(np.mean(seen > len(found.pairs))) > 0.3:
        return 1.0
    missing = (seen < visible[: clip.frames])[EDGE:]
    if float(np.mean(missing)) > 0.3:
        return 1.0
    places = found.hero.places
    went = float(np.hypot(*(places.max(0) - places.min(0))))
    return float(moves and went < 0.25 * float(np.median(found.hero.radii)))


def _inside(track: Track, end: int, clip: Clip) -> bool:
    (x, y), radius = track.places[end], track.radii[end]
    return bool(radius < x < clip.aspect - radius and radius < y < 1 - radius)


def _near(track: Track, other: Track) -> bool:
    frame = track.frames[-1]
    if not other.frames[0] < frame < other.frames[-1]:
        return False
    at = int(np.searchsorted(other.frames, frame))
    return float(np.hypot(*(other.places[at] - track.places[-1]))) < track.radii[-1] + other.radii[at]
