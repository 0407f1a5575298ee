"""Does a film cost what was quoted? Films of mixed sizes and lengths, each quoted before it is made."""

import statistics
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from praxino.evaluation.bench.figure import Figure, Report
from praxino.generation import film
from praxino.generation.quote import quote
from praxino.request import Request, Shot

SIZES = ((256, 144), (512, 288), (288, 512), (512, 512), (960, 540), (1920, 1080))
LONGEST = 8.0
"""Seconds of the longest of the films."""
BOUND, MEDIAN = 0.9, 0.15
"""What nine of ten are, and how far off the middle one may be."""
Make = Callable[[Request, Path], dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A film as quoted and as made, in seconds."""

    middle: float
    bound: float
    took: float


def honesty(report: Report, model: str, *, runs: int = 20, make: Make = film.make) -> list[Figure]:
    """How many of the films kept to the 90% bound, and the median error of the middle one.

    The first quote calibrates, if there is nothing to go by; every film refines the next quote, as it does for users.
    """
    rng, seen = np.random.default_rng(0), list[Outcome]()
    for number in range(runs):
        width, height = SIZES[int(rng.integers(len(SIZES)))]
        seconds = round(float(rng.uniform(1, LONGEST)), 1)
        shot = Shot(seconds=seconds, prompt="a red ball bounces on a checker floor")
        request = Request(shots=(shot,), width=width, height=height, seed=number, model=model)
        said = quote(request)
        with tempfile.TemporaryDirectory() as folder:
            made = make(request, Path(folder) / "film.mp4")
        seen.append(Outcome(middle=said.seconds_p50, bound=said.seconds_p90, took=made["timings"]["total"]))
        report("honesty", (number + 1) / runs)
    within = statistics.mean(one.took <= one.bound for one in seen)
    off = statistics.median(abs(one.middle / one.took - 1) for one in seen)
    return [
        Figure(what=f"within the 90% bound, of {runs}", value=within, unit="", against="meant", reference=BOUND),
        Figure(what="median error of the quote", value=off, unit="", against="target", reference=MEDIAN),
    ]
