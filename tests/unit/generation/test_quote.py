"""Quotes: what films have cost says what the next one will, and how sure that is."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from praxino import geometry
from praxino.cli import main
from praxino.generation import price, speed
from praxino.generation.speed import Run
from praxino.request import Request, Shot

RATES = {
    "loading": 0.4,
    "beginning": 2e-6,
    "denoising": 2e-6,
    "fused": 1.2e-6,
    "decoding": 3e-8,
    "finishing": 2e-8,
    "writing": 1e-8,
}


def asked(model: Path, seconds: float = 4, size: tuple[int, int] = (512, 288)) -> Request:
    shots = (Shot(seconds=seconds, prompt="a red ball rolls"),)
    return Request(shots=shots, width=size[0], height=size[1], seed=1, model=str(model))


def ran(request: Request, model: price.Model, noise: float = 1.0) -> Run:
    units, frames = price.units_of(request, model), geometry.frames_of_seconds(request.seconds, 30)
    pixels = request.width * request.height
    seconds = {stage: RATES[stage] * amount * noise for stage, amount in units.items()}
    passes = seconds.get("denoising", 0) + seconds.get("fused", 0)
    longest = max(passes, seconds["decoding"] + seconds["finishing"], seconds["writing"])
    return Run(
        model=model.digest,
        machine=speed.machine(),
        units=units,
        seconds=seconds,
        total=seconds["loading"] + seconds["beginning"] + longest,
        pixels=pixels,
        frames=frames,
        peak_rss_bytes=10**9,
        file_bytes=frames * pixels // 10,
    )


def _middle(quote: price.Quote) -> float:
    return quote.stages["loading"] / RATES["loading"]


def test_a_film_costs_what_films_of_its_kind_have_cost(tiny_model: Path) -> None:
    model = price.opened(str(tiny_model))
    known = [ran(asked(tiny_model, seconds), model) for seconds in (1, 2, 8)] * 8
    long = asked(tiny_model, 120)
    cost = price.priced(long, model, known)
    true = ran(long, model).total
    assert cost.seconds_p50 == pytest.approx(true, rel=0.02)
    assert 0.99 * true <= cost.seconds_p90 < 1.3 * true
    latents = geometry.covering(3600, model.autoencoder.time)
    assert cost.tokens == geometry.tokens(latents, cost.native[1], cost.native[0], model.autoencoder.space)
    assert cost.disk_bytes > 2 * 3600 * 512 * 288 / 10
    twice = price.priced(replace(long, guidance=7.0, steps=72), model, known)
    assert twice.stages["denoising"] > cost.stages["denoising"]
    assert twice.stages["writing"] == cost.stages["writing"]


def test_a_film_with_a_program_of_its_own_costs_what_such_films_have_cost(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(price, "pays", lambda passes, _device: passes >= 1_000)
    model = price.opened(str(tiny_model))
    short, long = asked(tiny_model, 4), asked(tiny_model, 120)
    assert "fused" not in price.units_of(short, model)
    assert "denoising" not in price.units_of(long, model)
    plain = [ran(short, model)] * 8
    guess = price.priced(long, model, plain)
    passes = guess.stages["denoising"] / _middle(guess) - price.MAKING
    rate = passes / price.units_of(long, model)["fused"]
    assert rate == pytest.approx(price.FUSED * RATES["denoising"], rel=0.01), "and the program is yet to be made"
    known = price.priced(long, model, [*plain, ran(long, model)])
    assert known.seconds_p50 == pytest.approx(ran(long, model).total, rel=0.05)
    back = price.priced(short, model, [ran(long, model)] * 8)
    rate = back.stages["denoising"] / price.units_of(short, model)["denoising"]
    assert rate == pytest.approx(RATES["fused"] / price.FUSED * _middle(back), rel=0.05), "the other way round"
    assert set(back.stages) == set(guess.stages), "stages have the names of a film's timings"


def test_nine_of_ten_films_stay_within_their_bound(tiny_model: Path) -> None:
    model, rng = price.opened(str(tiny_model)), np.random.default_rng(0)
    within, off, count = 0, [], 300
    runs: list[Run] = []
    for _ in range(count):
        request = asked(tiny_model, float(rng.uniform(1, 60)), [(512, 288), (960, 540)][rng.integers(2)])
        run = ran(request, model, noise=float(np.exp(0.15 * rng.standard_normal())))
        if len(runs) >= 10:
            cost = price.priced(request, model, runs[-40:])
            took = run.total
            within += took <= cost.seconds_p90
            off.append(abs(took / cost.seconds_p50 - 1))
        runs.append(run)
    assert 0.85 <= within / len(off) <= 0.98
    assert np.median(off) < 0.15


def test_the_first_quote_makes_a_second_of_film_and_the_next_one_rests_on_it(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    words = ["quote", "a red ball rolls", "--seconds", "8", "--size", "128x96", "--model", str(tiny_model)]
    assert main.run([*words, "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert {"tokens", "seconds_p50", "seconds_p90", "peak_rss_bytes", "disk_bytes"} <= first.keys()
    assert 0 < first["seconds_p50"] <= first["seconds_p90"]
    lines = speed.path().read_text().splitlines()
    assert len(lines) == 1
    speed.path().write_text("\n".join([*lines, "not a run", lines[0].replace("denoising", "dreaming")]) + "\n")
    assert main.run([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["tokens"] == first["tokens"]
    assert len(speed.path().read_text().splitlines()) == 3, "nothing was made again"
    assert main.run(words) == 0
    assert "in nine of ten runs at most" in capsys.readouterr().out
    assert main.run(["quote", "--model", str(tiny_model)]) == 2


def test_a_cache_that_cannot_be_written_costs_no_film(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    run = Run(model="m", machine="", units={}, seconds={}, total=1, pixels=1, frames=1, peak_rss_bytes=1, file_bytes=1)
    speed.record(run)
    assert speed.runs("m") == []


def test_a_long_film_is_remembered_by_the_name_of_its_program(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from praxino.generation import film

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(price, "pays", lambda _passes, _device: True)
    request = asked(tiny_model, 0.5, (64, 64))
    told = film.make(request, tmp_path / "a.mp4")
    assert "denoising" in told["timings"]
    (run,) = speed.runs(price.opened(str(tiny_model)).digest)
    assert set(run.units) <= set(run.seconds)
    assert "fused" in run.seconds
    assert "denoising" not in {*run.seconds, *run.units}
