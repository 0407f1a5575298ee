"""What must never break where the ranks of torchrun hold one model in shards."""

import json
import shutil
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.laws.test_ranks import apart, environment, torchrun
from tests.laws.test_training import shelf

from praxino.layers import precision
from praxino.training import recipes, snapshots, state
from praxino.training.parallel import Team
from praxino.training.snapshots import Snapshots
from praxino.training.spread import Spread
from praxino.training.transformer import STATES, WHOLE, Run, Task, begin, one_step

STEPS = 10
SAVED = (4, 6, 8)
"""Steps after which a run in shards is saved."""


def task(into: Path, *, accumulate: int = 1, spread: Spread | None = None) -> Task:
    """Batches that leave a rank with less than the other, and now and then with nothing."""
    recipe = recipes.tiny()
    learn = replace(recipe.learn_flow, still_batch=7, clip_batch=3, mixed_stills=1, accumulate=accumulate)
    recipe = replace(recipe, learn_flow=learn)
    return Task(
        recipe=recipe, std=torch.ones(8), into=into, deadline=time.time(), spread=spread or Spread(fsdp=True)
    )  # fmt: skip


def steps(team: Team, run: Run, recipe: recipes.Recipe, until: int) -> dict[int, float]:
    """The loss of each step."""
    losses: dict[int, float] = {}
    while (step := run.step) < until:
        losses[step] = one_step(team, run, recipe, shelf(1), shelf(5) if step > 3 else None)
    return losses


SHARDED = """
import json, os, signal, sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from torch.distributed.tensor import DTensor

from praxino.layers import precision
from praxino.training import parallel
from praxino.training.snapshots import Snapshots
from praxino.training.spread import Spread
from praxino.training.transformer import STATES, begin
from tests.laws.test_sharded import SAVED, STEPS, steps, task

precision.fastest = lambda device: torch.float32  # so that a rounding is a rounding, on every machine
torch.set_num_threads(1)


def work(team, *, into, accumulate, again, sequence, teacher, killed):
    spread = Spread(fsdp=True, checkpoint_activations=again, sequence=sequence)
    what = task(into, accumulate=accumulate, spread=spread)
    what = replace(what, teacher=Path(teacher) if teacher else None)
    run = begin(what, team)
    kept = Snapshots(into / STATES, team)
    begun, losses = run.step, {}
    for end in (*SAVED, STEPS):
        losses |= steps(team, run, what.recipe, end)
        if killed and end > SAVED[1] and team.rank == 1 and not parallel.restarted():
            os.kill(os.getpid(), signal.SIGKILL)
        kept.begin(run.tensors(), step=run.step, samples=run.samples) if end in SAVED else kept.settle(wait=True)
        if killed:
            kept.settle(wait=True)  # so that it is known what there is when a rank dies
    own = sum(p.to_local().numel() for p in run.student.parameters() if isinstance(p, DTensor))
    all_of_it = sum(p.numel() for p in run.student.parameters())
    weights = run.averaged()
    if team.leads:
        told = {"begun": begun, "losses": losses, "share": own / all_of_it}
        (into / "told.json").write_text(json.dumps(told))
        torch.save(weights, into / "weights.pt")


if __name__ == "__main__":
    jobs = [job | {"into": Path(job["into"])} for job in json.loads(sys.argv[1])]
    parallel.led(lambda: [parallel.run(partial(work, **job), processes=1) for job in jobs])
    parallel.leave()
"""


def sharded(folder: Path, *jobs: dict[str, Any], restarts: int = 0) -> list[dict[str, Any]]:
    """What two ranks tell of each job: ``begun`` (a step), ``losses`` and their ``share`` of the weights."""
    script = folder / "sharded.py"
    script.write_text(SHARDED, encoding="utf-8")
    usual = {"accumulate": 1, "again": False, "sequence": 1, "teacher": "", "killed": False}
    said = json.dumps([usual | job | {"into": str(job["into"])} for job in jobs])
    command = [*torchrun(2), f"--max-restarts={restarts}", str(script), said]
    done = subprocess.run(command, timeout=240, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    told = [json.loads((job["into"] / "told.json").read_text(encoding="utf-8")) for job in jobs]
    for one in told:
        one["losses"] = {int(step): loss for step, loss in one["losses"].items()}
    return told


@pytest.fixture(scope="module", autouse=True)
def exact() -> Any:
    """Products in 32 bits."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(precision, "fastest", lambda device: torch.float32)
        yield


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[int, float]]:
    """A whole state after three steps of one process, a snapshot of it, and the losses of all steps."""
    folder = tmp_path_factory.mktemp("one")
    what = task(folder)
    run = begin(what, Team())
    losses = steps(Team(), run, what.recipe, 3)
    state.save(folder / WHOLE, run.tree())
    kept = Snapshots(folder / STATES, Team())
    kept.begin(run.tensors(), step=run.step, samples=run.samples)
    losses |= steps(Team(), run, what.recipe, STEPS)  # while it is written
    kept.settle(wait=True)
    torch.save(run.averaged(), folder / "weights.pt")
    return folder, losses


def same(mine: dict[int, float], theirs: dict[int, float]) -> bool:
    return apart(list(mine.values()), [theirs[step] for step in mine]) <= 1e-5


@pytest.mark.slow
def test_shards_learn_as_the_whole_does_and_any_number_of_ranks_goes_on(
    tmp_path: Path, one: tuple[Path, dict[int, float]]
) -> None:
    folder, losses = one
    new, old, shared = tmp_path / "new", tmp_path / "old", tmp_path / "shared"
    for where in (new, old, shared):
        where.mkdir()
    shutil.copy(folder / WHOLE, old)
    from_nothing, from_whole, in_tokens = sharded(
        tmp_path,
        {"into": new},
        {"into": old, "accumulate": 2, "again": True},
        {"into": shared, "sequence": 2, "again": True},
    )
    assert from_nothing["begun"] == 0
    assert len(from_nothing["losses"]) == STEPS
    assert same(from_nothing["losses"], losses)
    assert 0.45 < from_nothing["share"] < 0.55, "each rank holds half"
    assert from_whole["begun"] == 3, "shards are cut from what was saved whole"
    assert same(from_whole["losses"], losses), "in pieces, with blocks computed twice"
    assert same(in_tokens["losses"], losses), "each sample's tokens on both ranks"
    mine, theirs = (torch.load(where / "weights.pt") for where in (new, folder))
    assert mine.keys() == theirs.keys()
    for name, tensor in mine.items():
        torch.testing.assert_close(tensor, theirs[name], rtol=1e-3, atol=1e-4)

    assert sorted(path.name for path in (new / STATES).iterdir()) == ["step-00000006", "step-00000008"]
    shutil.rmtree(new / STATES / "step-00000008")
    alone = begin(task(new), Team())  # one process goes on from what two have saved
    assert alone.step == 6
    assert alone.samples == 4 * 7 + 2 * (4 + 1)
    assert same(steps(Team(), alone, task(new).recipe, STEPS), losses)


@pytest.mark.slow
def test_a_killed_rank_comes_back_to_the_last_snapshot_and_the_same_curve(
    tmp_path: Path, one: tuple[Path, dict[int, float]]
) -> None:
    folder, losses = one
    shutil.copytree(folder / STATES, tmp_path / STATES)  # two ranks go on from what one has saved
    (told,) = sharded(tmp_path, {"into": tmp_path, "killed": True}, restarts=1)
    assert told["begun"] == 6, "what was saved last, before the rank died"
    assert list(told["losses"]) == list(range(6, STEPS))
    assert same(told["losses"], losses)


@pytest.mark.slow
def test_a_teacher_in_shards_teaches_as_a_whole_one(tmp_path: Path, one: tuple[Path, dict[int, float]]) -> None:
    teacher = one[0] / "taught" / WHOLE
    teacher.parent.mkdir()
    taught = replace(task(tmp_path / "alone"), teacher=teacher)
    run = begin(task(one[0] / "taught"), Team())
    steps(Team(), run, taught.recipe, 5)
    state.save(teacher, run.tree())
    losses = steps(Team(), begin(taught, Team()), taught.recipe, STEPS)
    (tmp_path / "two").mkdir()
    (told,) = sharded(tmp_path, {"into": tmp_path / "two", "teacher": str(teacher)})
    assert same(told["losses"], losses)


def test_a_snapshot_is_whole_or_not_there(tmp_path: Path, one: tuple[Path, dict[int, float]]) -> None:
    folder, losses = one
    what = task(folder)
    (folder / WHOLE).rename(tmp_path / WHOLE)
    half = folder / STATES / ".step-00000009"
    shutil.copytree(snapshots.newest(folder / STATES) or folder, half)  # killed before it got its name
    run = begin(what, Team())
    assert run.step == 3
    assert steps(Team(), run, what.recipe, STEPS) == {s: losses[s] for s in range(3, STEPS)}, "bit for bit"
    kept = Snapshots(folder / STATES, Team())
    run.step = 9
    kept.begin(run.tensors(), step=9, samples=1)  # over the remains
    kept.settle(wait=True)
    assert not half.exists()
    assert snapshots.newest(folder / STATES) == folder / STATES / "step-00000009"
    assert snapshots.about(folder / STATES / "step-00000009") == {"step": 9, "samples": 1, "ranks": 1}


def test_a_teacher_of_shards_teaches(tmp_path: Path, one: tuple[Path, dict[int, float]]) -> None:
    folder, _ = one
    shutil.copytree(folder / STATES, tmp_path / STATES)
    run = begin(replace(task(tmp_path / "folded"), teacher=tmp_path / WHOLE), Team())
    assert run.teacher is not None
    held = snapshots.read(snapshots.newest(tmp_path / STATES) or tmp_path, "ema.")
    for name, tensor in run.teacher.pair.state_dict().items():
        assert torch.equal(tensor, held[name])


def test_activations_that_are_computed_again_change_no_bit(tmp_path: Path) -> None:
    what = task(tmp_path, spread=Spread(checkpoint_activations=True))
    runs = [begin(one, Team()) for one in (replace(what, spread=Spread()), what)]
    seen = [0, 0]
    for k, run in enumerate(runs):

        def count(*_: object, k: int = k) -> None:
            seen[k] += 1

        run.student.transformer.blocks[0].get_submodule("self_attention").register_forward_hook(count)
    plain, again = (steps(Team(), run, what.recipe, 6) for run in runs)
    assert plain == again
    assert seen[1] == 2 * seen[0] > 0
