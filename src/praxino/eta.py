"""How long something will still take, and how sure that is, from how fast it has been."""

import itertools
import statistics
from collections import deque
from dataclasses import dataclass, field

MARKS = 30
"""Of the last moments, how many the pace is taken from."""
APART = 0.5
"""Seconds between two of them at least."""


@dataclass(frozen=True, kw_only=True)
class Left:
    """Seconds that are left: likely, and in eight of ten cases between ``low`` and ``high``."""

    low: float
    likely: float
    high: float

    def __str__(self) -> str:
        return f"{self.likely:.0f} s left ({self.low:.0f} to {self.high:.0f})"


@dataclass(kw_only=True)
class Eta:
    """Hears how far something is and says what is left.

    What is left takes as long as at the pace of the last moments together; it takes at least as long as at the fastest
    tenth of them, at most as at the slowest: a pace that changes from moment to moment evens out, one that drifts,
    as a machine with other work does, does not.
    """

    marks: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=MARKS))  # (seconds, fraction)

    def left(self, now: float, fraction: float) -> Left | None:
        """What is left at ``now`` (seconds of any clock) with ``fraction`` 0..1 done; None while that is a guess."""
        if not self.marks or (now - self.marks[-1][0] >= APART and fraction > self.marks[-1][1]):
            self.marks.append((now, fraction))
        if len(self.marks) < 3:
            return None
        paces = [(t2 - t1) / (f2 - f1) for (t1, f1), (t2, f2) in itertools.pairwise(self.marks)]  # seconds a whole
        (first, begun), (last, done) = self.marks[0], self.marks[-1]
        likely = (last - first) / (done - begun)
        tenths = statistics.quantiles(paces, n=10, method="inclusive")
        rest = 1 - fraction
        return Left(low=rest * min(tenths[0], likely), likely=rest * likely, high=rest * max(tenths[-1], likely))
