"""Bodies as clients send them: JSON, forms, and forms whose names have brackets or whose values are JSON."""

import json
import re
import secrets
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import FormParser, MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from praxino.server.errors import Problem

UPLOAD, FIELD, FILES, FIELDS, DEPTH = 64 * 2**20, 2**20, 4, 200, 8
"""Most bytes of a body and of a field of it, most files, fields, and names inside one another."""
WORDS = frozenset({"prompt", "negative_prompt"})
"""Fields that are words, even where they look like JSON."""
NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
HALF = re.compile(r"[\ud800-\udfff]")  # of a surrogate pair


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A file that came with a body; its name is ours."""

    path: Path
    filename: str | None  # theirs
    content_type: str | None  # as they say
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


async def read(
    request: Request, *, spool: Path, upload_bytes: int = UPLOAD, field_bytes: int = FIELD, files: int = FILES
) -> Body:
    """The body of a request, its files in ``spool``. Raises Problem where it cannot be used, and then keeps nothing.

    JSON may be a third larger than ``upload_bytes``, so that a file of that size fits in base64.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if kind == "multipart/form-data":
            parser = _Files(request, spool, upload_bytes, field_bytes, files)
            try:
                return _body(await _parsed(parser, field_bytes), parser.paths)
            except BaseException:
                parser.remove()
                raise
        if kind == "application/x-www-form-urlencoded":
            stream = _bounded(request, upload_bytes)
            form = FormParser(request.headers, stream, max_fields=FIELDS, max_part_size=field_bytes)
            return _body(await _parsed(form, field_bytes), {})
        raw = bytearray()
        async for piece in _bounded(request, 4 * upload_bytes // 3):
            if piece and kind and kind != "application/json" and not kind.endswith("+json"):
                message = f"content type {kind[:60]!r} is not understood; send application/json or multipart/form-data"
                raise Problem(status=415, message=message, code="unsupported_media_type")
            raw += piece
    except ClientDisconnect:
        raise _bad("the body ended early; send it again") from None
    return Body(values=await run_in_threadpool(_object, raw))


class _Files(MultiPartParser):
    """A form whose files go straight to the spool."""

    def __init__(self, request: Request, spool: Path, upload_bytes: int, field_bytes: int, files: int) -> None:
        stream = _bounded(request, upload_bytes)
        super().__init__(request.headers, stream, max_files=files, max_fields=FIELDS, max_part_size=field_bytes)
        self.spool, self.ended, self.begun = spool, False, False
        self.paths: dict[int, Path] = {}  # by the id of an UploadFile

    def on_part_begin(self) -> None:
        self.begun = True
        super().on_part_begin()

    def on_headers_finished(self) -> None:
        super().on_headers_finished()
        file = self._current_part.file
        if file is not None:  # in place of starlette's own, in memory or the system's folder
            path = self.spool / secrets.token_hex(16)
            file.file.close()
            file.file = path.open("xb")
            self.paths[id(file)] = path
            self._files_to_close_on_error.append(file.file)  # pyright: ignore[reportArgumentType]

    def on_end(self) -> None:
        self.ended = True

    def remove(self) -> None:
        """Forget the files."""
        for path in self.paths.values():
            path.unlink(missing_ok=True)


async def _bounded(request: Request, most: int) -> AsyncGenerator[bytes, None]:
    """The body piece by piece; Problem 413 where it is too large, whatever its length is said to be."""
    said, size = request.headers.get("content-length", ""), 0
    message = f"the body is too large; send at most {most / 2**20:.3g} MiB, such as a shorter clip"
    large = Problem(status=413, message=message, code="payload_too_large")
    if said.isdecimal() and len(said) < 20 and int(said) > most:
        raise large
    async for piece in request.stream():
        size += len(piece)
        if size > most:
            raise large
        yield piece


async def _parsed(parser: _Files | FormParser, field_bytes: int) -> FormData:
    """The fields and files of a form, all of them closed."""
    try:
        form = await parser.parse()
    except MultiPartException as error:
        if "maximum size" in error.message:
            message = f"a field is larger than {field_bytes / 2**20:.3g} MiB; send it as a file"
            raise Problem(status=413, message=message, code="payload_too_large") from None
        raise _bad(f"the form cannot be read: {error.message}") from None
    except (KeyError, ValueError) as error:  # of a form without a boundary, or with a broken one
        raise _bad(f"the form cannot be read: {error}") from None
    await form.close()
    if isinstance(parser, _Files) and parser.begun and not parser.ended:
        raise _bad("the form ended early; send it again")
    return form


def _body(form: FormData, paths: dict[int, Path]) -> Body:
    body = Body()
    for name, value in form.multi_items():
        if not isinstance(value, UploadFile):
            _put(body.values, name, value)
        elif name in body.uploads:
            raise _twice(name)
        else:
            body.uploads[_clean(name, "the body")] = Upload(
                path=paths[id(value)], filename=value.filename, content_type=value.content_type, size=value.size or 0
            )
    return Body(values=_clean(body.values, "the body"), uploads=body.uploads)


def _text(value: str, name: str) -> Any:
    """A field's text, or what it stands for where it is JSON."""
    if value[:1] in {"{", "["} and name not in WORDS:
        try:
            return json.loads(value, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            return value
    return value


def _put(values: dict[str, Any], name: str, text: str) -> None:
    """``a[b][]`` = text: into the values."""
    whole = NAME.fullmatch(name)
    if whole is None:
        raise _bad(f"the field name {name[:60]!r} cannot be read; write name, name[key] or name[]", name)
    path = [whole[1], *re.findall(r"\[([^\[\]]*)\]", whole[2])]
    if len(path) > DEPTH:
        raise _bad(f"the field name {name[:60]!r} is too deep; use at most {DEPTH} names", name)
    here: Any = values
    for key, following in pairwise([*path, None]):
        if key == "" and (there := _lacking(here, following)) is not None:
            here = there
        elif following is None:
            _step(here, cast("str", key), _text(text, path[-1]), name, last=True)
        else:
            here = _step(here, cast("str", key), [] if following == "" or _index(following) else {}, name)


def _index(key: str) -> bool:
    return key.isascii() and key.isdecimal() and len(key) <= 3


def _lacking(here: Any, key: str | None) -> Any:
    """The first object of a list in which ``key`` is not: the n-th ``a[][key]`` belongs to the n-th object of ``a``.

    So clients may send object by object, or as OpenAI's do, name by name; exact where all objects have the same names.
    """
    objects = cast("list[Any]", here) if isinstance(here, list) and key else []
    return next((one for one in objects if isinstance(one, dict) and key not in one), None)


def _step(here: Any, key: str, fresh: Any, name: str, *, last: bool = False) -> Any:
    """Go one name further in, and make what is not there."""
    if isinstance(here, list):
        here = cast("list[Any]", here)
        if key == "" or (_index(key) and int(key) == len(here)):
            here.append(fresh)
            return fresh
        if not _index(key) or int(key) > len(here):
            raise _bad(f"{name[:60]!r} does not fit the fields before it; count from 0, without gaps", name)
        there = here[int(key)]
    else:
        here = cast("dict[str, Any]", here)
        if key not in here:
            here[key] = fresh
            return fresh
        there = here[key]
    if last or type(there) is not type(fresh):
        raise _twice(name)
    return there


def _object(raw: bytearray) -> dict[str, Any]:
    """The body, which is a JSON object; nothing at all stands for an empty one."""
    if not raw.strip():
        return {}
    try:
        values = json.loads(raw.decode("utf-8", "surrogateescape"), parse_constant=_no_constant)
    except RecursionError:
        raise _bad("the body is nested too deeply; send it flat") from None
    except ValueError as error:
        raise _bad(f"the body is not JSON: {error}") from None
    if not isinstance(values, dict):
        raise _bad(f"the body must be a JSON object, not a {type(values).__name__}")
    return _clean(cast("dict[str, Any]", values), "the body")


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON's")


def _clean(value: Any, where: str, depth: int = 0) -> Any:
    """The value, where no text in it holds what no text can."""
    if depth > 4 * DEPTH:
        raise _bad(f"{where} is nested too deeply; send it flat", where)
    if isinstance(value, str):
        if "\0" in value or (not value.isascii() and HALF.search(value)):
            raise _bad(f"{where} holds characters that no text has; send UTF-8", where)
    elif isinstance(value, dict):
        for key, inner in cast("dict[str, Any]", value).items():
            _clean(key, where, depth + 1)
            _clean(inner, key[:60] if depth == 0 else where, depth + 1)
    elif isinstance(value, list):
        for inner in cast("list[Any]", value):
            _clean(inner, where, depth + 1)
    return value


def _twice(name: str) -> Problem:
    return _bad(f"{name[:60]!r} is there twice; send it once", name)


def _bad(message: str, param: str | None = None) -> Problem:
    """``param`` is a name as it came, so of any length and content."""
    name = None if param is None or param == "the body" else param[:60].encode(errors="replace").decode()
    return Problem(status=400, message=message, code="invalid_body", param=name)
