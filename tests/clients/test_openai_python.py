"""The openai package, as it is installed, against a live server."""

import io
import threading
import warnings
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from PIL import Image
from tests.service import BALL, Server

from praxino.media import read

SMALL: dict[str, Any] = {"model": "tiny", "seconds": "0.5", "size": "128x96"}
QUICK = {"num_inference_steps": 2, "best_of": 1, "seed": 3}
warnings.simplefilter("ignore", DeprecationWarning)


@pytest.fixture(scope="module")
def client(server: Server, key: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{server.base}/v1", api_key=key, max_retries=0)


@pytest.fixture(scope="module")
def made(client: openai.OpenAI) -> Any:
    return client.videos.create_and_poll(prompt=BALL, **SMALL, extra_body=QUICK, poll_interval_ms=200)


def test_create_poll_and_download(client: openai.OpenAI, made: Any, tmp_path: Path):
    assert (made.status, made.progress, made.seconds, made.size, made.seed) == ("completed", 100, "0.5", "128x96", 3)
    client.videos.download_content(made.id).write_to_file(tmp_path / "film.mp4")
    assert read.probe(tmp_path / "film.mp4").frames == 15
    for variant in ("thumbnail", "spritesheet"):
        assert Image.open(io.BytesIO(client.videos.download_content(made.id, variant=variant).read())).width > 30


def test_a_picture_and_a_clip_as_reference(client: openai.OpenAI, made: Any, tmp_path: Path):
    Image.new("RGB", (128, 96), "red").save(tmp_path / "red.png")
    with (tmp_path / "red.png").open("rb") as file:
        video = client.videos.create(prompt=BALL, **SMALL, input_reference=file, extra_body=QUICK)
    assert client.videos.poll(video.id, poll_interval_ms=200).status == "completed"
    body = {
        "prompt": BALL,
        "seconds": 0.5,
        "input_reference": {"id": made.id},
        "model": "tiny",
        "size": "128x96",
        **QUICK,
    }
    longer = client.post("/videos", cast_to=type(made), body=body)
    assert client.videos.poll(longer.id, poll_interval_ms=200).seconds == "1"


def test_nested_extra_fields_arrive_as_the_sdk_sends_them(client: openai.OpenAI):
    shots = [{"seconds": 0.2, "prompt": BALL}, {"seconds": 0.3, "prompt": "a ball"}]
    extra = QUICK | {"storyboard": shots, "metadata": {"scene": "12"}, "draft": True}
    video = client.videos.create(prompt="", model="tiny", size="128x96", extra_body=extra)
    told: Any = client.videos.poll(video.id, poll_interval_ms=200)
    assert (told.status, told.draft, told.metadata) == ("completed", True, {"scene": "12"})
    assert told.prompt == f"{BALL} / a ball"


def test_list_pages_through_everything(client: openai.OpenAI, made: Any):
    for _ in range(3):
        client.videos.create(prompt=BALL, **SMALL, extra_body=QUICK)
    every = [video.id for video in client.videos.list(limit=2)]
    assert made.id in every
    assert len(every) == len(set(every)) >= 4
    assert [video.id for video in client.videos.list(limit=2, order="asc")] == every[::-1]


def test_remix_edit_and_extend(client: openai.OpenAI, made: Any):
    remixed = client.videos.remix(made.id, prompt="a ball")
    assert remixed.remixed_from_video_id == made.id
    edited = client.videos.edit(prompt="a red ball", video=openai.omit, extra_body={"video": {"id": made.id}})  # type: ignore[arg-type]
    longer = client.videos.extend(prompt=BALL, seconds="0.5", video=openai.omit, extra_body={"video": {"id": made.id}})  # type: ignore[arg-type]
    ends = [client.videos.poll(video.id, poll_interval_ms=200) for video in (remixed, edited, longer)]
    assert [end.status for end in ends] == ["completed"] * 3
    assert ends[2].seconds == "1"


def test_errors_say_what_is_wrong(server: Server, client: openai.OpenAI, made: Any):
    with pytest.raises(openai.BadRequestError) as bad:
        client.videos.create(prompt=BALL, seconds="-4")  # type: ignore[arg-type]
    assert (bad.value.param, bad.value.code, bad.value.type) == ("seconds", "invalid_value", "invalid_request_error")
    with pytest.raises(openai.NotFoundError):
        client.videos.retrieve("video_nobody")
    with pytest.raises(openai.AuthenticationError):
        openai.OpenAI(base_url=f"{server.base}/v1", api_key="sk-none", max_retries=0).videos.list()
    stranger = openai.OpenAI(base_url=f"{server.base}/v1", api_key=server.key("bob"), max_retries=0)
    for ask in (stranger.videos.retrieve, stranger.videos.delete, stranger.videos.download_content):
        with pytest.raises(openai.NotFoundError):
            ask(made.id)
    with pytest.raises(openai.BadRequestError, match="no characters"):
        client.videos.create_character(name="x", video=b"x")


def test_what_is_deleted_is_gone(client: openai.OpenAI):
    video = client.videos.create_and_poll(prompt=BALL, **SMALL, extra_body=QUICK, poll_interval_ms=200)
    assert client.videos.delete(video.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.videos.retrieve(video.id)


@pytest.fixture
def listening() -> Iterator[tuple[str, list[tuple[bytes, dict[str, str]]]]]:
    heard: list[tuple[bytes, dict[str, str]]] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self):
            heard.append((self.rfile.read(int(self.headers["content-length"])), dict(self.headers)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Hook) as hook:
        threading.Thread(target=hook.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{hook.server_port}/hook", heard
        hook.shutdown()


def test_a_webhook_arrives_and_unwraps(client: openai.OpenAI, listening: Any):
    url, heard = listening
    body = {"name": "mine", "url": url, "event_types": ["video.completed"]}
    endpoint = client.post("/webhook_endpoints", cast_to=httpx.Response, body=body).json()
    video = client.videos.create_and_poll(prompt=BALL, **SMALL, extra_body=QUICK, poll_interval_ms=200)
    for _ in range(100):
        if any(video.id.encode() in said for said, _ in heard):
            break
        threading.Event().wait(0.2)
    said, headers = next((said, headers) for said, headers in heard if video.id.encode() in said)
    event: Any = client.webhooks.unwrap(said, headers, secret=endpoint["secret"])
    assert (event.type, event.data.id) == ("video.completed", video.id)
    with pytest.raises(openai.InvalidWebhookSignatureError):
        client.webhooks.unwrap(said + b" ", headers, secret=endpoint["secret"])
