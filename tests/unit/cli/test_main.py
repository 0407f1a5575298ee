"""The front of the command line: inspect, models, help, progress."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import praxino
from praxino.cli import main, progress
from praxino.cli.main import run

from .conftest import Maker


def test_inspect_reads_the_recipe_and_the_label(maker: Maker, model: str, capsys, tmp_path: Path):
    film = str(tmp_path / "f.mp4")
    assert run(["generate", "a red ball", "-o", film, "--seed", "7", "--model", model]) == 0
    capsys.readouterr()
    assert run(["inspect", film, "--json"]) == 0
    about = json.loads(capsys.readouterr().out)
    assert about["recipe"]["request"]["shots"] == [{"seconds": 4.0, "prompt": "a red ball"}]
    assert about["recipe"]["request"]["seed"] == 7
    assert about["label"]["Label"] == "1"
    assert (about["width"], about["height"], about["frames"], about["fps"]) == (512, 288, 3, 30)
    assert run(["inspect", film]) == 0
    assert "a red ball" in capsys.readouterr().out


def test_a_film_of_someone_else_is_told_so(capsys, tmp_path: Path):
    import numpy as np

    from praxino.media.write import Writer

    with Writer(tmp_path / "f.mp4", width=64, height=64, fps=30) as film:
        film.write(np.zeros((64, 64, 3), np.uint8))
    assert run(["inspect", str(tmp_path / "f.mp4")]) == 2
    assert "carries no recipe" in capsys.readouterr().err
    assert run(["generate", "--from", str(tmp_path / "f.mp4"), "-o", str(tmp_path / "g.mp4")]) == 2


def test_models_are_listed_and_shown(model: str, capsys):
    assert run(["models", "list", "--json"]) == 0
    assert isinstance(json.loads(capsys.readouterr().out), list)
    assert run(["models", "list"]) == 0
    assert capsys.readouterr().out
    assert run(["models", "show", model, "--json"]) == 0
    about = json.loads(capsys.readouterr().out)
    assert (about["name"], about["card"]["rung"]) == ("mine", "one")
    assert run(["models", "show", model]) == 0
    assert "红色" in capsys.readouterr().out
    assert run(["models", "show", "nothing-like-it"]) == 2


def test_speed_is_told_beside_what_it_is_held_against(capsys):
    assert run(["bench", "products", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert len(figures) == 3
    assert all(one["ratio"] == pytest.approx(one["value"] / one["reference"], abs=1e-3) for one in figures)
    assert run(["bench", "products"]) == 0
    assert "GFLOP/s a core; float32" in capsys.readouterr().out


def test_the_version_is_told(capsys):
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"praxino {praxino.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["generat"], "Did you mean 'generate'"),
        (["generate"], "Missing option '-o'"),
        (["--what"], "--what"),
        (["models", "paint"], "paint"),
    ],
)
def test_a_command_line_that_does_not_parse_is_one_line_and_two(capsys, arguments: list[str], words: str):
    assert run(arguments) == 2
    err = capsys.readouterr().err
    assert words in err
    assert len(err.strip().splitlines()) == 1


@pytest.mark.parametrize("name", list(main.COMMANDS))
def test_every_command_has_help(name: str, capsys):
    if not (Path(main.__file__).parent / f"{name}.py").exists():
        pytest.skip(f"{name} is not built yet")
    assert run([name, "--help"]) == 0
    assert "Usage: praxino " + name in " ".join(capsys.readouterr().out.split())


def test_help_opens_at_once_and_without_torch():
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "praxino.cli.main", "--help"], capture_output=True, text=True, check=True
    )
    assert time.perf_counter() - begun < 3  # a busy machine; alone it takes a quarter of a second
    for name in ("generate", "inspect", "models"):
        assert name in done.stdout
    modules = "import sys, praxino.cli.main as m; m.run(['--help']); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", modules], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("False")


def test_bad_input_is_refused_without_torch(tmp_path: Path):
    code = "import sys, praxino.cli.main as m; m.run(sys.argv[1:]); print('torch' in sys.modules)"
    args = ["generate", "a ball", "-o", str(tmp_path / "f.mp4"), "--start", "none.png"]
    done = subprocess.run([sys.executable, "-c", code, *args], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_program_through_every_finally(tmp_path: Path, number: signal.Signals, code: int):
    program = (
        "import os, pathlib, sys, time, praxino.cli.main as m\n"
        "@m.app.command()\n"
        "def wait(number: int):\n"
        "    try:\n"
        "        os.kill(os.getpid(), number); time.sleep(10)\n"
        "    finally:\n"
        "        pathlib.Path('cleaned').touch()\n"
        "m.main()\n"
    )
    arguments = [sys.executable, "-c", program, "wait", str(int(number))]
    done = subprocess.run(arguments, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert (tmp_path / "cleaned").exists()


def test_progress_on_a_log_is_at_most_a_line_a_second(capsys):
    with progress.progress() as report:
        for step in range(1000):
            report("sampling", step / 1000)
    err = capsys.readouterr().err
    assert len(err.splitlines()) <= 2
    assert "sampling: 0%" in err


def test_progress_for_people_shows_stage_percent_and_time_left(capsys, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "120")
    with progress.progress() as report:
        report("sampling", 0.25)
        report("writing", 1.0)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "sampling" in captured.err
    assert "25%" in captured.err
