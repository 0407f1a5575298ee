"""What must never break where one film is made on several devices."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from praxino.cli.main import run
from praxino.generation.program import able
from praxino.media import read

BALL = ["a red ball", "--size", "128x96", "--seconds", "0.6", "--seed", "5", "--best-of", "2"]
RANK = "praxino.generation.ranks"


def film(model: Path, out: Path, *more: str) -> list[str]:
    """The words after `praxino` that make a film and keep a journal."""
    where = ["-o", str(out / "film.mp4"), "--journal", str(out / "parts"), "--model", str(model)]
    return ["generate", *BALL, *where, *more]


def command(model: Path, out: Path, *more: str, torchrun: int = 0) -> list[str]:
    """The one that makes it on two devices, or on as many as torchrun has ranks."""
    start = ["torch.distributed.run", "--standalone", f"--nproc-per-node={torchrun}", "-m"] if torchrun else []
    devices = [] if torchrun else ["--devices", "2"]
    return [sys.executable, "-m", *start, "praxino", *film(model, out, *devices, *more)]


def done(words: list[str], *, seconds: float = 120) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, timeout=seconds, check=False)


def chunks(out: Path) -> list[torch.Tensor]:
    return [load_file(path)["latents"] for path in sorted((out / "parts").glob("chunk-*"))]


def same(out: Path, other: Path) -> bool:
    """Whether two films have the same latents and the same frames, bit for bit."""
    pairs = zip(chunks(out), chunks(other), strict=True)
    films = [np.stack(list(read.stream(where / "film.mp4"))) for where in (out, other)]
    return all(torch.equal(a, b) for a, b in pairs) and np.array_equal(*films)


@pytest.fixture(scope="module")
def alone(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The film as one device makes it."""
    out = tmp_path_factory.mktemp("alone")
    assert run(film(tiny_model, out)) == 0
    return out


def test_two_devices_make_the_film_that_one_makes(tiny_model: Path, alone: Path, tmp_path: Path) -> None:
    made = done(command(tiny_model, tmp_path))
    assert made.returncode == 0, made.stderr
    assert len(chunks(alone)) > 2
    assert same(tmp_path, alone)


def test_so_do_ranks_of_torchrun_of_which_the_first_only_decodes(tiny_model: Path, alone: Path, tmp_path: Path) -> None:
    made = done(command(tiny_model, tmp_path, "--decode-apart", torchrun=3))
    assert made.returncode == 0, made.stderr
    assert made.stdout.count("film.mp4") == 1, "one rank speaks"
    assert same(tmp_path, alone)


def test_more_devices_than_heads_are_refused(tiny_model: Path, tmp_path: Path) -> None:
    refused = done(command(tiny_model, tmp_path, "--devices", "3"))
    assert refused.returncode == 2
    assert "2 attention heads cannot be spread over 3 ranks; use at most 2" in refused.stderr
    assert not (tmp_path / "film.mp4").exists()


def test_decoding_apart_on_one_device_is_refused(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    assert run(film(tiny_model, tmp_path, "--decode-apart")) == 2
    assert "give --devices 2" in capsys.readouterr().err


def begun(model: Path, out: Path) -> "tuple[subprocess.Popen[str], int]":
    """A film on two devices whose first chunk is there, and the process of its second rank."""
    words = [*command(model, out), "--steps", "100"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until = time.time() + 60
    while not list((out / "parts").glob("chunk-*.safetensors")):
        assert process.poll() is None, process.communicate()[1]
        assert time.time() < until
        time.sleep(0.02)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="utf-8").split()
    ranks = [int(one) for one in children if RANK in Path(f"/proc/{one}/cmdline").read_text(encoding="utf-8")]
    assert len(ranks) == 1
    return process, ranks[0]


def gone(process: int) -> bool:
    until = time.time() + 20
    while time.time() < until:
        state = Path(f"/proc/{process}/stat")
        if not state.exists() or state.read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.05)
    return False


needs_proc = pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="looks for ranks in /proc")


@needs_proc
def test_a_rank_that_dies_ends_the_film_with_a_word_and_one_device_goes_on(tiny_model: Path, tmp_path: Path) -> None:
    process, rank = begun(tiny_model, tmp_path)
    os.kill(rank, signal.SIGKILL)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 1, said
    assert "another rank is gone, killed or out of memory" in said
    assert f"`praxino resume {tmp_path / 'parts'}` goes on" in said
    assert "Traceback" not in said
    kept = chunks(tmp_path)
    assert run(["resume", str(tmp_path / "parts")]) == 0
    assert len(chunks(tmp_path)) > len(kept)
    assert all(torch.equal(a, b) for a, b in zip(kept, chunks(tmp_path), strict=False))
    whole = tmp_path / "whole"
    assert run(film(tiny_model, whole, "--steps", "100")) == 0
    assert same(tmp_path, whole)


@needs_proc
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_film_that_is_stopped_leaves_no_rank_behind(tiny_model: Path, tmp_path: Path, number: int) -> None:
    process, rank = begun(tiny_model, tmp_path)
    process.send_signal(number)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == (130 if number == signal.SIGINT else -signal.SIGKILL), said
    assert gone(rank)
    assert not (tmp_path / "film.mp4").exists()


FUSED = """
import sys

import torch

from praxino.cli.main import run
from praxino.generation import program, rollout
from praxino.layers import precision

program.PAYS, rollout.BEGINNING = 1, 0.0  # every film is long enough, from its first chunks on
precision.fastest = lambda device: torch.float32  # so that a rounding is a rounding, on every machine
sys.exit(run(sys.argv[1:]))
"""


@pytest.mark.slow
@pytest.mark.skipif(not able("cpu"), reason="there is no compiler")
def test_two_devices_make_a_long_film_by_a_program_too(tiny_model: Path, tmp_path: Path) -> None:
    made: dict[str, list[torch.Tensor]] = {}
    for name, more in {"one": [], "two": ["--devices", "2"]}.items():
        asked = film(tiny_model, tmp_path / name, "--steps", "2", *more)
        ended = done([sys.executable, "-c", FUSED, *asked], seconds=500)
        assert ended.returncode == 0, ended.stderr
        made[name] = chunks(tmp_path / name)
    for mine, theirs in zip(made["two"], made["one"], strict=True):
        assert float((mine - theirs).abs().max() / theirs.abs().max()) <= 1e-5
