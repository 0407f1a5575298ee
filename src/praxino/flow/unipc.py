"""From noise to clean by UniPC of order two (Zhao et al. 2023, arXiv 2302.04867), as Wan's films are made.

Each guess of the clean latents is used twice: with those before it, to predict the latents of the next time (UniP,
corollary 3.2), and, once it is there, to correct the latents that it was made from (UniC, theorem 3.1), which costs no
pass of the network. In their terms: multistep, data prediction, B(h) = e^h - 1 ("bh2"); on the straight path alpha is
1 - t and sigma is t. The first step and the last one are of order one, which is Euler's.
Shapes: (b, t, h, w, c) latents and guesses, (b, t) masks.
"""

import itertools
import math

import numpy as np
import torch
from torch import Tensor

from praxino.flow.config import SampleConfig
from praxino.flow.path import Predict, hold, mix, shifted

LATEST, EARLIEST = 1 - 17 * 2**-24, 1e-3
"""Times that the clock is cut off at: pure noise has no logarithm, and of clean latents nothing is left to guess.

The first is what float32 has next to 1 - 1e-6, for there a last bit counts.
"""
Guess = tuple[float, Tensor]
"""A time, and the clean latents as they seemed then."""


def clock(config: SampleConfig) -> list[float]:
    """The times from ``since`` down to 0: steps + 1 of them from 1, fewer from later."""
    even = torch.from_numpy(np.linspace(1, EARLIEST, config.steps + 1)[:-1])  # torch's differs in the last bit
    times = [min(time, LATEST) for time in shifted(even, config.shift).tolist()]
    first = [] if config.since == 1 else [config.since]
    return [*first, *(time for time in times if time < config.since), 0.0]


def told(time: float, ticks: int | None) -> float:
    """The time as the network is told it."""
    return time if ticks is None else math.floor(time * ticks) / ticks


def unipc(
    predict: Predict, known: Tensor, clean: Tensor, *, config: SampleConfig, generator: torch.Generator
) -> Tensor:
    """As `flow.sample`: fill the unknown frames of ``clean``; known frames come back bit for bit."""
    noise = torch.randn(clean.shape, generator=generator).to(clean)
    mask = known[:, :, None, None, None]
    latents = torch.where(mask, clean, mix(clean, noise, torch.full(known.shape, config.since, device=clean.device)))
    before, seen = latents, list[Guess]()
    times = clock(config)
    for number, (now, after) in enumerate(itertools.pairwise(times)):
        said = told(now, config.ticks)
        time = hold(torch.full(known.shape, said, device=clean.device), known)
        guess = latents - now * predict(latents, time, said)
        if number:
            latents = torch.where(mask, clean, _moved(before, seen, now, change=_corrected(seen, (now, guess))))
        before, seen = latents, [*seen, (now, guess)][-2:]
        change = _predicted(seen, after) if number and after else None
        latents = torch.where(mask, clean, _moved(latents, seen, after, change=change))
    return latents


def _moved(latents: Tensor, seen: list[Guess], after: float, *, change: Tensor | None) -> Tensor:
    """From the time of the last guess to ``after``, led by that guess and a change of it."""
    now, guess = seen[-1]
    guess = guess if change is None else guess + change
    return after / now * latents - (1 - after) * math.expm1(_level(now) - _level(after)) * guess


def _predicted(seen: list[Guess], after: float) -> Tensor:
    """How the guess will change, on average until ``after``, going on as it did since the one before it (UniP-2)."""
    (earlier, was), (now, guess) = seen
    return 0.5 / _ratio(earlier, now, after) * (was - guess)


def _corrected(seen: list[Guess], made: Guess) -> Tensor:
    """How it has changed, on average, when the next guess is there as well (UniC-2, and UniC-1 after one step)."""
    (now, guess), (after, new) = seen[-1], made
    if len(seen) == 1:
        return 0.5 * (new - guess)
    earlier, was = seen[0]
    h, ratio = _level(now) - _level(after), _ratio(earlier, now, after)
    # Theorem 3.1 for p = 2: a + b = phi_1 and ratio a + b = phi_2, each over B(h).
    first = (math.expm1(h) / h - 1) / math.expm1(h)
    second = 2 * ((math.expm1(h) / h - 1) / h - 0.5) / math.expm1(h)
    share = (first - second) / (1 - ratio)
    return share / ratio * (was - guess) + (first - share) * (new - guess)


def _level(time: float) -> float:
    """Half the logarithm of the signal-to-noise ratio: their lambda."""
    return math.log((1 - time) / time) if time > 0 else math.inf


def _ratio(earlier: float, now: float, after: float) -> float:
    """How far back the one before is, in steps to come: their r, below 0."""
    return (_level(earlier) - _level(now)) / (_level(after) - _level(now))
