"""Which shots are good enough."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from praxino import config
from praxino.curation import rules
from praxino.curation.balance import balance, words
from praxino.curation.rules import Balance, Linear, Recipe, Rule, broken, default, read

GOOD = {
    "seconds": 3.0, "width": 512, "height": 288, "fps": 25.0, "black": 0.0, "brightness": 120.0,
    "dark_share": 0.0, "bright_share": 0.0, "range": 150.0, "contrast": 40.0, "softness": 2.0, "noise": 0.5,
    "blockiness": 1.1, "static": 0.0, "motion": 0.2, "freeze": 0.0, "duplicated": 0.0, "dropped": 0.0, "shake": 0.3,
    "text_area": 0.0, "logo": None,
}  # fmt: skip


def test_a_good_shot_breaks_no_rule():
    assert broken(default(), GOOD) == ""


@pytest.mark.parametrize(
    ("tag", "value", "said"),
    [
        ("brightness", 9.0, "light: too dark (brightness 9 < 30)"),
        ("motion", 0.0, "motion: nothing moves (motion 0 < 0.0005)"),
        ("logo", "top_left", "overlay: a mark in the corner (logo top_left != none)"),
    ],
)
def test_a_bad_one_is_dropped_with_stage_tag_value_and_threshold(tag: str, value: object, said: str):
    assert broken(default(), GOOD | {tag: value}) == said


def test_what_is_not_known_breaks_no_rule():
    assert broken(default(), {}) == ""


def test_every_tag_that_is_asked_for_exists():
    from praxino.curation.tags import TAGS

    assert {rule.tag for rule in default().rules} <= set(TAGS) | {"softness"}  # the study adds it


def test_a_recipe_is_read_from_python_and_from_json_and_from_a_manifest(tmp_path: Path):
    program = tmp_path / "mine.py"
    program.write_text(
        "from dataclasses import replace\n"
        "from praxino.curation.rules import Rule, default\n"
        "slow = Rule(tag='fps', comparison='>=', threshold=20.0, reason='slow')\n"
        "recipe = replace(default(), name='mine', rules=(slow,))\n"
    )
    mine = read(program)
    assert mine.name == "mine"
    assert broken(mine, {"fps": 12.0}) == "filter: slow (fps 12 < 20)"
    held = config.to_json(replace(mine, balance=Balance(most=3)))
    (tmp_path / "mine.json").write_text(json.dumps(held))
    (tmp_path / "manifest.json").write_text(json.dumps({"format": 1, "recipe": held}))
    assert read(tmp_path / "mine.json") == read(tmp_path / "manifest.json") == replace(mine, balance=Balance(most=3))


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.py", "x = 1", "sets no `recipe`"),
        ("a.py", "1 / 0", "ZeroDivisionError"),
        ("a.json", "[]", "must hold an object"),
        ("a.json", '{"name": "a", "rules": [], "colour": 1}', "does not know colour"),
        ("a.txt", "", "must end in .py or .json"),
    ],
)
def test_a_recipe_that_is_none_is_refused_with_the_reason(tmp_path: Path, name: str, text: str, says: str):
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=says):
        read(tmp_path / name)
    with pytest.raises(ValueError, match="does not exist"):
        read(tmp_path / "nowhere.py")


def test_a_score_that_was_learned_drops_what_will_hardly_help():
    score = Linear(tags=("motion", "softness"), means=(0.1, 2.0), scales=(0.1, 1.0), weights=(2.0, -1.0))
    recipe = replace(default(), suitability=score)
    assert score.score({}) == 0.5
    assert broken(recipe, GOOD) == ""
    assert broken(recipe, GOOD | {"motion": 0.01}).startswith("suitability: will hardly help (score 0.1")
    assert config.from_json(Recipe, json.loads(json.dumps(config.to_json(recipe)))) == recipe


def test_words_cannot_be_compared_like_numbers():
    rule = Rule(tag="logo", comparison=">=", threshold="a", reason="")
    with pytest.raises(ValueError, match="compares words"):
        rule.broken({"logo": "b"})


def test_a_concept_has_only_so_much_room_and_what_is_rare_stays():
    concepts = [["ball"]] * 90 + [["cone"]] * 10
    names = [f"shot {i}" for i in range(100)]
    out = balance(names, concepts, Balance(most=20))
    assert len(out) == 70
    assert all(i < 90 for i in out)
    assert all(reason == "balance: enough of it (looks ball: 20 of 90 kept)" for reason in out.values())
    root = balance(names, concepts, Balance(root=True))
    assert len(root) == 60  # the square root of 90 x 10 is 30
    assert balance(names, concepts, Balance(root=True)) == root != balance(names, concepts, Balance(root=True, seed=1))


def test_more_footage_changes_little_of_what_was_drawn():
    few, more = ([[f"shot {i}" for i in range(n)], [["ball"]] * n] for n in (100, 110))
    before = set(range(100)) - set(balance(*few, Balance(most=50)))
    after = set(range(110)) - set(balance(*more, Balance(most=50)))
    assert len(before & after) >= 40


def test_words_are_those_that_say_something():
    assert words("A red ball rolls to the left, on grass.") == ["red", "ball", "rolls", "left", "grass"]
    assert rules.default().balance is None
