"""The OpenAPI document: bodies that are read by hand, and answers that every route may give."""

from typing import Any

from pydantic import BaseModel

from praxino.server.errors import Envelope


def body(model: type[BaseModel], *, files: tuple[str, ...] = (), required: bool = True) -> dict[str, Any]:
    """What a route takes: JSON, or a form with the same fields and files."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    defined = schema.pop("$defs", {})
    schema = _inlined(schema, defined)
    form = {**schema, "properties": {**schema["properties"]}}
    for name in files:
        form["properties"][name] = {"type": "string", "format": "binary", "description": "The file."}
    content = {"application/json": {"schema": schema}, "multipart/form-data": {"schema": form}}
    return {"requestBody": {"required": required, "content": content}}


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors that a route may answer with, all in one envelope."""
    return {status: {"model": Envelope, "description": WHY[status]} for status in (401, 403, *statuses)}


def beside_a_stream(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The same for a route whose good answer is no JSON."""
    envelope = {"application/json": {"schema": {"$ref": "#/components/schemas/Envelope"}}}
    return {status: {"description": WHY[status], "content": envelope} for status in (401, 403, *statuses)}


WHY = {
    400: "Something in the request is wrong; `param` says what.",
    401: "There is no API key, or it opens nothing.",
    402: "There are too few credits; `message` says how many, and what can be done.",
    403: "Whoever asks may not do that: a role, a place in the queue, or a header is missing.",
    404: "There is no such thing, for this key.",
    409: "Its state does not allow that now.",
    413: "Too large.",
    415: "Not a kind of media that can be used.",
    422: "The Idempotency-Key was used for another request.",
    429: "Too many jobs are waiting, or a day's or a month's credits are used up; Retry-After says when to come again.",
    503: "Not now; Retry-After says when to come again.",
}


def _inlined(schema: Any, defined: dict[str, Any]) -> Any:
    if isinstance(schema, dict):
        if "$ref" in schema:
            return _inlined(defined[schema["$ref"].rpartition("/")[2]], defined)
        return {key: _inlined(value, defined) for key, value in schema.items()}
    return [_inlined(value, defined) for value in schema] if isinstance(schema, list) else schema
