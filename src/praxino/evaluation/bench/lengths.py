"""What a longer film costs: our roll-out, which keeps what it has seen, against seeing the whole film anew each time.

Shapes: t latent frames, h rows, w columns.
"""

import time
from dataclasses import dataclass, replace

import numpy as np
import torch

from praxino.evaluation.bench.figure import Figure, Report
from praxino.flow.config import SampleConfig
from praxino.generation.parts import Parts
from praxino.generation.rollout import Manner, Score, rollout

PROMPT = "a red ball rolls to the right on a checker floor"


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How long the films are, in chunks, and how often they are made."""

    lengths: tuple[int, ...] = (8, 16, 32, 64)
    again: tuple[int, ...] = (8, 16, 32)  # of the film that is seen anew each time
    steps: int = 4
    rounds: int = 3


QUICK = Scale(lengths=(8, 16, 32), again=(4, 8, 16), steps=3, rounds=2)


@torch.inference_mode()
def lengths(report: Report, scale: Scale, parts: Parts) -> list[Figure]:
    """Exponents of the growth of denoising's cost with length, of both ways.

    Lengths count from where the window is full: before that a chunk sees less, and the first of a film would flatter.
    """
    kept: list[np.ndarray] = []
    seen: list[np.ndarray] = []
    for number in range(scale.rounds):
        kept.append(_kept(parts, scale))
        seen.append(_seen_anew(parts, scale))
        report("lengths", (number + 1) / scale.rounds)
    ours, theirs = np.min(kept, 0), np.min(seen, 0)
    return [
        Figure(
            what="length_exponent",
            value=_exponent(scale.lengths, ours),
            unit="",
            against="target",
            reference=1.05,
        ),
        Figure(
            what="recompute_exponent",
            value=_exponent(scale.again, theirs),
            unit="",
            against="linear",
            reference=1.0,
        ),
    ]


def _kept(parts: Parts, scale: Scale) -> np.ndarray:
    """Seconds that the roll-out takes for each length."""
    config, card = parts.transformer.config, parts.card
    width, height = card.sizes[0]
    begin = config.window + config.sink + 1
    chunks = begin + max(scale.lengths)
    space = parts.compression.space
    shape = (1, chunks * config.chunk, height // space, width // space, config.latent_channels)
    score = Score(
        known=torch.zeros(shape[1], dtype=torch.bool),
        clean=torch.zeros(shape),
        words=(PROMPT,) * chunks,
        negative="",
        seed=0,
    )
    manner = replace(Manner.of(card, best_of=1), sampling=SampleConfig(steps=scale.steps))
    clock = [time.perf_counter() for _ in rollout(score, parts, manner=manner, done={}, step=lambda: None)]
    return np.array([clock[begin + length - 1] - clock[begin - 1] for length in scale.lengths])


def _seen_anew(parts: Parts, scale: Scale) -> np.ndarray:
    """Seconds for each length where each chunk asks for a pass over all latents so far."""
    config, (width, height) = parts.transformer.config, parts.card.sizes[0]
    space, text = parts.compression.space, parts.read(PROMPT)
    clock = [0.0]
    for chunks in range(1, max(scale.again) + 1):
        shape = (1, chunks * config.chunk, height // space, width // space, config.latent_channels)
        latents, when = torch.randn(shape), torch.full(shape[:2], 0.5)
        begun = time.perf_counter()
        parts.transformer(latents, when, text)
        clock.append(clock[-1] + time.perf_counter() - begun)
    return np.array([clock[length] for length in scale.again])


def _exponent(lengths_of: tuple[int, ...], seconds: np.ndarray) -> float:
    """Slope of log(seconds) over log(length), by least squares."""
    return float(np.polyfit(np.log(lengths_of), np.log(seconds), 1)[0])
