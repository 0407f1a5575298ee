"""What a measurement is told as."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Report = Callable[[str, float], None]
"""(stage, fraction 0..1 of it)."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured figure, and what it is held against: a target, or the other way of doing the same."""

    what: str
    value: float
    unit: str
    against: str
    reference: float

    @property
    def ratio(self) -> float:
        """``value`` over ``reference``; a peer may have found nothing, so the least of that is a billionth."""
        return self.value / max(self.reference, 1e-9)


def side_by_side(works: Mapping[str, Callable[[], object]], *, rounds: int) -> dict[str, float]:
    """Median seconds of each work, in turns, so that what else the machine does hits all of them; one round unmeasured.

    Of each the fastest half counts: other work only ever slows down.
    """
    times: dict[str, list[float]] = {name: [] for name in works}
    for number in range(rounds + 1):
        for name, work in works.items():
            begun = time.perf_counter()
            work()
            if number:
                times[name].append(time.perf_counter() - begun)
    return {name: statistics.median(sorted(taken)[: (len(taken) + 1) // 2]) for name, taken in times.items()}
