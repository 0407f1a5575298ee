"""What the routes work with, and who calls them."""

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, TypeVar

from anyio import CapacityLimiter
from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from praxino.jobs import keys, people, people_gate, people_sessions, queue
from praxino.jobs.guard import Guard
from praxino.jobs.job import Job
from praxino.jobs.people import Who
from praxino.jobs.storage import Storage
from praxino.jobs.turns import Database
from praxino.server.errors import Problem

REMEMBERED = 5.0
"""Seconds for which a key that was good is not asked for again."""
SESSION, CSRF, CSRF_HEADER = "praxino_session", "praxino_csrf", "X-Praxino-CSRF"
"""The cookies of a session, and the header that says again what is in the second."""
HARMLESS = frozenset({"GET", "HEAD", "OPTIONS"})
T = TypeVar("T")


@dataclass(kw_only=True)
class Service:
    """One server's hands and memory."""

    db: Database
    storage: Storage
    spool: Path  # where uploads lie until they are looked at
    guard: Guard  # what is not made
    hashing: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(2))  # passwords looked at at once
    intake: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))  # uploads looked at at once
    known: dict[str, tuple[float, str]] = field(default_factory=dict)  # key: (when, tenant)

    def remembered(self, key: str) -> str | None:
        """Whose key it is, where that was asked a moment ago."""
        when, tenant = self.known.get(key, (-REMEMBERED, ""))
        return tenant if time.monotonic() - when < REMEMBERED else None

    def tenant_of(self, key: str) -> str | None:
        """Whose key it is."""
        now = time.monotonic()
        found = keys.tenant_of(self.db, key)
        if found is not None:
            if len(self.known) > 10_000:
                self.known.clear()
            self.known[key] = (now, found)
        return found

    def forget(self, name: str) -> None:
        """A key was taken back: the one of this id."""
        for key in [key for key in self.known if key.startswith(f"px_{name}_")]:
            self.known.pop(key, None)


async def away(action: Callable[..., T], *arguments: object) -> T:
    """What a function that waits (for the database, for the disk) gives, without waiting here."""
    return await run_in_threadpool(action, *arguments)


def _service(request: Request) -> Service:
    return request.app.state.service


async def _who(
    request: Request,
    shown: Annotated[
        HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False, description="An API key."))
    ],
    token: Annotated[
        str | None,
        Depends(APIKeyCookie(name=SESSION, auto_error=False, description="Of whom has logged in.")),
    ],
) -> Who:
    service = _service(request)
    if shown is None and token is not None and service.db.settings.accounts:
        who = await _of_session(service, request, token)
    elif shown is not None:
        who = await _of_key(service, shown.credentials)
    else:
        raise _unknown("there is no API key; send the header Authorization: Bearer px_...", "missing_api_key")
    request.state.tenant = who.tenant
    return who


async def _of_key(service: Service, key: str) -> Who:
    tenant = service.remembered(key) or await away(service.tenant_of, key)
    if tenant is not None:
        asks = people.who  # of a tenant without a person it asks nobody
        who = await away(asks, service.db, tenant) if people.ID.fullmatch(tenant) else asks(service.db, tenant)
        if who.state != "deleted":
            return who
    message = f"the API key {key[:6]}... opens nothing; `praxino keys create` makes one that does"
    raise _unknown(message, "invalid_api_key")


async def _of_session(service: Service, request: Request, token: str) -> Who:
    who = await away(people_sessions.owner, service.db, token)
    if who is None:
        raise _unknown("the session is over; log in again", "session_over")
    if request.method not in HARMLESS:
        said, due = request.headers.get(CSRF_HEADER, ""), people_sessions.csrf(token)
        if not secrets.compare_digest(said.encode(), due.encode()):
            message = f"a change that is asked for with a cookie needs the header {CSRF_HEADER}: send what {CSRF} holds"
            raise Problem(status=403, message=message, code="csrf", type="permission_error", param=CSRF_HEADER)
    return who


def _unknown(message: str, code: str) -> Problem:
    headers = {"WWW-Authenticate": "Bearer"}
    return Problem(status=401, message=message, code=code, type="authentication_error", headers=headers)


Me = Annotated[Who, Depends(_who)]
"""Who asks, also where they wait or are suspended."""


async def _tenant(request: Request, who: Me) -> str:
    await let_in(_service(request), who)
    return who.tenant


async def let_in(service: Service, who: Who) -> None:
    """Raises Problem where somebody waits, or is suspended."""
    if who.state == "admitted":
        return
    message = "the account is suspended; ask the operator"
    if who.state == "waiting":
        position = await away(_position, service.db, who.tenant)
        message = f"the account waits to be admitted, in position {position}; GET /v1/accounts/application says when"
    raise Problem(status=403, message=message, code="not_admitted", type="permission_error")


def _position(db: Database, tenant: str) -> int | None:
    person = people.find(db, tenant)
    return None if person is None else people_gate.place(db, person).position


Serving = Annotated[Service, Depends(_service)]
Tenant = Annotated[str, Depends(_tenant)]


async def _job(service: Serving, tenant: Tenant, video_id: str) -> Job:
    found = await away(queue.get, service.db, tenant, video_id)
    if found is None:
        raise Problem(status=404, message=f"there is no video {video_id!r}", code="video_not_found", param="video_id")
    return found


Video = Annotated[Job, Depends(_job)]
"""The job that a path names; another tenant's is not there."""
