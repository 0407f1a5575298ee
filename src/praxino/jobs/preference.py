"""Strengths from comparisons: the model of Bradley and Terry (1952), with 95% intervals.

A beats B with probability 1 / (1 + exp(score_b - score_a)). The likelihood is maximised by the algorithm of Hunter
(2004, "MM algorithms for generalized Bradley-Terry models", eq. 3). "The same" counts as half a win for each. So that
there is always an answer, also where somebody has only won or two groups never met, everybody has also met a phantom
of score 0 and come out even, once (`PRIOR`); with many votes it makes no difference.

Intervals are from the observed information (Fisher), for scores whose mean is 0. They take votes as independent.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PRIOR = 1.0
"""Meetings with the phantom, half of them won."""
SURE = 1.959964
"""Standard errors on each side of 95 in 100."""
Matrix = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Meeting:
    """Two that were compared: ``a`` was better, or ``b``, or neither."""

    a: str
    b: str
    choice: str  # a, b, same


@dataclass(frozen=True, kw_only=True)
class Strength:
    """How strong one is among those compared. Scores have mean 0."""

    name: str
    score: float
    low: float
    high: float
    wins: int
    losses: int
    same: int


def strengths(meetings: Sequence[Meeting]) -> list[Strength]:
    """Of all that were compared, the strongest first."""
    names = sorted({name for one in meetings for name in (one.a, one.b)})
    if not names:
        return []
    wins, same = _counted(meetings, names)
    points = wins + same / 2
    scores = fitted(points)
    errors = _errors(scores, points)
    rows = [
        Strength(
            name=name,
            score=float(scores[i]),
            low=float(scores[i] - SURE * errors[i]),
            high=float(scores[i] + SURE * errors[i]),
            wins=int(wins[i].sum()),
            losses=int(wins[:, i].sum()),
            same=int(same[i].sum()),
        )
        for i, name in enumerate(names)
    ]
    return sorted(rows, key=lambda row: -row.score)


def fitted(points: Matrix, *, rounds: int = 10_000, close: float = 1e-10) -> Matrix:
    """Scores (n,) with mean 0 of points (n, n): how often the row's beat the column's, halves for the same."""
    met = points + points.T
    won = points.sum(1) + PRIOR / 2
    strength = np.ones(len(points))
    for _ in range(rounds):
        shared = met / (strength[:, None] + strength[None, :])
        following = won / (shared.sum(1) + PRIOR / (strength + 1))
        moved = np.abs(np.log(following / strength)).max()
        strength = following
        if moved < close:
            break
    scores = np.log(strength)
    return scores - scores.mean()


def _errors(scores: Matrix, points: Matrix) -> Matrix:
    """Standard errors (n,) of scores with mean 0."""
    met = points + points.T
    chance = 1 / (1 + np.exp(scores[None, :] - scores[:, None]))
    weight = met * chance * (1 - chance)
    information = np.diag(weight.sum(1)) - weight
    information += np.diag(np.full(len(scores), PRIOR / 4))  # of the phantom, near enough
    centred = np.eye(len(scores)) - 1 / len(scores)
    return np.sqrt(np.diag(centred @ np.linalg.inv(information) @ centred).clip(0))


def _counted(meetings: Sequence[Meeting], names: Sequence[str]) -> tuple[Matrix, Matrix]:
    """How often the row's beat the column's (n, n), and how often neither was better (n, n)."""
    place = {name: i for i, name in enumerate(names)}
    wins, same = np.zeros((len(names), len(names))), np.zeros((len(names), len(names)))
    for one in meetings:
        a, b = place[one.a], place[one.b]
        if one.choice == "same":
            same[a, b] += 1
            same[b, a] += 1
        else:
            wins[(a, b) if one.choice == "a" else (b, a)] += 1
    return wins, same
