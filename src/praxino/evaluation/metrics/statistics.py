"""Means with confidence intervals by bootstrap (Efron 1979)."""

from collections.abc import Sequence

import numpy as np

ROUNDS = 2000


def interval(values: Sequence[float]) -> tuple[float, float, float]:
    """(mean, low, high): the 95% interval of the mean, by percentiles of resampled means. Needs at least one value."""
    held = np.asarray(values, float)
    rng = np.random.default_rng(0)
    means = held[rng.integers(len(held), size=(ROUNDS, len(held)))].mean(1)
    low, high = np.percentile(means, (2.5, 97.5))
    return float(held.mean()), float(low), float(high)


def paired(one: Sequence[float], two: Sequence[float]) -> tuple[float, float, float]:
    """(mean, low, high) of ``two - one``, case by case."""
    return interval([b - a for a, b in zip(one, two, strict=True)])
