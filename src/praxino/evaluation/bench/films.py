"""What whole films cost: real-time factor, memory, tokens; each made by a process of its own."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

from praxino import checkpoint
from praxino.evaluation.bench.figure import Figure, Report
from praxino.generation import price
from praxino.generation.parts import Parts, open_parts
from praxino.layers import precision
from praxino.request import Request, Shot

PROMPT = "a red ball bounces on a checker floor"
SIZES = ((512, 288), (1920, 1080))
LENGTHS = (4, 30, 120)
INDUSTRY = 1_000_000
"""Tokens that a minute of 1080p is said to take elsewhere."""


def opened(model: str) -> Parts:
    """The model as a film would be made with it."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return open_parts(checkpoint.find(model), device=device, dtype=precision.fastest(device))


def films(report: Report, model: str) -> list[Figure]:
    """Seconds a second of film, and the most memory, at several sizes and lengths."""
    out: list[Figure] = []
    kinds = [(size, seconds) for size in SIZES for seconds in LENGTHS]
    for n, ((width, height), seconds) in enumerate(kinds):
        with tempfile.TemporaryDirectory() as folder:
            asked = [PROMPT, "-o", str(Path(folder) / "film.mp4"), "--seconds", str(seconds), "--seed", "7"]
            asked += ["--size", f"{width}x{height}", "--model", model, "--json"]
            done = subprocess.run(  # noqa: S603 - ourselves
                [sys.executable, "-m", "praxino.cli.main", "generate", *asked],
                capture_output=True,
                text=True,
                check=True,
            )
        made = json.loads(done.stdout.strip().splitlines()[-1])
        what = f"{seconds} s of {width}x{height}"
        factor = made["timings"]["total"] / seconds
        out.append(Figure(what=f"{what}, seconds a second", value=factor, unit="x", against="real time", reference=1.0))
        memory = made["peak_rss_bytes"] / 2**30
        out.append(Figure(what=f"{what}, memory", value=memory, unit="GiB", against="target", reference=4.0))
        report("films", (n + 1) / len(kinds))
    return out


def tokens(model: str) -> list[Figure]:
    """Tokens that the transformer makes for a minute of 1080p, and the native size that it makes them at."""
    request = Request(shots=(Shot(seconds=60, prompt=PROMPT),), width=1920, height=1080, seed=0, model=model)
    held = price.opened(model)
    count, native = price.tokens_of(request, held), price.native_of(request, held)
    what = f"a minute of 1080p, made at {native[0]}x{native[1]}"
    return [Figure(what=what, value=count, unit="tokens", against="elsewhere, as said", reference=INDUSTRY)]
