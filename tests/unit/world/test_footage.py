"""Footage and its truth: the files show what truth.json says, where it says so."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from praxino.world.footage import MARKS, Order, Stock, footage, plan
from praxino.world.footage_copies import part
from praxino.world.footage_draw import pictures
from praxino.world.footage_reel import DEFECTS, Menu, reel
from praxino.world.footage_rest import Life, changes, longest

SMALL = Order(minutes=0.5, seed=5, width=192, height=128, workers=2)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    into = tmp_path_factory.mktemp("footage")
    return into, footage(SMALL, into, report=lambda stage, done: None)


def shown(path: Path) -> np.ndarray:
    """Frames (n, h, w, 3), upright."""
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    return np.stack([np.rot90(frame.to_ndarray(format="rgb24"), round(frame.rotation / 90)) for frame in frames])


def stock() -> Stock:
    return Stock(lengths=[150] * 40, wide=[n % 6 == 5 for n in range(40)], seeds=list(range(40)), captions=[{}] * 40)


def test_every_file_is_there_and_told(made: tuple[Path, dict[str, Any]]) -> None:
    into, truth = made
    assert json.loads((into / "truth.json").read_text(encoding="utf-8")) == truth
    assert {path.name for path in into.iterdir()} == {*truth["files"], "truth.json"}
    kinds = {file["kind"] for file in truth["files"].values()}
    assert kinds >= {"reel", "worn", "marked", "copy", "part", "variable", "rotated", "anamorphic", "still", "black"}


def test_files_have_as_many_frames_as_told_and_change_where_they_are_cut(made: tuple[Path, dict[str, Any]]) -> None:
    into, truth = made
    for name, file in truth["files"].items():
        if file["kind"] not in ("reel", "copy", "part", "variable", "rotated", "anamorphic"):
            continue
        frames = shown(into / name).astype(np.int16)
        assert len(frames) == file["frames"], name
        change = np.abs(np.diff(frames, axis=0)).mean((1, 2, 3))
        for join in file["transitions"]:
            if join["kind"] == "hard":
                at = join["frame"] - 1  # the step to it
                near = np.r_[change[max(0, at - 3) : at], change[at + 1 : at + 4]]
                assert change[at] > near.max(), (name, join)


def test_a_rotated_file_is_upright_again_for_who_heeds_it(made: tuple[Path, dict[str, Any]]) -> None:
    into, truth = made
    (name,) = (name for name, file in truth["files"].items() if file["kind"] == "rotated")
    frames = shown(into / name)
    assert frames.shape[1:3] == (128, 192)
    with av.open(str(into / name)) as container:
        assert round(next(container.decode(video=0)).rotation) % 360 != 0
    # Skies are brighter than floors are dark in no certain way, but shadows and things lie below the horizon.
    rows = np.abs(np.diff(frames[0].astype(np.int16), axis=1)).mean((1, 2))
    assert rows[64:].sum() > rows[:40].sum()


def test_broken_files_are_broken(made: tuple[Path, dict[str, Any]]) -> None:
    into, _ = made
    for name in ("noise.mp4", "empty.mp4", "truncated.mp4"):
        with pytest.raises(av.error.FFmpegError):
            shown(into / name)


def test_the_same_order_again_is_kept_and_another_one_refused(made: tuple[Path, dict[str, Any]]) -> None:
    into, truth = made
    before = {path.name: path.stat().st_mtime_ns for path in into.iterdir()}
    assert footage(SMALL, into, report=lambda stage, done: None) == truth
    assert before == {path.name: path.stat().st_mtime_ns for path in into.iterdir()}
    with pytest.raises(ValueError, match="other footage"):
        footage(Order(minutes=0.5, seed=6, width=192, height=128), into, report=lambda stage, done: None)


def test_a_seed_gives_one_plan() -> None:
    one, two = (stock(), stock())
    first = [file.reel.truth(one) for file in plan(SMALL, one)]
    assert first == [file.reel.truth(two) for file in plan(SMALL, two)]


def test_longer_footage_has_every_defect_mark_and_kind_of_join() -> None:
    held = stock()
    truths = [file.reel.truth(held) for file in plan(Order(minutes=12, seed=1), held)]
    shots = [shot for truth in truths for shot in truth["shots"]]
    assert {defect["kind"] for shot in shots for defect in shot["defects"]} == set(DEFECTS)
    assert {join["kind"] for truth in truths for join in truth["transitions"]} == {"hard", "fade", "dissolve", "wipe"}
    assert {mark["kind"] for truth in truths for mark in truth["overlays"]} == set(MARKS)
    assert {event["kind"] for truth in truths for event in truth["events"]} == {"flash", "pan", "shake"}


@pytest.mark.parametrize("seed", range(4))
def test_shots_and_joins_of_a_reel_cover_it_without_gaps(seed: int) -> None:
    truth = reel(np.random.default_rng(seed), stock(), Menu(), frames=600).truth(stock())
    now = 0
    for shot, join in zip(truth["shots"], [*truth["transitions"], None], strict=True):
        assert shot["start"] == now
        assert len(shot["world_frames"]) == shot["end"] - shot["start"] > 0
        if join:
            assert join["begin"] == shot["end"]
            assert join["begin"] <= join["frame"] <= join["end"]
            now = join["end"]
    assert truth["shots"][-1]["end"] == truth["frames"]


@pytest.mark.parametrize("kind", ["freeze", "duplicated", "dropped", "still", "black"])
def test_defects_of_time_are_in_the_frames_that_are_told(kind: str) -> None:
    rng = np.random.default_rng(3)
    plain = Menu(joins={"hard": 1}, shots=(60, 61), defects=(kind,), clean=0, flash=0, pan=0, shake=0, drift=0)
    plan = reel(rng, stock(), plain, frames=120)
    ramp = np.repeat(np.arange(150, dtype=np.uint8)[:, None, None, None], 40, 1).repeat(64, 2).repeat(3, 3)
    clips = dict.fromkeys(range(40), ramp)
    levels = np.stack(list(pictures(plan, clips, width=60, height=36))).mean((1, 2, 3))
    for take in plan.takes:
        (defect,) = take.defects
        steps = np.diff(levels[take.begin : take.end])
        told = {frame - take.begin - 1 for frame in defect.frames}
        usual = np.median(steps)
        if kind == "duplicated":
            assert set(np.flatnonzero(steps == 0)) == told
        elif kind == "dropped":
            assert set(np.flatnonzero(steps > 1.8 * usual)) == told
        else:
            still = np.flatnonzero(steps == 0) + take.begin
            assert set(range(defect.begin, defect.end - 1)) <= set(still)
            assert kind != "black" or levels[take.begin : take.end].max() == 0


def test_a_part_of_a_file_is_told_in_its_own_frames() -> None:
    held = stock()
    truth = reel(np.random.default_rng(2), held, Menu(), frames=400).truth(held)
    begin, end = truth["shots"][1]["start"] + 3, truth["frames"] - 5
    cut = part(truth, begin, end)
    assert cut["frames"] == end - begin
    assert cut["shots"][0]["start"] == 0
    assert cut["shots"][0]["world_frames"] == truth["shots"][1]["world_frames"][3:]
    assert [join["frame"] + begin for join in cut["transitions"]] == [
        join["frame"] for join in truth["transitions"] if join["end"] > begin
    ]


def life(frames: np.ndarray, *, window: tuple[float, float] = (1, 1)) -> Life:
    return Life(cells=changes(frames), window=window)


def test_clips_that_stand_still_for_long_are_told_from_lively_ones() -> None:
    frames = np.random.default_rng(0).integers(0, 255, (30, 32, 48, 3)).astype(np.uint8)
    assert life(frames).lively
    frames[10:22] = frames[10]
    assert not life(frames).lively


def test_a_window_rests_where_it_stays_and_shows_nothing_that_moves() -> None:
    frames = np.zeros((20, 48, 96, 3), np.uint8)
    for n in range(20):
        frames[n, 20:28, 4 + 2 * n : 10 + 2 * n] = 200  # a thing that goes over the left half
    seen = life(frames, window=(0.5, 1))
    still, moving = np.tile([1.0, 0.5], (20, 1)), np.linspace([1, 0.5], [0.8, 0.5], 20)
    assert longest(seen.rests(np.arange(20), still)) == 19  # the thing is not in the window
    assert not seen.rests(np.arange(20), still * [0, 1]).any()
    assert not seen.rests(np.arange(20), moving).any()
    assert seen.rests(np.full(20, 3), still * [0, 1]).all()  # the same frame again and again


def test_a_take_looks_where_something_moves_and_one_that_cannot_moves_itself() -> None:
    held = stock()
    cells = np.zeros((149, 18, 32), np.uint8)
    held.lives = [Life(cells=cells, window=(0.87, 0.87))] * 40
    plain = Menu(joins={"hard": 1}, flash=0, pan=0, shake=0, drift=0)
    for menu in (plain, replace(plain, pan=1)):
        planned = reel(np.random.default_rng(1), held, menu, frames=400)
        assert all((np.ptp(take.path, 0) > 0).any() for take in planned.takes)
    cells[:, :, :3] = 9  # at the left rim
    planned = reel(np.random.default_rng(1), stock_of(cells), plain, frames=400)
    assert all(take.path[0, 0] < 0.65 for take in planned.takes)
    assert all((np.ptp(take.path, 0) == 0).all() for take in planned.takes)


def stock_of(cells: np.ndarray) -> Stock:
    held = stock()
    held.lives = [Life(cells=cells, window=(0.87, 0.87))] * 40
    return held
