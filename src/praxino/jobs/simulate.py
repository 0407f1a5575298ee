"""The queue's rule without its database, and a day of it in a second: what waits really are.

`Line` gives turns as `queue.submit` does and takes jobs as `making.claim` does; a test holds it against both. What a
capacity plan tells by formula (`generation.waiting`) is held against `simulate`.
"""

import heapq
from collections.abc import Hashable
from dataclasses import dataclass, field

import numpy as np

WARM = 0.2
"""Share of the films, the first, that find a service still filling up, and are not counted."""


@dataclass(kw_only=True)
class Line:
    """Jobs that wait, in fair turns."""

    waiting: list[tuple[int, int, Hashable]] = field(default_factory=list[tuple[int, int, Hashable]])
    count: int = 0  # jobs that ever came
    last: dict[Hashable, tuple[int, int]] = field(default_factory=dict[Hashable, tuple[int, int]])

    def submit(self, tenant: Hashable) -> int:
        """The number, from 0, of a job that waits from now on."""
        turn, mine = self.last.get(tenant, (0, 0))
        turn = max(turn + 1, self.waiting[0][0] if self.waiting else 0)
        heapq.heappush(self.waiting, (turn, self.count, tenant))
        self.last[tenant] = (turn, mine + 1)
        self.count += 1
        return self.count - 1

    def take(self) -> int | None:
        """The number of the job whose turn it is; None where none waits."""
        if not self.waiting:
            return None
        _, number, tenant = heapq.heappop(self.waiting)
        turn, mine = self.last.pop(tenant)
        if mine > 1:
            self.last[tenant] = (turn, mine - 1)
        return number


@dataclass(frozen=True, kw_only=True)
class Crowd:
    """Who comes, and how they are served."""

    rate: float  # films a second
    servers: int
    seconds: float  # of a film on a device, on average
    cv2: float  # its variance over that squared: log-normal
    users: int
    greedy: float = 0.0  # share of the films that user 0 sends


@dataclass(frozen=True, kw_only=True)
class Waits:
    """What was seen."""

    seconds: np.ndarray  # (films,)
    users: np.ndarray  # (films,): whose


def simulate(crowd: Crowd, *, films: int, seed: int) -> Waits:
    """How long each of so many films waits for its device."""
    rng = np.random.default_rng(seed)
    total = round(films / (1 - WARM))
    times = np.cumsum(rng.exponential(1 / crowd.rate, total))
    spread = np.log1p(crowd.cv2)
    works = crowd.seconds * rng.lognormal(-spread / 2, np.sqrt(spread), total)
    users = np.where(rng.random(total) < crowd.greedy, 0, rng.integers(crowd.users, size=total))
    line, starts, ends = Line(), np.zeros(total), list[float]()

    def serve(until: float) -> None:
        while ends and ends[0] <= until:
            now, number = heapq.heappop(ends), line.take()
            if number is not None:
                starts[number] = now
                heapq.heappush(ends, now + works[number])

    for i, now in enumerate(times):
        serve(now)
        number = line.submit(int(users[i]))
        if len(ends) < crowd.servers:
            line.take()
            starts[number] = now
            heapq.heappush(ends, now + works[number])
    serve(np.inf)
    waited = starts - times
    return Waits(seconds=waited[total - films :], users=users[total - films :])
