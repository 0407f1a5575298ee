"""Clients that need an environment of their own: an old openai, its Node sibling, LiteLLM.

Their packages are fetched once, into the user's cache folder; where that cannot be, the tests say so and are skipped.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.service import Server

from praxino.media import read

HERE = Path(__file__).parent
CACHE = Path.home() / ".cache" / "praxino-tests"


def run(*command: object, seconds: float = 300, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    # Not the tests' own cache folder: it goes when they end.
    environment = {name: value for name, value in os.environ.items() if name != "XDG_CACHE_HOME"}
    return subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        env=environment,
        cwd=folder,
    )


def python_with(package: str) -> Path:
    """A Python that has a package and what that needs."""
    folder = CACHE / package.replace("==", "-")
    if not (folder / ".ready").exists():
        made = run(sys.executable, "-m", "venv", "--clear", folder)
        made = made if made.returncode else run(folder / "bin" / "pip", "install", "--quiet", package, seconds=600)
        if made.returncode:
            pytest.skip(f"{package} cannot be installed: {made.stderr.strip().splitlines()[-1:]}")
        (folder / ".ready").touch()
    return folder / "bin" / "python"


@pytest.mark.slow
@pytest.mark.parametrize(("package", "script"), [("openai==2.8.0", "flow.py"), ("litellm", "flow_litellm.py")])
def test_a_python_client(server: Server, key: str, tmp_path: Path, package: str, script: str):
    film = tmp_path / "film.mp4"
    done = run(python_with(package), HERE / script, f"{server.base}/v1", key, film)
    assert done.returncode == 0, done.stderr[-3000:]
    assert read.probe(film).frames == 15
    print(done.stdout.strip())


@pytest.mark.slow
def test_the_node_client(server: Server, key: str, tmp_path: Path):
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        pytest.skip("there is no node with npm here")
    folder = CACHE / "openai-node"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / ".ready").exists():
        made = run(npm, "install", "--no-audit", "--no-fund", "openai@6", folder=folder)
        if made.returncode:
            pytest.skip(f"openai for Node cannot be installed: {made.stderr.strip().splitlines()[-1:]}")
        (folder / ".ready").touch()
    shutil.copy(HERE / "flow.mjs", folder / "flow.mjs")
    film = tmp_path / "film.mp4"
    done = run(node, "flow.mjs", f"{server.base}/v1", key, film, folder=folder)
    assert done.returncode == 0, done.stderr[-3000:]
    assert read.probe(film).frames == 15
