"""What must never break in the roll-out."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from praxino.critic.model import Critic
from praxino.flow.config import SampleConfig
from praxino.generation.fused import Fuser
from praxino.generation.parts import Parts, open_parts
from praxino.generation.rollout import Manner, Score, rollout


@pytest.fixture(scope="module")
def parts(tiny_model: Path) -> Parts:
    return open_parts(tiny_model)


def film(
    parts: Parts, clean: torch.Tensor, known: int, *, seed: int = 5, done: dict | None = None, best_of: int = 1
) -> torch.Tensor:
    mask = torch.arange(clean.shape[1]) < known
    score = Score(known=mask, clean=clean, words=("a red ball",) * 4, negative="", seed=seed)
    manner = Manner(sampling=SampleConfig(steps=3), best_of=best_of)
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


def test_of_several_beginnings_the_one_is_continued_that_the_critic_likes_best(parts: Parts) -> None:
    assert parts.critic is not None
    seen: list[torch.Tensor] = []

    class Liking(Critic):
        def forward(self, latents: torch.Tensor, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            seen.append(latents)
            return latents.mean((1, 2, 3))

    made = film(replace(parts, critic=Liking(parts.critic.config)), garbage(), 0, best_of=5)
    assert len(seen) == 1, "only a film that nothing is known of has several beginnings, and only at its start"
    brightest = seen[0][seen[0].mean((1, 2, 3)).argmax()]
    assert len(seen[0]) == 5
    assert torch.equal(made[0, 0], brightest)
    assert torch.equal(film(parts, garbage(), 1, best_of=5)[:, :1], garbage()[:, :1])


def test_a_film_with_several_beginnings_is_resumed_bit_for_bit(parts: Parts) -> None:
    whole = film(parts, garbage(), 0, best_of=3)
    assert torch.equal(film(parts, garbage(), 0, best_of=3, done={0: whole[:, :2]}), whole)


@pytest.mark.skipif(shutil.which("c++") is None, reason="there is no compiler to make a program with")
def test_a_program_of_its_own_makes_the_same_film_whole_or_resumed(parts: Parts) -> None:
    known, clean = torch.zeros(24, dtype=torch.bool), torch.zeros(1, 24, 6, 8, 8)
    score = Score(known=known, clean=clean, words=("a red ball", "a cube") * 6, negative="", seed=5)
    fused, plain = (Manner(sampling=SampleConfig(steps=3), fused=one) for one in (True, False))

    def made(manner: Manner, done: dict[int, torch.Tensor]) -> torch.Tensor:
        return torch.cat([one for _, one in rollout(score, parts, manner=manner, done=done, step=lambda: None)], 1)

    whole = made(fused, {})
    assert "_fused" in parts.transformer.__dict__, "a film longer than its beginning has a program"
    assert torch.allclose(whole, made(plain, {}), atol=1e-3)
    assert torch.equal(made(fused, {k: whole[:, 2 * k : 2 * k + 2] for k in range(11)}), whole)


def test_without_a_working_compiler_a_film_is_made_anyway() -> None:
    def broken() -> None:
        raise RuntimeError("no Python.h")

    fuser = Fuser(wanted=True)
    assert not fuser.ready(broken)
    assert not fuser.ready(lambda: None), "and it is tried only once"
