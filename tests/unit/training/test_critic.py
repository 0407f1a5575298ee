"""The critic learns which picture shows what is said, and that a thing is there once."""

import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from praxino.text import vocabulary
from praxino.training import latents as latents_of
from praxino.training import recipes, state
from praxino.training.batches import Shelf
from praxino.training.critic import Run, Task, begin, contrast, keep, one_step, opened, spoil
from praxino.training.parallel import Team

COLOURS = ("red", "green", "blue", "yellow")


@pytest.fixture
def task(tmp_path: Path) -> Task:
    recipe = recipes.tiny()
    recipe = replace(recipe, learn_critic=replace(recipe.learn_critic, batch=16, warmup=1, rate=5e-3))
    return Task(recipe=recipe, std=torch.ones(8), into=tmp_path, deadline=time.time())


def shelf() -> dict[tuple[int, int], Shelf]:
    """Pictures of noise with one bright latent, in the channel of the colour that is told."""
    generator = torch.Generator().manual_seed(3)
    latents, matters = 0.2 * torch.randn(64, 1, 4, 6, 8, generator=generator), torch.zeros(64, 1, 4, 6)
    captions = []
    for i in range(64):
        row, column = (int(torch.randint(n, (), generator=generator)) for n in (4, 6))
        latents[i, 0, row, column, i % 4] += 4
        matters[i, 0, row, column] = 1
        captions.append([f"a {COLOURS[i % 4]} ball"])
    words = vocabulary.learn([one for several in captions for one in several], size=300)
    ids, mask = latents_of.words(captions, words, limit=16)
    return {(96, 64): Shelf(latents=latents.half(), matters=matters.bool(), ids=ids, mask=mask)}


def taught(task: Task, count: int) -> Run:
    run, stills = begin(task, Team()), shelf()
    for _ in range(count):
        one_step(Team(), run, task, stills, rate=1.0)
    return run


def test_it_picks_the_right_picture_and_not_the_spoiled_one(task: Task) -> None:
    critic, held = taught(task, 150).critic.eval(), shelf()[96, 64]
    latents = held.latents[:, 0].float()
    wrong, worse = spoil(latents, held.matters[:, 0], torch.Generator().manual_seed(9))
    assert worse.float().mean() > 0.6
    with torch.no_grad():
        good, bad = (critic(shown, held.ids[:, 0], held.mask[:, 0]) for shown in (latents, wrong))
        other = critic(latents, held.ids[:, 0].roll(1, 0), held.mask[:, 0].roll(1, 0))
    assert (good > other).float().mean() > 0.9
    assert (good > bad)[worse].float().mean() > 0.8


def test_resumed_training_equals_unbroken_training(task: Task) -> None:
    whole = taught(task, 6)
    state.save(task.into / "state.safetensors", taught(task, 3).tree())
    rest = taught(task, 3)
    assert rest.step == 6
    for mine, theirs in zip(rest.critic.parameters(), whole.critic.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def test_a_critic_comes_back_as_it_was_kept(task: Task) -> None:
    critic = begin(task, Team()).critic
    keep(critic, task.into)
    back = opened(task.into)
    assert all(torch.equal(a, b) for a, b in zip(critic.parameters(), back.parameters(), strict=True))


def test_spoiling_shows_things_a_second_time_and_nothing_else() -> None:
    latents = torch.zeros(40, 5, 8, 3)
    matters = torch.zeros(40, 5, 8, dtype=torch.bool)
    matters[:39, 2, 3] = True  # the last one shows no thing
    latents[matters] = 1
    out, done = spoil(latents, matters, torch.Generator().manual_seed(0))
    assert done[:39].any()
    assert not done[39]
    assert torch.equal(out[39], latents[39])
    assert (out[:39][done[:39]].mean(-1).sum((1, 2)) == 2).all(), "what was there stays, and is there once more"


def test_a_picture_with_nothing_to_spoil_is_no_wrong_answer() -> None:
    fit = torch.tensor([[5.0, 0.0, 5.0, 0.0], [0.0, 5.0, 0.0, 5.0]])
    assert contrast(fit, torch.tensor([False, False])) < contrast(fit, torch.tensor([True, True]))
