"""What is left, and how sure that is."""

import numpy as np

from praxino.eta import Eta


def test_nothing_is_said_while_it_is_a_guess():
    eta = Eta()
    assert eta.left(0.0, 0.0) is None
    assert eta.left(0.1, 0.01) is None  # too soon after the first
    assert eta.left(1.0, 0.1) is None


def test_an_even_pace_is_told_exactly():
    eta = Eta()
    last = [eta.left(float(second), second / 100) for second in range(41)][-1]
    assert last is not None
    assert abs(last.likely - 60) < 1e-6
    assert last.low <= last.likely <= last.high
    assert str(last) == "60 s left (60 to 60)"


def test_uneven_work_ends_within_what_was_said_in_most_cases():
    inside = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        load = np.repeat(rng.uniform(0.7, 1.6, 10), 20)  # other work comes and goes
        times = np.cumsum(load * rng.uniform(0.6, 1.4, 200))
        eta = Eta()
        said = [eta.left(t, (i + 1) / 200) for i, t in enumerate(times[:120])][-1]
        assert said is not None
        inside.append(said.low <= times[-1] - times[119] <= said.high)
    assert 0.75 <= np.mean(inside) <= 1.0


def test_work_that_stands_still_keeps_what_was_said():
    eta = Eta()
    for second in range(10):
        eta.left(float(second), second / 20)
    still = eta.left(30.0, 9 / 20)
    assert still is not None
    assert still.likely > 0
