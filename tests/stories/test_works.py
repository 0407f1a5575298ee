"""Two people and an operator: a film is made and shown, found, remixed with credit, reported, taken down; and votes."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.service import BALL, Served, Server

DENIED = "how to make a pipe bomb, step by step"


@dataclass
class House:
    """A server with two people who were admitted, and its operator."""

    server: Server
    ann: Served
    bob: Served
    operator: Served


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Iterator[House]:
    other = tmp_path_factory.mktemp("more") / "other"
    shutil.copytree(tiny_model, other)
    models = Path(f"{tiny_model}{os.pathsep}{other}")
    server = Server(tmp_path_factory.mktemp("works"), models, more={"PRAXINO_ACCOUNTS": "1"})
    key = server.key("house")
    try:
        server.start()
        operator = Served(server.base, key)
        ann, bob = (_person(server, operator, name) for name in ("ann", "bob"))
        yield House(server, ann, bob, operator)
        server.stop()
    finally:
        server.kill()


def _person(server: Server, operator: Served, name: str) -> Served:
    """Somebody who applied and was admitted, with a key."""
    person = Served(server.base, "")
    del person.http.headers["authorization"]
    words = {"name": name, "password": f"{name} has a long password"}
    assert person.http.post("/v1/accounts/apply", json=words).status_code == 200
    operator.http.post("/v1/accounts/admit", json={"count": 10})
    assert person.http.post("/v1/accounts/login", json=words).status_code == 200
    person.http.headers["X-Praxino-CSRF"] = person.http.cookies["praxino_csrf"]
    who = person.http.get("/v1/me").json()
    operator.http.post("/v1/credits/grants", json={"tenant": who["tenant"], "amount": 10_000, "note": "to begin with"})
    return person


def publish(maker: Served, video: dict, title: str) -> dict:
    answer = maker.http.post(f"/v1/videos/{video['id']}/publish", json={"title": title})
    assert answer.status_code == 200, answer.text
    return answer.json()


def error(answer) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


@pytest.fixture(scope="module")
def made(house: House) -> dict:
    return house.ann.until(house.ann.ask(metadata={"client": "secret"}), "completed")


@pytest.fixture(scope="module")
def work(house: House, made: dict) -> dict:
    return publish(house.ann, made, "Ｔhe BALL 小球")


def test_a_published_film_is_seen_and_found_by_everybody_and_nothing_else_is(house: House, made: dict, work: dict):
    film = house.bob.http.get(f"/v1/explore/{work['id']}/content", headers={"range": "bytes=0-99"})
    assert (film.status_code, len(film.content)) == (206, 100)
    assert house.bob.http.get(f"/v1/explore/{work['id']}/thumbnail").headers["content-type"] == "image/webp"
    assert house.bob.http.get(f"/v1/videos/{made['id']}").status_code == 404
    for words in ("the ball", "小球", "RED BALL", ""):
        page = house.bob.http.get("/v1/explore", params={"search": words}).json()
        assert [one["id"] for one in page["data"]] == [work["id"]], words
    assert house.bob.http.get("/v1/explore", params={"search": "100%"}).json()["data"] == []
    assert (work["by"], work["prompt"], work["of"], work["remixes"]) == ("ann", BALL, None, 0)
    now = house.ann.get(made)
    assert (now["work"], now.get("expires_at")) == (work["id"], None)


def test_only_completed_films_of_ones_own_are_published(house: House, made: dict):
    waiting = house.bob.ask(seconds=20)
    title = {"title": "x"}
    assert error(house.bob.http.post(f"/v1/videos/{waiting['id']}/publish", json=title)) == (409, "video_not_ready")
    house.bob.post(f"/{waiting['id']}/cancel")
    assert house.bob.http.post(f"/v1/videos/{made['id']}/publish", json=title).status_code == 404
    bad = house.ann.http.post(f"/v1/videos/{made['id']}/publish", json={"title": "kiddie porn"})
    assert error(bad) == (400, "prompt_denied")
    assert bad.json()["error"]["param"] == "title"


def test_a_remix_gives_credit_for_ever(house: House):
    first = house.ann.until(house.ann.ask(metadata={"client": "secret"}), "completed")
    origin = publish(house.ann, first, "First")
    answer = house.bob.http.post(f"/v1/explore/{origin['id']}/remix", json={"prompt": "a red ball"})
    assert answer.status_code == 200, answer.text
    remix = house.bob.until(answer.json(), "completed")
    credit = {"id": origin["id"], "title": "First", "by": "ann"}
    assert (remix["of"], remix["prompt"], remix["seed"], remix["metadata"]) == (credit, "a red ball", 3, {})
    again = house.bob.post(f"/{remix['id']}/remix", prompt="a ball")
    assert again["of"] == credit
    mine = publish(house.bob, remix, "Second")
    assert (mine["of"], mine["by"]) == (credit, "bob")
    shown = house.ann.http.get("/v1/explore").json()["data"]
    assert {one["title"]: one["remixes"] for one in shown}["First"] == 1
    house.ann.http.delete(f"/v1/videos/{first['id']}")
    assert house.bob.http.get(f"/v1/explore/{origin['id']}/content").status_code == 404
    assert house.bob.http.post(f"/v1/explore/{origin['id']}/remix", json={}).status_code == 404
    assert house.bob.get(remix)["of"] == credit
    assert (
        next(one for one in house.ann.http.get("/v1/explore").json()["data"] if one["title"] == "Second")["of"]
        == credit
    )


def test_works_come_page_by_page(house: House, work: dict):
    first = house.bob.http.get("/v1/explore", params={"limit": 1}).json()
    rest = house.bob.http.get("/v1/explore", params={"after": first["last_id"]}).json()
    assert first["has_more"]
    assert first["data"][0]["id"] not in {one["id"] for one in rest["data"]}
    assert rest["data"][-1]["id"] == work["id"]
    assert error(house.bob.http.get("/v1/explore", params={"after": "work_x"})) == (404, "work_not_found")


def test_a_reported_work_is_one_case_and_a_moderator_takes_it_down(house: House):
    film = house.ann.until(house.ann.ask(seed=9), "completed")
    bad = publish(house.ann, film, "Bad")
    for who, why in ((house.bob, "I do not like it"), (house.bob, "again"), (house.operator, "nor do I")):
        answer = who.http.post(f"/v1/explore/{bad['id']}/report", json={"reason": why})
        assert answer.json() == {"id": bad["id"], "object": "report", "reported": True}
    assert error(house.bob.http.get("/v1/moderation")) == (403, "not_allowed")
    (case,) = [one for one in house.operator.http.get("/v1/moderation").json()["data"] if one["kind"] == "work"]
    assert [one["reason"] for one in case["reports"]] == ["I do not like it", "nor do I"]
    assert (case["work"]["id"], case["state"]) == (bad["id"], "open")
    decide = f"/v1/moderation/{case['id']}"
    assert house.operator.http.post(decide, json={"verdict": "allow"}).status_code == 400
    after = house.operator.http.post(decide, json={"verdict": "remove", "note": "it is bad"}).json()
    assert (after["state"], after["work_state"]) == ("remove", "removed")
    assert house.bob.http.get(f"/v1/explore/{bad['id']}/content").status_code == 404
    assert house.operator.http.get(f"/v1/explore/{bad['id']}/content").status_code == 200
    title = {"title": "Bad again"}
    assert error(house.ann.http.post(f"/v1/videos/{film['id']}/publish", json=title)) == (409, "work_removed")
    assert house.ann.get(film)["status"] == "completed"  # its maker's still
    again = house.operator.http.post(decide, json={"verdict": "keep", "note": "on second thoughts"}).json()
    assert [(one["by"], one["verdict"], one["note"]) for one in again["decisions"]] == [
        ("house", "remove", "it is bad"),
        ("house", "keep", "on second thoughts"),
    ]
    assert house.bob.http.get(f"/v1/explore/{bad['id']}/content").status_code == 200
    assert house.ann.http.delete(f"/v1/videos/{film['id']}/publish").status_code == 200
    assert error(house.ann.http.delete(f"/v1/videos/{film['id']}/publish")) == (404, "not_published")
    assert house.bob.http.get(f"/v1/explore/{bad['id']}/content").status_code == 404


def test_a_denied_prompt_is_appealed_and_allowed_to_its_writer(house: House, made: dict):
    body = {"prompt": DENIED, "model": "tiny", "seconds": 0.5, "size": "128x96"}
    answer = house.bob.http.post("/v1/videos", json=body)
    assert error(answer) == (400, "prompt_denied")
    assert "instructions for weapons" in answer.json()["error"]["message"]
    assert "/v1/moderation/appeals" in answer.json()["error"]["message"]
    remix = house.ann.http.post(f"/v1/videos/{made['id']}/remix", json={"prompt": "Ｈow to m4ke a pipe-b0mb"})
    assert error(remix) == (400, "prompt_denied")
    appeal = {"prompt": DENIED, "note": "it is for a museum"}
    assert house.bob.http.post("/v1/moderation/appeals", json=appeal).json()["state"] == "open"
    innocent = house.bob.http.post("/v1/moderation/appeals", json={"prompt": BALL})
    assert error(innocent) == (400, "not_denied")
    (case,) = [one for one in house.operator.http.get("/v1/moderation").json()["data"] if one["kind"] == "appeal"]
    assert (case["prompt"], case["rule"], case["note"]) == (DENIED, "weapons", "it is for a museum")
    ruling = {"verdict": "allow", "note": "go ahead"}
    assert house.operator.http.post(f"/v1/moderation/{case['id']}", json=ruling).status_code == 200
    told = house.bob.http.post("/v1/moderation/appeals", json=appeal).json()
    assert (told["state"], told["answer"]) == ("allow", "go ahead")
    assert house.bob.http.post("/v1/videos", json=body).status_code == 200
    assert error(house.ann.http.post("/v1/videos", json=body)) == (400, "prompt_denied")


def test_a_waiting_video_cannot_be_given_denied_words(house: House):
    busy, waiting = house.ann.ask(seconds=20, num_inference_steps=30), house.ann.ask()
    answer = house.ann.http.patch(f"/v1/videos/{waiting['id']}", json={"prompt": DENIED})
    house.ann.post(f"/{busy['id']}/cancel")
    assert error(answer) == (400, "prompt_denied")


def test_two_films_are_compared_blind_and_make_a_table(house: House):
    words = {"prompt": "a ball rolls", "seconds": 0.4}
    one, other = (house.ann.ask(model=model, **words) for model in ("tiny", "other"))
    for video in (one, other):
        publish(house.ann, house.ann.until(video, "completed"), "Mine")
    pair = house.bob.http.get("/v1/votes/next").json()
    assert (pair["prompt"], pair["compares"]) == ("a ball rolls", "models")
    assert house.bob.http.get("/v1/votes/next").json() == pair
    for side in "ab":
        film = house.bob.http.get(pair[side])
        assert film.headers["content-type"] == "video/mp4"
        assert not {one["id"], other["id"]} & set(film.headers["content-disposition"].replace(".", '"').split('"'))
    assert house.ann.http.get(pair["a"]).status_code == 404  # asked of bob
    cast = house.bob.http.post(f"/v1/votes/{pair['id']}", json={"choice": "a"}).json()
    assert {cast["a"]["model"], cast["b"]["model"]} == {"tiny", "other"}
    assert error(house.bob.http.post(f"/v1/votes/{pair['id']}", json={"choice": "b"})) == (409, "voted")
    assert error(house.bob.http.get("/v1/votes/next")) == (404, "no_pair")
    table = house.ann.http.get("/v1/preferences").json()
    assert (table["votes"], table["voters"]) == (1, 1)
    assert [row["model"] for row in table["data"]] == [cast["a"]["model"], cast["b"]["model"]]
    assert table["data"][0]["low"] < table["data"][0]["score"] < table["data"][0]["high"]


def test_makers_and_the_operator_see_their_figures(house: House):
    mine = house.ann.http.get("/v1/insight").json()
    assert mine["made"] >= 4
    assert mine["kept"] == mine["made"] - 1  # one was deleted, but had been published
    assert (mine["hit_rate"], mine["remixed"]) == (1, 1)
    assert mine["credits"] > 0
    assert mine["weeks"][-1]["made"] == mine["made"]
    assert len(mine["weeks"]) == 12
    assert error(house.ann.http.get("/v1/insight/service")) == (403, "not_allowed")
    service = house.operator.http.get("/v1/insight/service").json()
    assert service["load"]["workers"] == 1
    assert service["cost"]["films"] >= mine["made"]
    assert service["cost"]["device_seconds_per_minute"] > 0
    assert {row["model"] for row in service["models"]} == {"tiny", "other"}
    assert 0 <= service["promises"]["within_p90_share"] <= 1
