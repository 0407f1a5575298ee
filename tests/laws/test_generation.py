"""What must never break in the roll-out."""

from pathlib import Path

import pytest
import torch

from praxino.flow.sample import SampleConfig
from praxino.generation.parts import Parts, open_parts
from praxino.generation.rollout import Manner, Score, rollout


@pytest.fixture(scope="module")
def parts(tiny_model: Path) -> Parts:
    return open_parts(tiny_model)


def film(parts: Parts, clean: torch.Tensor, known: int, *, seed: int = 5, done: dict | None = None) -> torch.Tensor:
    mask = torch.arange(clean.shape[1]) < known
    score = Score(known=mask, clean=clean, words=("a red ball",) * 4, negative="", seed=seed)
    manner = Manner(sampling=SampleConfig(steps=3))
    return torch.cat([one for _, one in rollout(score, parts, manner=manner, done=done or {}, step=lambda: None)], 1)


def garbage() -> torch.Tensor:
    return torch.randn(1, 7, 6, 8, 8, generator=torch.Generator().manual_seed(1))


def test_words_alone_are_the_continuation_of_nothing(parts: Parts) -> None:
    assert torch.equal(film(parts, torch.zeros(1, 7, 6, 8, 8), 0), film(parts, garbage(), 0))


@pytest.mark.parametrize("known", [1, 2, 3, 5])
def test_the_prefix_comes_back_untouched_bit_for_bit(parts: Parts, known: int) -> None:
    made = film(parts, garbage(), known)
    assert torch.equal(made[:, :known], garbage()[:, :known])
    assert not torch.equal(made[:, known:], garbage()[:, known:])


def test_the_prefix_matters_to_what_follows(parts: Parts) -> None:
    assert not torch.equal(film(parts, garbage(), 2)[:, 2:], film(parts, -garbage(), 2)[:, 2:])


def test_a_film_resumed_from_finished_chunks_equals_an_unbroken_one(parts: Parts) -> None:
    whole = film(parts, garbage(), 1)
    done = {0: whole[:, :2], 1: whole[:, 2:4]}
    assert torch.equal(film(parts, garbage(), 1, done=done), whole)


def test_another_seed_is_another_film(parts: Parts) -> None:
    assert not torch.equal(film(parts, garbage(), 0), film(parts, garbage(), 0, seed=6))
