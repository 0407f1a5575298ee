"""Curation on two nodes of Ray; only where Ray is installed (the extra `cluster`)."""

import json
import os
import secrets
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests import films

pytest.importorskip("ray")

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("raw")
    for number in range(4):
        films.save(folder / f"{number}.mp4", films.film(40, width=256, height=144, seed=number))
    films.save(folder / "still.mp4", np.repeat(films.film(1, width=256, height=144), 40, 0))
    return folder


def environment(**more: str) -> dict[str, str]:
    """Of a shell in which `praxino`, `ray` and `python3` are those of these tests."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return os.environ | {"PATH": path, "RAY_PORT": str(free_port())} | more


@pytest.mark.slow
def test_two_nodes_make_the_same_dataset_as_this_machine(raw: Path, tmp_path: Path):
    done = subprocess.run(
        ["bash", str(ROOT / "runs" / "cluster.sh"), str(raw), str(tmp_path / "far")],
        env=environment(), capture_output=True, text=True, timeout=500, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    nodes, summary = done.stdout.splitlines()[-2:]
    assert len(nodes.split()) == 3, nodes
    assert json.loads(summary)["studied"] == 5
    subprocess.run(
        [sys.executable, "-m", "praxino.cli.main", "curate", str(raw), "--into", str(tmp_path / "near")],
        capture_output=True, check=True, timeout=300,
    )  # fmt: skip
    for name in ("index.parquet", "manifest.json", "report.html", "shard-000000.tar"):
        assert (tmp_path / "far" / name).read_bytes() == (tmp_path / "near" / name).read_bytes(), name


WORK = """
import os, sys
from praxino.curation.cluster import Cluster
lines = [(os.system, ("sleep 1; echo $RAY_RAYLET_PID >> " + sys.argv[1],)) for _ in range(8)]
assert all(error is None for _, error in Cluster(workers=2).run(lines))
"""


@pytest.mark.slow
def test_both_nodes_work_and_a_wrong_token_is_refused(tmp_path: Path):
    held = environment(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=secrets.token_hex(32), RAY_USAGE_STATS_ENABLED="0")
    held["RAY_ADDRESS"] = f"127.0.0.1:{held['RAY_PORT']}"
    head = ["--head", "--port", held["RAY_PORT"], "--include-dashboard=false"]
    nodes = []
    try:
        for given in (head, ["--address", held["RAY_ADDRESS"]]):
            nodes.append(subprocess.Popen(
                ["ray", "start", *given, "--num-cpus", "1", "--block"],
                env=held, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            ))  # fmt: skip
            _until_open(int(held["RAY_PORT"]))
        alive = "import ray, time; ray.init(log_to_driver=False)\nwhile len(ray.nodes()) < 2: time.sleep(0.5)"
        subprocess.run([sys.executable, "-c", alive], env=held, check=True, timeout=200, capture_output=True)
        work = [sys.executable, "-c", WORK, str(tmp_path / "who")]
        subprocess.run(work, env=held, check=True, timeout=200, capture_output=True)
        assert len(set((tmp_path / "who").read_text().split())) == 2
        stranger = held | {"RAY_AUTH_TOKEN": secrets.token_hex(32)}
        refused = subprocess.run(work, env=stranger, timeout=200, capture_output=True, text=True, check=False)
        assert refused.returncode != 0
        assert "token" in refused.stderr.lower() or "auth" in refused.stderr.lower()
        assert len((tmp_path / "who").read_text().split()) == 8
    finally:
        for node in reversed(nodes):
            node.terminate()
            node.wait(120)  # it stops what it started, one after another


def _until_open(port: int) -> None:
    import time

    for _ in range(240):
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.5)
    raise AssertionError(f"nothing listens on {port}")
