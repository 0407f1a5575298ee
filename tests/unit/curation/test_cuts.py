"""The shot detector on planted joins. Its numbers were learned on other clips (`evaluation.teach_cuts`)."""

from functools import cache

import numpy as np
import pytest
from tests import films

from praxino.curation.clip import Cut
from praxino.curation.cuts import cuts, shots
from praxino.world.film import film

SEED = 9_500_000_000


@cache
def takes() -> list[np.ndarray]:
    """Clips (n, 36, 64, 3) of scenes that the detector has not seen, and that have little to do with one another."""
    return [small(film(SEED + n, width=128, height=72, frames=60, fps=25).frames) for n in (0, 1, 2, 3, 5, 6)]


def small(frames: np.ndarray) -> np.ndarray:
    n, h, w, _ = frames.shape
    return frames.reshape(n, 36, h // 36, 64, w // 64, 3).mean((2, 4)).astype(np.uint8)


def test_hard_cuts_are_found_at_their_very_frames() -> None:
    found = cuts(np.concatenate([take[:40] for take in takes()]))
    assert [(cut.kind, cut.frame) for cut in found] == [("hard", at) for at in (40, 80, 120, 160, 200)]
    assert all(cut.begin == cut.end == cut.frame for cut in found)


def test_two_shots_of_the_same_kind_of_wall_are_two_shots() -> None:
    """They differ in where things are, hardly in colours and brightness."""
    pans = (2, 0, -2, 1, 3, -1)
    walls = [films.film(30, pan=pan, seed=300 + n) for n, pan in enumerate(pans)]
    found = cuts(small(np.concatenate(walls)))
    assert [(cut.kind, cut.frame) for cut in found] == [("hard", at) for at in (30, 60, 90, 120, 150)]


def test_a_flash_is_no_cut() -> None:
    shot = takes()[0].copy()
    shot[30] = 255
    shot[44:46] = (shot[44:46] * 0.2 + 255 * 0.8).astype(np.uint8)
    assert cuts(shot) == []


def test_a_cut_beside_a_flash_is_still_found() -> None:
    both = np.concatenate([takes()[1][:40], takes()[2][:40]])
    both[30] = 255
    assert [cut.frame for cut in cuts(both)] == [40]


@pytest.mark.parametrize("length", [8, 12, 17, 24])
def test_a_dissolve_is_found_where_it_is(length: int) -> None:
    old, new = takes()[3], takes()[1]
    share = (np.arange(1, length + 1) / (length + 1))[:, None, None, None]
    mixed = (old[30 : 30 + length] * (1 - share) + new[:length] * share).astype(np.uint8)
    (found,) = cuts(np.concatenate([old[:30], mixed, new[length:]]))
    assert found.kind == "dissolve"
    assert abs(found.frame - (30 + length // 2)) <= 3
    assert abs(found.begin - 30) <= 4
    assert abs(found.end - 30 - length) <= 4


@pytest.mark.parametrize("colour", [0, 255])
def test_a_fade_through_black_or_white_is_one_transition(colour: int) -> None:
    old, new = takes()[2], takes()[4]
    down = (np.arange(1, 11) / 11)[:, None, None, None]
    out = (old[30:40] * (1 - down) + colour * down).astype(np.uint8)
    into = (new[:10] * down + colour * (1 - down)).astype(np.uint8)
    held = np.full((4, 36, 64, 3), colour, np.uint8)
    (found,) = cuts(np.concatenate([old[:30], out, held, into, new[10:]]))
    assert found.kind == "fade"
    assert abs(found.frame - 42) <= 4


def test_a_wipe_is_found() -> None:
    old, new = takes()[0], takes()[3]
    film = [old[:30]]
    for n in range(16):
        edge = round((n + 1) / 17 * 64)
        film.append(np.concatenate([new[n : n + 1, :, :edge], old[30 + n : 31 + n, :, edge:]], 2))
    (found,) = cuts(np.concatenate([*film, new[16:]]))
    assert found.kind == "wipe"
    assert abs(found.frame - 38) <= 4


def test_a_fast_pan_is_no_cut() -> None:
    wide = film(SEED + 1, width=352, height=72, frames=50, fps=25).frames
    at = np.clip((np.arange(50) - 18) / 12, 0, 1)
    left = np.round(at * at * (3 - 2 * at) * 220).astype(int)
    assert cuts(small(np.stack([frame[:, x : x + 128] for frame, x in zip(wide, left, strict=True)]))) == []


def test_nothing_is_found_where_nothing_happens() -> None:
    assert cuts(np.repeat(takes()[0][:1], 100, 0)) == []
    assert cuts(np.zeros((100, 36, 64, 3), np.uint8)) == []
    assert cuts(takes()[0][:1]) == []
    assert cuts(takes()[0][:0]) == []


def test_long_films_are_read_in_pieces_with_the_same_result(monkeypatch: pytest.MonkeyPatch) -> None:
    film = np.concatenate(takes())
    whole = cuts(film)
    monkeypatch.setattr("praxino.curation.cuts.PIECE", 37)
    assert cuts(film) == whole


def test_pictures_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="36, 64"):
        cuts(np.zeros((5, 72, 128, 3), np.uint8))


def test_shots_are_what_is_left_without_transitions() -> None:
    found = [
        Cut(frame=10, kind="hard", begin=10, end=10),
        Cut(frame=25, kind="dissolve", begin=20, end=30),
        Cut(frame=35, kind="fade", begin=30, end=40),
    ]
    assert shots(found, 50) == [(0, 10), (10, 20), (40, 50)]
    assert shots([], 7) == [(0, 7)]
    assert shots([], 0) == []
