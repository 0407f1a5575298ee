"""The words on the first two seconds: where they belong, large enough, and nowhere else."""

import math

import numpy as np
import pytest

from praxino.media import visible


def grey(count: int, width: int, height: int) -> np.ndarray:
    return np.full((count, height, width, 3), 120, np.uint8)


SIZES = [(512, 288), (288, 512), (1920, 1080), (4096, 2026), (128, 96), (64, 64), (64, 256), (256, 64), (66, 98)]


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_words_are_a_twentieth_of_the_shortest_side_high_and_inside(width: int, height: int):
    frame = visible.marked(np.zeros((1, height, width, 3), np.uint8), first=0, fps=30)[0, ..., 0]
    rows, columns = np.nonzero(frame > 70)
    top, bottom, left, right = rows.min(), rows.max(), columns.min(), columns.max()
    assert bottom - top + 1 >= 0.05 * min(width, height)
    assert (right - left) / (bottom - top + 1) > 7, "all of the words"
    assert top > height / 2, "below"
    letter = np.nonzero((frame[:, left : left + round(0.06 * (right - left))] > 70).any(1))[0]  # an A: a capital
    assert letter.max() - letter.min() + 1 >= 0.05 * min(width, height)


@pytest.mark.parametrize("fps", [1, 23.976, 30, 60])
def test_they_are_there_for_two_seconds_however_the_film_is_cut_into_pieces(fps: float):
    count = math.ceil(2 * fps) + 7
    whole = visible.marked(grey(count, 96, 64), first=0, fps=fps)
    shown = [bool((frame > 200).any()) for frame in whole]
    assert shown == [k < 2 * fps for k in range(count)]
    for size in (1, 7):
        pieces = [visible.marked(grey(count, 96, 64)[k : k + size], first=k, fps=fps) for k in range(0, count, size)]
        assert np.array_equal(np.concatenate(pieces), whole)


def test_a_frame_may_be_marked_twice_and_what_was_given_stays_as_it_is():
    given = np.random.default_rng(0).integers(0, 256, (3, 64, 96, 3), np.uint8)
    before = given.copy()
    once = visible.marked(given, first=0, fps=30)
    assert np.array_equal(given, before)
    assert np.array_equal(visible.marked(once, first=0, fps=30), once)
    assert visible.marked(given, first=60, fps=30) is given
