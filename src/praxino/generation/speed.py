"""What films have cost on this machine, so that the next one can be quoted.

One line of JSON for each film made, in the user's cache folder; the last `KEPT` count.
"""

import json
import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path

from praxino import config

KEPT = 200
"""Runs that are kept."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One film: how much of each thing it took, and how long."""

    model: str  # digest
    machine: str
    units: dict[str, float]  # by stage: what its time grows with
    seconds: dict[str, float]  # by stage
    total: float  # seconds; less than the sum, for stages overlap
    pixels: int  # of a frame of the film
    frames: int
    peak_rss_bytes: int
    file_bytes: int


def machine() -> str:
    """What a figure of speed holds for."""
    return f"{platform.machine()}-{os.cpu_count()}-{platform.node()}"


def path() -> Path:
    """Where runs are kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "praxino" / "runs.jsonl"


def runs(model: str) -> list[Run]:
    """The runs of a model on this machine, oldest first; none where nothing can be read."""
    try:
        lines = path().read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    found = [run for line in lines for run in [_run(line)] if run is not None]
    return [run for run in found if run.model == model and run.machine == machine()]


def record(run: Run) -> None:
    """Keep a run. A cache that cannot be written is no reason to lose a film."""
    try:
        path().parent.mkdir(parents=True, exist_ok=True)
        with path().open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(run)) + "\n")
        lines = path().read_text(encoding="utf-8").splitlines()
        if len(lines) > 2 * KEPT:
            temporary = path().with_suffix(f".{os.getpid()}.tmp")
            temporary.write_text("\n".join(lines[-KEPT:]) + "\n", encoding="utf-8")
            temporary.replace(path())
    except OSError:
        return


def _run(line: str) -> Run | None:
    """The run a line holds; None where another version wrote it, or a crash cut it short."""
    try:
        return config.from_json(Run, json.loads(line))
    except ValueError:
        return None
