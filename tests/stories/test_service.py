"""An afternoon with the service: real server, real worker, real films, small ones."""

import io
import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.service import BALL, SMALL, Served, Server

from praxino.media import labels, read


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Iterator[Served]:
    server = Server(tmp_path_factory.mktemp("service"), tiny_model)
    key = server.key("ann")
    try:
        server.start()
        yield Served(server.base, key)
        server.stop()
        assert not server.workers()
        assert not server.makers()
    finally:
        server.kill()


@pytest.fixture(scope="module")
def made(served: Served) -> dict:
    return served.until(served.ask(), "completed")


def test_a_film_is_asked_for_made_and_fetched(served: Served, made: dict, tmp_path: Path):
    film = served.film(made, tmp_path)
    assert read.read(film).frames.shape == (15, 96, 128, 3)
    recipe = labels.read_recipe(film)
    assert recipe is not None
    assert recipe["request"]["shots"][0]["prompt"] == BALL
    assert (made["seconds"], made["size"], made["seed"], made["progress"]) == ("0.5", "128x96", 3, 100)
    for variant in ("thumbnail", "spritesheet"):
        answer = served.http.get(f"/v1/videos/{made['id']}/content", params={"variant": variant})
        assert Image.open(io.BytesIO(answer.content)).width > 32
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_its_events_can_be_heard_from_the_beginning_and_from_the_middle(served: Served, made: dict):
    def heard(**headers: str) -> list[tuple[str, str]]:
        text = served.http.get(f"/v1/videos/{made['id']}/events", headers=headers).text
        blocks = [
            dict(line.split(": ", 1) for line in block.splitlines() if ": " in line) for block in text.split("\n\n")
        ]
        return [(block["id"], block["event"]) for block in blocks if "id" in block]

    whole = heard()
    assert [name for name, _ in whole] == [str(k + 1) for k in range(len(whole))]
    assert (whole[0][1], whole[1][1], whole[-1][1]) == ("queued", "started", "completed")
    assert heard(**{"Last-Event-ID": "2"}) == whole[2:]


def test_a_remix_has_the_same_noise_and_other_words(served: Served, made: dict):
    remixed = served.post(f"/{made['id']}/remix", prompt="a red ball")
    assert (remixed["remixed_from_video_id"], remixed["seed"]) == (made["id"], 3)
    assert served.until(remixed, "completed")["prompt"] == "a red ball"


def test_an_extension_begins_with_the_film_it_extends(served: Served, made: dict, tmp_path: Path):
    longer = served.until(served.post("/extensions", prompt=BALL, seconds="0.5", video={"id": made["id"]}), "completed")
    assert longer["seconds"] == "1"
    before, after = (read.read(served.film(video, tmp_path)).frames for video in (made, longer))
    assert len(after) == 30
    assert np.abs(after[:15].astype(int) - before).mean() < 12  # its films are noise, which encodes badly


def test_a_second_is_made_again_and_the_rest_stays(served: Served, made: dict, tmp_path: Path):
    again = served.until(served.post(f"/{made['id']}/retake", **{"from": 0.2, "to": 0.4, "seed": 9}), "completed")
    before, after = (read.read(served.film(video, tmp_path)).frames.astype(int) for video in (made, again))
    assert np.abs(after[7:11] - before[7:11]).mean() > np.abs(after[:5] - before[:5]).mean()


def test_a_draft_is_small_and_finished_at_full_size(served: Served, tmp_path: Path):
    draft = served.until(served.ask(draft=True, size="256x192"), "completed")
    assert draft["size"] == "128x96"
    whole = served.until(served.post(f"/{draft['id']}/finish"), "completed")
    assert whole["size"] == "256x192"
    assert len(read.read(served.film(whole, tmp_path)).frames) == 15
    answer = served.http.post(f"/v1/videos/{whole['id']}/finish")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "not_a_draft")


def test_a_picture_is_the_first_frame(served: Served, tmp_path: Path):
    picture = Image.new("RGB", (256, 192), (200, 40, 40))
    file = io.BytesIO()
    picture.save(file, "PNG")
    form = {name: str(value) for name, value in ({"prompt": BALL, "seconds": 0.5} | SMALL).items()}
    answer = served.http.post(
        "/v1/videos", data=form, files={"input_reference": ("a.png", file.getvalue(), "image/png")}
    )
    assert answer.status_code == 200, answer.text
    frames = read.read(served.film(served.until(answer.json(), "completed"), tmp_path)).frames
    assert np.abs(frames[0].astype(int) - [200, 40, 40]).mean() < 8


def test_a_video_is_stopped_and_what_is_made_is_kept(served: Served, tmp_path: Path):
    long = served.ask(seconds=60, num_inference_steps=8)
    served.until(long, "in_progress")
    while served.get(long)["progress"] < 1:
        time.sleep(0.1)
    served.post(f"/{long['id']}/stop")
    kept = served.until(long, "completed")
    assert kept["stopped"]
    assert 0 < float(kept["seconds"]) < 60
    film = served.film(kept, tmp_path)
    assert read.probe(film).frames == round(float(kept["seconds"]) * 30)
    assert "stopped" in (labels.read_recipe(film) or {})


def test_a_paused_video_frees_the_device_and_goes_on_where_it_was(served: Served):
    long = served.ask(seconds=8, num_inference_steps=12)
    served.until(long, "in_progress")
    while served.get(long)["progress"] < 5:
        time.sleep(0.1)
    served.post(f"/{long['id']}/pause")
    served.until(long, "paused")
    served.until(served.ask(), "completed")  # another one passes
    served.post(f"/{long['id']}/resume")
    served.until(long, "completed", seconds=120)
    events = served.http.get(f"/v1/videos/{long['id']}/events").text
    chunks = [
        json.loads(line[6:])["chunk"] for line in events.splitlines() if line.startswith("data") and '"chunk"' in line
    ]
    assert chunks == list(range(len(chunks)))
    assert len(chunks) == 31


def test_a_cancelled_video_stops_at_once_and_can_be_made_after_all(served: Served):
    long = served.ask(seconds=30, num_inference_steps=30)
    served.until(long, "in_progress")
    time.sleep(1)
    begun = time.monotonic()
    served.post(f"/{long['id']}/cancel")
    while served.get(long)["status"] != "cancelled":
        time.sleep(0.05)
    assert time.monotonic() - begun < 5
    answer = served.http.post(f"/v1/videos/{long['id']}/cancel")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "invalid_state")
    assert served.post(f"/{long['id']}/retry")["status"] in {"queued", "in_progress"}
    assert served.http.delete(f"/v1/videos/{long['id']}").json()["deleted"]
    assert served.http.get(f"/v1/videos/{long['id']}").status_code == 404


def test_waiting_videos_are_changed_moved_and_made_in_their_new_order(served: Served):
    busy = served.ask(seconds=20, num_inference_steps=30)
    served.until(busy, "in_progress")
    one, two = served.ask(), served.ask()
    changed = served.http.patch(f"/v1/videos/{one['id']}", json={"prompt": "a ball", "seconds": 0.2}).json()
    assert (changed["prompt"], changed["seconds"], changed["seed"]) == ("a ball", "0.2", 3)
    assert served.get(two)["queue_position"] == 2
    assert served.post(f"/{two['id']}/move", before=one["id"])["queue_position"] == 1
    served.post(f"/{busy['id']}/cancel")
    ended = [served.until(video, "completed")["completed_at"] for video in (two, one)]
    assert ended[0] <= ended[1]
    assert served.http.patch(f"/v1/videos/{one['id']}", json={"prompt": "x"}).status_code == 409
