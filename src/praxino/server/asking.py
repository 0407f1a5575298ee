"""From a body to a job: what was given is looked at, kept, priced, and waits."""

import base64
import binascii
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import obstore

from praxino import request as requests
from praxino.generation import able
from praxino.generation.warnings import warnings_of
from praxino.jobs import queue
from praxino.jobs.credits import Price
from praxino.jobs.job import Job
from praxino.jobs.queue import Ask, FullError, OtherBodyError
from praxino.request import Request
from praxino.server import dialect, guarded, intake
from praxino.server.body import Body
from praxino.server.dialect import CreateVideo
from praxino.server.errors import Problem
from praxino.server.quotes import Quotes, shipped
from praxino.server.service import Service, away

REFERENCES = {"input_reference": "start", "end_reference": "end"}
STATUS = {"unsupported_media": 415, "media_too_large": 413}
"""Of refused media; others are 400."""


@dataclass(kw_only=True)
class Asking:
    """One request for a video on its way to a job."""

    service: Service
    quotes: Quotes
    tenant: str
    key: str | None = None  # Idempotency-Key
    digest: str = ""
    id: str = field(default_factory=lambda: f"video_{secrets.token_hex(12)}")
    files: dict[str, str] = field(default_factory=dict)  # what the worker fetches: name: key in the storage
    of: str | None = None  # the work of somebody that it comes from

    async def known(self, what: str, body: Body) -> Job | None:
        """The job that the same request made before. Raises Problem 422 where the key was another request's."""
        if self.key is None:
            return None
        if not 0 < len(self.key) <= 255:
            raise Problem(status=400, message="the Idempotency-Key must have 1 to 255 characters", code="invalid_key")
        self.digest = await away(_digest, what, body)
        return await away(self._answered)

    def _answered(self) -> Job | None:
        try:
            with self.service.db.engine.begin() as connection:
                return queue.answered(connection, self.tenant, self.key, self.digest)
        except OtherBodyError:
            raise _other_body(self.key) from None

    async def create(self, asked: CreateVideo, body: Body, *, extra: Mapping[str, Any] | None = None) -> Job:
        """The job of a body of `CreateVideo`; ``extra`` joins what is told of it."""
        try:
            given = {role: await self._reference(asked, body, name, role) for name, role in REFERENCES.items()}
            return await away(self._submit, asked, given, dict(extra or {}))
        except BaseException:
            if self.files:
                await away(self.service.storage.remove, self.id)
            raise

    def _submit(self, asked: CreateVideo, given: Mapping[str, str | None], extra: dict[str, Any]) -> Job:
        film = self.request(asked, given)
        work = {"verb": "generate", "request": requests.to_json(film), "draft": asked.draft, "files": self.files}
        return self.submit(film, work, priority=asked.priority, about=about(film, asked) | extra)

    def request(self, asked: CreateVideo, given: Mapping[str, str | None]) -> Request:
        """What the worker is to make. Raises Problem where that cannot be."""
        here(asked.model)
        return dialect.request_of(asked, start=given.get("start"), end=given.get("end"))

    def quoted(self, film: Request) -> dict[str, float] | None:
        """What a job says that it was to cost; None where no film was made yet."""
        cost = self.quotes.quote(film)
        if cost is None:
            return None
        return {"tokens": cost.tokens, "seconds_p50": cost.seconds_p50, "seconds_p90": cost.seconds_p90}

    def price(self, film: Request, work: Mapping[str, Any]) -> Price | None:
        """What it costs in credits, where accounts are on."""
        if not self.service.db.settings.accounts:
            return None
        return self.quotes.price(film, draft=bool(work.get("draft")), denoised="parts" in work)

    def check(self, film: Request) -> None:
        """Raises Problem where no film is made of such words."""
        guarded.check_words(self.service, self.tenant, guarded.told(film))

    def submit(self, film: Request, work: Mapping[str, Any], *, about: Mapping[str, Any], priority: int = 5) -> Job:
        """The job, waiting. Raises Problem where it is not made here, there are too many, or the key was another's."""
        self.check(film)
        able_to(film, work)
        quote = self.quoted(film)
        if quote is not None:
            quote["queue_seconds"] = round(queue.busy(self.service.db), 3)
        ask = Ask(
            id=self.id,
            tenant=self.tenant,
            work=work,
            about=about if self.of is None else {**about, "of": self.of},
            quote=quote,
            price=self.price(film, work),
            priority=priority,
            key=self.key,
            body=self.digest,
        )
        try:
            return queue.submit(self.service.db, ask)
        except OtherBodyError:
            raise _other_body(self.key) from None
        except FullError as full:
            raise Problem(
                status=429,
                message=str(full),
                code="queue_full",
                type="rate_limit_error",
                headers={"Retry-After": str(round(full.seconds + 0.5))},
            ) from None

    async def _reference(self, asked: CreateVideo, body: Body, name: str, role: str) -> str | None:
        """The name under which the worker finds a picture or clip that was given in any of three ways."""
        upload, value = body.uploads.get(name), getattr(asked, name)
        if upload is not None:
            return await self.take(upload.path, role, name)
        if value is None:
            return None
        if value.id is not None:
            return await away(self.copy, value.id, role, name)
        file = self.service.spool / secrets.token_hex(16)
        try:
            await away(file.write_bytes, _decoded(value.image_url, name))
            return await self.take(file, role, name)
        finally:
            await away(file.unlink, True)

    async def take(self, file: Path, role: str, param: str) -> str:
        """Look at an upload, and keep what is good of it. Raises Problem where it is not."""
        async with self.service.intake:
            return await away(self._take, file, role, param)

    def _take(self, file: Path, role: str, param: str) -> str:
        into = self.service.spool / secrets.token_hex(16)
        try:
            taken = intake.taken(file, into)
        except intake.Refused as refused:
            status = STATUS.get(refused.code, 400)
            raise Problem(status=status, message=f"{param}: {refused}", code=refused.code, param=param) from None
        try:
            if taken.kind == "picture":
                guarded.check_picture(self.service, taken.path, param)
            if role == "end" and taken.kind != "picture":
                raise Problem(
                    status=400, message=f"{param} is a clip; give a picture", code="unsupported_media", param=param
                )
            return self._keep(taken.path, f"{role}{taken.path.suffix}")
        finally:
            taken.path.unlink(missing_ok=True)

    def _keep(self, file: Path, name: str) -> str:
        key = f"{self.id}/uploads/{name}"
        self.service.storage.put(key, file)
        self.files[name] = key
        return name

    def copy(self, video: str, role: str, param: str) -> str:
        """Have the film of another video as a start. Raises Problem where there is none."""
        source = self.source(video, param)
        if role == "end":
            raise Problem(
                status=400,
                message=f"{param} {video!r} is a video; give a picture",
                code="unsupported_media",
                param=param,
            )
        return self.copied(f"{source.id}/film.mp4", f"{role}.mp4")

    def copied(self, key: str, name: str) -> str:
        """Have what is kept elsewhere as a file of this job."""
        mine = f"{self.id}/uploads/{name}"
        obstore.copy(self.service.storage.store, key, mine)
        self.files[name] = mine
        return name

    def source(self, video: str, param: str) -> Job:
        """A video of the same tenant that is there to be used."""
        found = queue.get(self.service.db, self.tenant, video)
        if found is None:
            raise Problem(status=404, message=f"there is no video {video!r}", code="video_not_found", param=param)
        if found.state != "completed":
            raise Problem(
                status=409,
                message=f"{video} is {found.state.replace('_', ' ')}; only a completed video can be used",
                code="video_not_ready",
                param=param,
            )
        self.of = self.of or found.about.get("of")
        return found


def able_to(film: Request, work: Mapping[str, Any]) -> None:
    """Raises Problem where its model cannot make it."""
    again = work["verb"] == "retake"
    if again:  # it goes on from what is before to what is after
        before = "before.mp4" if work["take"]["begin"] > 0 else None
        film = replace(film, start=before, end="after.png")
    try:
        able.ask(film, moving=film.start is not None and film.start.endswith(".mp4"))
    except ValueError as error:
        message = str(error).replace("--start", "input_reference").replace("--end", "end_reference")
        message = message.replace("--negative", "negative_prompt") + (
            "; so a part cannot be made again" if again else ""
        )
        raise Problem(status=400, message=message, code="unsupported_by_model", param="model") from None


def here(model: str) -> None:
    """Raises Problem where this server does not offer a model; it may have, when another video was made."""
    if model not in shipped():
        message = f"model {model!r} is not here; choose {', '.join(shipped())}"
        raise Problem(status=400, message=message, code="model_not_found", param="model")


def about(film: Request, asked: CreateVideo | None = None) -> dict[str, Any]:
    """What is told of a job."""
    words = _words(film.model)
    told = {
        "model": film.model,
        "prompt": " / ".join(shot.prompt for shot in film.shots),
        "seconds": round(film.seconds, 3),
        "width": film.width,
        "height": film.height,
        "fps": film.fps,
        "seed": film.seed,
        "warnings": warnings_of(film, words),
    }
    if asked is not None:
        told["metadata"] = asked.metadata or {}
        told["asked"] = asked.model_dump(mode="json", exclude_unset=True, exclude={"input_reference", "end_reference"})
    return told


def _words(model: str) -> tuple[str, ...]:
    from praxino import checkpoint

    return tuple(checkpoint.card(checkpoint.find(model))["card"].get("words", ()))


def _other_body(key: str | None) -> Problem:
    message = f"the Idempotency-Key {key!r} was used for another request; use a new one"
    return Problem(status=422, message=message, code="idempotency_key_reused", param="Idempotency-Key")


def _digest(what: str, body: Body) -> str:
    """Of all that makes one request another."""
    seen = hashlib.sha256(json.dumps([what, body.values], sort_keys=True).encode())
    for name, upload in sorted(body.uploads.items()):
        seen.update(name.encode())
        with upload.path.open("rb") as file:
            seen.update(hashlib.file_digest(file, "sha256").digest())
    return seen.hexdigest()


def _decoded(url: str, param: str) -> bytes:
    """The bytes of a data: address."""
    try:
        return base64.b64decode(url.partition(",")[2], validate=True)
    except (binascii.Error, ValueError):
        raise Problem(status=400, message=f"{param} is not base64", code="broken_media", param=param) from None
