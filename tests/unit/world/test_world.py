"""The world: the same from the same seed, obeying physics, and telling the truth."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from praxino import shards
from praxino.text.words import unknown_words
from praxino.world import describe, phrase, physics, render, vocabulary
from praxino.world.film import film, still
from praxino.world.sampling import sample
from praxino.world.scene import GRAVITY, Scene
from praxino.world.store import Order, store

SMALL = {"width": 96, "height": 54}


def scenes(action: str, count: int, *, rung: str = "one", shape: str | None = None) -> list[Scene]:
    found = (sample(seed, rung=rung) for seed in range(100_000))
    wanted = (s for s in found if s.story.action == action and shape in {None, s.things[0].shape})
    return [next(wanted) for _ in range(count)]


@pytest.mark.parametrize("rung", ["one", "all"])
def test_the_same_seed_gives_the_same_film_and_another_seed_another(rung: str) -> None:
    first, again, other = (film(seed, rung=rung, frames=4, **SMALL) for seed in (3, 3, 4))
    assert np.array_equal(first.frames, again.frames)
    assert (first.captions, first.truth) == (again.captions, again.truth)
    assert not np.array_equal(first.frames, other.frames)


def test_a_free_flight_is_a_parabola_to_a_thousandth() -> None:
    for scene in scenes("is thrown", 3, shape="sphere"):
        high = replace(scene.things[0], position=(0.0, 0.0, 40.0))
        motion = physics.simulate(replace(scene, things=(high,)), frames=60)
        time, path = np.arange(60) / 30, motion.poses[:, 0, :3].astype(float)
        curve = np.polyfit(time, path, 2)  # (3, xyz): half the acceleration, velocity, place
        fitted = curve[0] * time[:, None] ** 2 + curve[1] * time[:, None] + curve[2]
        assert np.abs(path - fitted).max() < 1e-3 * np.ptp(path[:, 2])
        assert abs(2 * curve[0, 2] / -GRAVITY - 1) < 1e-3
        assert np.abs(curve[1] - high.velocity).max() < 0.01


@pytest.mark.parametrize("action", ["bounces", "is thrown", "falls", "rolls"])
def test_energy_never_grows(action: str) -> None:
    for scene in scenes(action, 3, shape="sphere"):
        motion, radius = physics.simulate(scene, frames=120), scene.things[0].half[0]
        linear, angular = motion.velocities[:, 0, :3].astype(float), motion.velocities[:, 0, 3:].astype(float)
        height = motion.poses[:, 0, 2].astype(float) - radius
        energy = 0.5 * (linear**2).sum(1) + 0.2 * radius**2 * (angular**2).sum(1) + GRAVITY * height
        flying = height > 0.02  # in a contact some of it is stored in the floor's spring
        assert energy[flying | (action == "rolls")].max(initial=0) <= energy[0] * 1.003 + 1e-3
        lasting = np.minimum.accumulate(energy[flying]) if flying.any() else energy
        assert (energy[flying] <= lasting + 3e-3 * energy[0]).all() if flying.any() else True


@pytest.mark.parametrize(("direction", "sign"), [("left", -1), ("right", 1)])
def test_things_go_the_way_their_story_says_and_stay_in_the_picture(direction: str, sign: int) -> None:
    moving = [s for action in ("rolls", "slides") for s in scenes(action, 24) if s.story.direction == direction]
    assert len(moving) > 8
    for scene in moving[:8]:
        motion = physics.simulate(scene, frames=120)
        _, ids = render.render(scene, motion, width=96, height=54, masks=True)
        across = [np.nonzero(frame)[1].mean() / 96 for frame in ids[::12] if frame.any()]
        assert len(across) == 10
        assert sign * (across[-1] - across[0]) > 0.1


def test_masks_tell_where_things_are() -> None:
    for seed in range(6):
        scene = sample(seed, rung="one")
        frames, ids = render.render(scene, physics.simulate(scene, frames=1), masks=True, **SMALL)
        hue = vocabulary.COLOURS[scene.things[0].colour][0]
        inside = frames[ids == 1].astype(float)
        outside = frames[ids == 0].astype(float)
        assert ids.max() == 1
        assert np.ptp(inside.mean(0)) > 2 * np.ptp(np.median(outside, 0)), (
            f"a {hue} degree thing is not where it should be"
        )


@pytest.mark.parametrize("rung", ["one", "all"])
def test_captions_name_the_hero_and_use_only_known_words(rung: str) -> None:
    known = describe.known_words(rung)
    for seed in range(150):
        scene = sample(seed, rung=rung)
        hero = scene.things[0]
        for side, language in enumerate(("en", "zh")):
            caption = describe.describe(scene, language=language, seed=seed)
            assert unknown_words(caption, known) == [], caption
            if scene.story.action in describe.ACTIONS:
                colours = vocabulary.COLOUR_WORDS[hero.colour][side]
                assert any(word.removesuffix("的") in caption for word in colours), caption
                assert any(word in caption for word in vocabulary.SHAPE_WORDS[hero.shape][side]), caption


def test_captions_never_say_the_other_direction() -> None:
    for scene in scenes("rolls", 40) + scenes("slides", 40):
        other = {"left": "right", "right": "left"}.get(scene.story.direction or "")
        caption = describe.describe(scene, language="en", seed=1)
        told = caption.replace("from left to right", "").replace("from right to left", "")
        told = told.replace(f"on the {scene.story.place}", "")
        assert other is None or other not in told.split(), caption


def test_the_whole_vocabulary_turns_up() -> None:
    met = [sample(seed, rung="all") for seed in range(900)]
    assert {t.colour for s in met for t in s.things} >= set(vocabulary.COLOURS)
    assert {t.shape for s in met for t in s.things} >= set(vocabulary.SHAPE_WORDS)
    assert {t.look for s in met for t in s.things} >= set(vocabulary.LOOK_WORDS)
    assert {s.floor.kind for s in met} == set(vocabulary.FLOOR_WORDS)
    assert {s.sky.kind for s in met} == set(vocabulary.SKY_WORDS)
    assert {s.camera.move for s in met} == {"still", "pan", "tilt", "orbit", "dolly", "zoom", "follow"}
    assert len({s.story.action for s in met}) >= 18


def test_truth_is_whole_and_plain_json() -> None:
    made = film(8, frames=5, masks=True, **SMALL)
    truth = json.loads(json.dumps(made.truth))
    things = len(truth["scene"]["things"])
    assert np.array(truth["poses"]).shape == (5, things, 7)
    assert np.array(truth["camera"]).shape == (5, 7)
    assert len(truth["contacts"]) == 5
    assert made.masks is not None
    assert made.masks.shape == (5, 54, 96)


def test_a_picture_is_told_in_two_languages() -> None:
    frame, ids, captions = still(5, rung="one", **SMALL)
    assert frame.shape == (54, 96, 3)
    assert ids.any()
    assert set(captions) == {"en", "zh"}


def test_some_pictures_open_a_film_and_are_told_as_the_film_is() -> None:
    pairs = [(still(seed, rung="one", **SMALL), film(seed, rung="one", frames=1, **SMALL)) for seed in range(12)]
    told = [picture[2] == opened.captions for picture, opened in pairs]
    assert any(told)
    assert not all(told)
    assert all(
        np.array_equal(picture[0], opened.frames[0])
        for (picture, opened), same in zip(pairs, told, strict=True)
        if same
    )


def test_an_order_goes_on_where_it_stopped_and_grows(tmp_path: Path) -> None:
    order = Order(seed=5, seconds=0.1, width=64, height=64)
    silent = {"workers": 1, "report": lambda _: None}
    assert store(order, tmp_path, count=2, **silent) == 2
    kept = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert store(order, tmp_path, count=3, **silent) == 1
    assert kept.items() <= {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}.items()
    with pytest.raises(ValueError, match="another order"):
        store(replace(order, seed=6), tmp_path, count=2, **silent)
    made = json.loads((tmp_path / "000000005.json").read_text())
    assert set(made["captions"]) == {"en", "zh"}


def test_shards_hold_what_files_hold(tmp_path: Path) -> None:
    order = Order(seed=5, seconds=0.1, width=64, height=64, form="shards", masks=True)
    silent = {"workers": 1, "report": lambda _: None}
    store(order, tmp_path, count=2, **silent)
    assert store(order, tmp_path, count=3, **silent) == 3, "a short last shard is made anew"
    held = list(shards.read(tmp_path))
    assert [item["key"] for item in held] == ["000000005", "000000006", "000000007"]
    assert {"mp4", "json", "masks.npz"} < set(held[0])


@pytest.mark.parametrize(("aspect", "rung"), [(math.inf, "one"), (16 / 9, "two")])
def test_impossible_scenes_are_refused(aspect: float, rung: str) -> None:
    with pytest.raises(ValueError, match="choose one"):
        sample(1, rung=rung, aspect=aspect)


def test_a_mirror_swaps_left_and_right_and_nothing_else() -> None:
    said = "on the left a bright ball rolls rightwards, from left to right, 左边的球从左向右滚动"
    seen = "on the right a bright ball rolls leftwards, from right to left, 右边的球从右向左滚动"
    assert phrase.mirrored(said) == seen
    assert phrase.mirrored(phrase.mirrored(said)) == said
