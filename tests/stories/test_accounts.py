"""People at the doors of a real server: they apply, wait, come in, make films, and leave."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import schemathesis
from fastapi.testclient import TestClient
from tests.routes import answer_as_said
from tests.service import BALL, PRAXINO, SMALL, Served, Server

from praxino.jobs import keys, people_apply, people_gate, people_passwords
from praxino.jobs.people_apply import Application
from praxino.jobs.settings import Settings
from praxino.server.app import create_app

PASSWORD = "correct horse"
ASKED = {"prompt": BALL, "seconds": 0.5, "seed": 3} | SMALL


class Site:
    """The server, the operator's way in, and a browser for each who comes."""

    def __init__(self, server: Server, key: str) -> None:
        self.server, self.operator = server, Served(server.base, key).http
        self.http = httpx.Client(base_url=server.base, timeout=30)

    def browser(self, name: str, password: str = PASSWORD) -> httpx.Client:
        """Of somebody who has logged in; it sends what pages of the studio send."""
        client = httpx.Client(base_url=self.server.base, timeout=30)
        answer = client.post("/v1/accounts/login", json={"name": name, "password": password})
        assert answer.status_code == 200, answer.text
        client.headers["X-Praxino-CSRF"] = client.cookies["praxino_csrf"]
        return client

    def apply(self, name: str, **more: object) -> httpx.Response:
        return self.http.post("/v1/accounts/apply", json={"name": name, "password": PASSWORD} | more)

    def admitted(self, name: str) -> httpx.Client:
        code = self.operator.post("/v1/accounts/invitations", json={}).json()["code"]
        assert self.apply(name, code=code).json() == {"state": "admitted", "position": None, "estimate_at": None}
        return self.browser(name)

    def praxino(self, *arguments: str) -> str:
        command = [*PRAXINO, "people", *arguments, "--data", str(self.server.data)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def id(self, name: str) -> str:
        found = self.operator.get("/v1/accounts/people").json()["data"]
        return next(person["id"] for person in found if person["name"] == name)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Iterator[Site]:
    server = Server(tmp_path_factory.mktemp("accounts"), tiny_model, "--accounts")
    key = server.key("studio")
    try:
        server.start()
        yield Site(server, key)
    finally:
        server.kill()


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_somebody_applies_waits_comes_in_makes_a_film_and_leaves(site: Site):
    applied = site.apply("ann", email="ann@example.com", reason="lessons", language="zh")
    assert applied.json() == {"state": "waiting", "position": 1, "estimate_at": None}
    assert site.apply("Bob").json()["position"] == 2

    ann = site.browser("Ann")
    assert ann.get("/v1/me").json() | {"tenant": ""} == {
        "tenant": "", "name": "ann", "role": "maker", "state": "waiting", "accounts": True,
        "credits": {"balance": 0, "held": 0},
    }  # fmt: skip
    assert ann.get("/v1/accounts/application").json()["position"] == 1
    for answer in (ann.get("/v1/videos"), ann.post("/v1/videos", json=ASKED), ann.post("/v1/accounts/keys")):
        assert refused(answer) == (403, "not_admitted")
        assert "position 1" in answer.json()["error"]["message"]

    let_in = site.operator.post("/v1/accounts/admit", json={"count": 1}).json()["data"]
    assert [(person["name"], person["reason"], person["state"]) for person in let_in] == [
        ("ann", "lessons", "admitted")
    ]
    assert ann.get("/v1/me").json()["credits"]["balance"] > 0

    video = ann.post("/v1/videos", json=ASKED)
    assert video.status_code == 200, video.text
    name, end = video.json()["id"], time.monotonic() + 60
    while ann.get(f"/v1/videos/{name}").json()["status"] != "completed":
        assert time.monotonic() < end
        time.sleep(0.2)
    assert ann.get(f"/v1/videos/{name}/content").content[4:8] == b"ftyp"
    assert ann.post("/v1/videos/quote", json=ASKED).json()["seconds_p50"] > 0

    careless = httpx.Client(base_url=site.server.base, cookies=ann.cookies)  # as another site's form would ask
    assert refused(careless.post("/v1/videos", json=ASKED)) == (403, "csrf")
    assert refused(careless.delete(f"/v1/videos/{name}")) == (403, "csrf")
    careless.headers["X-Praxino-CSRF"] = "0" * 64
    assert refused(careless.post("/v1/videos", json=ASKED)) == (403, "csrf")

    made = ann.post("/v1/accounts/keys").json()
    eve = site.admitted("eve")
    key = Served(site.server.base, made["key"]).http
    assert eve.get(f"/v1/videos/{name}").status_code == 404
    assert site.operator.get(f"/v1/videos/{name}").status_code == 404
    assert key.get(f"/v1/videos/{name}").status_code == 200  # and no header is needed with a key:
    assert key.post("/v1/videos", json=ASKED).status_code == 200
    assert "key" not in ann.get("/v1/accounts/keys").json()["data"][0]

    kept = ann.get("/v1/accounts/export").json()
    assert (kept["account"]["email"], len(kept["videos"])) == ("ann@example.com", 2)
    assert kept["videos"][0]["work"]["request"]["shots"][0]["prompt"] == BALL
    assert "argon2" not in ann.get("/v1/accounts/export").text

    assert refused(ann.request("DELETE", "/v1/accounts/me", json={"password": "wrong"})) == (403, "wrong_password")
    media = site.server.data / "media" / name
    assert media.is_dir()
    assert ann.request("DELETE", "/v1/accounts/me", json={"password": PASSWORD}).status_code == 200
    assert not list(media.rglob("*.*"))
    assert key.get("/v1/me").status_code == 401
    assert (
        ann.get("/v1/me", headers={"cookie": f"praxino_session={careless.cookies['praxino_session']}"}).status_code
        == 401
    )
    assert refused(site.http.post("/v1/accounts/login", json={"name": "ann", "password": PASSWORD}))[0] == 401
    assert "ann" not in site.praxino("list")


def test_sessions_end_where_they_should(site: Site):
    one, two, three = site.admitted("dora"), site.browser("dora"), site.browser("dora")
    assert one.post("/v1/accounts/logout").json() == {"done": True}
    assert "praxino_session" not in one.cookies
    weak = two.post("/v1/accounts/password", json={"old": PASSWORD, "new": "short"})
    assert refused(weak) == (400, "weak_password")
    assert "short" not in weak.text
    wrong = two.post("/v1/accounts/password", json={"old": "something else", "new": "another horse"})
    assert refused(wrong) == (403, "wrong_password")
    assert two.post("/v1/accounts/password", json={"old": PASSWORD, "new": "another horse"}).status_code == 200
    assert [client.get("/v1/me").status_code for client in (two, three)] == [200, 401]
    assert site.browser("dora", "another horse").get("/v1/me").status_code == 200


def test_cookies_are_as_they_should_be(site: Site):
    site.admitted("flags")
    asked = {"name": "flags", "password": PASSWORD}
    for scheme in ("http", "https"):  # as a proxy on this machine says
        answer = site.http.post("/v1/accounts/login", json=asked, headers={"X-Forwarded-Proto": scheme})
        cookies = {text.partition("=")[0]: text for text in answer.headers.get_list("set-cookie")}
        assert all(("Secure" in text) == (scheme == "https") for text in cookies.values())
        assert all("SameSite=lax" in text and "Max-Age=2592000" in text for text in cookies.values())
        assert ["HttpOnly" in cookies[name] for name in ("praxino_session", "praxino_csrf")] == [True, False]
        site.http.cookies.clear()
    elsewhere = site.http.post("/v1/accounts/login", json=asked, headers={"Sec-Fetch-Site": "cross-site"})
    assert refused(elsewhere) == (403, "cross_site")


def test_who_guesses_waits_and_learns_nothing(site: Site):
    site.admitted("guessed")
    known, unknown = (
        site.http.post("/v1/accounts/login", json={"name": name, "password": "not it at all"})
        for name in ("guessed", "nobody")
    )
    assert (known.status_code, known.json()) == (unknown.status_code, unknown.json())
    assert refused(known) == (401, "wrong_credentials")
    for _ in range(4):
        assert site.http.post("/v1/accounts/login", json={"name": "GUESSED", "password": "nor this"}).status_code == 401
    throttled = site.http.post("/v1/accounts/login", json={"name": "guessed", "password": PASSWORD})
    assert refused(throttled) == (429, "too_many_tries")
    assert 0 < int(throttled.headers["retry-after"]) <= 60
    assert PASSWORD not in site.server.log.read_text()


def test_operators_see_to_the_gate_and_others_may_not(site: Site):
    maker = site.admitted("maker")
    for answer in (
        maker.get("/v1/accounts/people"),
        maker.put("/v1/accounts/gate", json={"open": True}),
        maker.post("/v1/accounts/admit", json={"count": 1}),
        maker.post("/v1/accounts/invitations", json={"bonus": 5}),
    ):
        assert refused(answer) == (403, "not_allowed")
    assert refused(maker.post("/v1/accounts/invitations", json={})) == (409, "no_invitations")
    assert site.operator.put("/v1/accounts/gate", json={"per_day": 86_400}).json()["per_day"] == 86_400
    site.apply("soon")
    end = time.monotonic() + 20
    while site.browser("soon").get("/v1/accounts/application").json()["state"] != "admitted":  # the server's own sweep
        assert time.monotonic() < end
        time.sleep(1)
    site.operator.put("/v1/accounts/gate", json={"per_day": 0})

    changed = site.operator.post(f"/v1/accounts/people/{site.id('maker')}", json={"role": "operator"}).json()
    assert (changed["role"], changed["state"], changed["invited_by"]) == ("operator", "admitted", "studio")
    assert maker.get("/v1/accounts/people", params={"limit": 1}).json()["has_more"]
    assert refused(maker.post(f"/v1/accounts/people/{site.id('maker')}", json={"role": "maker"}))[0] == 409
    site.operator.post(f"/v1/accounts/people/{site.id('maker')}", json={"state": "suspended"})
    assert refused(maker.get("/v1/accounts/people")) == (403, "not_admitted")


def test_the_command_line_opens_the_same_doors(site: Site):
    site.apply("line")
    assert "1 wait" in site.praxino("gate") or "wait" in site.praxino("gate")
    code = site.praxino("invite", "--uses", "2", "--bonus", "7").strip()
    assert site.apply("coded", code=code).json()["state"] == "admitted"
    assert " waiting " in next(line for line in site.praxino("list").splitlines() if line.endswith(" line"))
    assert " admitted " in site.praxino("admit", "LINE")
    assert " moderator " in site.praxino("role", "line", "moderator")
    assert " suspended " in site.praxino("suspend", "line")
    assert refused(site.browser("line").get("/v1/videos")) == (403, "not_admitted")


def test_without_accounts_there_are_no_doors(tmp_path: Path):
    app = create_app(Settings(data=tmp_path))
    client = TestClient(app, headers={"authorization": f"Bearer {keys.create(app.state.service.db, 'studio')}"})
    for path in ("apply", "login"):
        answer = client.post(f"/v1/accounts/{path}", json={"name": "ann", "password": PASSWORD})
        assert refused(answer) == (404, "accounts_off")
    assert client.get("/v1/me").json() == {
        "tenant": "studio", "name": "studio", "role": "operator", "state": "admitted", "accounts": False,
        "credits": None,
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("who", ["studio", "ann"])
def test_every_route_answers_as_the_document_says(tmp_path: Path, who: str):
    app = create_app(Settings(data=tmp_path, accounts=True))
    db = app.state.service.db
    ann = people_apply.apply(db, Application(name="ann", password=people_passwords.hashed(PASSWORD)))
    people_gate.admit_one(db, ann.id)
    headers = {"Authorization": f"Bearer {keys.create(db, who if who == 'studio' else ann.id)}"}
    document = schemathesis.openapi.from_asgi("/openapi.json", app).include(path_regex="^/v1/(accounts|me)")
    answer_as_said(document, headers)
    db.engine.dispose()
