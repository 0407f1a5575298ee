"""An afternoon with a folder of raw footage: curated, looked at, interrupted, curated again.

The short form; KILLS=20 for the long one.
"""

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from praxino.media.write import Writer
from praxino.world.film import film as world

WIDTH, HEIGHT, FPS = 192, 108, 25
KILLS = int(os.environ.get("KILLS", "4"))


def write(path: Path, frames: np.ndarray, quality: int = 18) -> None:
    with Writer(path, width=frames.shape[2], height=frames.shape[1], fps=FPS, quality=quality) as out:
        for frame in frames:
            out.write(frame)


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two reels of world clips, one of them twice and once more at another size, and what no model should see."""
    folder = tmp_path_factory.mktemp("raw")
    made = [world(seed, width=WIDTH, height=HEIGHT, frames=50, fps=FPS) for seed in range(300, 306)]
    clips = [one.frames for one in made]
    write(folder / "reel.mp4", np.concatenate(clips[:3]))
    write(folder / "solo.mp4", clips[4])
    (folder / "solo.json").write_text(json.dumps({"captions": made[4].captions}, ensure_ascii=False))
    shutil.copy(folder / "reel.mp4", folder / "twice.mp4")
    (folder / "deep").mkdir()
    write(folder / "deep" / "coarse.mp4", clips[4][:, ::1, ::1] // 1, quality=34)
    write(folder / "still.mp4", np.repeat(clips[5][:1], 60, 0))
    write(folder / "black.mp4", np.zeros((60, HEIGHT, WIDTH, 3), np.uint8))
    boxed = np.zeros((50, HEIGHT + 36, WIDTH, 3), np.uint8)
    boxed[:, 18 : HEIGHT + 18] = clips[3]
    write(folder / "boxed.mp4", boxed)
    (folder / "broken.mp4").write_bytes(b"\0\1" * 4000)
    (folder / "notes.pdf").write_bytes(b"no video")
    return folder


def command(*given: object) -> list[str]:
    return [sys.executable, "-m", "praxino.cli.main", "curate", *map(str, given)]


def curated(*given: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*given), capture_output=True, text=True, timeout=300, check=False)


def index(into: Path) -> list[dict[str, Any]]:
    return pq.read_table(into / "index.parquet").to_pylist()


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def dataset(raw: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], str]:
    into = tmp_path_factory.mktemp("made") / "set"
    done = curated(raw, "--into", into, "--json")
    assert done.returncode == 0, done.stderr
    return into, json.loads(done.stdout.splitlines()[-1]), done.stderr


@pytest.mark.slow
def test_every_shot_is_kept_or_dropped_with_a_reason(raw: Path, dataset: tuple[Path, dict[str, Any], str]):
    into, summary, progress = dataset
    rows = index(into)
    assert all(row["kept"] or row["reason"] for row in rows)
    assert {row["source"] for row in rows} == {
        "reel.mp4", "solo.mp4", "twice.mp4", "deep/coarse.mp4", "still.mp4", "black.mp4", "boxed.mp4", "broken.mp4",
    }  # fmt: skip
    reasons = {row["source"]: row["reason"] for row in rows if not row["kept"]}
    assert reasons["still.mp4"].startswith("motion: nothing moves")
    assert reasons["black.mp4"].startswith("light: black")
    assert reasons["broken.mp4"].startswith("ingest: ")
    assert reasons["twice.mp4"].startswith("dedupe: the same file as reel.mp4")
    (coarse,) = (row for row in rows if row["source"] in {"solo.mp4", "deep/coarse.mp4"} and not row["kept"])
    assert coarse["reason"].startswith("dedupe: looks the same as ")
    (boxed,) = (row for row in rows if row["source"] == "boxed.mp4")
    assert (boxed["kept"], boxed["crop"]) == (True, [0, 18, WIDTH, HEIGHT])
    assert [row["start_frame"] for row in rows if row["source"] == "reel.mp4"] == [0, 50, 100]
    assert all(row["caption_en"] and row["caption_zh"] for row in rows if row["kept"])
    assert summary["kept"] == sum(row["kept"] for row in rows)
    assert summary["survival"][0] == {"stage": "ingest", "in": 8, "dropped": 1, "kept": 7}
    assert "studying: " in progress
    assert digest(raw / "reel.mp4") in {row["digest"] for row in rows}


@pytest.mark.slow
def test_captions_of_the_world_are_those_beside_its_films(raw: Path, dataset: tuple[Path, dict[str, Any], str]):
    told = json.loads((raw / "solo.json").read_text())["captions"]
    (solo,) = (row for row in index(dataset[0]) if row["source"] == "solo.mp4")
    assert solo["caption_en"].split(",")[0] == told["en"].split(",")[0]
    assert solo["caption_zh"].split("，")[0] == told["zh"].split("，")[0]


@pytest.mark.slow
def test_a_model_can_learn_from_it_and_a_person_look_at_it(dataset: tuple[Path, dict[str, Any], str]):
    from praxino.training.source import from_shards

    into, summary, _ = dataset
    found = list(from_shards(into, size=(64, 48), frames=17))
    assert len({sample.captions for sample in found}) == summary["kept"]
    page = (into / "report.html").read_text(encoding="utf-8")
    assert f"{summary['kept']} of {summary['shots']} shots kept" in page
    assert "nothing moves" in page
    assert "http://" not in page.replace("http://www.w3.org", "")


@pytest.mark.slow
def test_again_nothing_changes_and_another_recipe_decodes_nothing(
    raw: Path, dataset: tuple[Path, dict[str, Any], str], tmp_path: Path
):
    into, summary, _ = dataset
    files = {path: (path.stat().st_mtime_ns, digest(path)) for path in into.iterdir() if path.is_file()}
    again = json.loads(curated(raw, "--into", into, "--resume", "--json").stdout)
    assert (again["studied"], again["encoded"], again["packed"]) == (0, 0, 0)
    assert {path: (path.stat().st_mtime_ns, digest(path)) for path in into.iterdir() if path.is_file()} == files

    strict, copy = tmp_path / "strict.py", tmp_path / "set"
    strict.write_text(
        "from praxino.curation.rules import Recipe, Rule\n"
        "recipe = Recipe(name='strict', rules=(Rule(tag='height', comparison='<=', threshold=0.0, reason='high'),))\n"
    )
    shutil.copytree(into, copy)
    none = json.loads(curated(raw, "--into", copy, "--recipe", strict, "--json").stdout)
    assert (none["studied"], none["encoded"], none["kept"]) == (0, 0, 0)
    assert not list(copy.glob("shard-*.tar"))
    back = json.loads(curated(raw, "--into", copy, "--json").stdout)
    assert (back["studied"], back["kept"]) == (0, summary["kept"])
    assert digest(copy / "index.parquet") == digest(into / "index.parquet")


@pytest.mark.slow
def test_killed_at_random_moments_it_becomes_the_same_dataset(
    raw: Path, dataset: tuple[Path, dict[str, Any], str], tmp_path: Path
):
    whole, into, lots = dataset[0], tmp_path / "set", random.Random(7)
    kills = 0
    for _ in range(12):
        running = subprocess.Popen(
            command(raw, "--into", into), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        try:
            running.wait(lots.uniform(0.8, 3.5))
        except subprocess.TimeoutExpired:
            running.kill()  # its workers are left alone, and end by themselves
            running.wait()
            kills += 1
        else:
            break
        if kills == 5:
            break
    assert kills >= 1
    deadline = time.monotonic() + 30
    while _workers(running.pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not _workers(running.pid), "workers outlived the command that was killed"
    done = curated(raw, "--into", into, "--json")
    assert done.returncode == 0, done.stderr
    for name in ("index.parquet", "manifest.json", *(path.name for path in whole.glob("shard-*.tar"))):
        assert digest(into / name) == digest(whole / name), name


@pytest.mark.slow
def test_killed_with_its_workers_again_and_again_every_file_is_the_same(
    raw: Path, dataset: tuple[Path, dict[str, Any], str], tmp_path: Path
):
    dice, whole, took = random.Random(11), held(dataset[0]), dataset[1]["took"] + 1
    kills, into = 0, tmp_path / "0"
    while kills < KILLS:
        again = ["--resume"] if (into / ".work").is_dir() else []
        running = subprocess.Popen(
            command(raw, "--into", into, *again),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            assert running.wait(dice.uniform(0.3, took)) == 0
            assert held(into) == whole
            into = tmp_path / str(kills)  # it was sooner than the kill: begin anew
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()
            kills += 1
    done = curated(raw, "--into", into, *(["--resume"] if (into / ".work").is_dir() else []))
    assert done.returncode == 0, done.stderr
    assert held(into) == whole


def held(into: Path) -> dict[str, str]:
    """Digests of all files of a dataset, of what is known of its sources too."""
    names = (path for path in sorted(into.rglob("*")) if path.is_file() and path.name != "lock")
    return {path.relative_to(into).as_posix(): digest(path) for path in names}


def _workers(session: int) -> list[int]:
    """Processes of a session that are still there."""
    found = subprocess.run(["ps", "-s", str(session), "-o", "pid=,stat="], capture_output=True, text=True, check=False)
    return [int(line.split()[0]) for line in found.stdout.splitlines() if not line.split()[1].startswith("Z")]


@pytest.mark.slow
def test_ctrl_c_stops_it_and_nothing_half_written_is_left(raw: Path, tmp_path: Path):
    into = tmp_path / "set"
    running = subprocess.Popen(
        command(raw, "--into", into),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert running.stderr is not None
    for line in running.stderr:
        if line.startswith("studying"):
            break
    os.kill(running.pid, signal.SIGINT)
    _, said = running.communicate(timeout=30)
    assert running.returncode == 130
    assert "stopped; nothing half-written is left" in said
    assert not list(into.glob("*.parquet")) + list(into.glob("*.tar"))
    assert not _workers(running.pid)


@pytest.mark.slow
def test_bad_input_is_one_line_and_two(raw: Path, tmp_path: Path):
    (tmp_path / "file").touch()
    for given, says in (
        ((tmp_path / "nowhere", "--into", tmp_path / "a"), "does not exist"),
        ((raw, "--into", raw / "set"), "lies in"),
        ((raw, "--into", tmp_path / "file"), "is a file"),
        ((raw, "--into", tmp_path / "a", "--workers", 0), "workers 0"),
        ((raw, "--into", tmp_path / "none", "--resume"), "nothing to go on with"),
        ((raw, "--into", tmp_path / "a", "--recipe", tmp_path / "no.py"), "does not exist"),
    ):
        done = curated(*given)
        assert done.returncode == 2, (given, done.stderr)
        assert len(done.stderr.strip().splitlines()) <= 2  # a line of progress before it
        assert says in done.stderr
    try:
        import ray  # noqa: F401
    except ModuleNotFoundError:
        done = curated(raw, "--into", tmp_path / "a", "--engine", "ray")
        assert done.returncode == 2
        assert "pip install 'praxino[cluster]'" in done.stderr
