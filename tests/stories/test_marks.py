"""Every way a film is finished marks it: recipe and label in its metadata, a signed manifest, words where asked for."""

import json
from pathlib import Path

import numpy as np
import pytest
from tests.service import Served, Server

from praxino import request
from praxino.cli import main
from praxino.generation.film import Options, make
from praxino.media import labels, read
from praxino.media.provenance import read_manifest

ASKED = ("a red ball rolls", "--seconds", "3", "--size", "128x96", "--seed", "5", "--steps", "2", "--best-of", "1")


def worded(film: Path) -> list[bool]:
    """Of each frame, of 128x96: are the words on it, on their dark ground?"""
    return [bool((frame[-20:, :, 0] > 180).mean() > 0.03 and (frame[-3:] < 60).all()) for frame in read.stream(film)]


def check(film: Path) -> dict:
    """All marks are there and agree; the recipe."""
    found, recipe, label = read_manifest(film), labels.read_recipe(film), labels.read_label(film)
    assert found is not None, "signed"
    assert (found.valid, found.ai_made, found.made_here) == (True, True, True)
    assert found.recipe == recipe
    assert label is not None
    assert label["Label"] == "1"
    assert recipe is not None
    return recipe


@pytest.fixture(scope="module")
def film(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "a.mp4"
    assert main.run(["generate", *ASKED, "--label", "--model", str(tiny_model), "-o", str(path)]) == 0
    return path


def test_a_film_is_marked_and_shows_it_for_two_seconds(film: Path, capsys: pytest.CaptureFixture[str]):
    assert check(film)["request"]["visible_label"] is True
    assert worded(film) == [k < 60 for k in range(90)]
    capsys.readouterr()
    assert main.run(["inspect", str(film), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["manifest"] == {"valid": True, "issuer": "Praxino", "ai_made": True, "made_here": True}
    assert main.run(["inspect", str(film)]) == 0
    assert "C2PA manifest: valid, signed here by Praxino; made by AI" in capsys.readouterr().out


def test_it_is_made_again_with_its_words(film: Path, capsys: pytest.CaptureFixture[str]):
    assert main.run(["verify", str(film), "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["same"] == 90


def test_a_retake_keeps_the_marks_and_the_frames_outside(film: Path, tmp_path: Path):
    out = tmp_path / "b.mp4"
    assert main.run(["retake", str(film), "--from", "0.5", "--to", "1", "-o", str(out), "--seed", "9"]) == 0
    assert check(out)["retakes"][0]["seed"] == 9
    assert worded(out) == [k < 60 for k in range(90)]
    before, after = (np.stack(list(read.stream(path))) for path in (film, out))
    assert np.array_equal(before[60:], after[60:])


def test_a_draft_and_its_film_are_marked(tiny_model: Path, tmp_path: Path):
    draft, final = tmp_path / "draft.mp4", tmp_path / "final.mp4"
    asked = ["a red ball rolls", "--seconds", "1", "--size", "512x384", "--seed", "3", "--model", str(tiny_model)]
    assert main.run(["generate", *asked, "--steps", "2", "--label", "-o", str(draft), "--draft"]) == 0
    check(draft)
    assert all(worded(draft))
    assert main.run(["finish", str(draft), "-o", str(final)]) == 0
    assert "draft" not in check(final)


def test_a_film_that_was_interrupted_or_stopped_is_marked(tiny_model: Path, tmp_path: Path):
    class Stop(Exception):
        pass

    def stop(stage: str, done: float) -> None:
        if stage == "sampling" and done > 0.5:
            raise Stop

    values = {"shots": [{"seconds": 1, "prompt": "a red ball"}], "seed": 3, "width": 128, "height": 96, "steps": 2}
    wanted = request.from_json(values | {"model": str(tiny_model), "best_of": 1})
    out, journal = tmp_path / "a.mp4", tmp_path / "journal"
    with pytest.raises(Stop):
        make(wanted, out, options=Options(journal=journal), report=stop)
    assert not list(tmp_path.glob("*a*.mp4*"))
    about = json.loads((journal / "film.json").read_text())
    del about["film"]["request"]["visible_label"]  # as older versions wrote it
    (journal / "film.json").write_text(json.dumps(about))
    assert main.run(["resume", str(journal)]) == 0
    check(out)
    assert not any(worded(out))
    make(wanted, tmp_path / "b.mp4", options=Options(enough=lambda: True))
    assert check(tmp_path / "b.mp4")["stopped"]["of"] == 30


@pytest.mark.parametrize("command", ["serve", "work"])
def test_a_service_that_could_not_sign_does_not_start(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("PRAXINO_SIGN_CERT", str(tmp_path / "cert.pem"))
    assert main.run([command, "--data", str(tmp_path)]) == 2
    assert "PRAXINO_SIGN_CERT is set, and PRAXINO_SIGN_KEY is not; set both" in capsys.readouterr().err


@pytest.mark.slow
def test_films_of_the_service_are_marked_and_known_by_it(tiny_model: Path, tmp_path: Path):
    server = Server(tmp_path, tiny_model)
    key = server.key("ann")
    try:
        server.start()
        served = Served(server.base, key)
        first = served.until(served.ask(visible_label=True), "completed")
        again = served.post(f"/{first['id']}/retake", **{"from": 0.1, "to": 0.3})
        longer = served.post("/extensions", prompt="a red ball", seconds=0.5, video={"id": first["id"]})
        for video in (first, served.until(again, "completed"), served.until(longer, "completed")):
            film = served.film(video, tmp_path)
            recipe = check(film)
            assert recipe["request"]["visible_label"] is True
            assert all(worded(film))
            with film.open("rb") as file:
                told = served.http.post("/v1/inspect", files={"file": file}).json()
            assert told["made_here"]
            assert told["recipe"] == recipe
    finally:
        server.kill()
