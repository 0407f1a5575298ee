"""What a person may ask for."""

import dataclasses
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxino import request
from praxino.request import Request, Shot

prompts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1).filter(lambda t: t.strip())
shots = st.lists(st.builds(Shot, seconds=st.floats(0.1, 10), prompt=prompts), min_size=1, max_size=10)


def ask(**changes: object) -> Request:
    plain = {"shots": (Shot(seconds=4, prompt="a red ball"),), "seed": 7}
    return Request(**(plain | changes))  # pyright: ignore[reportArgumentType]


@given(
    shots,
    st.integers(32, 960).map(lambda n: 2 * n),
    st.floats(1, 60),
    st.integers(0, 2**63 - 1),
    st.none() | st.floats(0, 20),
    st.none() | st.integers(1, 200),
    st.sampled_from(["crop", "pad"]),
    st.none() | prompts,
)
def test_a_request_comes_back_from_json_as_it_was(made, side, fps, seed, guidance, steps, fit, start):
    before = ask(
        shots=tuple(made),
        width=side,
        height=side,
        fps=fps,
        seed=seed,
        guidance=guidance,
        steps=steps,
        fit=fit,
        start=start,
    )
    assert request.from_json(json.loads(json.dumps(request.to_json(before)))) == before


def test_the_seconds_of_a_film_are_those_of_its_shots():
    assert ask(shots=(Shot(seconds=2, prompt="a"), Shot(seconds=3.5, prompt="b"))).seconds == 5.5


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"width": 7}, "width 7 must be from 64 to 4096 pixels; try 64"),
        ({"height": 100_000}, "height 100000 must be from 64 to 4096 pixels; try 4096"),
        ({"width": 513}, "width 513 must be even; try 514"),
        ({"width": 4096, "height": 4096}, "too large"),
        ({"width": 1024, "height": 64}, "too narrow"),
        ({"fps": 0}, "fps 0 must be from 1 to 60"),
        ({"fps": math.nan}, "fps nan is not a number"),
        ({"steps": 0}, "steps 0 must be from 1 to 200"),
        ({"guidance": -1}, "guidance -1 must be from 0 to 20"),
        ({"guidance": math.inf}, "guidance inf is not a number"),
        ({"seed": -5}, "seed -5 must be from 0"),
        ({"seed": 2**63}, "seed 9223372036854775808 must be"),
        ({"shots": ()}, "no shots"),
        ({"shots": (Shot(seconds=100, prompt="a"), Shot(seconds=21, prompt="b"))}, "121 seconds in all are too many"),
        ({"shots": (Shot(seconds=0.5, prompt="a"),) * 101}, "101 shots are too many"),
        ({"negative": "x" * 2001}, "the negative prompt has 2001 characters"),
        ({"fit": "zoom"}, "fit 'zoom' is not known"),
        ({"model": ""}, "model '' is empty"),
        ({"start": "a\0b"}, "start 'a.x00b' is empty"),
    ],
)
def test_a_bad_value_is_named_with_its_remedy(changes: dict[str, object], words: str):
    with pytest.raises(ValueError, match=words):
        ask(**changes)


@pytest.mark.parametrize(
    ("seconds", "prompt", "words"),
    [
        (-3, "a", "seconds -3 must be from 0.1 to 120; try 4"),
        (1e6, "a", r"seconds 1e\+06 must be"),
        (math.nan, "a", "seconds nan is not a number"),
        (4, "  ", "has no words"),
        (4, "", "has no words"),
        (4, "x" * 2001, "2001 characters; use at most 2000"),
        (4, "a\x00b", "control characters"),
        (4, "a\ud800", "control characters"),
    ],
)
def test_a_bad_shot_is_refused(seconds: float, prompt: str, words: str):
    with pytest.raises(ValueError, match=words):
        Shot(seconds=seconds, prompt=prompt)


def test_an_unknown_key_is_refused():
    with pytest.raises(ValueError, match="Request does not know mode"):
        request.from_json({**request.to_json(ask()), "mode": "fast"})


def test_a_request_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        ask().seed = 8  # pyright: ignore[reportAttributeAccessIssue]
