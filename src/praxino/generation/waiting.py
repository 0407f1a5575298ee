"""How long films wait for a device: a queue with Poisson arrivals, any service time and many servers (M/G/c).

Whether one waits at all is Erlang's C formula, exact for exponential service times; how long, an exponential whose mean
is scaled by how service times spread (Allen and Cunneen 1978). `jobs.simulate` is what it is held against.
"""

import math
from dataclasses import dataclass, replace

from scipy import stats


@dataclass(frozen=True, kw_only=True)
class Line:
    """Films that come ``rate`` a second to ``servers`` devices, each of which takes ``seconds`` for one."""

    rate: float
    servers: int
    seconds: float
    cv2: float  # variance of the service time over its square

    @property
    def load(self) -> float:
        """Devices that are busy on average."""
        return self.rate * self.seconds

    @property
    def some(self) -> float:
        """Share of the films that wait; 1 where there are too few devices, for ever."""
        if self.load >= self.servers:
            return 1.0
        blocked = math.exp(
            stats.poisson.logpmf(self.servers, self.load) - stats.poisson.logcdf(self.servers, self.load)
        )
        return float(blocked / (1 - self.load / self.servers * (1 - blocked)))

    @property
    def each(self) -> float:
        """Seconds that one which waits waits on average."""
        if self.load >= self.servers:
            return math.inf
        return (1 + self.cv2) / 2 * self.seconds / (self.servers - self.load)

    def longer(self, seconds: float) -> float:
        """Share of the films that wait longer."""
        return self.some * (1.0 if self.each == math.inf else math.exp(-seconds / self.each))

    def within(self, share: float) -> float:
        """Seconds that this share of the films waits at most."""
        left = 1 - share
        return 0.0 if self.some <= left else self.each * math.log(self.some / left)


def servers(line: Line, *, wait: float, share: float) -> int:
    """The fewest devices with which this share of the films waits at most so many seconds."""
    low = math.floor(line.load)  # too few
    high, step = low + 1, 1
    while replace(line, servers=high).longer(wait) > 1 - share:
        low, high, step = high, high + step, 2 * step
    while high - low > 1:
        middle = (low + high) // 2
        enough = replace(line, servers=middle).longer(wait) <= 1 - share
        low, high = (low, middle) if enough else (middle, high)
    return high
