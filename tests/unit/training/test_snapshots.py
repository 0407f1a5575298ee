"""Snapshots of a run, in its folder and in a bucket."""

import shutil
import subprocess
from pathlib import Path

import pytest
import torch

from praxino.training import snapshots
from praxino.training.parallel import Team
from praxino.training.snapshots import Snapshots
from praxino.training.spread import Spread

ROOT = Path(__file__).parents[3]


def keep(run: Path, step: int) -> dict[str, torch.Tensor]:
    tensors = {"a.weight": torch.full((3, 2), float(step)), "a.step": torch.tensor(float(step))}
    kept = Snapshots(run / "flow" / "states", Team())
    kept.begin(tensors, step=step, samples=10 * step)
    for tensor in tensors.values():
        tensor.add_(0.5)  # the run goes on
    kept.settle(wait=True)
    return tensors


def test_a_snapshot_holds_what_there_was_when_it_began(tmp_path: Path) -> None:
    tensors = keep(tmp_path, 7)
    last = snapshots.newest(tmp_path / "flow" / "states")
    assert last is not None
    snapshots.load(last, tensors)
    assert torch.equal(tensors["a.weight"], torch.full((3, 2), 7.0))
    assert tensors["a.step"] == 7
    assert snapshots.shapes(last) == {"a.weight": torch.Size([3, 2]), "a.step": torch.Size([])}
    assert snapshots.read(last, "a.").keys() == {"weight", "step"}


def test_a_bucket_has_whole_snapshots_and_the_last_two(tmp_path: Path) -> None:
    run, bucket = tmp_path / "run", tmp_path / "bucket"
    for step in (1, 2, 3):
        keep(run, step)
        (run / "flow" / "log.csv").write_text(f"step {step}", encoding="utf-8")
        if step == 3:
            shutil.copytree(run / "flow" / "states" / "step-00000003", run / "flow" / "states" / ".step-00000004")
        done = subprocess.run(["sh", ROOT / "runs" / "bucket.sh", run, bucket], capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
    assert sorted(one.name for one in (bucket / "flow" / "states").iterdir()) == ["step-00000002", "step-00000003"]
    last = snapshots.newest(bucket / "flow" / "states")
    assert last is not None
    assert torch.equal(snapshots.read(last, "a.")["weight"], torch.full((3, 2), 3.0))
    assert (bucket / "flow" / "log.csv").read_text(encoding="utf-8") == "step 3"
    (last / "run.json").unlink()  # the machine was taken away while this one was copied
    assert snapshots.newest(bucket / "flow" / "states") == bucket / "flow" / "states" / "step-00000002"


def test_ranks_that_cannot_share_samples_are_refused() -> None:
    with pytest.raises(ValueError, match=r"sequence 4 does not divide 6 ranks; use one of \[1, 2, 3, 6\]"):
        Spread(sequence=4).check(6)
    Spread(sequence=3).check(6)
