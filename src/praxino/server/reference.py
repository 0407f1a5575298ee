"""docs/http.md, made from the server's own OpenAPI document."""

import sys
import tempfile
from pathlib import Path
from typing import Any

from praxino.jobs.settings import Settings
from praxino.server.app import create_app

INTRODUCTION = """# The HTTP API

Generated from the server's OpenAPI document by `make docs`; the server shows the same at `/docs` and
`/openapi.json`.

OpenAI's video dialect, so clients of it work with another `base_url`. Names of further fields are vLLM-Omni's where
they mean the
same, the rest are ours.

    praxino serve
    curl http://127.0.0.1:8000/v1/videos -H "Authorization: Bearer $KEY" -F prompt="a red ball rolls on a checker floor"

- **Keys.** Every request needs `Authorization: Bearer px_...`, but for `/healthz`, `/readyz`, `/metrics` and the doors
  of accounts. What
  belongs to another tenant is a 404, unless its maker published it (`/v1/explore`).
- **People**, where there are accounts, log in at `POST /v1/accounts/login` and send cookies in place of a key; what
  changes anything then needs the header `X-Praxino-CSRF` with what the cookie `praxino_csrf` holds. Who waits or is
  suspended gets a 403, `not_admitted`.
- **Bodies** are JSON, or forms; in forms, `name[key]`, `name[]` and values that are JSON work too.
- **Errors** have one form, whatever went wrong: `{"error": {"message", "type", "param", "code"}}`. A video that
  could not be made is no error of
  the request that asks how it is: 200, with `status: failed` and its own `error`.
- **Polling.** Each answer that shows a video has the header `openai-poll-after-ms`: when another look is worth it.
  `GET /v1/videos/{video_id}/events` needs none.
- **Again.** A request with an `Idempotency-Key` that was used in the last 48 hours gives the same video; with
  another body it is a 422.
- **Too much.** 429, with an honest `Retry-After`.
- **Webhooks** are signed by Standard Webhooks; `client.webhooks.unwrap(body, headers, secret=...)` verifies them.
- **Media** that are sent are decoded in a process with little memory and time, and made anew; the server fetches
  nothing that a request names.
"""
METHODS = ("get", "post", "put", "patch", "delete")


def reference() -> str:
    """The page, in Markdown."""
    with tempfile.TemporaryDirectory() as folder:
        document = create_app(Settings(data=Path(folder))).openapi()
    parts = [INTRODUCTION]
    for path, operations in document["paths"].items():
        parts += [_operation(method, path, operations[method]) for method in METHODS if method in operations]
    parts.append("## Objects\n")
    parts += [_object(name, schema) for name, schema in sorted(document["components"]["schemas"].items())]
    return "\n".join(parts).rstrip()


def _operation(method: str, path: str, about: dict[str, Any]) -> str:
    lines = [f"## {method.upper()} {path}\n", about["description"], ""]
    rows = [
        _row(one["name"], one["schema"], one.get("description", ""), f"in the {one['in']}")
        for one in about.get("parameters", [])
    ]
    body = about.get("requestBody", {}).get("content", {})
    schema = body.get("application/json", {}).get("schema", {})
    fields = body.get("multipart/form-data", {}).get("schema", {}).get("properties", {}) | schema.get("properties", {})
    required = schema.get("required", [])
    rows += [
        _row(name, one, one.get("description", ""), "required" if name in required else "")
        for name, one in fields.items()
    ]
    if "$ref" in schema:
        lines += [f"Takes {_type(schema)}.", ""]
    if rows:
        lines += ["| field | what it is | |", "|---|---|---|", *rows, ""]
    files = [
        name
        for name, one in body.get("multipart/form-data", {}).get("schema", {}).get("properties", {}).items()
        if one.get("format") == "binary"
    ]
    if files:
        lines += [f"As files, in a form: {', '.join(f'`{name}`' for name in files)}.", ""]
    lines += [_answers(about["responses"]), ""]
    return "\n".join(lines)


def _answers(responses: dict[str, Any]) -> str:
    told: list[str] = []
    for status, answer in sorted(responses.items()):
        if status == "422" and "HTTPValidationError" in str(answer):
            continue  # FastAPI's own; errors here are 400
        content = answer.get("content", {})
        kinds = ", ".join(_type(one["schema"]) if one.get("schema") else kind for kind, one in content.items())
        told.append(
            f"- {status}: {kinds or answer.get('description', '')}"
            if status < "400"
            else f"- {status}: {answer['description']}"
        )
    return "\n".join(told)


def _object(name: str, schema: dict[str, Any]) -> str:
    rows = [_row(field, one, one.get("description", ""), "") for field, one in schema.get("properties", {}).items()]
    return "\n".join(
        [f"### {name}\n", schema.get("description", ""), "", "| field | what it is | |", "|---|---|---|", *rows, ""]
    )


def _row(name: str, schema: dict[str, Any], description: str, note: str) -> str:
    default = "" if schema.get("default") in (None, "", []) else f"default {schema['default']}"
    examples = schema.get("examples") or next(
        (one["examples"] for one in schema.get("anyOf", []) if "examples" in one), []
    )
    example = f"such as `{examples[0]}`" if examples else ""
    told = "; ".join(part for part in (note, default, example) if part)
    return f"| `{name}` | {_type(schema)}. {description}".rstrip(" .") + f" | {told} |"


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return schema["$ref"].rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"] if one.get("type") != "null")
    if "enum" in schema:
        return " or ".join(str(one) for one in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return schema.get("type", "anything")


if __name__ == "__main__":
    sys.stdout.write(reference() + "\n")
