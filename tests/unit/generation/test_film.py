"""What surrounds a film: who looks at it, who has enough of it, who calls it off."""

import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from praxino.cli import main
from praxino.generation import film, speed
from praxino.generation.film import Options
from praxino.generation.generate import Around
from praxino.generation.retake import Take, retake
from praxino.media import labels, read
from praxino.media.write import part_of
from praxino.request import Request, Shot


class CalledOffError(Exception):
    """No one wants it any more."""


@pytest.fixture
def asked(tiny_model: Path) -> Request:
    shots = (Shot(seconds=1, prompt="a red ball"), Shot(seconds=3, prompt="a ball"))
    return Request(shots=shots, width=64, height=64, seed=5, steps=2, model=str(tiny_model))


def made(request: Request, path: Path, **options) -> tuple[dict, np.ndarray]:
    """A film's summary, and its frames before they are compressed."""
    pieces: list[np.ndarray] = []
    told = film.make(request, path, options=Options(look=pieces.append, **options))
    return told, np.concatenate(pieces)


def after(count: int):
    """True from the so-manieth question on."""
    left = [count]

    def enough() -> bool:
        left[0] -= 1
        return left[0] <= 0

    return enough


def is_fast_start(path: Path) -> bool:
    content = path.read_bytes()
    return 0 < content.index(b"moov") < content.index(b"mdat")


def test_a_film_that_is_stopped_is_the_beginning_of_the_whole_one(asked: Request, tmp_path: Path) -> None:
    path, parts = tmp_path / "a.mp4", tmp_path / "parts"
    whole, frames = made(asked, tmp_path / "whole.mp4")
    assert (whole["stopped"], whole["frames"], len(frames)) == (False, 120, 120)
    remembered = len(speed.path().read_text().splitlines())

    told, some = made(asked, path, enough=after(4), journal=parts, sheet=tmp_path / "sheet.png")
    assert len(list(parts.glob("chunk-*"))) == 4, "no chunk more"
    assert (told["stopped"], told["frames"], told["seconds"]) == (True, len(some), round(len(some) / 30, 3))
    assert 0 < len(some) < 120
    assert np.array_equal(some, frames[: len(some)])
    assert told["tokens"] < whole["tokens"]
    assert read.probe(path).frames == len(some)
    assert is_fast_start(path)
    assert (labels.read_recipe(path) or {})["stopped"] == {"frames": len(some), "of": 120}
    assert not part_of(path).exists()
    assert len(speed.path().read_text().splitlines()) == remembered, "says nothing of what films cost"

    assert main.run(["resume", str(parts)]) == 0
    assert read.probe(path).frames == 120
    assert "stopped" not in (labels.read_recipe(path) or {})
    _, again = made(asked, path, journal=parts)
    assert np.array_equal(again, frames)


def test_who_has_enough_at_once_gets_a_chunk(asked: Request, tmp_path: Path) -> None:
    told, frames = made(asked, tmp_path / "a.mp4", enough=lambda: True)
    assert len(frames) == told["frames"] == 5  # two latents
    from_a_clip = replace(asked, start=str(tmp_path / "b.mp4"))
    made(replace(asked, shots=(Shot(seconds=1, prompt="a ball"),)), tmp_path / "b.mp4")
    told, frames = made(from_a_clip, tmp_path / "c.mp4", enough=lambda: True)
    assert 30 < told["frames"] < 150, "the clip, and a chunk after it"


def test_who_never_has_enough_or_too_late_gets_the_whole_film(asked: Request, tmp_path: Path) -> None:
    short = replace(asked, shots=(Shot(seconds=0.5, prompt="a ball"),))
    told, _ = made(short, tmp_path / "a.mp4", enough=lambda: False)
    asks = [0]

    def count() -> bool:
        asks[0] += 1
        return False

    made(short, tmp_path / "a.mp4", enough=count)
    late, _ = made(short, tmp_path / "a.mp4", enough=after(asks[0] + 1))
    assert (late["frames"], late["stopped"]) == (told["frames"], told["stopped"]) == (15, False)


def test_a_film_that_is_stopped_can_be_asked_about(
    asked: Request, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = tmp_path / "a.mp4", tmp_path / "b.mp4"
    told, _ = made(asked, path, enough=after(8))
    assert main.run(["verify", str(path)]) == 2
    assert "was stopped before its end" in capsys.readouterr().err
    said = [retake(path, Take(begin=at, end=at + 0.2, seed=1), out, around=Around())["prompt"] for at in (0.5, 1.3)]
    assert said == ["a red ball", "a ball"]
    assert read.probe(out).frames == told["frames"]
    assert main.run(["generate", "--from", str(path), "-o", str(out)]) == 0
    assert read.probe(out).frames == 120


def test_a_draft_that_is_stopped_is_finished_as_it_is(asked: Request, tmp_path: Path) -> None:
    path, out = tmp_path / "a.mp4", tmp_path / "b.mp4"
    large = replace(asked, width=256, height=192)
    told, _ = made(large, path, enough=after(3), journal=tmp_path / "parts", draft=True)
    assert main.run(["finish", str(path), "-o", str(out)]) == 0
    about = read.probe(out)
    assert (about.frames, about.width, about.height) == (told["frames"], 256, 192)


@pytest.mark.parametrize("hook", ["look", "report", "enough"])
def test_an_exception_ends_the_work_within_a_step_and_leaves_nothing(asked: Request, tmp_path: Path, hook: str) -> None:
    path, parts, steps = tmp_path / "a.mp4", tmp_path / "parts", []

    def fail() -> bool:
        raise CalledOffError

    def report(stage: str, done: float) -> None:
        steps.append(time.monotonic())
        time.sleep(0.02)
        if hook == "report" and stage == "sampling" and done > 0.5:
            fail()

    options = Options(
        journal=parts,
        look=(lambda _: fail()) if hook == "look" else None,
        enough=fail if hook == "enough" else None,
    )
    with pytest.raises(CalledOffError):
        film.make(replace(asked, steps=20), path, options=options, report=report)
    ended, count = time.monotonic(), len(steps)
    assert not [thread for thread in threading.enumerate() if thread.name == "ahead"]
    time.sleep(0.1)
    assert len(steps) == count, "no one goes on"
    assert ended - steps[-1] < 0.5
    assert sorted(item.name for item in tmp_path.iterdir()) == ["parts"]


def test_a_faster_film_has_all_its_frames(asked: Request, tmp_path: Path) -> None:
    told, frames = made(replace(asked, shots=(Shot(seconds=25 / 30, prompt="a ball"),), fps=60), tmp_path / "a.mp4")
    assert (told["frames"], told["stopped"]) == (50, False)
    assert np.array_equal(frames[-1], frames[-2]), "there is no native frame after the last"


def test_memory_is_this_process_s_own() -> None:
    assert 10**7 < film.peak_rss_bytes() < 10**11
