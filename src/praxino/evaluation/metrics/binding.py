"""Are the right things there? Attribute binding by Hungarian matching (Kuhn 1955), as T2V-CompBench asks it of judges.

Here a parser answers; it never sees the prompt.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from praxino.evaluation.eye import KINDS
from praxino.evaluation.parse import Track
from praxino.evaluation.suite import told
from praxino.world.scene import Thing

WEIGHTS = {"colour": 1.0, "shape": 1.0, "size": 0.3, "look": 0.3}
"""What a wrong guess costs when things and tracks are matched."""
SHARE = 0.15
"""Share of a clip in which a thing has to be seen to count as one of its things."""


@dataclass(frozen=True, kw_only=True)
class Match:
    """Tracks beside the things they are taken for."""

    pairs: tuple[tuple[Thing, Track | None], ...]  # None: the thing is not there
    extra: int  # tracks that are none of them

    @property
    def hero(self) -> Track | None:
        """The track of the thing named first."""
        return self.pairs[0][1]


def match(named: tuple[Thing, ...], tracks: list[Track], *, frames: int) -> Match:
    """The best assignment of the tracks of a clip to the things its prompt names."""
    lasting = [track for track in tracks if len(track.frames) >= SHARE * frames]
    cost = np.array([[_cost(thing, track) for track in lasting] for thing in named]).reshape(len(named), len(lasting))
    found: dict[int, Track] = {int(a): lasting[b] for a, b in zip(*linear_sum_assignment(cost), strict=True)}
    pairs = tuple((thing, found.get(i)) for i, thing in enumerate(named))
    return Match(pairs=pairs, extra=len(lasting) - len(found))


def _cost(thing: Thing, track: Track) -> float:
    sums = {kind: np.mean([spot.kinds[kind] for spot in track.spots], 0) for kind in WEIGHTS}
    miss = sum(w * (1 - sums[kind][KINDS[kind].index(getattr(thing, kind))]) for kind, w in WEIGHTS.items())
    return float(miss)


def binding(found: Match) -> dict[str, float]:
    """Shares 0..1: of each told attribute that is right, of things wholly right; and whether the scene is exact.

    A scene is exact when every thing has its colour and shape and nothing else is there; its count, when there are as
    many things as named.
    """
    out: dict[str, list[float]] = {}
    right: list[float] = []
    for thing, track in found.pairs:
        held = {kind: track is not None and track.name(kind) == getattr(thing, kind) for kind in told(thing)}
        for kind, ok in held.items():
            out.setdefault(kind, []).append(float(ok))
        right.append(float(held["colour"] and held["shape"]))
    here = sum(track is not None for _, track in found.pairs)
    means = {kind: float(np.mean(values)) for kind, values in out.items()}
    count = float(here == len(found.pairs) and found.extra == 0)
    means[f"count_of_{len(found.pairs)}"] = count
    return means | {"thing": float(np.mean(right)), "count": count, "exact_scene": float(all(right)) * count}
