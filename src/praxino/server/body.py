"""Bodies as clients send them: JSON, forms, and forms whose names have brackets or whose values are JSON."""

import json
import re
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.formparsers import FormParser, MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from praxino.server.errors import Problem

UPLOAD, FIELD, FILES, FIELDS, DEPTH = 64 * 2**20, 2**20, 4, 200, 8
"""Most bytes of a body and of a field of it, most files, fields, and names inside one another."""
NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
PIECE = 2**20


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A file that came with a body; its name is ours."""

    path: Path
    filename: str | None
    size: int


@dataclass(kw_only=True)
class Body:
    """What a body says."""

    values: dict[str, Any] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)

    def remove(self) -> None:
        """Forget the files."""
        for upload in self.uploads.values():
            upload.path.unlink(missing_ok=True)


async def read(request: Request, *, spool: Path) -> Body:
    """The body of a request, its files in ``spool``. Raises Problem where it cannot be used, and then keeps nothing."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if kind in {"multipart/form-data", "application/x-www-form-urlencoded"}:
            return await _form(request, kind, spool)
        raw = b"".join([piece async for piece in _bounded(request, 4 * UPLOAD // 3)])
    except ClientDisconnect:
        raise _bad("the body ended early") from None
    if not raw.strip():
        return Body()
    if kind and kind != "application/json" and not kind.endswith("+json"):
        raise Problem(
            status=415,
            message=f"content type {kind!r} is not understood; send application/json or multipart/form-data",
            code="unsupported_media_type",
        )
    values = _json(raw.decode("utf-8", "surrogateescape"), "the body")
    if not isinstance(values, dict):
        raise _bad(f"the body must be a JSON object, not a {type(values).__name__}")
    return Body(values=_clean(cast("dict[str, Any]", values), "the body"))


async def _bounded(request: Request, most: int) -> AsyncIterator[bytes]:
    """The body piece by piece, whatever its length is said to be."""
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size > most:
            raise Problem(
                status=413,
                message=f"the body is too large; send at most {UPLOAD // 2**20} MiB",
                code="payload_too_large",
            )
        yield piece


async def _form(request: Request, kind: str, spool: Path) -> Body:
    stream = _bounded(request, UPLOAD)
    limits = {"max_fields": FIELDS, "max_part_size": FIELD}
    try:
        if kind == "multipart/form-data":
            parser = MultiPartParser(request.headers, stream, max_files=FILES, **limits)
        else:
            parser = FormParser(request.headers, stream, max_fields=FIELDS, max_part_size=FIELD)
        form = await parser.parse()
    except MultiPartException as error:
        raise _bad(f"the form cannot be read: {error.message}") from None
    except (KeyError, ValueError) as error:  # of a form without a boundary, or with a broken one
        raise _bad(f"the form cannot be read: {error}") from None
    body = Body()
    try:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                body.uploads[_once(name, body.uploads)] = await _spooled(value, spool)
            else:
                _put(body.values, name, _text(value, name))
        body.values = _clean(body.values, "the body")
    except BaseException:
        await run_in_threadpool(body.remove)
        raise
    finally:
        await form.close()
    return body


def _once(name: str, uploads: dict[str, Upload]) -> str:
    if name in uploads:
        raise _bad(f"{name} is there twice; send it once", name)
    return name


async def _spooled(file: UploadFile, spool: Path) -> Upload:
    path, size = spool / secrets.token_hex(16), 0
    try:
        with path.open("wb") as out:
            while piece := await file.read(PIECE):
                size += len(piece)
                await run_in_threadpool(out.write, piece)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return Upload(path=path, filename=file.filename, size=size)


def _text(value: str, name: str) -> Any:
    """A field's text, or what it stands for where it is JSON."""
    if value[:1] in {"{", "["}:
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _put(values: dict[str, Any], name: str, value: Any) -> None:
    """``a[b][]`` = value: into the values."""
    whole = NAME.fullmatch(name)
    if whole is None:
        raise _bad(f"the field name {name[:60]!r} cannot be read; write name, name[key] or name[]", name[:60])
    path = [whole[1], *re.findall(r"\[([^\[\]]*)\]", whole[2])]
    if len(path) > DEPTH:
        raise _bad(f"the field name {name[:60]!r} is too deep; use at most {DEPTH} names", name[:60])
    here: Any = values
    for key, following in zip(path, [*path[1:], None], strict=True):
        fresh: Any = value if following is None else [] if following == "" or following.isdigit() else {}
        here = _step(here, key, fresh, name, last=following is None)


def _step(here: Any, key: str, fresh: Any, name: str, *, last: bool) -> Any:
    """Go one name further in, and make what is not there."""
    if isinstance(here, list):
        here = cast("list[Any]", here)
        if key == "":
            here.append(fresh)
            return fresh
        if not key.isdigit() or int(key) > len(here) or int(key) > FIELDS:
            raise _bad(f"{name!r} does not fit the fields before it", name)
        if int(key) == len(here):
            here.append(fresh)
            return fresh
        return _same(here[int(key)], fresh, name, last=last)
    if not isinstance(here, dict):
        raise _bad(f"{name!r} does not fit the fields before it", name)
    here = cast("dict[str, Any]", here)
    if key in here:
        return _same(here[key], fresh, name, last=last)
    here[key] = fresh
    return fresh


def _same(there: Any, fresh: Any, name: str, *, last: bool) -> Any:
    if last or type(there) is not type(fresh):
        raise _bad(f"{name!r} is there twice; send it once", name)
    return there


def _json(text: str, what: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise _bad(f"{what} is nested too deeply") from None
    except ValueError as error:
        raise _bad(f"{what} is not JSON: {error}") from None


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON's")


def _clean(value: Any, where: str, depth: int = 0) -> Any:
    """The values, where no text holds what no text can."""
    if depth > 4 * DEPTH:
        raise _bad(f"{where} is nested too deeply")
    if isinstance(value, str):
        if "\0" in value or any(0xD800 <= ord(letter) < 0xE000 for letter in value):
            raise _bad(f"{where} holds characters that no text has; send UTF-8", where)
    elif isinstance(value, dict):
        for key, inner in cast("dict[str, Any]", value).items():
            _clean(key, where, depth + 1)
            _clean(inner, key if depth == 0 else f"{where}.{key}", depth + 1)
    elif isinstance(value, list):
        for inner in cast("list[Any]", value):
            _clean(inner, where, depth + 1)
    return value


def _bad(message: str, param: str | None = None) -> Problem:
    return Problem(status=400, message=message, code="invalid_body", param=None if param == "the body" else param)
