"""What is said of shots."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from praxino.curation import palette, words
from praxino.curation.caption import CAMERA, caption, facts, which
from praxino.curation.contradict import contradictions

TAGS = {
    "camera": "pan_left", "camera_motion": 0.3, "object_motion": 0.1, "motion": 0.3, "brightness": 40.0,
    "contrast": 30.0, "colourfulness": 60.0, "colours": "blue,white", "seconds": 3.2, "sound": True,
}  # fmt: skip


def test_tags_are_told_in_two_languages_short_and_long():
    told = caption(TAGS, {})
    assert told["en"] == "a shot mostly in blue and white, something moves, the camera pans left"
    assert told["zh"] == "以蓝色和白色为主的画面，有东西在移动，镜头向左摇"
    assert len(told["en_long"]) > 20
    assert len(told["zh_long"]) > 10


def test_what_is_written_comes_first_and_tags_add_to_it():
    told = caption(TAGS, {"en": "a cat sleeps on a sofa"}, seed=3)
    assert told["en"] == "a cat sleeps on a sofa"
    assert "a cat sleeps on a sofa" in told["en_long"]
    assert "a cat" not in told["zh"]
    assert told["zh"]


def test_long_captions_differ_by_seed_and_are_the_same_for_the_same():
    long = {caption(TAGS, {"en": "a cat"}, seed=seed)["en_long"] for seed in range(40)}
    assert len(long) > 8
    assert any("the camera pans left" not in text for text in long)
    assert caption(TAGS, {}, seed=5) == caption(TAGS, {}, seed=5)


def test_a_clause_that_a_tag_disproves_is_not_said():
    told = caption(TAGS, {"en": "a red ball rolls, static camera", "zh": "一个红球滚动，镜头静止"})
    assert told["en"] == "a red ball rolls"
    assert told["zh"] == "一个红球滚动"
    assert caption(TAGS, {"en": "still camera"})["en"].startswith("a shot mostly in blue")


@pytest.mark.parametrize(
    ("text", "tags", "count"),
    [
        ("the camera is still", {"camera": "zoom_in"}, 1),
        ("the camera is still", {"camera": "still"}, 0),
        ("the camera is still", {"camera": "pan_left", "camera_motion": 0.03, "object_motion": 0.4}, 0),  # not sure
        ("the camera slowly pans left", {"camera": "pan_right"}, 1),
        ("镜头向左摇", {"camera": "pan_right"}, 1),
        ("the camera follows it", {"camera": "still"}, 1),
        ("a street at night", {"brightness": 220.0}, 1),
        ("a street at night", {"brightness": 60.0}, 0),
        ("黑白画面", {"colourfulness": 40.0}, 1),
        ("a brightly lit hall", {"brightness": 20.0}, 1),
        ("anything at all", {}, 0),
        ("without sound", {"sound": True}, 1),
    ],
)
def test_contradictions_are_found_where_a_tag_is_sure(text: str, tags: dict[str, object], count: int):
    assert len(contradictions(text, tags)) == count


@settings(max_examples=200, deadline=None)
@given(
    st.fixed_dictionaries(
        {
            "camera": st.sampled_from(list(CAMERA)),
            "camera_motion": st.floats(0, 1),
            "object_motion": st.floats(0, 1),
            "motion": st.floats(0, 1),
            "brightness": st.floats(0, 255),
            "contrast": st.floats(0, 128),
            "colourfulness": st.floats(0, 120),
            "seconds": st.floats(0.1, 100),
            "sound": st.booleans(),
        }
    ),
    st.integers(0, 1000),
)
def test_no_caption_contradicts_its_tags(tags: dict[str, object], seed: int):
    tags = tags | {"motion": max(tags["motion"], tags["object_motion"])}
    for text in caption(tags, {}, seed=seed).values():
        assert text
        assert contradictions(text, tags) == []


def test_fields_are_structured():
    held = facts(TAGS).to_json()
    assert held["camera"] == {"en": "the camera pans left", "zh": "镜头向左摇"}
    assert set(held) == {"subject", "action", "scene", "camera", "style", "light"}


def test_side_cars_containers_and_subtitles_are_read(tmp_path: Path):
    film = tmp_path / "film.mp4"
    (tmp_path / "film.json").write_text(json.dumps({"captions": {"en": "a ball", "zh": "一个球"}, "seed": 3}))
    (tmp_path / "film.srt").write_text(
        "1\n00:00:01,000 --> 00:00:02,500\n<i>Hello</i>\nthere\n\n2\n00:01:00,000 --> 00:01:02,000\nlater\n"
    )
    told = words.beside(film, (), {"title": "海边的一天 https://example.org"})
    assert told.captions == {"en": "a ball", "zh": "一个球"}
    assert told.title == {"zh": "海边的一天"}
    assert words.during(told, 0, 2) == "Hello there"
    assert words.during(told, 3, 9) == ""
    assert which(told, 0, 100, 100)["en"] == "a ball"
    assert which(told, 0, 30, 100) == {"zh": "海边的一天"}, "a caption of the whole is none of a part"


def test_side_cars_may_tell_of_each_shot(tmp_path: Path):
    shots = [{"start_frame": 0, "end_frame": 50, "captions": {"en": "one"}}, {"start": 50, "end": 90, "caption": "two"}]
    (tmp_path / "film.json").write_text(json.dumps({"title": "Two things", "shots": shots}))
    told = words.beside(tmp_path / "film.mp4", (), {})
    assert which(told, 2, 48, 90) == {"en": "one"}
    assert which(told, 52, 90, 90) == {"en": "two"}


def test_a_side_car_that_is_nonsense_says_nothing(tmp_path: Path):
    for text in ("{", "[1]", '{"captions": 3, "title": 4, "shots": {"a": 1}}'):
        (tmp_path / "film.json").write_text(text)
        assert not words.beside(tmp_path / "film.mp4", (), {})


def test_subtitles_are_part_of_long_captions():
    assert any("“Hello”" in caption(TAGS, {}, seed=seed, spoken="Hello")["en_long"] for seed in range(3))


def test_colours_are_named_by_how_much_of_the_picture_they_fill():
    picture = np.zeros((1, 36, 64, 3), np.uint8)
    picture[:, :, :40], picture[:, :, 40:60], picture[:, :, 60:] = (200, 30, 30), (245, 245, 245), (20, 40, 200)
    assert palette.palette(picture) == "red,white"
