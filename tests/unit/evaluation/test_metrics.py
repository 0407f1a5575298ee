"""Figures: on the simulator's own paths they say what the simulator did; on spoilt ones they say what was spoilt."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pytest

from praxino.evaluation import suite
from praxino.evaluation.eye import KINDS
from praxino.evaluation.judge import Parsed, hero_path, judge, path_of
from praxino.evaluation.metrics import binding, camera, motion, permanence, picture, statistics, together
from praxino.evaluation.parse import Spot, Track
from praxino.evaluation.sight import Sight, sight
from praxino.evaluation.suite import Case


@dataclass(frozen=True)
class Shown:
    """A case as the simulator shows it, and as a perfect parser sees that."""

    case: Case
    frames: np.ndarray
    true: Sight
    seen: Parsed


def shown(case: Case) -> Shown:
    frames, ids = case.shown()
    true = sight(case.scene, case.motion, ids)
    tracks = [track for k in range(len(true.things)) for track in [tracked(case, true, k)] if len(track.frames) > 3]
    return Shown(case=case, frames=frames, true=true, seen=Parsed(frames=frames, tracks=tracks))


def tracked(case: Case, true: Sight, k: int) -> Track:
    thing = case.scene.things[true.things[k]]
    kinds = {kind: np.eye(len(names))[names.index(getattr(thing, kind))] for kind, names in KINDS.items()}
    frames = np.flatnonzero(true.seen[:, k]).tolist()
    spots = [
        Spot(place=true.places[t, k].astype(float), radius=float(true.radii[t, k]), likely=1.0, kinds=kinds)
        for t in frames
    ]
    return Track(frames=frames, spots=spots)


@pytest.fixture(scope="module")
def single() -> list[Shown]:
    return [shown(case) for case in suite.cases(24, rung="one", size=(128, 72))]


@pytest.fixture(scope="module")
def several() -> list[Shown]:
    return [shown(case) for case in suite.cases(16, rung="all", size=(128, 72))]


def paths(group: list[Shown], *actions: str) -> Iterator[tuple[Shown, motion.Path]]:
    for one in group:
        if one.case.story.action in actions:
            yield one, hero_path(one.true)


def test_a_true_film_is_exact_and_does_what_its_prompt_tells(single: list[Shown], several: list[Shown]) -> None:
    for one in [*single, *several]:
        row = judge(one.case, one.seen, one.true)
        about = one.case.prompt()
        assert row["exact_scene"] == row["count"] == row["colour"] == row["shape"] == 1, about
        assert row.get("action", 1) == row.get("direction", 1) == row["camera"] == 1, about
        assert row["discard_rate"] == 0, about
        assert row.get("event_order", 1) == row.get("returns", 1) == row.get("relation", 1) == 1, about


def test_the_wrong_prompt_is_told_from_the_right_one(single: list[Shown]) -> None:
    wrong = [judge(one.case, other.seen, one.true) for one, other in zip(single, single[7:] + single[:7], strict=True)]
    assert np.mean([row["exact_scene"] for row in wrong]) < 0.2


def test_what_flies_falls_as_fast_as_the_world_has_it(single: list[Shown]) -> None:
    found = [motion.gravity(way, one.case.named[0]) for one, way in paths(single, "bounces", "is thrown")]
    assert np.abs(np.median([g for g in found if g is not None])) < 0.05


def test_what_bounces_comes_up_as_it_is_made_to(single: list[Shown]) -> None:
    found = [motion.restitution(way, one.case.named[0]) for one, way in paths(single, "bounces")]
    assert np.abs(np.median([e for e in found if e is not None])) < 0.05


def test_a_film_played_backwards_goes_the_other_way(single: list[Shown]) -> None:
    for one, way in paths(single, "rolls", "slides"):
        back = replace(way, places=way.places[::-1], radii=way.radii[::-1])
        assert motion.direction(way, one.case.story, aspect=16 / 9) == 1
        assert motion.direction(back, one.case.story, aspect=16 / 9) == 0


def test_a_velocity_is_off_by_what_it_is_off(single: list[Shown]) -> None:
    for _, way in paths(single, "rolls"):
        assert motion.velocity_error(way, way, after=9) == 0
        drift = np.arange(len(way.places))[:, None] * np.array([0.3, -0.4]) / way.fps
        assert motion.velocity_error(replace(way, places=way.places + drift), way, after=9) == pytest.approx(0.5)
        still = float(np.hypot(*way.velocities[9:].T).mean())
        assert motion.velocity_error(None, way, after=9) == pytest.approx(still), "what is not seen stands still"


def test_paths_are_no_distance_from_themselves_and_far_from_faster_ones(single: list[Shown]) -> None:
    ways = [way for _, way in paths(single, "rolls", "slides", "bounces")]
    faster = [replace(way, places=2 * way.places) for way in ways]
    assert motion.frechet(ways, ways) == pytest.approx(0, abs=1e-4)
    assert motion.frechet(faster, ways) > 0.3


def test_what_stops_is_frozen(single: list[Shown]) -> None:
    one, way = next(paths(single, "rolls"))
    stopped = np.concatenate([way.places[:40], np.repeat(way.places[40:41], 51, 0)])
    ratio = motion.freeze(replace(way, places=stopped, radii=np.resize(way.radii, 91)))
    assert ratio is not None
    assert ratio < 0.05
    frozen = Parsed(frames=one.frames, tracks=[replace_places(one.seen.tracks[0], way.places[:1])])
    assert judge(one.case, frozen, one.true)["discard_rate"] == 1


def replace_places(track: Track, places: np.ndarray) -> Track:
    places = np.resize(places, (len(track.spots), 2))
    return Track(frames=track.frames, spots=[replace(s, place=p) for s, p in zip(track.spots, places, strict=True)])


def test_what_vanishes_doubles_or_is_born_is_counted(single: list[Shown]) -> None:
    one = next(one for one in single if one.case.story.action == "rests")
    track, clip = one.seen.tracks[0], one.seen.clip
    aside = replace_places(track, track.places + np.array([0.4, 0]))
    half = Track(frames=track.frames[:40], spots=track.spots[:40])
    late = Track(frames=aside.frames[30:], spots=aside.spots[30:])

    def judged(*tracks: Track) -> dict[str, float]:
        return judge(one.case, Parsed(frames=one.frames, tracks=list(tracks)), one.true)

    assert judged()["discard_rate"] == judged(half)["discard_rate"] == judged(track, aside)["discard_rate"] == 1
    assert judged(track, aside)["count"] == judged(track, aside)["exact_scene"] == 0
    assert permanence.comings([track], clip) == {"births": 0, "deaths": 0, "merges": 0}
    assert permanence.comings([track, late], clip)["births"] == pytest.approx(30 / (91 + 61), rel=0.01)
    assert permanence.comings([half], clip)["deaths"] > 0
    assert permanence.drift(track)["size_drift"] < 0.01


def test_things_are_matched_to_what_is_told_of_them(several: list[Shown]) -> None:
    one = next(one for one in several if len(one.case.named) >= 3)
    found = binding.match(one.case.named, one.seen.tracks[::-1], frames=91)
    assert [track.name("colour") for _, track in found.pairs if track] == [thing.colour for thing in one.case.named]
    lacking = binding.binding(binding.match(one.case.named, one.seen.tracks[1:], frames=91))
    assert lacking["count"] == lacking["exact_scene"] == 0
    assert lacking["thing"] == pytest.approx(1 - 1 / len(one.case.named))


def ball(xs: np.ndarray) -> motion.Path:
    return motion.Path(places=np.stack([xs, np.full_like(xs, 0.5)], 1), radii=np.full_like(xs, 0.1), first=0, fps=30.0)


def test_a_blow_hands_on_momentum_and_effects_come_after_causes() -> None:
    t = np.arange(60) / 30
    one, two = ball(np.where(t < 1, 0.3 + 0.5 * t, 0.8 + 0.1 * (t - 1))), ball(np.where(t < 1, 1.0, 1 + 0.4 * (t - 1)))
    met = together.meeting(one, two)
    assert met is not None
    assert abs(met.frame - 30) <= 1
    assert together.momentum(met, (1.0, 1.0)) == pytest.approx(0, abs=1e-3)
    assert together.momentum(met, (1.0, 2.0)) == pytest.approx(0.8, abs=1e-3), "a heavier one took too much"
    assert together.bounciness(met) == pytest.approx(0.6, abs=1e-3)
    assert together.in_order(met, head_on=False) == 1
    assert together.in_order(met, head_on=True) == 0
    assert together.overlap(one, two) == pytest.approx(0, abs=0.02)
    assert together.overlap(one, ball(np.full(60, 0.75))) == pytest.approx(2, abs=0.2), "it goes through"
    assert together.meeting(one, ball(np.full(60, 1.7))) is None


def test_what_was_hidden_comes_back_where_it_was_going() -> None:
    places = np.stack([0.2 + 0.01 * np.arange(90), np.full(90, 0.5)], 1)

    def passing(off: float) -> Track:
        frames = [*range(30), *range(60, 90)]
        beyond = [places[t] + np.array([off * (t > 40), 0]) for t in frames]
        spots = [Spot(place=place, radius=0.1, likely=1.0, kinds={}) for place in beyond]
        return Track(frames=frames, spots=spots)

    assert together.comes_back(passing(0)) == pytest.approx(0, abs=1e-6)
    assert together.comes_back(passing(0.2)) == pytest.approx(2)
    assert together.comes_back(Track(frames=list(range(90)), spots=[*passing(0).spots, *passing(0).spots[:30]])) is None


@pytest.mark.parametrize(
    ("way", "shift"), [("right", (0, -1)), ("left", (0, 1)), ("up", (1, 0)), ("down", (-1, 0)), ("still", (0, 0))]
)
def test_the_camera_goes_against_its_picture(way: str, shift: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).uniform(40, 210, (24, 40, 3)).repeat(6, 0).repeat(6, 1).astype(np.uint8)
    frames = np.stack([np.roll(noise, (shift[0] * t, shift[1] * t), (0, 1)) for t in range(31)])
    assert camera.camera(frames, np.zeros(frames.shape[:3], bool)) == way


def test_a_jump_is_seen_at_the_join_only(gradient: np.ndarray) -> None:
    assert picture.seam(gradient, 12) < 1
    jumped = gradient.copy()
    jumped[12:] = np.clip(jumped[12:].astype(int) + 30, 0, 255)
    assert picture.seam(jumped, 12) > 10
    assert picture.seam(jumped, 16) < 1
    assert picture.psnr(gradient, gradient) == 99
    assert picture.psnr(np.zeros((4, 4), np.uint8), np.full((4, 4), 255, np.uint8)) == pytest.approx(0)


def test_what_goes_on_moving_is_as_lively_at_the_end(gradient: np.ndarray) -> None:
    lively = picture.liveliness(gradient)
    assert lively is not None
    assert 0.7 < lively < 1.3
    slowing = picture.liveliness(np.concatenate([gradient, gradient[-1:].repeat(25, 0)]))
    assert slowing is not None
    assert slowing < 0.2
    assert picture.liveliness(gradient[:1].repeat(25, 0)) is None
    assert picture.flicker(gradient) > 0.99


def test_an_interval_holds_its_mean_and_narrows_with_more() -> None:
    few, many = np.tile([0.0, 1.0], 5), np.tile([0.0, 1.0], 200)
    mean, low, high = statistics.interval(few)
    assert low < mean == 0.5 < high
    _, lower, higher = statistics.interval(many)
    assert higher - lower < (high - low) / 3
    assert statistics.paired(few, few + 1) == (1.0, 1.0, 1.0)


def test_a_track_too_short_for_a_speed_has_no_path() -> None:
    assert path_of(None) is None
    assert path_of(Track(frames=[0, 1], spots=[])) is None


def test_held_out_pairs_are_only_in_their_split_and_strangers_are_strange() -> None:
    from praxino.world.cast import HELD_OUT

    usual, held, beyond = (suite.cases(12, rung="one", split=split) for split in suite.SPLITS)
    assert all((case.named[0].colour, case.named[0].shape) in HELD_OUT for case in held)
    assert not any((case.named[0].colour, case.named[0].shape) in HELD_OUT for case in [*usual, *beyond])
    assert {case.story.action for case in beyond} <= {"rolls", "slides"}
    fastest = max(abs(case.named[0].velocity[0]) for case in usual if case.story.action in ("rolls", "slides"))
    assert max(abs(case.named[0].velocity[0]) for case in beyond) > fastest
    assert len({case.prompt("zh") for case in usual}) > 6
