"""Where the time of a film goes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(kw_only=True)
class Watch:
    """Seconds spent per stage, in the order in which stages first came; some go on at the same time."""

    seconds: dict[str, float] = field(default_factory=dict)
    begun: float = field(default_factory=time.perf_counter)
    skipped: bool = False  # whether a part of the work was done before
    latents: int = 0  # of the film that were had

    @property
    def total(self) -> float:
        """Seconds since the beginning."""
        return time.perf_counter() - self.begun

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """What runs inside belongs to this stage."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - begun
