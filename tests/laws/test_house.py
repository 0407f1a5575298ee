"""The house rules: small files, a light front door, documents that tell the truth."""

import subprocess
import sys
from pathlib import Path

import pytest

from praxino.cli import reference
from praxino.server import reference as http

ROOT = Path(__file__).parents[2]
FRONT_DOOR = (
    "cli.main",
    "request",
    "geometry",
    "config",
    "checkpoint",
    "shards",
    "media.read",
    "media.write",
    "world",
    "server.app",
    "worker.work",
)


def test_no_source_file_is_over_400_lines():
    long = {
        str(path.relative_to(ROOT)): count
        for folder in ("src", "tests", "examples")
        for path in (ROOT / folder).rglob("*.py")
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert long == {}


@pytest.mark.parametrize("module", FRONT_DOOR)
def test_the_front_door_opens_without_torch(module: str):
    code = f"import praxino.{module}, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_reference_of_the_command_line_is_fresh():
    assert (ROOT / "docs" / "cli.md").read_text(encoding="utf-8") == reference.reference() + "\n", "run `make docs`"


def test_the_reference_of_the_http_api_is_fresh():
    page = (ROOT / "docs" / "http.md").read_text(encoding="utf-8")
    assert page == http.reference() + "\n", "run `make docs`"
    assert page.count("\n## ") > 20


def test_packages_import_nothing():
    for path in (ROOT / "src").rglob("__init__.py"):
        text = path.read_text(encoding="utf-8")
        assert "\nimport " not in text, path
        assert "\nfrom " not in text, path
