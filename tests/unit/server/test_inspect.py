"""Was this made here? Films of all kinds, and what is no film, over HTTP."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from praxino.jobs import keys
from praxino.jobs.settings import Settings
from praxino.media import labels, provenance
from praxino.media.write import Writer
from praxino.server.app import create_app

RECIPE = {"request": {"seed": 7, "shots": [{"seconds": 1.0, "prompt": "一个红色的球"}]}}
NOTHING = {"made_here": False, "label": None, "recipe": None, "manifest": None}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    made = create_app(Settings(data=tmp_path_factory.mktemp("service")))
    yield made
    made.state.service.db.engine.dispose()


@pytest.fixture(scope="module")
def http(app: FastAPI) -> TestClient:
    key = keys.create(app.state.service.db, "ann")
    return TestClient(app, headers={"Authorization": f"Bearer {key}"}, raise_server_exceptions=False)


def film(path: Path, metadata: Mapping[str, str] = labels.metadata(RECIPE)) -> Path:
    with Writer(path, width=64, height=64, fps=30, metadata=metadata) as out:
        for k in range(12):
            out.write(np.full((64, 64, 3), 20 * k, np.uint8))
    return path


def asked(http: TestClient, app: FastAPI, data: bytes, name: str = "film.mp4"):
    answer = http.post("/v1/inspect", files={"file": (name, data, "video/mp4")})
    assert not list(app.state.service.spool.iterdir()), "nothing is kept"
    return answer


def told(http: TestClient, app: FastAPI, data: bytes) -> dict:
    answer = asked(http, app, data)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_film_of_ours_is_known_and_a_changed_one_is_not(http: TestClient, app: FastAPI, tmp_path: Path):
    data = film(tmp_path / "f.mp4").read_bytes()
    ours = told(http, app, data)
    assert ours["made_here"]
    assert ours["recipe"] == RECIPE
    assert ours["label"]["Label"] == "1"
    assert ours["manifest"] == {"valid": True, "issuer": "Praxino", "ai_made": True}
    broken = bytearray(data)
    broken[data.index(b"mdat") + 300] ^= 1
    assert told(http, app, bytes(broken)) == ours | {
        "made_here": False,
        "manifest": {"valid": False, "issuer": "Praxino", "ai_made": True},
    }


def test_a_film_that_has_some_marks_or_none_is_answered(http: TestClient, app: FastAPI, tmp_path: Path):
    assert told(http, app, film(tmp_path / "a.mp4", {}).read_bytes()) == NOTHING
    label = {"AIGC": labels.metadata(RECIPE)["AIGC"]}
    assert told(http, app, film(tmp_path / "b.mp4", label).read_bytes()) == NOTHING | {
        "label": json.loads(label["AIGC"])
    }
    provenance.sign(tmp_path / "a.mp4", tmp_path / "c.mp4", RECIPE)
    signed = told(http, app, (tmp_path / "c.mp4").read_bytes())
    assert (signed["made_here"], signed["label"], signed["recipe"]) == (True, None, RECIPE)


def test_a_film_of_another_installation_was_not_made_here(
    http: TestClient, app: FastAPI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("XDG_STATE_HOME", str(tmp_path))
        data = film(tmp_path / "f.mp4").read_bytes()
    found = told(http, app, data)
    assert (found["made_here"], found["manifest"]["valid"], found["recipe"]) == (False, True, RECIPE)


@pytest.mark.parametrize(
    "text",
    [
        '{"request": NaN}',
        '{"request": 1e999}',
        '{"request": "\\ud800"}',
        '{"request": ' + "[" * 300 + "]" * 300 + "}",
        '{"request": ' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"request": ' + "9" * 5000 + "}",
        '{"request": "' + "x" * 2_000_000 + '"}',
        "[]",
        "null",
    ],
    ids=lambda text: text[:20],
)
def test_marks_that_no_answer_can_hold_are_none(http: TestClient, app: FastAPI, tmp_path: Path, text: str):
    data = film(tmp_path / "f.mp4", {"comment": text, "AIGC": text}).read_bytes()
    assert told(http, app, data) == NOTHING


def test_what_is_no_film_is_refused(http: TestClient, app: FastAPI, tmp_path: Path):
    data = film(tmp_path / "f.mp4").read_bytes()
    for what, status, code in (
        (b"", 415, "unsupported_media"),
        (b"\x89PNG\r\n\x1a\n" + b"0" * 100, 415, "unsupported_media"),
        (b"\0\0\0\x18ftypheic" + b"0" * 100, 415, "unsupported_media"),
        (b"#EXTM3U\nhttp://127.0.0.1:9/a.ts\n", 415, "unsupported_media"),
        (b"\0\0\0\x18ftypisom" + b"0" * 5000, 400, "broken_media"),
        (data[:600], 400, "broken_media"),
    ):
        error = asked(http, app, what)
        assert (error.status_code, error.json()["error"]["code"]) == (status, code), what[:20]
        assert error.json()["error"]["param"] == "file"


def test_what_is_sent_otherwise_is_refused(http: TestClient, app: FastAPI):
    for body, status, code in (
        ({"json": {}}, 400, "missing_parameter"),
        ({"json": {"file": "x"}}, 400, "unknown_parameter"),
        ({"files": {"film": b"x"}}, 400, "unknown_parameter"),
        ({"files": {"file": b"x"}, "data": {"more": "1"}}, 400, "unknown_parameter"),
        ({"content": b"x" * (65 * 2**20), "headers": {"content-type": "application/json"}}, 400, "invalid_body"),
        ({"files": {"file": b"x" * (65 * 2**20)}}, 413, "payload_too_large"),
    ):
        answer = http.post("/v1/inspect", **body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
        assert not list(app.state.service.spool.iterdir())
    assert TestClient(app).post("/v1/inspect", files={"file": b"x"}).status_code == 401


def test_a_mangled_film_never_breaks_the_server(http: TestClient, app: FastAPI, tmp_path: Path):
    data, chance = film(tmp_path / "f.mp4").read_bytes(), np.random.default_rng(0)
    for _ in range(12):
        broken = bytearray(data)
        for at in chance.integers(0, 5000, 20):
            broken[at] = int(chance.integers(256))
        assert asked(http, app, bytes(broken)).status_code in {200, 400, 415}
