"""The queue's rule without its database is the queue's rule, and the plan's formula tells of its waits."""

import random
from pathlib import Path

import numpy as np
import pytest

from praxino.generation.waiting import Line as Formula
from praxino.jobs import making, queue, turns
from praxino.jobs.queue import Ask
from praxino.jobs.settings import Settings
from praxino.jobs.simulate import Crowd, Line, simulate


def test_it_takes_jobs_in_the_order_of_the_real_queue(tmp_path: Path) -> None:
    db = turns.opened(Settings(data=tmp_path, tenant_queued=100, queued=100))
    line, names, dice = Line(), list[str](), random.Random(4)
    real, played = list[str | None](), list[str | None]()
    for event in range(130):
        if dice.random() < 0.6 and event < 90:
            tenant = dice.choice(["ann", "ann", "ann", "bob", "cem", "dua"])
            names.append(queue.submit(db, Ask(tenant=tenant, work={}, about={})).id)
            assert line.submit(tenant) == len(names) - 1
        else:
            real.append(making.claim(db, f"turn-{event}"))
            number = line.take()
            played.append(None if number is None else names[number])
    assert played == real
    assert len({*filter(None, real)}) == len(names) > 40
    assert [*filter(None, real)] != names, "someone's many did wait for someone's one"


@pytest.mark.parametrize(
    ("rate", "seconds", "cv2", "servers"),
    [(0.05, 22.0, 0.02, 2), (0.5, 22.0, 0.02, 12), (2.0, 22.0, 0.3, 46), (0.5, 22.0, 1.0, 13), (28.5, 7.3, 0.02, 215)],
)
def test_the_formula_tells_the_waits_of_the_real_rule(rate: float, seconds: float, cv2: float, servers: int) -> None:
    formula = Formula(rate=rate, servers=servers, seconds=seconds, cv2=cv2)
    crowd = Crowd(rate=rate, servers=servers, seconds=seconds, cv2=cv2, users=400_000)
    seen = np.concatenate([simulate(crowd, films=60_000, seed=seed).seconds for seed in range(3)])
    assert (seen > 0).mean() == pytest.approx(formula.some, abs=0.05)
    assert seen.mean() == pytest.approx(formula.some * formula.each, rel=0.2)
    assert np.quantile(seen, 0.9) == pytest.approx(formula.within(0.9), rel=0.2, abs=0.1 * seconds)


def test_who_sends_a_third_of_all_films_waits_and_others_hardly_notice() -> None:
    shared = {"rate": 0.53, "servers": 12, "seconds": 22.0, "cv2": 0.02, "users": 10_000}
    alike = simulate(Crowd(**shared), films=60_000, seed=1)
    uneven = simulate(Crowd(**shared, greedy=0.33), films=60_000, seed=1)
    greedy = uneven.users == 0
    assert greedy.mean() == pytest.approx(0.33, abs=0.01)
    assert uneven.seconds.mean() == pytest.approx(alike.seconds.mean(), rel=0.02), "no order makes less waiting"
    assert uneven.seconds[~greedy].mean() < 0.6 * alike.seconds.mean()
    assert uneven.seconds[greedy].mean() > 2 * uneven.seconds[~greedy].mean()
