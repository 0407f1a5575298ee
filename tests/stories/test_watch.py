"""A folder that footage keeps coming into, and `praxino curate --watch`."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tests import films


def kept(into: Path) -> set[str]:
    return {row["source"] for row in pq.read_table(into / "index.parquet").to_pylist() if row["kept"]}


@pytest.mark.slow
def test_files_that_come_later_are_taken_in_once_they_are_whole(tmp_path: Path):
    raw, into = tmp_path / "raw", tmp_path / "set"
    raw.mkdir()
    films.save(raw / "first.mp4", films.film(40, width=256, height=144, seed=1))
    second = films.save(tmp_path / "second.mp4", films.film(40, width=256, height=144, seed=2)).read_bytes()
    films.save(tmp_path / "third.mp4", films.film(40, width=256, height=144, seed=3))
    command = [sys.executable, "-m", "praxino.cli.main", "curate", str(raw), "--into", str(into), "--watch", "--json"]
    running = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert told(running)["sources"] == 1
        assert kept(into) == {"first.mp4"}
        (raw / "second.mp4").write_bytes(second)
        again = told(running)
        assert (again["sources"], again["studied"]) == (2, 1)
        assert kept(into) == {"first.mp4", "second.mp4"}
        (tmp_path / "third.mp4").replace(raw / "third.mp4")
        assert told(running)["studied"] == 1
        assert kept(into) == {"first.mp4", "second.mp4", "third.mp4"}
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=30)
        assert running.returncode == 130, said
    finally:
        running.kill()


def told(running: subprocess.Popen[str]) -> dict[str, Any]:
    """The next line that it prints."""
    assert running.stdout is not None
    return json.loads(running.stdout.readline())
