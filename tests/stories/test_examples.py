"""The programs in examples/ run as they stand, with a tiny model."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from praxino.media import read

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(monkeypatch: pytest.MonkeyPatch, name: str, *arguments: object) -> None:
    monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
    runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("films")


@pytest.fixture(scope="module")
def film(films: Path, tiny_model: Path) -> Path:
    """What make_film.py makes; other programs start from it."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        size = ("--seconds", 0.5, "--size", "128x96")
        run(monkeypatch, "make_film", "a red ball rolls", "--model", tiny_model, "--into", films, *size)
    return films / "film.mp4"


@pytest.fixture(scope="module")
def world(films: Path) -> Path:
    """What render_world.py makes."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        run(monkeypatch, "render_world", "--into", films, "--frames", 31, "--size", "128x72")
    return films / "world.mp4"


def test_there_are_five_and_each_is_short():
    lengths = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in EXAMPLES.glob("*.py")}
    assert len(lengths) == 5
    assert max(lengths.values()) < 40


def test_make_film(film: Path):
    assert read.read(film).frames.shape == (15, 96, 128, 3)
    assert Image.open(film.with_suffix(".png")).width > 500


def test_continue_clip(world: Path, films: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch):
    more = ("--model", tiny_model, "--into", films, "--seconds", 0.5)
    run(monkeypatch, "continue_clip", world, "a red ball rolls", *more)
    made, given = read.read(films / "continued.mp4").frames, read.read(world).frames
    assert len(made) == 31 + 15
    assert np.abs(made[:31].astype(int) - given).mean() < 3, "the clip does not come first"


def test_storyboard(films: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch):
    run(monkeypatch, "storyboard", "--model", tiny_model, "--into", films, "--seconds", 0.2, "--size", "128x96")
    assert len(read.read(films / "storyboard.mp4").frames) == 18
    assert list((films / "journal").glob("chunk-*"))
    assert (films / "storyboard.png").exists()


def test_render_world(world: Path):
    assert len(read.read(world).frames) == 31
    about = json.loads(world.with_suffix(".json").read_text(encoding="utf-8"))
    assert len(about["truth"]["poses"]) == 31
    assert about["captions"]["zh"]


def test_read_recipe(film: Path, films: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    run(monkeypatch, "read_recipe", film, "--again", "--into", films)
    said = capsys.readouterr().out
    assert '"prompt": "a red ball rolls"' in said
    assert "AIGC label: {" in said
    assert "the same pixels" in said
