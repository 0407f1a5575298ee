"""Samples from a folder of shards: each found wherever reading begins, and clips of a length that the folder has."""

import json
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from praxino import shards
from praxino.media.write import Writer
from praxino.training import latents, recipes
from praxino.training.source import count, fitted, from_shards, held

LENGTHS = (30, 12, 41, 26, 50)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Shards of clips with these lengths, whose brightness counts frames."""
    samples: list[shards.Sample] = []
    for number, length in enumerate(LENGTHS):
        with Writer(tmp_path / "film.mp4", width=64, height=48, fps=25) as out:
            for k in range(length):
                out.write(np.full((48, 64, 3), 20 * number + 3 * k, np.uint8))
        words = json.dumps({"captions": {"en": f"clip {number}"}}).encode()
        samples.append({"key": f"{number:04d}", "mp4": (tmp_path / "film.mp4").read_bytes(), "json": words})
    shards.write(tmp_path / "set", samples)
    return tmp_path / "set"


@pytest.mark.parametrize("frames", [1, 9, 17])
def test_what_is_skipped_is_what_would_have_come_first(folder: Path, frames: int) -> None:
    whole = list(from_shards(folder, size=(32, 24), frames=frames))
    assert len(whole) == count(held(folder), frames)
    for skip in (0, 1, 3, len(whole)):
        rest = list(islice(from_shards(folder, size=(32, 24), frames=frames, skip=skip), 4))
        assert [one.captions for one in rest] == [one.captions for one in whole[skip : skip + 4]]
        assert all(np.array_equal(a.frames, b.frames) for a, b in zip(rest, whole[skip:], strict=False))


def test_clips_are_as_long_as_half_of_what_there_is(folder: Path, tmp_path: Path) -> None:
    assert held(folder) == list(LENGTHS)
    assert fitted(recipes.pocket_cpu().data, folder, time=8).frames == 25, "30 frames, the middle one, hold 25"
    assert fitted(recipes.tiny().data, folder, time=8).frames == 17, "as the recipe says"
    short = [item | {"mp4": item["mp4"]} for item in shards.read(folder) if item["key"] == "0001"]
    shards.write(tmp_path / "short", short)
    with pytest.raises(ValueError, match="have fewer than 17 frames; the middle one has 12"):
        fitted(recipes.tiny().data, tmp_path / "short", time=8)


def test_no_more_files_are_asked_for_than_there_is_data_for(folder: Path, tmp_path: Path) -> None:
    todo = latents.jobs(tmp_path, recipes.pocket_cpu().data, folder)
    assert len(todo) == 6, "of stills and of clips one file for each size"
    assert len(latents.jobs(tmp_path, recipes.tiny().data, None)) == 3
