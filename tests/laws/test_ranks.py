"""What must never break where several ranks of torchrun train one model."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from tests.laws.test_training import shelf

from praxino.training import recipes, state
from praxino.training.batches import draw_batch
from praxino.training.parallel import LostError, Team
from praxino.training.parallel import run as together
from praxino.training.recipes import FlowRecipe
from praxino.training.transformer import Student

STEPS = 12
CURVE = f"""
import json, sys, time
from dataclasses import replace
from pathlib import Path

import torch

from praxino.layers import precision
from praxino.training import parallel, recipes, state
from praxino.training.transformer import Task, begin, one_step
from tests.laws.test_training import shelf

precision.fastest = lambda device: torch.float32  # so that a rounding is a rounding, on every machine
torch.set_num_threads(1)


def work(team, *, into, accumulate):
    recipe = recipes.tiny()
    learn = replace(recipe.learn_flow, still_batch=7, clip_batch=3, mixed_stills=1, accumulate=accumulate)
    recipe = replace(recipe, learn_flow=learn)
    task = Task(recipe=recipe, std=torch.ones(8), into=into, deadline=time.time())
    run = begin(task, team)
    losses = [one_step(team, run, recipe, shelf(1), shelf(5) if k > 3 else None) for k in range({STEPS})]
    if team.leads:
        state.save(into / "state.safetensors", run.tree())
        (into / "losses.json").write_text(json.dumps(losses))


if __name__ == "__main__":
    from functools import partial
    into = Path(sys.argv[1])
    parallel.led(lambda: parallel.run(partial(work, into=into, accumulate=int(sys.argv[2])), processes=1))
    parallel.leave()
"""


def curve(folder: Path, *, ranks: int, accumulate: int = 1) -> list[float]:
    """The losses of a run of some steps in 32 bits; its state stays in the folder."""
    folder.mkdir()
    script = folder / "curve.py"
    script.write_text(CURVE, encoding="utf-8")
    command = [*torchrun(ranks), str(script), str(folder), str(accumulate)]
    subprocess.run(command, check=True, timeout=240, env=environment(), capture_output=True)
    return json.loads((folder / "losses.json").read_text(encoding="utf-8"))


def torchrun(ranks: int) -> list[str]:
    return [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={ranks}"]


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[float]]:
    folder = tmp_path_factory.mktemp("ranks") / "one"
    return folder, curve(folder, ranks=1)


def apart(mine: list[float], theirs: list[float]) -> float:
    return max(abs(a - b) / abs(b) for a, b in zip(mine, theirs, strict=True))


def test_two_ranks_learn_as_one_does(tmp_path: Path, one: tuple[Path, list[float]]) -> None:
    folder, losses = one
    assert len(losses) == STEPS
    assert apart(curve(tmp_path / "two", ranks=2), losses) <= 1e-5
    trees = [state.load(where / "state.safetensors") for where in (tmp_path / "two", folder)]
    assert trees[0]["step"] == trees[1]["step"] == STEPS
    assert trees[0]["samples"] == trees[1]["samples"]
    student = Student(recipes.tiny(), torch.ones(8))
    student.load_state_dict(trees[0]["student"])  # one process opens what two have saved
    for name, tensor in trees[0]["student"].items():
        torch.testing.assert_close(tensor, trees[1]["student"][name], rtol=1e-3, atol=1e-4)


def test_a_step_in_pieces_learns_as_a_whole_one(tmp_path: Path, one: tuple[Path, list[float]]) -> None:
    assert apart(curve(tmp_path / "pieces", ranks=1, accumulate=2), one[1]) <= 1e-5


def test_parts_hold_every_sample_once() -> None:
    batch = draw_batch(shelf(5), 7, learn=FlowRecipe(still_steps=1), chunk=2, seed=3)
    parts = [batch.part(rank, 3) for rank in range(3)]
    assert [len(part.latents) for part in parts] == [3, 2, 2]
    for rank, part in enumerate(parts):
        assert torch.equal(part.noise, batch.noise[rank::3])
    assert sum(float(part.judged) for part in parts) == pytest.approx(3)
    assert sum(float(part.unknown) for part in parts) == pytest.approx(3)


@contextmanager
def training(into: Path, log: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [*torchrun(2), "-m", "praxino", "train", "tiny", "--minutes", "3", "--into", str(into), *options]
    with log.open("wb") as out:
        process = subprocess.Popen(command, stderr=out, stdout=out, env=environment())
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(timeout=60)


def heard(log: Path, word: str, process: subprocess.Popen[bytes]) -> None:
    until = time.time() + 150
    while word not in log.read_text(encoding="utf-8"):
        assert process.poll() is None, log.read_text(encoding="utf-8")[-3000:]
        assert time.time() < until, log.read_text(encoding="utf-8")[-3000:]
        time.sleep(0.1)


def ranks_of(process: subprocess.Popen[bytes]) -> list[int]:
    """Ids of the processes that torchrun started, by rank."""
    found: dict[int, int] = {}
    for child in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="utf-8").split():
        held = Path(f"/proc/{child}/environ").read_bytes().split(b"\0")
        found |= {int(one.removeprefix(b"RANK=")): int(child) for one in held if one.startswith(b"RANK=")}
    return [found[rank] for rank in sorted(found)]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for ranks in /proc")
def test_a_killed_rank_ends_the_run_with_a_word_and_one_rank_goes_on(tmp_path: Path) -> None:
    into, log = tmp_path / "run", tmp_path / "log"
    log.touch()
    with training(into, log) as process:
        heard(log, "stills: ", process)
        os.kill(ranks_of(process)[1], signal.SIGKILL)
        assert process.wait(timeout=60) != 0
    assert "a training process is gone" in log.read_text(encoding="utf-8")
    assert "--resume" in log.read_text(encoding="utf-8")
    kept = state.load(into / "autoencoder" / "state.safetensors")["step"]
    assert kept > 0
    command = [sys.executable, "-m", "praxino", "train", "tiny", "--minutes", "0.4", "--into", str(into), "--resume"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, env=environment(), check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip() == str(into / "tiny")
    assert state.load(into / "autoencoder" / "state.safetensors")["step"] == kept, "it is not trained again"

    log.write_bytes(b"")  # and two ranks go on from what one has saved
    before = state.load(into / "flow" / "state.safetensors")["step"]
    with training(into, log, "--resume") as process:
        heard(log, "clips: ", process)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=90) != 0
    said = log.read_text(encoding="utf-8")
    assert "stopped; nothing half-written is left" in said, said[-3000:]
    assert state.load(into / "flow" / "state.safetensors")["step"] > before


def _alone_in_the_end(team: Team) -> None:
    if team.rank == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    for _ in range(1000):
        team.agree(one=False)


def test_a_killed_process_of_a_team_is_missed() -> None:
    with pytest.raises(LostError, match="--resume"):
        together(_alone_in_the_end, processes=2)
