"""Frozen dataclasses to JSON and back."""

import json
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxino import config


@dataclass(frozen=True, kw_only=True)
class Inner:
    width: int
    rate: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Outer:
    name: str
    inner: Inner
    pair: tuple[int, int]
    many: tuple[Inner, ...] = ()
    words: list[str] = field(default_factory=list)
    table: dict[str, float] = field(default_factory=dict)
    kind: Literal["a", "b"] = "a"
    maybe: int | None = None
    number: int | float = 1
    flag: bool = False
    anything: Any = None


numbers = st.floats(allow_nan=False, allow_infinity=False)
inners = st.builds(Inner, width=st.integers(), rate=numbers)
outers = st.builds(
    Outer,
    name=st.text(),
    inner=inners,
    pair=st.tuples(st.integers(), st.integers()),
    many=st.lists(inners, max_size=3).map(tuple),
    words=st.lists(st.text(), max_size=3),
    table=st.dictionaries(st.text(), numbers, max_size=3),
    kind=st.sampled_from(["a", "b"]),
    maybe=st.none() | st.integers(),
    number=st.integers() | numbers,
    flag=st.booleans(),
)
PLAIN = {"name": "x", "inner": {"width": 1}, "pair": [1, 2]}


@given(outers)
def test_what_was_saved_comes_back(value: Outer):
    assert config.from_json(Outer, json.loads(json.dumps(config.to_json(value)))) == value


def test_a_missing_key_takes_its_default():
    assert config.from_json(Outer, PLAIN) == Outer(name="x", inner=Inner(width=1), pair=(1, 2))


def test_a_whole_number_is_good_for_a_float():
    value = config.from_json(Inner, {"width": 1, "rate": 2})
    assert value.rate == 2.0
    assert isinstance(value.rate, float)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"mode": 1}, "Outer does not know mode; it knows name, inner"),
        ({"inner": {"width": 1, "depth": 2}}, "Outer.inner does not know depth"),
        ({"inner": {}}, "Outer.inner lacks width"),
        ({"inner": 3}, "Outer.inner must be an object"),
        ({"name": 3}, "Outer.name must be a str, not int 3"),
        ({"inner": {"width": 1.5}}, "Outer.inner.width must be a int, not float 1.5"),
        ({"inner": {"width": True}}, "must be a int, not bool"),
        ({"inner": {"width": 1, "rate": False}}, "must be a float, not bool"),
        ({"pair": [1, 2, 3]}, "Outer.pair must have 2 entries, not 3"),
        ({"pair": 1}, "Outer.pair must be a list"),
        ({"many": [{"width": "1"}]}, r"Outer.many\[0\].width must be a int"),
        ({"kind": "c"}, "Outer.kind must be one of 'a', 'b'"),
        ({"maybe": "1"}, "Outer.maybe must be a int"),
        ({"number": "1"}, "Outer.number must not be str '1'"),
        ({"table": []}, "Outer.table must be an object"),
        ({"words": "word"}, "Outer.words must be a list"),
    ],
)
def test_a_wrong_value_is_named_with_its_place(changes: dict[str, Any], words: str):
    with pytest.raises(ValueError, match=words):
        config.from_json(Outer, PLAIN | changes)


def test_a_missing_key_without_a_default_is_refused():
    with pytest.raises(ValueError, match="Outer lacks name, pair"):
        config.from_json(Outer, {"inner": {"width": 1}})


def test_what_json_cannot_hold_is_refused():
    with pytest.raises(TypeError, match="is not a JSON value"):
        config.to_json({"a": object()})
