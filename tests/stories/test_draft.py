"""A creator looks at a draft, likes it, and has it finished: the same film, larger."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from praxino.cli import main
from praxino.media import fit, read


def frames(path: Path) -> np.ndarray:
    return np.stack(list(read.stream(path)))


def test_a_draft_is_finished_as_the_film_it_would_have_been(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["a red ball rolls", "--seconds", "1", "--size", "512x384", "--seed", "3", "--model", str(tiny_model)]
    draft, final, whole = tmp_path / "draft.mp4", tmp_path / "final.mp4", tmp_path / "whole.mp4"
    assert main.run(["generate", *asked, "-o", str(draft), "--draft", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert (made["width"], made["height"], made["frames"]) == (128, 96, 30)
    assert main.run(["finish", str(draft), "-o", str(final), "--json"]) == 0
    done = json.loads(capsys.readouterr().out)
    assert (done["width"], done["height"]) == (512, 384)
    assert done["timings"]["denoising"] < made["timings"]["denoising"] / 3, "nothing is drawn anew"
    assert main.run(["generate", *asked, "-o", str(whole)]) == 0
    assert np.array_equal(frames(final), frames(whole))
    small = fit.fit(frames(whole), width=128, height=96, mode="crop")
    assert np.corrcoef(small.ravel(), frames(draft).ravel())[0, 1] > 0.8, "the same content"

    capsys.readouterr()
    assert main.run(["finish", str(whole), "-o", str(final)]) == 2
    assert "is no draft" in capsys.readouterr().err
    shutil.rmtree(tmp_path / "draft.parts")
    assert main.run(["finish", str(draft), "-o", str(final)]) == 2
    assert "are gone" in capsys.readouterr().err
