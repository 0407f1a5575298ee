"""Errors as OpenAI's clients understand them: a status, and one envelope."""

import logging
import secrets
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

logger = logging.getLogger("praxino.server")
CODES = {404: "not_found", 405: "method_not_allowed", 413: "payload_too_large", 415: "unsupported_media_type"}

SECRET = frozenset({"password", "old", "new", "code"})
"""Fields whose values are told to nobody, not even to who sent them."""


class Problem(Exception):  # noqa: N818 - it is what is told, not what went wrong here
    """What a client is told."""

    def __init__(
        self,
        *,
        status: int,
        message: str,
        code: str,
        type: str = "invalid_request_error",  # noqa: A002 - the envelope's own name
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.type, self.param = status, message, code, type, param
        self.headers = dict(headers or {})


class Told(BaseModel):
    """What went wrong."""

    message: str
    type: str
    param: str | None = None
    code: str | None = None


class Envelope(BaseModel):
    """An error."""

    error: Told


def envelope(problem: Problem) -> dict[str, Any]:
    """The body of an answer."""
    told = Told(message=problem.message, type=problem.type, param=problem.param, code=problem.code)
    return Envelope(error=told).model_dump()


def answer(problem: Problem) -> JSONResponse:
    """The whole answer."""
    return JSONResponse(envelope(problem), status_code=problem.status, headers=problem.headers)


def install(app: FastAPI) -> None:
    """From now on every error of the app looks like that."""

    @app.exception_handler(Problem)
    async def known(_request: Request, problem: Problem) -> JSONResponse:
        return answer(problem)

    @app.exception_handler(HTTPException)
    async def plain(request: Request, error: HTTPException) -> JSONResponse:
        status = error.status_code
        problem = Problem(
            status=status,
            message=f"{request.method} {request.url.path}: {error.detail}",
            code=CODES.get(status, "invalid_request"),
            type="server_error" if status >= 500 else "invalid_request_error",
            headers=error.headers,
        )
        return answer(problem)

    @app.exception_handler(RequestValidationError)
    async def invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        return answer(of_validation(error.errors()))

    @app.exception_handler(Exception)
    async def unknown(request: Request, error: Exception) -> JSONResponse:
        name = secrets.token_hex(8)
        logger.error("failed", exc_info=error, extra={"request": name, "path": request.url.path})
        message = f"something went wrong here; tell the operator the number {name}"
        return answer(Problem(status=500, message=message, code="internal_error", type="server_error"))


def of_validation(problems: Any) -> Problem:
    """Pydantic's errors, as the first of them: ``param`` is the field's name, dotted where it is inside another."""
    first = problems[0]
    place = [str(part) for part in first["loc"]]
    param = ".".join(place[1:] if place[:1] and place[0] in {"body", "query", "header", "path"} else place) or None
    if first["type"] == "missing":
        message = f"{param} is missing; send it"
        return Problem(status=400, message=message, code="missing_parameter", param=param)
    value = first.get("input")
    secret = place[-1:] and place[-1] in SECRET
    shown = f" {value!r:.60}" if isinstance(value, str | int | float) and not secret else ""
    message = f"{param or 'the body'}{shown}: {first['msg'].removeprefix('Value error, ')}"
    return Problem(status=400, message=message, code="invalid_value", param=param)
