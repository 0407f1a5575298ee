"""Shots that others make needless."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from praxino.curation.dedupe import TRIES, Candidate, dedupe, likely
from praxino.curation.fingerprint import fingerprint

FRAMES = 60
SCENES = 40


def scene(seed: int) -> np.ndarray:
    """Two discs of random colours that move on one of three grounds, (t, 144, 256, 3): grounds are shared by many."""
    rng = np.random.default_rng(seed)
    ground = np.random.default_rng(seed % 3).integers(60, 200, (9, 16, 3)).astype(np.uint8)
    ground = cv2.resize(ground, (256, 144), interpolation=cv2.INTER_CUBIC)
    frames = np.repeat(ground[None], FRAMES, 0)
    for _ in range(2):
        colour, radius = rng.integers(0, 255, 3).tolist(), int(rng.integers(10, 24))
        place, speed = rng.uniform([0, 30], [256, 114]), rng.uniform(-3, 3, 2)
        for k in range(FRAMES):
            x, y = place + speed * k + [0, 12 * np.sin(k / 6)]
            cv2.circle(frames[k], (int(x) % 256, int(y) % 144), radius, colour, -1, cv2.LINE_AA)
    return frames


def again(frames: np.ndarray, kind: int, rng: np.random.Generator) -> tuple[np.ndarray, float, tuple[float, ...]]:
    """A copy as it may come: its frames, frames a second, and where its borders leave the picture."""
    if kind == 0:  # coarser and noisier
        small = np.stack([cv2.resize(frame, (128, 72), interpolation=cv2.INTER_AREA) for frame in frames])
        return (small + rng.normal(0, 4, small.shape)).clip(0, 255).astype(np.uint8), 25, (0, 0, 1, 1)
    if kind == 1:
        return (frames * 1.1 + 6).clip(0, 255).astype(np.uint8), 25, (0, 0, 1, 1)
    if kind == 2:
        boxed = np.zeros((len(frames), 180, 256, 3), np.uint8)
        boxed[:, 18:162] = frames
        return boxed, 25, (0, 0.1, 1, 0.9)
    if kind == 3:
        return frames[int(rng.integers(3, 14)) :][:42], 25, (0, 0, 1, 1)
    return frames[np.round(np.arange(0, FRAMES - 1, 25 / 18)).astype(int)], 18, (0, 0, 1, 1)


def candidate(name: str, frames: np.ndarray, fps: float = 25, box=(0, 0, 1, 1), **about) -> Candidate:
    small = np.stack([cv2.resize(frame, (64, 36), interpolation=cv2.INTER_AREA) for frame in frames])
    found = fingerprint(small, np.arange(len(frames)) / fps, box=box)
    told = {"digest": name, "pixels": frames.shape[1] * frames.shape[2]} | about
    return Candidate(uri=name, start=0, end=len(frames), print=found, **told)


@pytest.fixture(scope="module")
def planted() -> list[Candidate]:
    """Each scene, and after it a copy of it."""
    rng, shots = np.random.default_rng(1), []
    for seed in range(SCENES):
        frames = scene(seed)
        copy, fps, box = again(frames, seed % 5, rng)
        shots += [candidate(f"{seed:02d}a", frames, pixels=9), candidate(f"{seed:02d}b", copy, fps, box, pixels=8)]
    return shots


def test_copies_are_found_and_other_scenes_on_the_same_ground_are_not(planted: list[Candidate]):
    twins = dedupe(planted)
    assert all(twin.of == twin.which - 1 for twin in twins), "scenes were merged that are not the same"
    assert len(twins) >= 0.98 * SCENES
    assert {twin.how for twin in twins} == {"near", "part"}


def test_the_work_does_not_grow_with_the_square(planted: list[Candidate]):
    many = [replace(one.print) for one in planted] * 6
    assert len(likely(many)) <= TRIES * len(many)


def test_of_copies_the_one_with_more_pixels_stays_then_the_sharper_then_without_borders_then_by_name():
    frames = scene(3)

    def kept(**two: object) -> str:
        shots = [candidate("b", frames, digest="1"), candidate("a", frames, digest="2", **two)]
        (twin,) = dedupe(shots)
        return shots[twin.of].uri

    assert kept() == "a"
    assert kept(pixels=10) == "b"
    assert kept(sharpness=-1.0) == "b"
    assert kept(borders=0.2) == "b"


def test_a_file_that_is_there_twice_is_one():
    frames = scene(5)
    twins = dedupe([candidate("x", frames, digest="same"), candidate("a", frames, digest="same")])
    assert [(twin.which, twin.of, twin.how) for twin in twins] == [(0, 1, "exact")]


def test_a_part_goes_and_the_whole_stays_even_if_the_part_is_sharper():
    frames = scene(7)
    shots = [candidate("part", frames[10:45], sharpness=9.0), candidate("whole", frames, sharpness=1.0)]
    (twin,) = dedupe(shots)
    assert (shots[twin.which].uri, twin.how) == ("part", "part")


def test_the_verdict_does_not_depend_on_the_order(planted: list[Candidate]):
    order = np.random.default_rng(2).permutation(len(planted))
    shuffled = [planted[i] for i in order]
    one = {(planted[t.which].uri, planted[t.of].uri) for t in dedupe(planted)}
    assert {(shuffled[t.which].uri, shuffled[t.of].uri) for t in dedupe(shuffled)} == one


def test_nothing_and_one_shot_have_no_twins():
    assert dedupe([]) == []
    assert dedupe([candidate("a", scene(0)[:1])]) == []
