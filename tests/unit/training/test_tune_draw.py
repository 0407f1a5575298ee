"""What a step of tuning sees."""

import pytest
import torch

from praxino.training.batches import Batch, Shelf, Shelves
from praxino.training.tune_draw import TuneRecipe, drawn

RECIPE = TuneRecipe(batch=3, beginnings=5)


def shelves(count: int, *, latents: int = 5) -> Shelves:
    """Samples whose latents all hold their own number."""
    held = torch.arange(count).view(-1, 1, 1, 1, 1).expand(count, latents, 2, 3, 4).half()
    words = torch.ones(count, 1, 2, dtype=torch.long)
    matters = torch.zeros(held.shape[:-1], dtype=torch.bool)
    return {(96, 64): Shelf(latents=held, matters=matters, ids=words, mask=words.bool())}


def seen(step: int, recipe: TuneRecipe = RECIPE, *, chunk: int = 1) -> list[tuple[Batch, bool]]:
    return list(drawn(step, recipe, shelves(7), shelves(9), chunk=chunk))


@pytest.mark.parametrize("chunk", [1, 2])
def test_every_step_has_beginnings_and_clips_of_both(chunk: int) -> None:
    for step in range(6):
        batches = seen(step, chunk=chunk)
        first = [(len(one.latents), one.latents.shape[1], foreign) for one, foreign in batches[:2]]
        assert first == [(5, chunk, False), (5, chunk, True)]
        rest = [(one.latents.shape[1], foreign) for one, foreign in batches[2:]]
        length = 4 if step % 3 else 5  # whole, or the openings of more
        assert rest == [(length, False), (length, True)]


def test_beginnings_are_drawn_at_more_noise_than_clips() -> None:
    many = TuneRecipe(beginnings=400, batch=401)
    (begin, _), _, (clips, _), _ = seen(0, many)
    assert begin.time.median() > clips.time.median() + 0.02
    assert (begin.time > 0.97).float().mean() > 0.5, "there words alone tell"


def test_where_a_clip_is_one_chunk_every_step_has_clips_alone() -> None:
    for step in range(3):
        assert [(one.latents.shape[1], foreign) for one, foreign in seen(step, chunk=5)] == [(5, False), (5, True)]


def test_without_replay_nothing_is_of_the_world() -> None:
    assert [foreign for _, foreign in seen(0, TuneRecipe(replay=0.0))] == [False, False]


def test_a_step_sees_the_same_whenever_it_is_drawn_and_another_step_something_else() -> None:
    one, again, other = seen(3), seen(3), seen(6)
    assert all(a.noise.equal(b.noise) and a.latents.equal(b.latents) for (a, _), (b, _) in zip(one, again, strict=True))
    assert not any(
        a.noise.equal(b.noise) for (a, _), (b, _) in zip(one, other, strict=True) if a.noise.shape == b.noise.shape
    )


def test_the_rate_begins_small_stays_and_then_falls_by_the_step_alone() -> None:
    recipe = TuneRecipe(warmup=10, settles=100)
    assert [round(recipe.pace(step), 3) for step in (0, 9, 50, 99, 199, 399)] == [0.1, 1.0, 1.0, 1.0, 0.5, 0.25]
