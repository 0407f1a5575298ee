"""Which shots helped a model to learn, and a score of their tags that tells it of others.

A piece helps as much as its gradient points where that of clean clips does (TracIn, Pruthi et al. 2020), asked of a
model that has learned a little: by then all pieces teach something, and some the wrong thing.
Shapes: n pieces, s shots, f tags.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from scipy.optimize import minimize
from scipy.stats import rankdata
from torch import Tensor

from praxino.curation.rules import Linear
from praxino.training.pieces import Shot
from praxino.training.transformer import Student
from praxino.training.trial import TIMES, question

PENALTY = 0.1  # on squared weights: tags are many, shots few
FOLDS = 5
FEWEST = 2 * FOLDS
"""Shots that a score needs to be fitted to."""


def pulls(
    student: Student, latents: Tensor, clean: Tensor, *, report: Callable[[float], None] = lambda _: None
) -> np.ndarray:
    """The cosine (n,) between each piece's gradient and that of the clean clips."""
    student.requires_grad_(True)
    aim = torch.stack([_gradient(student, one[None], 2) for one in clean]).mean(0)
    out: list[float] = []
    for number, one in enumerate(latents):
        out.append(float(torch.cosine_similarity(_gradient(student, one[None], 3), aim, dim=0)))
        report((number + 1) / len(latents))
    return np.array(out)


def fit(shots: Sequence[Shot], helps: np.ndarray) -> tuple[Linear, float]:
    """A score of tags, and how well it tells of shots that it was not fitted to: a rank correlation, -1..1.

    ``helps`` (s,) in any unit: the score is the share of these shots that help less.
    """
    names = _numeric(shots)
    values = np.array([[_number(shot.tags[name]) for name in names] for shot in shots])  # (s, f)
    ranks = (rankdata(helps) - 0.5) / len(helps)
    told = np.zeros(len(shots))
    for fold in range(FOLDS):
        out = np.arange(len(shots)) % FOLDS == fold
        score = _fitted(names, values[~out], ranks[~out])
        told[out] = [score.score(shot.tags) for shot, one in zip(shots, out, strict=True) if one]
    with np.errstate(invalid="ignore"):
        correlation = float(np.nan_to_num(np.corrcoef(rankdata(told), ranks)[0, 1]))
    return _fitted(names, values, ranks), correlation


def _gradient(student: Student, clean: Tensor, seed: int) -> Tensor:
    """Of the loss of one piece (1, t, h, w, c), over all times, as one vector."""
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(seed))
    student.zero_grad()
    for time in TIMES[::2]:
        student(question(clean.float(), noise, time)).backward()
    return torch.cat([p.grad.flatten() for p in student.parameters() if p.grad is not None]).clone()


def _fitted(names: Sequence[str], values: np.ndarray, ranks: np.ndarray) -> Linear:
    """A logistic regression of ranks (s,) in 0..1 on tags (s, f), nan where a tag is not known."""
    with np.errstate(all="ignore"):
        means, scales = np.nan_to_num(np.nanmean(values, 0)), np.nan_to_num(np.nanstd(values, 0))
    scales = np.where(scales > 0, scales, 1)
    x = np.nan_to_num((values - means) / scales)

    def away(w: np.ndarray) -> tuple[float, np.ndarray]:
        score = x @ w[1:] + w[0]
        error = 1 / (1 + np.exp(-score)) - ranks
        loss = (np.logaddexp(0, score) - ranks * score).mean() + PENALTY / 2 * (w[1:] ** 2).sum()
        return float(loss), np.array([error.mean(), *(x.T @ error / len(x) + PENALTY * w[1:])])

    found = minimize(away, np.zeros(x.shape[1] + 1), jac=True).x
    return Linear(
        tags=tuple(names),
        means=tuple(means.tolist()),
        scales=tuple(scales.tolist()),
        weights=tuple(found[1:].tolist()),
        bias=float(found[0]),
    )


def _numeric(shots: Sequence[Shot]) -> list[str]:
    """Tags that are numbers, and known of at least half of the shots."""
    known = {name: [shot.tags.get(name) for shot in shots] for name in shots[0].tags}
    return [
        name
        for name, held in known.items()
        if all(one is None or isinstance(one, bool | int | float) for one in held)
        and 2 * sum(one is not None for one in held) >= len(held)
    ]


def _number(value: object) -> float:
    return float(value) if isinstance(value, bool | int | float) else float("nan")
