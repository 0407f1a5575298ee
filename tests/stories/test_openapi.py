"""Requests of all shapes, made from the server's own document: no 5xx, and answers as it says."""

from collections.abc import Iterator

import pytest
import schemathesis
from fastapi import FastAPI
from tests.routes import answer_as_said

from praxino.jobs import keys
from praxino.jobs.settings import Settings
from praxino.server.app import create_app


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
    answer_as_said(document.exclude(path_regex="/readyz"), headers)
