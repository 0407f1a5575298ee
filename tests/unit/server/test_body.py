"""Bodies as clients put them on the wire, OpenAI's own among them."""

import asyncio
import importlib
import json
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openai
import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient

from praxino.server import errors
from praxino.server.body import Body, read
from praxino.server.dialect import CreateVideo, parse

LIMITS = {"upload_bytes": 3 * 2**20, "field_bytes": 2**16, "files": 2}
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def bodies() -> list[Body]:
    return []


@pytest.fixture
def app(spool: Path, bodies: list[Body]) -> FastAPI:
    app = FastAPI()
    errors.install(app)

    @app.post("/v1/videos")
    async def create(request: Request):
        bodies.append(await read(request, spool=spool, **LIMITS))
        return {"id": "video_1", "object": "video", "status": "queued"}

    return app


@pytest.fixture
def client(app: FastAPI) -> TestClient:
    return TestClient(app, raise_server_exceptions=False)


def files_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def code(answer) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "application/x+json", ""])
def test_json_is_read_as_it_is(client: TestClient, bodies: list[Body], kind: str):
    sent = {"prompt": "球 🎈", "seconds": 4, "camera": {"pan": [1, 2.5]}, "draft": True}
    content = json.dumps(sent, ensure_ascii=False).encode()
    assert client.post("/v1/videos", content=content, headers={"content-type": kind}).status_code == 200
    assert bodies[0].values == sent


@pytest.mark.parametrize("kind", ["application/json", FORM, "multipart/form-data; boundary=x", "text/plain", ""])
def test_nothing_at_all_is_an_empty_body(client: TestClient, bodies: list[Body], kind: str):
    assert client.post("/v1/videos", content=b"", headers={"content-type": kind}).status_code == 200
    assert bodies == [Body()]


@pytest.mark.parametrize("boundary", [True, False])  # multipart and urlencoded
@pytest.mark.parametrize(
    ("fields", "values"),
    [
        ([("prompt", "a ball"), ("seconds", "4")], {"prompt": "a ball", "seconds": "4"}),
        ([("camera[pan]", "1"), ("camera[move][x]", "2")], {"camera": {"pan": "1", "move": {"x": "2"}}}),
        ([("tags[]", "a"), ("tags[]", "b")], {"tags": ["a", "b"]}),
        ([("tags[0]", "a"), ("tags[1]", "b")], {"tags": ["a", "b"]}),
        ([("s[0][a]", "1"), ("s[0][b]", "2"), ("s[1][a]", "3")], {"s": [{"a": "1", "b": "2"}, {"a": "3"}]}),
        ([("s[][a]", "1"), ("s[][b]", "2"), ("s[][a]", "3")], {"s": [{"a": "1", "b": "2"}, {"a": "3"}]}),
        (
            [("s[][a]", "1"), ("s[][a]", "3"), ("s[][b]", "2"), ("s[][b]", "4")],
            {"s": [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]},
        ),
        ([("video", '{"id": "video_1"}')], {"video": {"id": "video_1"}}),
        ([("camera", '{"pan": 1}'), ("camera[tilt]", "2")], {"camera": {"pan": 1, "tilt": "2"}}),
        (
            [("user", "{not json"), ("prompt", '{"scene": "a ball"}')],
            {"user": "{not json", "prompt": '{"scene": "a ball"}'},
        ),
    ],
)
def test_forms_nest(client: TestClient, bodies: list[Body], fields: list, values: dict[str, Any], boundary: bool):
    if boundary:
        parts = "".join(f'--x\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in fields)
        kind, content = "multipart/form-data; boundary=x", f"{parts}--x--\r\n".encode()
    else:
        kind, content = FORM, "&".join(f"{k}={v}" for k, v in fields).encode()
    assert client.post("/v1/videos", content=content, headers={"content-type": kind}).status_code == 200
    assert bodies[0].values == values


def test_a_file_lies_in_the_spool_until_it_is_removed(client: TestClient, bodies: list[Body], spool: Path):
    clip = bytes(range(256)) * 8000
    sent = {"input_reference": ("../../a.mp4", clip, "video/mp4"), "end_reference": ("b.png", b"", "image/png")}
    assert client.post("/v1/videos", data={"prompt": "a ball"}, files=sent).status_code == 200
    upload = bodies[0].uploads["input_reference"]
    assert upload.path.parent == spool
    assert upload.path.read_bytes() == clip
    assert (upload.filename, upload.content_type, upload.size) == ("../../a.mp4", "video/mp4", len(clip))
    assert bodies[0].uploads["end_reference"].size == 0
    bodies[0].remove()
    assert files_in(spool) == []


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({"a": "1", "a[b]": "2"}, ["x"]),
        ({"a": ["1", "2"]}, ["x"]),
        ({"a[0]": "1", "a[2]": "2"}, ["x"]),
        ({"a[": "1"}, ["x"]),
        ({"a" + "[b]" * 9: "1"}, ["x"]),
        ({"a": "nul \0"}, ["x"]),
        ({"a": '["\\ud800"]'}, ["x"]),
        ({"a": "[" * 40 + "]" * 40}, ["x"]),
        ({f"a{k}": "1" for k in range(201)}, ["x"]),
        ({"a": "1"}, ["x", "x"]),
        ({"a": "1"}, ["x", "y", "z"]),
    ],
)
def test_a_form_that_makes_no_sense_is_refused_and_leaves_no_file(
    client: TestClient, spool: Path, fields: dict[str, Any], names: list[str]
):
    sent = [(name, ("a.png", b"0" * 100_000, "image/png")) for name in names]
    assert code(client.post("/v1/videos", data=fields, files=sent)) == (400, "invalid_body")
    assert files_in(spool) == []


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"[1]",
        b"3",
        b"\xff",
        b'{"a": NaN}',
        b'{"a": "\\u0000"}',
        b'{"a": {"b": ["\\ud83d"]}}',
        b'{"\\udc00": 1}',
        b'{"a": "\xff"}',
        b'{"a": ' + b"[" * 40 + b"]" * 40 + b"}",
        b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a": ' + b"9" * 5000 + b"}",
    ],
)
def test_json_that_makes_no_sense_is_refused(client: TestClient, content: bytes):
    assert code(client.post("/v1/videos", content=content)) == (400, "invalid_body")


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary=y"])
def test_a_broken_form_is_refused(client: TestClient, kind: str):
    content = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n'
    assert code(client.post("/v1/videos", content=content, headers={"content-type": kind})) == (400, "invalid_body")


def test_a_form_that_ends_early_is_refused_and_leaves_no_file(client: TestClient, spool: Path):
    content = b'--x\r\nContent-Disposition: form-data; name="a"; filename="a.mp4"\r\n\r\n' + b"0" * 500_000
    kind = {"content-type": "multipart/form-data; boundary=x"}
    assert code(client.post("/v1/videos", content=content, headers=kind)) == (400, "invalid_body")
    assert files_in(spool) == []


@pytest.mark.parametrize("kind", ["text/plain", "application/octet-stream", "video/mp4"])
def test_another_content_type_is_refused(client: TestClient, kind: str):
    answer = client.post("/v1/videos", content=b'{"a": 1}', headers={"content-type": kind})
    assert code(answer) == (415, "unsupported_media_type")
    assert kind in answer.json()["error"]["message"]


@pytest.mark.parametrize("said", [None, "10", "99999999999"])
@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x"])
def test_too_large_is_refused_whatever_the_length_is_said_to_be(
    client: TestClient, spool: Path, said: str | None, kind: str
):
    def pieces():
        yield b'--x\r\nContent-Disposition: form-data; name="a"; filename="a.mp4"\r\n\r\n'
        for _ in range(5):
            yield b"0" * 2**20

    headers = {"content-type": kind} | ({} if said is None else {"content-length": said})
    assert code(client.post("/v1/videos", content=pieces(), headers=headers)) == (413, "payload_too_large")
    assert files_in(spool) == []


@pytest.mark.parametrize("form", [{"data": {"a": "x" * 70_000}}, {"files": {"a": (None, "x" * 70_000)}}])
def test_a_field_that_should_be_a_file_is_too_large(client: TestClient, form: dict[str, Any]):
    answer = client.post("/v1/videos", **form)
    assert code(answer) == (413, "payload_too_large")
    assert "as a file" in answer.json()["error"]["message"]


async def _received(spool: Path, pieces: AsyncIterator[dict[str, Any]], **limits: int) -> Body:
    kind = (b"content-type", b"multipart/form-data; boundary=x")
    return await read(Request({"type": "http", "headers": [kind]}, pieces.__anext__), spool=spool, **limits)


async def _upload(megabytes: int, *, then: str) -> AsyncIterator[dict[str, Any]]:
    start = b'--x\r\nContent-Disposition: form-data; name="a"; filename="a.mp4"\r\n\r\n'
    yield {"type": "http.request", "body": start, "more_body": True}
    for _ in range(16 * megabytes):
        yield {"type": "http.request", "body": bytes(2**16), "more_body": True}
    if then == "cancel":
        raise asyncio.CancelledError
    yield {"type": then, "body": b"\r\n--x--\r\n", "more_body": False}


@pytest.mark.parametrize(("then", "error"), [("http.disconnect", errors.Problem), ("cancel", asyncio.CancelledError)])
def test_a_client_that_goes_away_leaves_no_file(spool: Path, then: str, error: type[BaseException]):
    with pytest.raises(error):
        asyncio.run(_received(spool, _upload(1, then=then)))
    assert files_in(spool) == []


def test_memory_stays_flat_however_large_a_file_is(spool: Path):
    tracemalloc.start()
    try:
        body = asyncio.run(_received(spool, _upload(24, then="http.request")))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert body.uploads["a"].size == 24 * 2**20
    assert peak < 4 * 2**20


def _sdk(app: FastAPI) -> openai.AsyncOpenAI:
    """OpenAI's client, talking to the app; it is built on httpx or httpx2, by its version."""
    http = importlib.import_module(openai.DefaultAsyncHttpxClient.__mro__[1].__module__.partition(".")[0])
    client = openai.DefaultAsyncHttpxClient(transport=http.ASGITransport(app))
    return openai.AsyncOpenAI(api_key="k", base_url="http://test/v1", http_client=client, max_retries=0)


def test_openais_client_asks_with_extra_fields(app: FastAPI, bodies: list[Body]):
    shots = [{"seconds": 1, "prompt": "a ball"}, {"seconds": 2, "prompt": "a cube"}]
    extra = {"seed": 7, "draft": True, "metadata": {"scene": "12"}, "storyboard": shots, "fps": None}
    video = asyncio.run(_sdk(app).videos.create(prompt="", size="1280x720", extra_body=extra))
    assert video.id == "video_1"
    asked = parse(CreateVideo, bodies[0].values)
    assert (asked.size, asked.seed, asked.draft, asked.metadata) == ("1280x720", 7, True, {"scene": "12"})
    assert [shot.model_dump() for shot in asked.storyboard or ()] == shots


def test_openais_client_sends_a_file(app: FastAPI, bodies: list[Body], tmp_path: Path, spool: Path):
    picture = ("ball.png", b"\x89PNG" * 1000, "image/png")
    asyncio.run(_sdk(app).videos.create(prompt="a ball", seconds="8", input_reference=picture))
    assert bodies[0].values == {"prompt": "a ball", "seconds": "8"}
    upload = bodies[0].uploads["input_reference"]
    assert upload.path.read_bytes() == picture[1]
    assert (upload.filename, upload.content_type) == ("ball.png", "image/png")


def test_openais_client_understands_the_refusal(app: FastAPI):
    with pytest.raises(openai.BadRequestError) as caught:
        asyncio.run(_sdk(app).videos.create(prompt="a ball\0"))
    assert (caught.value.code, caught.value.param) == ("invalid_body", "prompt")
