"""`praxino bench together`, at a tiny size: that its figures are there, and that films do not change."""

from pathlib import Path

import pytest

from praxino.evaluation.bench import together


def test_films_at_once_are_measured_and_are_the_same_films(tiny_model: Path, monkeypatch: pytest.MonkeyPatch):
    small = together.Scale(at_once=(1, 2), films=2, seconds=0.3, size=(128, 96), steps=2, rounds=1)
    monkeypatch.setattr(together, "QUICK", small)
    heard = list[float]()
    figures = together.together(lambda _stage, done: heard.append(done), str(tiny_model), quick=True)
    found = {figure.what: figure for figure in figures}
    assert found["together_differs"].value == 0
    assert {"films of 0.3 s, 1 at once", "films of 0.3 s, 2 at once"} <= found.keys()
    assert {"passes of 96 latents, 1 films at once", "passes of 96 latents, 2 films at once"} <= found.keys()
    assert all(figure.value > 0 for what, figure in found.items() if what != "together_differs")
    assert heard == sorted(heard)
    assert heard[-1] == 1
