"""A model builder judges a model, trusts the report, and compares it with another."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from praxino.cli import main
from praxino.media import read


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def last(self) -> Any:
        """What the last line of output says, as JSON."""
        return json.loads(self.out.strip().splitlines()[-1])


def praxino(capsys: pytest.CaptureFixture[str], *words: object) -> Done:
    code = main.run(["evaluate", *map(str, words)])
    said = capsys.readouterr()
    return Done(code=code, out=said.out, err=said.err)


@pytest.mark.slow
def test_a_report_has_floors_intervals_and_films_and_compares_with_itself(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    into = tmp_path / "report"
    done = praxino(capsys, tiny_model, "--suite", "world", "--into", into, "--clips", 2, "--json")
    assert done.code == 0, done.err
    figures = done.last
    report = json.loads((into / "report.json").read_text("utf-8"))
    assert figures == report["figures"]
    for name in ("exact_scene", "action"):
        one = figures[name]
        assert set(one["floor"]) == {"render", "reconstruction", "shuffled"}
        assert one["low"] <= one["value"] <= one["high"]
        assert one["floor"]["render"] == 1, "the parser knows true renders"
        assert one["value"] == 0, "noise shows nothing"
    assert figures["exact_scene_held_out"]["floor"]["marginals"] == 0
    assert figures["discard_rate"]["value"] == 1
    assert figures["velocity_error_ratio"]["value"] > 1
    assert figures["language_gap"]["value"] == 0
    assert figures["first_frame_psnr"]["value"] > 0
    assert figures["liveliness_10x"]["floor"]["render"] == pytest.approx(1, abs=0.2)
    assert {case["split"] for case in report["cases"]} == {"usual", "held out"}
    page = (into / "report.html").read_text("utf-8")
    assert page.count("<video") == 8
    assert "http" not in page, "it opens offline"
    films = {path: path.stat().st_mtime_ns for path in (into / "films").glob("*.mp4")}
    assert all(read.probe(path).width == 128 for path in films if "true" not in path.name)

    again = praxino(capsys, tiny_model, "--into", into, "--clips", 2, "--json")
    assert again.last == figures
    made = [path for path in films if "true" not in path.name and path.stat().st_mtime_ns != films[path]]
    assert not made, "films are made once"

    same = praxino(capsys, "--compare", into, into, "--json")
    assert same.code == 0
    rows = same.last
    assert {"usual: exact_scene", "usual: action"} <= {row["figure"] for row in rows}
    assert all(row["change"] == row["low"] == row["high"] == 0 for row in rows)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("pocket", "--into", "{tmp}", "--clips", "1"), "clips 1"),
        (("pocket",), "--into"),
        (("no-such-model", "--into", "{tmp}"), "no-such-model"),
        (("--compare", "{tmp}", "{tmp}"), "is no report"),
        (("pocket", "--compare", "{tmp}", "{tmp}"), "--compare"),
        (("pocket", "--into", "{tmp}/file"), "is a file"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_by_name(
    words: tuple[str, ...], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    done = praxino(capsys, *(word.replace("{tmp}", str(tmp_path)) for word in words))
    assert done.code == 2
    assert says in done.err
    assert not (tmp_path / "films").exists()
