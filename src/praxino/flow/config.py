"""How the sampler walks."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SampleConfig:
    """How the sampler walks; the defaults are the measured ones (docs/decisions/0003)."""

    steps: int = 36
    shift: float = 6.0  # more steps at high noise
    churn: float = 0.7  # share of fresh noise at each step: sqrt(1 - churn^2) * predicted + churn * fresh
    churn_until: float = 0.3  # below this time the walk is deterministic
    since: float = 1.0  # below 1: what is there is noised to this time and made anew (SDEdit, Meng et al. 2022)
