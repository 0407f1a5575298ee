"""`--together`, where it cannot be had."""

import pytest

from praxino.cli.main import run


@pytest.mark.parametrize("command", ["work", "serve"])
def test_several_films_at_once_are_not_made_with_little_memory(command: str, monkeypatch: pytest.MonkeyPatch, capsys,
                                                               tmp_path):  # fmt: skip
    monkeypatch.setenv("PRAXINO_TOGETHER", "1")
    monkeypatch.setenv("PRAXINO_LOW_MEMORY", "offload")
    assert run([command, "--together", "2", "--data", str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert "PRAXINO_LOW_MEMORY 'offload'" in told
    assert "2 together" in told


@pytest.mark.parametrize("count", ["0", "17"])
def test_so_many_at_once_are_refused(count: str, tmp_path):
    assert run(["work", "--together", count, "--data", str(tmp_path)]) == 2
