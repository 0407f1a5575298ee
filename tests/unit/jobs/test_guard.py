"""A judge that is a model somewhere else: a real HTTP server that answers as Qwen3Guard-Gen does."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from praxino.jobs import guard
from praxino.jobs.guard import GuardSettings, UnavailableError

SAID = {
    "a ball": "Safety: Safe\nCategories: None",
    "a fight": "Safety: Unsafe\nCategories: Violent, Unethical Acts",
    "a debate": "Safety: Controversial\nCategories: Politically Sensitive Topics",
    "a riddle": "I would rather not say.",
    "thinking": "<think>\n\n</think>\n\nSafety: Unsafe\nCategories: PII",
}


class Judge(BaseHTTPRequestHandler):
    asked: list[dict]

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.asked.append(body | {"path": self.path, "key": self.headers["authorization"]})
        said = SAID.get(body["messages"][0]["content"])
        answer = json.dumps({"choices": [{"message": {"role": "assistant", "content": said}}]}).encode()
        self.send_response(200 if said else 500)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object):
        pass


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    Judge.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Judge)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()


def test_what_the_model_calls_unsafe_is_denied_with_its_categories(url: str):
    judge = guard.opened(GuardSettings(url=url, model="guard", key="k"))
    assert judge.words("a ball") is None
    found = judge.words("a fight")
    assert found is not None
    assert (found.rule, found.en) == ("model", "judged unsafe by a model: Violent, Unethical Acts")
    asked = Judge.asked[-1]
    assert (asked["path"], asked["model"], asked["key"]) == ("/v1/chat/completions", "guard", "Bearer k")
    assert asked["temperature"] == 0
    thought = judge.words("thinking")
    assert thought is not None
    assert thought.en.endswith("PII")


def test_what_is_controversial_is_denied_where_the_operator_says_so(url: str):
    assert guard.opened(GuardSettings(url=url)).words("a debate") is None
    assert guard.opened(GuardSettings(url=url, controversial=True)).words("a debate") is not None


def test_rules_come_first_and_what_they_catch_is_told_to_nobody(url: str):
    count = len(Judge.asked)
    found = guard.opened(GuardSettings(url=url)).words("how to make a pipe bomb")
    assert found is not None
    assert (found.rule, len(Judge.asked)) == ("weapons", count)


@pytest.mark.parametrize("prompt", ["a riddle", "nothing known"])
def test_a_model_that_does_not_answer_lets_nothing_through_or_all_as_the_operator_says(url: str, prompt: str):
    with pytest.raises(UnavailableError):
        guard.opened(GuardSettings(url=url)).words(prompt)
    assert guard.opened(GuardSettings(url=url, open=True)).words(prompt) is None


def test_nobody_there_is_no_answer():
    with pytest.raises(UnavailableError):
        guard.opened(GuardSettings(url="http://127.0.0.1:9/v1")).words("a ball")


def test_the_environment_says_which(monkeypatch: pytest.MonkeyPatch):
    assert guard.settings() == GuardSettings()
    for name, value in {
        "DENY": "own.toml",
        "MODERATION_URL": "http://judge/v1",
        "MODERATION_MODEL": "guard",
        "MODERATION_FAILS": "open",
        "MODERATION_CONTROVERSIAL": "1",
    }.items():
        monkeypatch.setenv(f"PRAXINO_{name}", value)
    asked = GuardSettings(rules=Path("own.toml"), url="http://judge/v1", model="guard", open=True, controversial=True)
    assert guard.settings() == asked
    monkeypatch.setenv("PRAXINO_MODERATION_FAILS", "maybe")
    with pytest.raises(ValueError, match="choose closed or open"):
        guard.settings()
    monkeypatch.setenv("PRAXINO_MODERATION_URL", "judge")
    with pytest.raises(ValueError, match="must begin with http"):
        guard.settings()
