"""Credits over HTTP: a real server with accounts, a real worker, a person who spends what she has."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.service import PRAXINO, Served, Server

LONG = {"seconds": 8, "num_inference_steps": 12}


class Ann(Served):
    """A person with an API key of her own."""

    def __init__(self, server: Server, operator: httpx.Client) -> None:
        code = operator.post("/v1/accounts/invitations", json={}).json()["code"]
        browser = httpx.Client(base_url=server.base, timeout=30)
        who = {"name": "ann", "password": "correct horse"}
        assert browser.post("/v1/accounts/apply", json=who | {"code": code}).json()["state"] == "admitted"
        browser.post("/v1/accounts/login", json=who)
        browser.headers["X-Praxino-CSRF"] = browser.cookies["praxino_csrf"]
        super().__init__(server.base, browser.post("/v1/accounts/keys", json={}).json()["key"])
        self.server, self.id = server, self.http.get("/v1/me").json()["tenant"]

    def credits(self) -> dict:
        return self.http.get("/v1/credits").json()

    def has(self) -> tuple[int, int]:
        shown, me = self.credits(), self.http.get("/v1/me").json()["credits"]
        assert me == {"balance": shown["balance"], "held": shown["held"]}
        return shown["balance"], shown["held"]

    def entries(self, video: dict | None = None) -> list[tuple[str, int]]:
        found = self.http.get("/v1/credits/entries", params={"limit": 100}).json()["data"]
        return [(one["kind"], one["amount"]) for one in reversed(found)
                if video is None or one.get("video_id") == video["id"]]  # fmt: skip

    def quote(self, **more: object) -> int:
        body = {"prompt": "a red ball", "seconds": 0.5, "size": "128x96", "model": "tiny"} | more
        return self.http.post("/v1/videos/quote", json=body).json()["credits"]

    def praxino(self, *arguments: str) -> str:
        command = [*PRAXINO, "credits", *arguments, "--data", str(self.server.data)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("credits"), tiny_model, "--accounts")
    server.operator = Served(server.base, server.key("studio"))
    try:
        server.start()
        yield server
    finally:
        server.kill()


@pytest.fixture(scope="module")
def ann(server: Server) -> Ann:
    return Ann(server, server.operator.http)


def test_an_admission_gives_credits_and_a_film_takes_what_was_quoted(ann: Ann):
    assert ann.has() == (300, 0)
    price = ann.quote(num_inference_steps=2, best_of=1)
    assert price == ann.quote(num_inference_steps=2, best_of=1)
    video = ann.ask()
    assert video["cost"] == {"held": price, "captured": 0, "released": 0}
    video = ann.until(video, "completed")
    assert video["cost"] == {"held": 0, "captured": price, "released": 0}
    assert ann.has() == (300 - price, 0)
    assert ann.entries() == [("grant", 300), ("hold", price), ("capture", price)]


def test_a_film_that_fails_gives_back_what_it_was_to_cost(ann: Ann, server: Server):
    before = ann.has()
    video = ann.ask(**LONG)
    price = video["cost"]["held"]
    assert ann.has() == (before[0] - price, price)
    end = time.monotonic() + 90
    while (now := ann.get(video))["status"] != "failed":
        assert time.monotonic() < end, now
        for pid in server.makers():
            subprocess.run(["kill", "-KILL", str(pid)], check=False)
        time.sleep(0.2)
    assert now["error"]["code"] == "crashed"
    assert now["cost"] == {"held": 0, "captured": 0, "released": price}
    assert ann.has() == before
    assert ann.entries(video) == [("hold", price), ("release", price)]
    again = ann.post(f"/{video['id']}/retry")
    assert again["cost"] == {"held": price, "captured": 0, "released": price}
    ann.post(f"/{video['id']}/cancel")
    while ann.get(video)["status"] != "cancelled":
        assert time.monotonic() < end + 30
        time.sleep(0.1)
    assert ann.has() == before


def test_who_stops_a_film_pays_for_what_there_is(ann: Ann):
    before = ann.has()[0]
    video = ann.ask(**LONG)
    price, end = video["cost"]["held"], time.monotonic() + 90
    while not 0 < ann.get(video)["progress"] < 90:
        assert time.monotonic() < end
        time.sleep(0.05)
    ann.post(f"/{video['id']}/stop")
    video = ann.until(video, "completed", seconds=90)
    cost = video["cost"]
    assert video["stopped"]
    assert (cost["held"], cost["captured"] + cost["released"]) == (0, price)
    share = float(video["seconds"]) / 8
    assert 1 <= cost["captured"] < price
    assert cost["captured"] / price == pytest.approx(share, abs=0.1)
    assert ann.has() == (before - cost["captured"], 0)


def test_an_edited_film_costs_what_it_has_become(ann: Ann, server: Server):
    before = ann.has()[0]
    first = ann.ask(**LONG)
    video = ann.ask(**LONG)
    answer = ann.http.patch(f"/v1/videos/{video['id']}", json={"seconds": 1})
    assert answer.status_code == 200, answer.text
    assert 0 < answer.json()["cost"]["held"] < video["cost"]["held"]
    for one in (video, first):
        ann.http.delete(f"/v1/videos/{one['id']}")
    end = time.monotonic() + 60
    while ann.has() != (before, 0):
        assert time.monotonic() < end, ann.credits()
        time.sleep(0.1)


def test_a_draft_and_finishing_it_cost_about_what_the_film_does(ann: Ann):
    size = {"size": "1280x960", "seconds": 4}
    whole, draft = ann.quote(**size), ann.quote(draft=True, **size)
    assert draft < whole


def test_too_few_credits_are_a_402_that_says_what_can_be_done(ann: Ann):
    balance = ann.has()[0]
    ann.praxino("expire", ann.id, str(balance - 1))
    body = {"prompt": "a red ball", "seconds": 8, "size": "128x96", "model": "tiny"}
    price = ann.quote(seconds=8)
    answer = ann.http.post("/v1/videos", json=body)
    told = answer.json()["error"]
    assert (answer.status_code, told["code"], told["type"]) == (402, "insufficient_credits", "invalid_request_error")
    assert f"costs {price} credits and you have 1" in told["message"]
    assert ann.has() == (1, 0)
    granted = ann.server.operator.http.post(
        "/v1/credits/grants", json={"tenant": ann.id, "amount": price, "note": "for a long one"}
    ).json()
    assert (granted["kind"], granted["balance"], granted["note"]) == ("grant", price + 1, "for a long one")
    video = ann.http.post("/v1/videos", json=body).json()
    assert ann.has() == (1, price)
    ann.http.delete(f"/v1/videos/{video['id']}")


def test_a_days_credits_that_are_used_up_are_a_429_until_tomorrow(ann: Ann):
    said = ann.praxino("plan", "tight", "--daily", "0", "--monthly", "5000")
    assert "tight: 0 a day, 5000 a month, 0 on admission" in said
    ann.praxino("assign", ann.id, "tight")
    ann.praxino("grant", ann.id, "50", "--note", "a present")
    answer = ann.http.post("/v1/videos", json={"prompt": "a red ball", "seconds": 0.5, "model": "tiny"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "quota_exhausted")
    shown = ann.credits()
    assert (shown["plan"], shown["daily"]["limit"], shown["monthly"]["limit"]) == ("tight", 0, 5000)
    assert abs(int(answer.headers["retry-after"]) - (shown["daily"]["resets_at"] - time.time())) < 5
    assert "a present" in ann.praxino("show", ann.id)


def test_operators_pay_nothing_and_only_they_give(ann: Ann, server: Server):
    boss = server.operator
    assert "cost" not in boss.until(boss.ask(), "completed")
    assert boss.http.get("/v1/credits").json() | {"daily": None, "monthly": None} == {
        "balance": 0, "held": 0, "daily": None, "monthly": None, "plan": "free", "charged": False
    }  # fmt: skip
    gift = {"tenant": ann.id, "amount": 5}
    assert ann.http.post("/v1/credits/grants", json=gift).status_code == 403
    for wrong in ({"tenant": "studio"}, {"amount": 0}, {"amount": 1.5}, {"amount": 10**10}):
        assert boss.http.post("/v1/credits/grants", json=gift | wrong).status_code == 400


def test_entries_come_in_pages(ann: Ann):
    whole = ann.http.get("/v1/credits/entries", params={"limit": 100}).json()
    begin = ann.http.get("/v1/credits/entries", params={"limit": 2}).json()
    rest = ann.http.get("/v1/credits/entries", params={"limit": 100, "after": begin["last_id"]}).json()
    assert (begin["has_more"], rest["has_more"], whole["has_more"]) == (True, False, False)
    assert begin["data"] + rest["data"] == whole["data"]
