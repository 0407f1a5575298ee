"""A service whose model is of another family: its clients do not know."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.pipelines import saved
from tests.service import Served, Server

from praxino.cli.main import run
from praxino.generation import film
from praxino.media import labels, read
from praxino.request import Request, Shot

ASKED = {"model": "cog", "size": "128x96", "num_inference_steps": 2, "best_of": None}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    root = tmp_path_factory.mktemp("foreign")
    model = root / "cog"
    assert run(["models", "import", str(saved("cogvideox", root / "source")), "--into", str(model)]) == 0
    known = Request(
        shots=(Shot(seconds=0.5, prompt="a ball"),), width=128, height=96, seed=0, steps=2, model=str(model)
    )
    film.make(known, root / "film.mp4")  # what films cost here is known then, and the worker need not try
    server = Server(tmp_path_factory.mktemp("service"), model)
    key = server.key("ann")
    try:
        server.start()
        yield Served(server.base, key)
        server.stop()
    finally:
        server.kill()


def test_a_film_is_asked_for_followed_and_fetched(served: Served, tmp_path: Path):
    offered = {one["id"]: one for one in served.http.get("/v1/models").json()["data"]}
    assert offered["cog"]["sizes"] == [[64, 48]]
    made = served.until(served.ask(**ASKED), "completed", seconds=120)
    path = served.film(made, tmp_path)
    assert read.read(path).frames.shape == (15, 96, 128, 3)
    recipe = labels.read_recipe(path)
    assert recipe is not None
    assert recipe["model"]["name"] == "cog"
    quoted = served.http.post("/v1/videos/quote", json={"prompt": "a ball", **ASKED})
    assert quoted.status_code == 200, quoted.text
    assert (quoted.json()["native"], quoted.json()["tokens"] > 0) == ([64, 48], True)


def test_one_in_the_making_is_seen_and_called_off(served: Served):
    long = served.ask(**ASKED | {"num_inference_steps": 200, "seconds": 2})
    served.until(long, "in_progress")
    while (now := served.get(long))["status"] == "in_progress" and not now["progress"]:
        time.sleep(0.1)
    assert 0 < now["progress"] < 100
    served.post(f"/{long['id']}/cancel")
    while (now := served.get(long))["status"] == "in_progress":
        time.sleep(0.1)
    assert now["status"] == "cancelled"


def test_what_its_model_cannot_do_is_refused_when_it_is_asked_for(served: Served, tmp_path: Path):
    Image.fromarray(np.full((96, 128, 3), 90, np.uint8)).save(tmp_path / "grey.png")
    for more, said in (({"seconds": 8}, "at most 17 frames"), ({"storyboard": 2}, "by one prompt")):
        body = {"prompt": "a ball", **ASKED, **more}
        if "storyboard" in more:
            body["prompt"] = ""
            body["storyboard"] = [{"seconds": 0.5, "prompt": "a dog"}, {"seconds": 0.5, "prompt": "a ball"}]
        answer = served.http.post("/v1/videos", json=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "unsupported_by_model")
        assert said in answer.json()["error"]["message"]
    made = served.until(served.ask(**ASKED), "completed", seconds=120)
    again = served.http.post(f"/v1/videos/{made['id']}/retake", json={"from": 0.1, "to": 0.2})
    assert (again.status_code, again.json()["error"]["code"]) == (400, "unsupported_by_model")
    assert "so a part cannot be made again" in again.json()["error"]["message"]
    with (tmp_path / "grey.png").open("rb") as picture:
        data = {"prompt": "a ball", "model": "cog", "size": "128x96"}
        answer = served.http.post(
            "/v1/videos", data=data, files={"input_reference": ("grey.png", picture, "image/png")}
        )
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "unsupported_by_model")
    assert "leave input_reference out" in answer.json()["error"]["message"]
