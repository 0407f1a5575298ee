"""Requests of all shapes, made from the server's own document: no 5xx, and answers as it says."""

import os
from collections.abc import Iterator

import hypothesis
import pytest
import schemathesis
from fastapi import FastAPI
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from praxino.jobs import keys
from praxino.jobs.settings import Settings
from praxino.server.app import create_app

EXAMPLES = int(os.environ.get("EXAMPLES", "10"))  # of each route
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    made = create_app(Settings(data=tmp_path_factory.mktemp("openapi"), tenant_queued=5))
    made.state.key = keys.create(made.state.service.db, "ann")
    yield made
    made.state.service.db.engine.dispose()


@pytest.mark.slow
def test_every_route_answers_as_the_document_says(app: FastAPI):
    document = schemathesis.openapi.from_asgi("/openapi.json", app)
    headers = {"Authorization": f"Bearer {app.state.key}"}
    tried, wrong = 0, []
    for found in document.exclude(path_regex="/readyz").get_all_operations():
        operation = found.ok()

        @hypothesis.given(case=operation.as_strategy())
        @hypothesis.settings(
            max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(hypothesis.HealthCheck)
        )
        def run(case: Case) -> None:
            nonlocal tried
            tried += 1
            case.validate_response(case.call(headers=headers), checks=CHECKS)

        try:
            run()
        except (Exception, BaseExceptionGroup) as error:  # noqa: BLE001 - all routes are tried first
            wrong.append(f"{operation.label}: {error}: {getattr(error, 'exceptions', None)}"[:900])
    assert not wrong, "\n\n".join(wrong)
    assert tried > 100
