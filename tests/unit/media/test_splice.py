"""Other frames in the middle of a film: what is not touched keeps its bits."""

from pathlib import Path

import numpy as np
import pytest

from praxino.media import labels, read
from praxino.media.splice import Cut, splice
from praxino.media.write import Writer

from .conftest import moving

RECIPE = {"request": {"seed": 1}, "versions": {}}


def film(path: Path, frames: np.ndarray, quality: int = 17) -> Path:
    with Writer(path, width=frames.shape[2], height=frames.shape[1], fps=30, quality=quality) as out:
        for frame in frames:
            out.write(frame)
    return path


@pytest.mark.parametrize(("begin", "end"), [(70, 80), (0, 5), (60, 120), (110, 130), (190, 200), (0, 200)])
def test_only_the_groups_that_a_cut_touches_are_encoded_again(tmp_path: Path, begin: int, end: int) -> None:
    old = film(tmp_path / "a.mp4", moving(200))
    new = np.full((end - begin, 64, 96, 3), (200, 40, 40), np.uint8)
    splice(old, Cut(begin=begin, end=end, frames=new), tmp_path / "b.mp4", metadata=labels.metadata(RECIPE))
    before, after = read.read(old).frames, read.read(tmp_path / "b.mp4").frames
    assert len(after) == 200
    assert np.abs(after[begin:end].astype(int) - new).mean() < 6
    kept = [k for k in range(200) if not begin // 60 * 60 <= k < -(-end // 60) * 60]
    assert np.array_equal(after[kept], before[kept])
    near = [k for k in range(200) if k not in kept and not begin <= k < end]
    assert not near or np.abs(after[near].astype(int) - before[near]).mean() < 3
    assert labels.read_recipe(tmp_path / "b.mp4") == RECIPE
    assert read.probe(tmp_path / "b.mp4").fps == 30


def test_a_film_that_others_encoded_is_encoded_again_whole(tmp_path: Path) -> None:
    old = film(tmp_path / "a.mp4", moving(90), quality=30)
    new = np.zeros((10, 64, 96, 3), np.uint8)
    splice(old, Cut(begin=20, end=30, frames=new), tmp_path / "b.mp4", metadata={})
    after = read.read(tmp_path / "b.mp4").frames
    assert len(after) == 90
    assert after[20:30].mean() < 6
    assert np.abs(after[40:].astype(int) - read.read(old).frames[40:]).mean() < 3
