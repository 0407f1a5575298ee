"""`praxino plan`, as people type it."""

import json
from pathlib import Path

import pytest

from praxino.cli.main import run

ASKED = ["plan", "--users", "410000", "--films-per-day", "3", "--seconds", "5", "--resolution", "1080p"]
ASKED += ["--device", "h200"]


def test_a_plan_is_told_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(ASKED) == 0
    said = capsys.readouterr().out
    for words in ("devices:", "At the peak", "a minute of film", "estimate", "measured", "NVIDIA H200"):
        assert words in said


def test_a_plan_is_told_in_json_and_checked_by_playing_it(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run([*ASKED, "--wait", "5", "--json", "--check", "--plot", str(tmp_path / "plan.svg")]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["devices"] > made["line"]["servers"] > 200
    assert made["simulated"]["0.9"] <= 5.5
    assert len(made["hours"]) == 24
    assert (tmp_path / "plan.svg").read_text(encoding="utf-8").startswith("<svg")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--device", "abacus"], "choose one of"),
        (["--resolution", "720p"], "choose one of"),
        (["--plot", "plan.png"], "must be an .svg file"),
        (["--model", "wan-14b", "--check"], "ask for fewer --users"),
        (["--users", "0"], "try 1000"),
    ],
)
def test_bad_input_is_one_line_and_two(more: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*ASKED, *more]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
