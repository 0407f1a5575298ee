"""A person trains a model of their own: starts, stops with Ctrl-C, goes on, and makes a film with it."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from praxino import checkpoint
from praxino.training import state


def train(into: Path, *more: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "praxino.cli.main", "train", "tiny", "--into", into, *more]
    return subprocess.Popen([*map(str, command)], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_training_stops_at_ctrl_c_saves_and_goes_on(tmp_path: Path) -> None:
    into = tmp_path / "run"
    running = train(into, "--minutes", 1.2)
    assert running.stderr is not None
    said = next(line for line in running.stderr if line.startswith("clips:"))
    assert "loss" in said
    assert "min left" in said
    running.send_signal(signal.SIGINT)
    begun = time.monotonic()
    _, rest = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "stopped" in rest
    assert time.monotonic() - begun < 20
    step = state.load(into / "flow" / "state.safetensors")["step"]
    assert step >= 10, "what was learned is kept"
    again = train(into, "--minutes", 0.4, "--resume")
    out, rest = again.communicate(timeout=120)
    assert again.returncode == 0, rest
    assert state.load(into / "flow" / "state.safetensors")["step"] > step
    folder = Path(out.strip())
    assert checkpoint.card(folder)["card"]["rung"] == "one"
    assert sorted(path.suffix for path in (into / "flow").iterdir()) == [".csv", ".png", ".safetensors"]
    assert list(into.glob("samples-*.png"))


@pytest.mark.slow
def test_training_takes_the_autoencoder_of_another_model_as_it_is(tmp_path: Path) -> None:
    first, second = train(tmp_path / "first", "--minutes", 0.2), None
    folder = Path(first.communicate(timeout=200)[0].strip())
    second = train(tmp_path / "second", "--minutes", 0.1, "--parts", folder)
    again = Path(second.communicate(timeout=200)[0].strip())
    mine, theirs = (checkpoint.load(each)[0] for each in (again, folder))
    held = [name for name in theirs if name.startswith("upscaler.") or name == "autoencoder.clip_in.weight"]
    assert held
    assert all(mine[name].equal(theirs[name]) for name in held)


@pytest.mark.slow
def test_training_begins_as_another_model_and_keeps_its_words(tmp_path: Path) -> None:
    folder = Path(train(tmp_path / "first", "--minutes", 0.2).communicate(timeout=200)[0].strip())
    running = train(tmp_path / "second", "--minutes", 0.1, "--parts", folder, "--from", folder)
    out, said = running.communicate(timeout=200)
    assert running.returncode == 0, said
    assert "stills:" not in said, "it knows stills already"
    again = Path(out.strip())
    assert (again / "tokenizer.json").read_bytes() == (folder / "tokenizer.json").read_bytes()
    mine, theirs = (checkpoint.load(each)[0] for each in (again, folder))
    name = "text.tokens.weight"
    moved, size = (mine[name].float() - theirs[name].float()).norm(), theirs[name].float().norm()
    assert moved < 0.5 * size, "a fresh one would be as far away as it is long, or farther"


def test_a_model_of_other_sizes_is_no_beginning(tmp_path: Path) -> None:
    wrong = train(tmp_path / "run", "--minutes", 0.1, "--from", "pocket")
    _, said = wrong.communicate(timeout=60)
    assert wrong.returncode == 2
    assert "width 192 there and 32 here" in said
    assert not (tmp_path / "run").exists()


def test_parts_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    wrong = train(tmp_path / "run", "--minutes", 0.1, "--parts", "pocket")
    _, said = wrong.communicate(timeout=60)
    assert wrong.returncode == 2
    assert "have 64 channels, tiny needs 8" in said
    assert not (tmp_path / "run" / "autoencoder").exists()
