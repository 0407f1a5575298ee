"""A person's afternoon with films, at tiny size: random weights, real files."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.marks import unsigned

from praxino.generation import film
from praxino.generation.film import Options, make
from praxino.media import labels, read
from praxino.media.write import Writer
from praxino.request import Request, Shot


def ask(model: Path, **changes: object) -> Request:
    request = Request(
        shots=(Shot(seconds=1, prompt="a red ball rolls"),), seed=3, model=str(model), width=128, height=96, fps=30
    )
    return replace(request, **changes)  # pyright: ignore[reportArgumentType]


def frames(path: Path) -> np.ndarray:
    return read.read(path).frames


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / max(np.mean((a.astype(float) - b.astype(float)) ** 2), 1e-9)))


def save(clip: np.ndarray, path: Path, fps: float = 30) -> Path:
    with Writer(path, width=clip.shape[2], height=clip.shape[1], fps=fps) as out:
        for frame in clip:
            out.write(frame)
    return path


def test_words_become_a_film_that_tells_how_it_was_made(tiny_model: Path, tmp_path: Path) -> None:
    heard: list[tuple[str, float]] = []
    options = Options(sheet=tmp_path / "sheet.png")
    done = make(ask(tiny_model), tmp_path / "a.mp4", options=options, report=lambda *said: heard.append(said))
    assert (done["frames"], done["width"], done["height"]) == (30, 128, 96)
    assert frames(tmp_path / "a.mp4").shape == (30, 96, 128, 3)
    recipe = labels.read_recipe(tmp_path / "a.mp4")
    assert recipe is not None
    assert recipe["request"]["shots"][0]["prompt"] == "a red ball rolls"
    assert labels.read_label(tmp_path / "a.mp4")
    assert heard[-1] == ("sampling", 1.0)
    assert Image.open(tmp_path / "sheet.png").width > 500


def test_the_same_request_gives_the_same_bytes_and_another_seed_another_film(tiny_model: Path, tmp_path: Path) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        make(ask(tiny_model, seed=seed), tmp_path / f"{name}.mp4")
    assert unsigned(tmp_path / "a.mp4") == unsigned(tmp_path / "b.mp4")
    assert not np.array_equal(frames(tmp_path / "a.mp4"), frames(tmp_path / "c.mp4"))


def test_a_picture_is_the_first_frame(tiny_model: Path, tmp_path: Path, gradient: np.ndarray) -> None:
    Image.fromarray(gradient[0]).save(tmp_path / "first.png")
    done = make(ask(tiny_model, start=str(tmp_path / "first.png")), tmp_path / "a.mp4")
    made = frames(tmp_path / "a.mp4")
    assert done["frames"] == len(made) == 30
    assert psnr(made[0], gradient[0]) > 35


def test_a_clip_comes_first_untouched_and_the_seconds_are_added(
    tiny_model: Path, tmp_path: Path, gradient: np.ndarray
) -> None:
    source = save(gradient, tmp_path / "source.mp4")
    done = make(ask(tiny_model, start=str(source)), tmp_path / "a.mp4")
    made = frames(tmp_path / "a.mp4")
    assert done["frames"] == len(made) == 25 + 30
    assert psnr(made[:25], frames(source)) > 36


def test_a_clip_of_another_size_and_rate_is_fitted(tiny_model: Path, tmp_path: Path, gradient: np.ndarray) -> None:
    source = save(gradient[:, :, :72], tmp_path / "source.mp4", fps=15)
    for fit in ("crop", "pad"):
        done = make(ask(tiny_model, start=str(source), fps=24, fit=fit), tmp_path / f"{fit}.mp4")
        assert done["frames"] == len(frames(tmp_path / f"{fit}.mp4")) == 25 * 24 // 15 + 24


def test_a_film_ends_on_the_picture_it_was_given(tiny_model: Path, tmp_path: Path, gradient: np.ndarray) -> None:
    Image.fromarray(gradient[0]).save(tmp_path / "first.png")
    Image.fromarray(gradient[-1]).save(tmp_path / "last.png")
    both = ask(tiny_model, start=str(tmp_path / "first.png"), end=str(tmp_path / "last.png"))
    make(both, tmp_path / "a.mp4")
    made = frames(tmp_path / "a.mp4")
    assert psnr(made[0], gradient[0]) > 35
    assert psnr(made[-1], gradient[-1]) > 35


def test_a_storyboard_is_as_long_as_its_shots(tiny_model: Path, tmp_path: Path) -> None:
    shots = (Shot(seconds=0.5, prompt="a red ball rolls"), Shot(seconds=0.75, prompt="a red ball"))
    make(ask(tiny_model, shots=shots), tmp_path / "a.mp4")
    make(ask(tiny_model, shots=(replace(shots[0], seconds=1.25),)), tmp_path / "b.mp4")
    told, plain = frames(tmp_path / "a.mp4"), frames(tmp_path / "b.mp4")
    assert len(told) == len(plain) == 38
    assert not np.array_equal(told[-1], plain[-1])


@pytest.mark.parametrize("fps", [12, 24, 29.97, 60])
def test_any_frame_rate_gives_the_frames_asked_for(tiny_model: Path, tmp_path: Path, fps: float) -> None:
    make(ask(tiny_model, fps=fps), tmp_path / "a.mp4")
    assert len(frames(tmp_path / "a.mp4")) == round(fps)


@pytest.mark.parametrize("size", [(96, 128), (256, 64), (66, 64)])
def test_any_shape_gives_the_size_asked_for(tiny_model: Path, tmp_path: Path, size: tuple[int, int]) -> None:
    make(ask(tiny_model, width=size[0], height=size[1]), tmp_path / "a.mp4")
    assert frames(tmp_path / "a.mp4").shape[1:3] == (size[1], size[0])


class Stop(Exception):
    pass


def test_an_interrupted_film_leaves_nothing_and_ends_as_an_unbroken_one(tiny_model: Path, tmp_path: Path) -> None:
    make(ask(tiny_model), tmp_path / "whole.mp4")

    def stop(stage: str, done: float) -> None:
        if stage == "sampling" and done > 0.6:
            raise Stop

    options = Options(journal=tmp_path / "journal")
    with pytest.raises(Stop):
        make(ask(tiny_model), tmp_path / "late.mp4", options=options, report=stop)
    assert not list(tmp_path.glob("*late*"))
    assert len(list((tmp_path / "journal").glob("chunk-*"))) >= 1
    steps: list[float] = []
    make(ask(tiny_model), tmp_path / "late.mp4", options=options, report=lambda _, done: steps.append(done))
    assert unsigned(tmp_path / "late.mp4") == unsigned(tmp_path / "whole.mp4")
    assert len(steps) < 4 * 3 + 2, "finished chunks were made again"


def test_a_journal_of_another_film_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    options = Options(journal=tmp_path / "journal")
    make(ask(tiny_model), tmp_path / "a.mp4", options=options)
    with pytest.raises(ValueError, match="another film"):
        make(ask(tiny_model, seed=4), tmp_path / "b.mp4", options=options)
    assert not (tmp_path / "b.mp4").exists()


def test_words_the_model_was_never_taught_are_named(tiny_model: Path, tmp_path: Path) -> None:
    shots = (Shot(seconds=0.2, prompt="a red cat rolls"),)
    warned = make(ask(tiny_model, shots=shots), tmp_path / "a.mp4")["warnings"]
    assert len(warned) == 1
    assert "'cat'" in warned[0]
    assert "'red'" not in warned[0]
    assert film.warnings_of(ask(tiny_model), ("a", "red", "ball", "roll")) == []
