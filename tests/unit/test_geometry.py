"""Arithmetic between seconds, frames, pixels, latents and tokens."""

import math
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from praxino import geometry

frames = st.integers(1, 5000)
times = st.integers(1, 16)
rates = st.sampled_from([12.0, 15.0, 23.976, 24.0, 25.0, 29.97, 30.0, 50.0, 59.94, 60.0])
sides = st.integers(16, 4096)


@given(frames, times)
def test_latent_frames_never_hold_more_frames_than_there_are_and_leave_less_than_one_latent_over(count: int, time: int):
    held = geometry.frames_of(geometry.latent_frames(count, time), time)
    assert held <= count < held + time


@given(frames, times)
def test_covering_latents_hold_every_frame_and_one_fewer_would_not(count: int, time: int):
    latents = geometry.covering(count, time)
    assert geometry.frames_of(latents - 1, time) < count <= geometry.frames_of(latents, time)


@given(st.integers(1, 60), times)
def test_latents_to_frames_and_back_is_the_same(latents: int, time: int):
    assert geometry.latent_frames(geometry.frames_of(latents, time), time) == latents


@given(st.integers(1, 40), times)
def test_every_frame_belongs_to_exactly_one_latent(latents: int, time: int):
    owned = [frame for latent in range(latents) for frame in geometry.frames_in(latent, time)]
    assert owned == list(range(geometry.frames_of(latents, time)))


def test_the_first_latent_holds_one_frame():
    assert geometry.latent_frames(1, 8) == 1
    assert geometry.frames_of(1, 8) == 1
    assert geometry.frames_of(0, 8) == geometry.covering(0, 8) == 0
    assert geometry.latent_frames(121, 8) == 16


def test_four_seconds_at_thirty_are_a_hundred_and_twenty_frames():
    assert geometry.frames_of_seconds(4, 30) == 120
    assert geometry.frames_of_seconds(0.001, 30) == 1


@given(st.lists(st.floats(0.1, 20), min_size=1, max_size=12), rates)
def test_shots_have_together_as_many_frames_as_the_whole_and_none_is_empty(seconds: list[float], fps: float):
    counts = geometry.shot_frames(seconds, fps)
    assert min(counts) >= 1
    assert (
        sum(counts) == geometry.frames_of_seconds(math.fsum(seconds), fps)
        or abs(sum(counts) - math.fsum(seconds) * fps) < 1
    )


@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 20), st.sampled_from([8, 16, 32]))
def test_tokens_are_latents_times_rows_times_columns(latents: int, rows: int, columns: int, space: int):
    assert geometry.tokens(latents, rows * space, columns * space, space) == latents * rows * columns


def test_a_size_that_latents_do_not_tile_is_refused_with_the_nearest_one():
    with pytest.raises(ValueError, match="height 150 must be a multiple of 16; try 144"):
        geometry.tokens(1, 150, 256, 16)


@pytest.mark.parametrize(
    ("aspect", "resolution", "size"),
    [
        ("16:9", "288p", (512, 288)),
        ("9:16", "288p", (288, 512)),
        ("1:1", "540p", (540, 540)),
        ("16:9", "1080p", (1920, 1080)),
        ("21:9", "288p", (672, 288)),
        ("4:3", "288p", (384, 288)),
        ("2.39:1", "288p", (688, 288)),
    ],
)
def test_an_aspect_and_a_resolution_make_a_size(aspect: str, resolution: str, size: tuple[int, int]):
    assert geometry.size_of(aspect, resolution) == size


@given(st.integers(1, 99), st.integers(1, 99), st.sampled_from(list(geometry.RESOLUTIONS)))
def test_a_size_is_even_and_keeps_its_shape(across: int, down: int, resolution: str):
    assume(max(across / down, down / across) <= geometry.MAX_ASPECT)
    width, height = geometry.size_of(f"{across}:{down}", resolution)
    assert width % 2 == height % 2 == 0
    assert min(width, height) == geometry.RESOLUTIONS[resolution]
    assert width / height == pytest.approx(across / down, rel=0.01)


@pytest.mark.parametrize("aspect", ["0:9", "16", "a:b", "16:0", "-16:9", "1:99", "", "16:9:1", "nan:1", "1e9:1"])
def test_an_aspect_that_makes_no_sense_is_refused(aspect: str):
    with pytest.raises(ValueError, match="aspect .* makes no sense"):
        geometry.size_of(aspect, "288p")


def test_a_resolution_that_is_not_known_is_refused():
    with pytest.raises(ValueError, match="choose one of 288p, 540p, 1080p"):
        geometry.size_of("16:9", "4k")


@pytest.mark.parametrize("text", ["big", "512", "512x", "x288", "512x-288", "5.5x3", "1x2x3", ""])
def test_a_size_that_is_no_size_is_refused(text: str):
    with pytest.raises(ValueError, match="is not a size"):
        geometry.parse_size(text)


def test_a_size_is_read_from_text():
    assert geometry.parse_size("512x288") == geometry.parse_size(" 512X288 ") == (512, 288)


@given(sides, sides)
def test_the_native_size_lies_as_the_picture_does(width: int, height: int):
    sizes = [(256, 144), (144, 256), (192, 192)]
    across, down = geometry.native_size(width, height, sizes)
    assert (across, down) in sizes
    if width >= height * 1.5:
        assert across > down
    if height >= width * 1.5:
        assert down > across


def test_a_model_without_sizes_is_refused():
    with pytest.raises(ValueError, match="lists no sizes"):
        geometry.native_size(1, 1, [])


@given(sides, sides, sides, sides)
def test_a_crop_box_lies_inside_and_has_the_shape_asked_for(width: int, height: int, across: int, down: int):
    box = geometry.crop_box((width, height), (across, down))
    assert 0 <= box.left <= box.right <= width
    assert 0 <= box.top <= box.bottom <= height
    assert box.width / box.height == pytest.approx(across / down, rel=1e-6)
    assert box.width == pytest.approx(width) or box.height == pytest.approx(height)


@given(sides, sides, sides, sides)
def test_a_pad_box_lies_inside_on_whole_pixels_and_touches_two_sides(width: int, height: int, across: int, down: int):
    box = geometry.pad_box((width, height), (across, down))
    assert all(edge == int(edge) for edge in (box.left, box.top, box.right, box.bottom))
    assert 0 <= box.left < box.right <= across
    assert 0 <= box.top < box.bottom <= down
    assert box.width == across or box.height == down


@given(st.integers(1, 400), rates, rates)
def test_frames_shown_at_another_rate_rise_and_take_as_long(count: int, old: float, new: float):
    order = geometry.shown(count, old, new)
    assert order[0] == 0
    assert all(0 <= b - a for a, b in pairwise(order))
    assert max(order) < count
    assert abs(len(order) / new - count / old) <= 0.5 / new + 1e-6 or len(order) == 1


@given(st.integers(1, 400), rates)
def test_frames_shown_at_their_own_rate_are_themselves(count: int, fps: float):
    assert geometry.shown(count, fps, fps) == list(range(count))


def test_near_rates_do_not_stutter():
    assert geometry.shown(100, 29.97, 30) == list(range(100))


def test_frames_with_uneven_times_are_shown_when_their_moment_comes():
    assert geometry.shown_at([0.0, 0.1, 0.5], 0.6, 10) == [0, 1, 1, 1, 1, 2]


@given(st.integers(2, 300), rates)
def test_even_times_show_every_frame_once(count: int, fps: float):
    step = 1 / float(geometry.exact_rate(fps))
    jittered = [round(k * step, 3) for k in range(count)]  # containers count in milliseconds
    assert geometry.shown_at(jittered, count * step, fps) == list(range(count))


def test_broadcast_rates_are_exact():
    assert geometry.exact_rate(29.97).denominator == geometry.exact_rate(23.976).denominator == 1001
    assert geometry.exact_rate(30) == 30
    assert geometry.exact_rate(12.5) == 12.5
