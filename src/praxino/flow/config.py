"""How the sampler walks."""

from dataclasses import dataclass
from typing import Literal

Solver = Literal["euler", "unipc"]
"""Euler's method, with fresh noise on the way if wanted; or UniPC (`flow.unipc`), which learns from its last steps."""


@dataclass(frozen=True, kw_only=True)
class SampleConfig:
    """How the sampler walks; the defaults are the measured ones (docs/decisions/0003)."""

    steps: int = 36
    shift: float = 6.0  # more steps at high noise
    churn: float = 0.7  # share of fresh noise at each step: sqrt(1 - churn^2) * predicted + churn * fresh
    churn_until: float = 0.3  # below this time the walk is deterministic
    since: float = 1.0  # below 1: what is there is noised to this time and made anew (SDEdit, Meng et al. 2022)
    solver: Solver = "euler"
    ticks: int | None = None  # by UniPC the network is told times rounded down to such parts of 1; None: as they are

    def __post_init__(self) -> None:
        """Raises ValueError for what cannot go together."""
        if self.solver == "unipc" and self.churn:
            raise ValueError(f"churn {self.churn} must be 0 with UniPC: fresh noise makes its last steps no guide")
