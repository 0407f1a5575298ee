"""Strengths from simulated votes whose truth is known."""

import numpy as np
import pytest

from praxino.jobs.preference import Meeting, strengths

TRUE = {"ada": 1.2, "bob": 0.3, "cyd": -0.2, "dan": -1.3}  # mean 0


def votes(count: int, seed: int) -> list[Meeting]:
    draw = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        a, b = draw.choice(list(TRUE), 2, replace=False)
        wins = draw.random() < 1 / (1 + np.exp(TRUE[b] - TRUE[a]))
        found.append(Meeting(a=str(a), b=str(b), choice="a" if wins else "b"))
    return found


def test_many_votes_give_the_true_strengths():
    table = strengths(votes(20_000, seed=1))
    assert [row.name for row in table] == ["ada", "bob", "cyd", "dan"]
    for row in table:
        assert row.score == pytest.approx(TRUE[row.name], abs=0.08)
        assert row.low < row.score < row.high
        assert row.high - row.low < 0.15


def test_the_intervals_hold_the_truth_95_times_in_100():
    held = [
        row.low <= TRUE[row.name] <= row.high for seed in range(150) for row in strengths(votes(200, seed=100 + seed))
    ]
    assert 0.92 < np.mean(held) < 0.98


def test_who_has_only_won_has_a_finite_score_and_a_wide_interval():
    table = strengths([Meeting(a="ada", b="bob", choice="a")] * 3)
    assert np.isfinite([row.score for row in table]).all()
    assert table[0].low < table[0].score < 3
    assert (table[0].wins, table[0].losses, table[1].losses) == (3, 0, 3)


def test_the_same_is_half_a_win_for_each():
    table = strengths([Meeting(a="ada", b="bob", choice="same")] * 10)
    assert [row.score for row in table] == pytest.approx([0, 0])
    assert table[0].same == 10


def test_nobody_and_two_groups_that_never_met():
    assert strengths([]) == []
    table = strengths([Meeting(a="ada", b="bob", choice="a"), Meeting(a="cyd", b="dan", choice="b")])
    assert len(table) == 4
    assert all(np.isfinite([row.low, row.high]).all() for row in table)
