"""A person asks whether curation helped: the kept clips of a dataset are put to the test against all of them."""

import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from praxino import checkpoint, config
from praxino.curation import curate, rules, store
from praxino.generation.parts import open_autoencoder
from praxino.media.write import Writer
from praxino.pixels import unit
from praxino.training import pieces, suitability, trials
from praxino.training.prove import Order, interval, line, prepared, prove
from praxino.training.recipes import Recipe, probe
from praxino.training.trial import Trial, asked, learned
from praxino.world.film import film


def small() -> Recipe:
    """The probe, asked about a few small clips."""
    recipe = probe()
    return replace(recipe, data=replace(recipe.data, sizes=((64, 48),), clips=6, frames=9))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A dataset and the footage it is of: films of the world, two of them all noise."""
    folder = tmp_path_factory.mktemp("prove")
    raw, dataset = folder / "raw", folder / "set"
    raw.mkdir()
    rng = np.random.default_rng(5)
    for number in range(5):
        frames = film(7_000_000_000 + number, rung="one", width=128, height=96, frames=40, fps=25).frames
        if number >= 3:
            frames = rng.integers(0, 255, frames.shape, np.uint8)
        with Writer(raw / f"{number}.mp4", width=128, height=96, fps=25) as out:
            for frame in frames:
                out.write(frame)
    noisy = rules.Rule(tag="noise", comparison="<=", threshold=6.0, reason="noisy", stage="picture")
    recipe = rules.Recipe(name="noise alone", rules=(noisy,), dedupe=False)
    curate.curate([raw], dataset, settings=curate.Settings(recipe=recipe, workers=1))
    return dataset, raw


def test_what_was_kept_is_compared_with_all_there_was(made: tuple[Path, Path]) -> None:
    dataset, raw = made
    order = Order(dataset=dataset, footage=(raw,), repeats=2, steps=24, rules=True, workers=1, recipe=small())
    figures = prove(order)
    assert figures["pieces"]["kept"] < figures["pieces"]["all"]
    assert figures["dropped"] == {"noise": figures["pieces"]["all"] - figures["pieces"]["kept"]}
    assert figures["difference"]["low"] <= figures["difference"]["mean"] <= figures["difference"]["high"]
    assert all(0 < one < 1 for one in figures["loss"].values()), "both have learned something"
    assert [one["rule"] for one in figures["rules"]] == ["noise"]
    assert sum(one["clips"] for one in figures["concepts"].values()) == 6
    assert json.loads((dataset / "prove.json").read_text()) == figures
    again = prove(order)
    assert (again["loss"], again["difference"]) == (figures["loss"], figures["difference"])
    elsewhere = dataset.parent / "trials"
    prepared(order, elsewhere)
    trials.main([str(elsewhere), "--steps", "24", "--repeats", "2", "--workers", "1", "--device", "cpu"])
    taken = prove(replace(order, trials=elsewhere, footage=()))
    assert (taken["loss"], taken["rules"]) == (figures["loss"], figures["rules"]), "learned elsewhere, told here"
    page = (dataset / "report.html").read_text(encoding="utf-8")
    assert page.count('id="proof"') == 1
    assert again["line"] in page


def test_repeats_that_are_not_done_in_time_are_left_out_and_none_at_all_is_an_error(tmp_path: Path) -> None:
    rng = torch.Generator().manual_seed(0)
    latents = {name: torch.randn(6, 2, 3, 4, 64, generator=rng).half() for name in ("pieces", "clean")}
    plan = trials.Plan(recipe=small(), arms={"kept": (0, 1), "all": (0, 1, 2, 3)})
    trials.keep(tmp_path, plan, latents | {"std": torch.ones(64)}, {"note": "kept"})
    assert trials.kept(tmp_path) == (plan, {"note": "kept"})
    means = trials.Means(repeats=1, steps=4, workers=1)
    took = trials.run(tmp_path, means).seconds
    done = trials.run(tmp_path, replace(means, repeats=500, deadline=time.time() + 2 * took)).losses
    assert 1 <= len(done["kept"]) == len(done["all"]) < 500
    assert done["kept"].shape[1] == 6
    with pytest.raises(ValueError, match="no repeat of 4 steps was done in time; give more --minutes"):
        trials.run(tmp_path, replace(means, deadline=time.time()))
    with pytest.raises(ValueError, match="device toaster is no device"):
        trials.run(tmp_path, replace(means, device="toaster"))
    trials.keep(tmp_path, plan, latents | {"std": torch.ones(64)}, {})
    assert trials.found(tmp_path) is None, "a finding of other trials is none of these"


def test_a_score_is_fitted_to_what_helped_and_curation_takes_it(made: tuple[Path, Path], tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    held = [
        pieces.Shot(
            digest=f"{n}", begin=0, end=30, crop=None, kept=True, cause="", tags={"noise": n / 4, "logo": "none"}
        )
        for n in range(20)
    ]
    score, correlation = suitability.fit(held, np.array([-float(str(one.tags["noise"])) for one in held]))
    assert score.tags == ("noise",)
    assert correlation > 0.9
    assert score.score({"noise": 0.0}) > 0.7 > 0.3 > score.score({"noise": 5.0})
    _, nothing = suitability.fit(held, rng.normal(size=20))
    assert nothing < 0.6
    order = Order(dataset=made[0], footage=(made[1],), repeats=1, steps=6, suitability=True, workers=1, recipe=small())
    with pytest.raises(ValueError, match="5 shots are too few to fit a score to"):
        prove(order)
    recipe = replace(rules.default(), suitability=score, suitable=0.2)
    (tmp_path / "recipe.json").write_text(json.dumps(config.to_json(recipe)))
    assert rules.read(tmp_path / "recipe.json") == recipe


def test_shots_are_read_as_the_index_has_them(made: tuple[Path, Path]) -> None:
    dataset, _ = made
    held = pieces.shots(dataset, frames=9)
    assert {one.kept for one in held} == {True, False}
    assert [(one.begin, one.end) for one in held] == [
        (row["clip_start"], row["clip_end"])
        for row in store.read_index(dataset)
        if row["clip_end"] - row["clip_start"] >= 9
    ]
    assert not pieces.shots(dataset, frames=1000)


def test_footage_of_another_dataset_is_refused(made: tuple[Path, Path], tmp_path: Path) -> None:
    order = Order(dataset=made[0], footage=(tmp_path,), recipe=small())
    with pytest.raises(ValueError, match="5 sources of .* are not in the footage given"):
        prove(order)
    with pytest.raises(ValueError, match="holds no index.parquet; `praxino curate"):
        prove(replace(order, dataset=tmp_path))


def test_a_dataset_that_lost_nothing_cannot_be_compared(made: tuple[Path, Path], tmp_path: Path) -> None:
    recipe = rules.Recipe(name="all", rules=(), dedupe=False)
    curate.curate([made[1]], tmp_path / "set", settings=curate.Settings(recipe=recipe, workers=1))
    with pytest.raises(ValueError, match="has no dropped shots of 9 frames"):
        prove(Order(dataset=tmp_path / "set", footage=(made[1],), recipe=small()))


def test_what_is_learned_from_the_right_films_is_better_than_from_the_wrong_ones() -> None:
    coder = open_autoencoder(checkpoint.find("pocket"))
    films = [film(7_000_000_010 + n, rung="one", width=64, height=48, frames=9, fps=25).frames for n in range(6)]
    with torch.inference_mode():
        latents = torch.cat([coder.encode(unit(one)[None]) for one in films]).half()
    trial = Trial(recipe=small(), std=coder.std, steps=30, repeat=0)
    right, wrong = (asked(learned(trial, some), latents[3:]) for some in (latents[:3], latents[:3].flip(-1)))
    assert (right < wrong).all()
    assert asked(learned(trial, latents[:3]), latents[3:]).equal(right), "the same trial, the same answer"


def test_the_interval_holds_zero_where_there_is_nothing_and_leaves_it_where_there_is_something() -> None:
    rng = np.random.default_rng(0)
    nothing, something = rng.normal(size=(4, 48)), 1 + rng.normal(size=(4, 48))
    assert interval(nothing)["low"] < 0 < interval(nothing)["high"]
    found = interval(something)
    assert 0.5 < found["low"] < 1 < found["high"] < 1.5
    unlike = interval(something + np.array([[-2.0], [-1.0], [1.0], [2.0]]))
    assert unlike["low"] < 0, "repeats that disagree make it wide"


@pytest.mark.parametrize(
    ("loss", "better", "repeats", "said"),
    [
        (0.7, True, 4, "steps, 4 repeats): it helps."),
        (0.7, None, 1, "steps, 1 repeat, so over clips alone): no difference that this can tell."),
        (1.1, True, 4, "neither has learned anything yet, so this tells nothing; give more minutes or steps."),
    ],
)
def test_the_line_says_no_more_than_was_found(loss: float, better: bool | None, repeats: int, said: str) -> None:
    figures = {
        "pieces": {"kept": 3, "all": 5}, "held_out": {"clips": 6}, "loss": {"kept": loss, "all": loss + 0.01},
        "percent": {"mean": 1.0, "low": 0.5, "high": 1.5}, "better": better, "steps": 9, "repeats": repeats,
    }  # fmt: skip
    assert line(figures).endswith(said)
    assert "-1.00% (95% interval -1.50 to -0.50; 9 steps" in line(figures)
