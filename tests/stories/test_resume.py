"""A film is killed, and goes on; a film is made again, and is the same."""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from praxino.cli import main
from praxino.media import read
from praxino.media.write import Writer, part_of

ASKED = ("a red ball rolls", "--seconds", "4", "--size", "128x96", "--seed", "5", "--steps", "12")


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "praxino.cli.main", *map(str, words)]


def frames(path: Path) -> np.ndarray:
    return np.stack(list(read.stream(path)))


@pytest.mark.slow
def test_a_film_killed_at_any_moment_goes_on_to_the_same_frames(tiny_model: Path, tmp_path: Path, capsys) -> None:
    whole, cut, journal = tmp_path / "whole.mp4", tmp_path / "cut.mp4", tmp_path / "journal"
    assert main.run(["generate", *ASKED, "--model", str(tiny_model), "-o", str(whole)]) == 0
    asked = command("generate", *ASKED, "--model", tiny_model, "-o", "cut.mp4", "--journal", "journal")
    running = subprocess.Popen(asked, cwd=tmp_path, stderr=subprocess.DEVNULL)
    while len(list(journal.glob("chunk-*"))) < 4 and running.poll() is None:
        time.sleep(0.02)
    running.kill()
    running.wait()
    assert not cut.exists()
    assert len(list(journal.glob("chunk-*"))) >= 4
    capsys.readouterr()
    assert main.run(["resume", str(journal), "--json"]) == 0  # from another folder than it was asked for in
    assert json.loads(capsys.readouterr().out)["file"] == str(cut)
    assert np.array_equal(frames(cut), frames(whole))
    assert not part_of(cut).exists()
    assert main.run(["verify", str(whole), "--json"]) == 0
    verdict = json.loads(capsys.readouterr().out)
    assert verdict == {"frames": 120, "same": 120, "other": [], "reproduced": True}


def test_a_film_that_was_changed_is_not_reproduced(tiny_model: Path, tmp_path: Path, capsys) -> None:
    from praxino.media import labels

    film, other = tmp_path / "a.mp4", tmp_path / "b.mp4"
    short = ("a red ball rolls", "--seconds", "0.5", "--size", "64x64", "--seed", "5", "--steps", "2")
    assert main.run(["generate", *short, "--model", str(tiny_model), "-o", str(film)]) == 0
    recipe = labels.read_recipe(film)
    assert recipe is not None
    assert len(recipe["noise"]) == 16
    recipe["versions"]["torch"] = "1.0"
    with Writer(other, width=64, height=64, fps=30, metadata=labels.metadata(recipe)) as out:
        for picture in frames(film):
            out.write(255 - picture)
    capsys.readouterr()
    assert main.run(["verify", str(other)]) == 1
    said = capsys.readouterr().out
    assert "0 of 15 frames" in said
    assert "torch 1.0 then" in said


def test_what_cannot_be_resumed_or_verified_is_refused(tmp_path: Path, capsys) -> None:
    assert main.run(["resume", str(tmp_path)]) == 2
    assert "holds no journal" in capsys.readouterr().err
    (tmp_path / "film.json").write_text('{"film": {}, "place": {}}')
    assert main.run(["resume", str(tmp_path)]) == 2
    assert "cannot be used" in capsys.readouterr().err
    assert main.run(["verify", str(tmp_path / "none.mp4")]) == 2
    assert "does not exist" in capsys.readouterr().err
