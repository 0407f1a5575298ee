"""A worker that makes two films at once: each is the film it would have been alone, whatever becomes of the other."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.service import Served, Server

from praxino import request
from praxino.generation.verify import verify
from praxino.media import labels


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Iterator[Server]:
    one = Server(tmp_path_factory.mktemp("together"), tiny_model, "--together", "2")
    try:
        one.start()
        yield one
        one.stop()
        assert not one.makers()
    finally:
        one.kill()


@pytest.fixture(scope="module")
def served(server: Server) -> Served:
    return Served(server.base, server.key("ann"))


@pytest.fixture(autouse=True)
def _offered(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRAXINO_MODELS", str(tiny_model))


def both(served: Served, **body: object) -> list[dict]:
    """Two films that are in the making, each with a chunk behind it."""
    asked = [served.ask(seed=seed, **body) for seed in (3, 4)]
    until = time.monotonic() + 60
    while not all((now := served.get(one))["status"] == "in_progress" and now["progress"] > 1 for one in asked):
        assert time.monotonic() < until, now
        time.sleep(0.05)
    return asked


def as_alone(served: Served, made: dict, folder: Path) -> bool:
    """Whether the film is, frame for frame, what this process makes of its recipe by itself."""
    film = served.film(made, folder)
    recipe = labels.read_recipe(film)
    assert recipe is not None
    return verify(film, request.from_json(recipe["request"]), report=lambda *_: None).reproduced


def test_two_films_are_made_at_once_and_each_is_as_if_it_were_alone(served: Served, tmp_path: Path):
    asked = both(served, seconds=4, num_inference_steps=8)
    assert [served.get(one)["status"] for one in asked] == ["in_progress"] * 2
    made = [served.until(one, "completed") for one in asked]
    assert [as_alone(served, one, tmp_path) for one in made] == [True, True]


def test_who_cancels_one_leaves_the_other_whole(server: Server, served: Served, tmp_path: Path):
    maker = server.makers()
    one, other = both(served, seconds=6, num_inference_steps=12)
    served.post(f"/{one['id']}/cancel")
    until = time.monotonic() + 20
    while served.get(one)["status"] != "cancelled":
        assert time.monotonic() < until
        time.sleep(0.05)
    assert served.get(other)["status"] == "in_progress"
    assert as_alone(served, served.until(other, "completed"), tmp_path)
    assert server.makers() == maker  # nobody had to be killed for it


def test_a_process_that_dies_with_two_in_hand_loses_neither(server: Server, served: Served, tmp_path: Path):
    asked = both(served, seconds=4, num_inference_steps=12)
    for pid in server.makers():
        os.kill(pid, signal.SIGKILL)
    made = [served.until(one, "completed", seconds=90) for one in asked]
    assert [as_alone(served, one, tmp_path) for one in made] == [True, True]
