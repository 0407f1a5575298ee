"""Every error answer has OpenAI's envelope."""

import logging
from typing import Annotated

import pytest
from fastapi import FastAPI, Query
from fastapi.testclient import TestClient
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from praxino.server import errors
from praxino.server.errors import Problem


class Inner(BaseModel):
    size: int


class Outer(BaseModel):
    inner: Inner


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()
    errors.install(app)

    @app.get("/problem")
    def problem():
        raise Problem(
            status=429, message="wait", code="queue_full", type="rate_limit_error", headers={"Retry-After": "7"}
        )

    @app.get("/plain/{status}")
    def plain(status: int):
        raise HTTPException(status, "so it is")

    @app.get("/broken")
    def broken():
        raise RuntimeError("the password is swordfish")

    @app.get("/query")
    def query(limit: Annotated[int, Query(ge=1)]):
        return limit

    @app.post("/body")
    def body(given: Outer):
        return given

    return TestClient(app, raise_server_exceptions=False)


def told(answer) -> dict:
    assert answer.headers["content-type"] == "application/json"
    assert answer.json().keys() == {"error"}
    assert answer.json()["error"].keys() == {"message", "type", "param", "code"}
    return answer.json()["error"]


def test_a_problem_is_told_as_it_is(client: TestClient):
    answer = client.get("/problem")
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "7"
    assert told(answer) == {"message": "wait", "type": "rate_limit_error", "param": None, "code": "queue_full"}


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (404, "not_found", "invalid_request_error"),
        (413, "payload_too_large", "invalid_request_error"),
        (503, "invalid_request", "server_error"),
    ],
)
def test_an_error_of_the_framework_is_told_likewise(client: TestClient, status: int, code: str, kind: str):
    answer = client.get(f"/plain/{status}")
    assert answer.status_code == status
    assert told(answer)["code"] == code
    assert told(answer)["type"] == kind


def test_an_unknown_path_and_a_wrong_method_name_themselves(client: TestClient):
    assert "GET /nowhere" in told(client.get("/nowhere"))["message"]
    answer = client.delete("/problem")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET"
    assert told(answer)["code"] == "method_not_allowed"


def test_a_wrong_field_is_named_with_its_value(client: TestClient):
    answer = client.get("/query", params={"limit": "0"})
    assert answer.status_code == 400
    assert told(answer)["param"] == "limit"
    assert "'0'" in told(answer)["message"]
    nested = client.post("/body", json={"inner": {"size": "wide"}})
    assert nested.status_code == 400
    assert told(nested)["param"] == "inner.size"


def test_a_missing_field_is_called_missing(client: TestClient):
    missing = told(client.get("/query"))
    assert missing["param"] == "limit"
    assert missing["code"] == "missing_parameter"


def test_a_fault_of_ours_is_logged_and_not_told(client: TestClient, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.ERROR, logger="praxino.server"):
        answer = client.get("/broken")
    assert answer.status_code == 500
    assert told(answer)["type"] == "server_error"
    assert told(answer)["code"] == "internal_error"
    assert "swordfish" not in answer.text
    record = next(record for record in caplog.records if record.name == "praxino.server")
    assert record.exc_info is not None
    assert vars(record)["request"] in told(answer)["message"]
