"""Requests of all shapes, made from a server's own document: no 5xx, and answers as it says."""

import os
from collections.abc import Mapping

import hypothesis
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

EXAMPLES = int(os.environ.get("EXAMPLES", "10"))  # of each route
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


def answer_as_said(document: BaseSchema, headers: Mapping[str, str]) -> None:
    """Try every route of the document with requests of all shapes."""
    tried, wrong = 0, []
    for found in document.get_all_operations():
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
