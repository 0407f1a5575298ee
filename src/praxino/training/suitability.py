"""A score of a shot's tags that tells how much it will help a model to learn, from shots of which that is known.

Shapes: s shots, f tags.
"""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize
from scipy.stats import rankdata

from praxino.curation.rules import Linear
from praxino.training.pieces import Shot

PENALTY = 0.1  # on squared weights: tags are many, shots few
FOLDS = 5
FEWEST = 2 * FOLDS
"""Shots that a score needs to be fitted to."""


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
