"""Capacity: the arithmetic of waiting, of a day, of a film, and of money."""

import math
from dataclasses import replace

import numpy as np
import pytest

from praxino.generation.chart import chart
from praxino.generation.devices import DEVICES
from praxino.generation.plan import Demand, curve, plan
from praxino.generation.service import Film, service
from praxino.generation.waiting import Line, servers

POCKET = Film(seconds=5, resolution="1080p")
MANY = Demand(users=410_000, films_per_day=3, film=POCKET, device="h200")


def test_one_exponential_server_waits_as_in_the_textbook() -> None:
    line = Line(rate=0.8, servers=1, seconds=1.0, cv2=1.0)
    assert line.some == pytest.approx(0.8)
    assert line.each == pytest.approx(5.0)
    assert line.longer(3.0) == pytest.approx(0.8 * math.exp(-0.2 * 3))
    assert line.longer(line.within(0.9)) == pytest.approx(0.1)


def test_erlangs_formula_is_erlangs() -> None:
    line = Line(rate=8.0, servers=10, seconds=1.0, cv2=1.0)  # a = 8, c = 10
    terms = [8.0**k / math.factorial(k) for k in range(10)]
    last = 8.0**10 / math.factorial(10) * 10 / 2
    assert line.some == pytest.approx(last / (sum(terms) + last))


def test_as_few_devices_as_keep_the_promise() -> None:
    line = Line(rate=30.0, servers=1, seconds=20.0, cv2=0.1)
    count = servers(line, wait=10, share=0.9)
    assert replace(line, servers=count).longer(10) <= 0.1 < replace(line, servers=count - 1).longer(10)
    assert replace(line, servers=500).longer(10) == 1, "too few wait for ever"


@pytest.mark.parametrize("peak", [1.0, 2.0, 6.0])
def test_a_day_has_as_many_films_as_it_should_and_one_peak(peak: float) -> None:
    day = np.array([curve(hour, peak) for hour in np.arange(0, 24, 0.05)])
    assert day.mean() == pytest.approx(1)
    assert day.max() == pytest.approx(peak, rel=1e-3)


def test_the_measured_film_costs_what_was_measured() -> None:
    seconds = service(Film(seconds=12, resolution="1080p"), "cpu").seconds
    assert seconds == pytest.approx(45.5, rel=0.1)


def test_more_people_need_more_devices_and_pay_less_each() -> None:
    few, many = plan(replace(MANY, users=400)), plan(MANY)
    assert many.devices > 100 * few.devices / 2
    assert many.per_minute < few.per_minute
    assert many.per_minute_following < many.per_minute
    assert many.waits["0.9"] <= 60
    assert many.line.load < many.line.servers < many.devices
    assert set(many.others) == set(DEVICES)
    assert many.others["cpu"]["measured"]
    assert not many.others["h200"]["measured"]


def test_longer_films_of_larger_models_take_longer() -> None:
    short, long, large = (
        service(Film(seconds=seconds, resolution="1080p", model=model), "h100").seconds
        for seconds, model in ((5, "wan-1.3b"), (10, "wan-1.3b"), (5, "wan-14b"))
    )
    assert long > 2 * short, "every token looks at every other"
    assert large > 3 * short
    distilled = service(Film(seconds=5, resolution="1080p", model="wan-14b", steps=4), "h100").seconds
    assert distilled == pytest.approx(large * 4 / 100)


def test_lengths_that_differ_make_films_wait_longer() -> None:
    assert plan(replace(MANY, spread=1.0, wait=5)).line.servers >= plan(replace(MANY, wait=5)).line.servers
    assert plan(replace(MANY, spread=1.0)).line.cv2 > 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"users": 0}, "users 0 must be from 1"),
        ({"films_per_day": math.nan}, "films-per-day nan"),
        ({"peak": 0.5}, "peak 0.5 must be from 1 to 20; try 2"),
        ({"share": 1.0}, "share 1 must"),
        ({"device": "abacus"}, "choose one of cpu"),
        ({"film": Film(seconds=5, resolution="1080p", model="x")}, "model 'x' is not known; choose one of pocket"),
        ({"film": Film(seconds=5, resolution="1080p", model="wan-14b"), "device": "cpu"}, "choose one of l4"),
        ({"film": Film(seconds=999, resolution="1080p")}, "seconds 999"),
    ],
)
def test_what_makes_no_sense_is_named_with_its_remedy(change: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        plan(replace(MANY, **change))


def test_its_picture_is_svg_with_both_curves() -> None:
    drawn = chart(plan(MANY), seen=[0.0, 1.0, 2.0])
    assert drawn.startswith("<svg")
    assert drawn.count("<polyline") == 6
    assert drawn.count("<circle") == 25
