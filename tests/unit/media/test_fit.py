"""Frames of one size and rate to another, and contact sheets."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from praxino.media import sheet
from praxino.media.fit import fit, resample_time

from .conftest import moving

sides = st.integers(8, 80)


@settings(max_examples=40, deadline=None)
@given(sides, sides, sides, sides, st.sampled_from(["crop", "pad"]))
def test_frames_take_the_size_asked_for(width: int, height: int, across: int, down: int, mode):
    frames = np.full((2, height, width, 3), 200, np.uint8)
    fitted = fit(frames, width=across, height=down, mode=mode)
    assert fitted.shape == (2, down, across, 3)
    assert fitted.dtype == np.uint8
    assert set(np.unique(fitted)) <= {0, 200}
    assert mode == "pad" or fitted.min() == 200


def test_frames_that_fit_are_left_alone():
    frames = moving(2)
    assert fit(frames, width=96, height=64) is frames


def test_a_crop_keeps_the_middle_and_padding_keeps_all():
    frames = np.zeros((1, 40, 80, 3), np.uint8)
    frames[:, :, :10], frames[:, :, 35:45] = 100, 255
    cropped, padded = fit(frames, width=40, height=40), fit(frames, width=40, height=40, mode="pad")
    assert cropped[0, 20, 20, 0] > 250
    assert 100 not in np.unique(cropped)
    assert padded[0, 20, 2, 0] == pytest.approx(100, abs=3)
    assert padded[0, :9].max() == padded[0, 31:].max() == 0


def test_fine_detail_becomes_grey_instead_of_flicker():
    stripes = np.zeros((1, 256, 256, 3), np.uint8)
    stripes[:, :, ::2] = 255
    small = fit(stripes, width=64, height=64)
    assert np.abs(small.astype(int) - 128).max() < 12


def test_frames_at_another_rate_are_those_on_screen():
    frames = moving(10)
    assert np.array_equal(resample_time(frames, 30, 15), frames[::2])
    assert len(resample_time(frames, 24, 30)) == 12
    assert resample_time(frames, 30, 30) is frames


@pytest.mark.parametrize(("count", "size"), [(1, (264, 180)), (5, (4 * 260 + 4, 2 * 176 + 4)), (100, (1044, 532))])
def test_a_sheet_shows_up_to_twelve_moments(tmp_path: Path, count: int, size: tuple[int, int]):
    picture = sheet.sheet(moving(count, width=96, height=64), width=256)
    sheet.save(picture, tmp_path / "s.png")
    with Image.open(tmp_path / "s.png") as image:
        assert abs(image.width - size[0]) <= 4
        assert abs(image.height - size[1]) <= 8
    assert [p.name for p in tmp_path.iterdir()] == ["s.png"]


def test_a_sheet_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one frame"):
        sheet.sheet(moving(1)[:0])
