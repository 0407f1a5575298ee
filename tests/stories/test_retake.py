"""A second of a film is made again; the rest of it stays."""

import json
from pathlib import Path

import numpy as np
import pytest

from praxino.cli import main
from praxino.media import labels, read


@pytest.fixture(scope="module")
def film(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "a.mp4"
    shots = ["--shot", "2: a red ball rolls", "--shot", "3: a ball"]
    words = ["generate", *shots, "--size", "64x64", "--seed", "5", "--steps", "2", "--model", str(tiny_model)]
    assert main.run([*words, "-o", str(path)]) == 0
    return path


def frames(path: Path) -> np.ndarray:
    return np.stack(list(read.stream(path)))


@pytest.mark.parametrize(("begin", "end", "said"), [(2.2, 3.0, "a ball"), (0, 1, "a red ball rolls"), (4, 5, "a ball")])
def test_a_part_is_made_again_between_what_stays(
    film: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], begin: float, end: float, said: str
) -> None:
    out = tmp_path / "b.mp4"
    capsys.readouterr()
    asked = ["retake", str(film), "--from", str(begin), "--to", str(end), "-o", str(out), "--seed", "9", "--json"]
    assert main.run(asked) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["prompt"], told["seed"], told["frames"]) == (said, 9, 150)
    before, after = frames(film), frames(out)
    assert len(after) == 150
    first, last = round(30 * begin), round(30 * end)
    kept = [k for k in range(150) if not first - 60 < k < last + 60]  # groups of pictures have two seconds at most
    assert np.array_equal(after[kept], before[kept])
    middle = (first + last) // 2
    assert np.abs(after[middle].astype(int) - before[middle]).mean() > 2
    recipe = labels.read_recipe(out)
    assert recipe is not None
    assert recipe["retakes"] == [{"from": begin, "to": end, "prompt": said, "seed": 9}]
    assert main.run(["verify", str(out)]) == 2
    assert "retaken" in capsys.readouterr().err


def test_new_words_are_taken_and_what_is_no_part_of_the_film_is_refused(
    film: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "b.mp4"
    assert main.run(["retake", str(film), "a blue cube", "--from", "1", "--to", "1.5", "-o", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["prompt"] == "a blue cube"
    for begin, end in (("3", "2"), ("-1", "2"), ("4", "9")):
        words = ["retake", str(film), "--from", begin, "--to", end, "-o", str(tmp_path / "c.mp4")]
        assert main.run(words) == 2
        assert "no part of" in capsys.readouterr().err
    assert main.run(["retake", str(film), "--from", "1", "--to", "2", "-o", str(film)]) == 2
    assert not (tmp_path / "c.mp4").exists()
