"""What must never break in training."""

import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from praxino.autoencoder.model import Autoencoder
from praxino.flow.guide import GuidanceConfig
from praxino.flow.path import velocity
from praxino.text import vocabulary
from praxino.training import latents as latents_of
from praxino.training import recipes, state
from praxino.training.autoencoder import jumps
from praxino.training.batches import Shelf, draw_batch, known_frames
from praxino.training.muon import orthogonal
from praxino.training.parallel import Team
from praxino.training.recipes import Recipe
from praxino.training.transformer import Run, Task, begin, one_step, opened
from praxino.training.windows import Windows


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> Task:
    return Task(
        recipe=recipes.tiny(), std=torch.ones(8), into=tmp_path_factory.mktemp("run"), deadline=time.time()
    )  # fmt: skip


def shelf(t: int) -> dict[tuple[int, int], Shelf]:
    generator = torch.Generator().manual_seed(t)
    latents = 0.1 * torch.randn(6, t, 3, 4, 8, generator=generator) + torch.tensor([1.0, -1.0] * 4)
    matters = torch.rand(6, t, 3, 4, generator=generator) > 0.7
    words = vocabulary.learn(["a red ball rolls"], size=300)
    ids, mask = latents_of.words([["a red ball", "a ball rolls"]] * 6, words, limit=16)
    return {(64, 48): Shelf(latents=latents.half(), matters=matters, ids=ids, mask=mask)}


def steps(run: Run, task: Task, count: int) -> list[float]:
    clips, stills = shelf(5), shelf(1)
    return [one_step(Team(), run, task.recipe, stills, clips if run.step % 2 else None) for _ in range(count)]


def test_resumed_training_equals_unbroken_training(task: Task, tmp_path: Path) -> None:
    unbroken = begin(task, Team())
    losses = steps(unbroken, task, 8)
    first = begin(task, Team())
    steps(first, task, 4)
    state.save(tmp_path / "state.safetensors", first.tree())
    second = begin(task, Team())
    second.restore(state.load(tmp_path / "state.safetensors"))
    assert steps(second, task, 4) == losses[4:]
    for mine, theirs in zip(second.ema.model.parameters(), unbroken.ema.model.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def test_training_learns(task: Task) -> None:
    losses = steps(begin(task, Team()), task, 60)
    assert sum(losses[-10:]) < 0.6 * sum(losses[:10])


def test_a_student_learns_to_give_its_teachers_guidance_in_one_pass(task: Task, tmp_path: Path) -> None:
    plain = replace(task.recipe, transformer=replace(task.recipe.transformer, leans_on_past=False))
    task = replace(task, recipe=plain)
    taught = begin(task, Team())
    steps(taught, task, 40)
    state.save(tmp_path / "state.safetensors", taught.tree())
    run = begin(replace(task, teacher=tmp_path / "state.safetensors"), Team())
    assert run.teacher is not None
    batch = draw_batch(shelf(5), 4, learn=task.recipe.learn_flow, chunk=task.recipe.transformer.chunk, seed=1)
    own = run.student.outlook(batch).velocity
    assert torch.equal(own, taught.ema.model.outlook(batch).velocity), "it begins as its teacher"
    alone = replace(run.teacher, guidance=GuidanceConfig(scale=1.0))
    torch.testing.assert_close(replace(alone, trust=1.0).lesson(batch)[1], own)
    torch.testing.assert_close(replace(alone, trust=0.0).lesson(batch)[1], velocity(batch.latents, batch.noise))
    assert not torch.allclose(replace(run.teacher, trust=1.0).lesson(batch)[1], own), "guidance adds something"
    run.teacher = replace(run.teacher, trust=1.0, guidance=GuidanceConfig(scale=10.0))
    losses = steps(run, task, 60)
    assert sum(losses[-10:]) < 0.6 * sum(losses[:10])


def test_state_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    tree = {"a": torch.arange(3), "b": [{"c": 1.5, 4: "x"}, (torch.ones(2, 2), None, True)]}
    state.save(tmp_path / "x.safetensors", tree)
    back = state.load(tmp_path / "x.safetensors")
    assert torch.equal(back["a"], tree["a"])
    assert back["b"][0] == {"c": 1.5, 4: "x"}
    assert torch.equal(back["b"][1][0], torch.ones(2, 2))
    assert back["b"][1][1:] == [None, True]


def test_every_served_prefix_is_trained() -> None:
    generator = torch.Generator().manual_seed(0)
    seen = {tuple(known_frames(12, 4, generator)[4:8].tolist()) for _ in range(3000)}
    for known in (0, 1, 2, 3):
        for end in (False, True):
            wanted = (True,) * known + (False,) * (3 - known) + (end,)
            assert all(wanted) or wanted in seen
    assert all(not all(known) for known in seen), "there is something to learn in every chunk"
    assert not known_frames(12, 1, generator).any(), "chunks of one frame have nothing known"


def test_muon_makes_updates_nearly_orthogonal() -> None:
    update = orthogonal(torch.randn(3, 20, 50, generator=torch.Generator().manual_seed(0)))
    sizes = torch.linalg.svdvals(update)
    assert sizes.min() > 0.5
    assert sizes.max() < 1.4


def test_a_recipe_is_complete_on_its_own() -> None:
    for recipe in (recipes.tiny(), recipes.pocket_cpu(), recipes.pocket()):
        assert isinstance(recipe, Recipe)
        assert recipe.autoencoder.channels == recipe.transformer.latent_channels
        assert recipe.text.width == recipe.transformer.text_channels
        assert (recipe.data.frames - 1) % recipe.autoencoder.time == 0
        assert abs(sum(recipe.data.shares) - 1) < 1e-9
        for width, height in recipe.data.sizes:
            assert width % recipe.autoencoder.space == height % recipe.autoencoder.space == 0


def test_an_error_that_stays_does_not_jump() -> None:
    weight = torch.ones(1, 3, 4, 4)
    error = torch.full((1, 3, 4, 4, 3), 0.5)
    assert jumps(error, weight) == 0
    error[:, 2] = 1.5  # from one frame to the next, of two changes
    assert jumps(error, weight) == pytest.approx(0.5)


def test_openings_cost_as_much_as_whole_clips() -> None:
    learn = recipes.pocket_cpu().learn_flow
    counts = []
    for step in range(3):
        clips, count = opened(shelf(12), learn, step)
        counts.append(count * clips[64, 48].latents.shape[1])
        assert torch.equal(clips[64, 48].latents[:, 0], shelf(12)[64, 48].latents[:, 0])
    assert counts == [12 * learn.clip_batch] * 3


def test_what_was_made_anew_lies_where_its_pixels_lie() -> None:
    recipe = recipes.tiny()
    coder = Autoencoder(recipe.autoencoder)
    frames = torch.randint(256, (4, 17, 48, 64, 3), generator=torch.Generator().manual_seed(1)).byte()
    latents = coder.still_in(
        (frames[:, 0].float() / 127.5 - 1).unflatten(1, (6, 8)).unflatten(3, (8, 8)).transpose(2, 3).flatten(3)
    )[:, None]
    held = Windows(frames=frames, matters=frames[..., 0] > 200, remade=latents, held_out=0)
    crop, where, beside = held.rehearsal(recipe.learn_autoencoder, 8, time=4, seed=3)
    assert crop.shape == (8, 1, 32, 32, 3)
    assert torch.equal(where, (crop[..., 0] + 1) * 127.5 > 200.5)
    again = coder.still_in(crop[:, 0].unflatten(1, (4, 8)).unflatten(3, (4, 8)).transpose(2, 3).flatten(3))
    torch.testing.assert_close(beside[:, 0], again)
