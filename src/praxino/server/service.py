"""What the routes work with, and who calls them."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, TypeVar

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from praxino.jobs import keys, queue
from praxino.jobs.job import Job
from praxino.jobs.storage import Storage
from praxino.jobs.turns import Database
from praxino.server.errors import Problem

REMEMBERED = 5.0
"""Seconds for which a key that was good is not asked for again."""
T = TypeVar("T")


@dataclass(kw_only=True)
class Service:
    """One server's hands and memory."""

    db: Database
    storage: Storage
    spool: Path  # where uploads lie until they are looked at
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


async def away(action: Callable[..., T], *arguments: object) -> T:
    """What a function that waits (for the database, for the disk) gives, without waiting here."""
    return await run_in_threadpool(action, *arguments)


def _service(request: Request) -> Service:
    return request.app.state.service


async def _tenant(
    request: Request,
    shown: Annotated[
        HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False, description="An API key."))
    ],
) -> str:
    if shown is None:
        raise Problem(
            status=401,
            message="there is no API key; send the header Authorization: Bearer px_...",
            code="missing_api_key",
            type="authentication_error",
            headers={"WWW-Authenticate": "Bearer"},
        )
    service = _service(request)
    tenant = service.remembered(shown.credentials) or await away(service.tenant_of, shown.credentials)
    if tenant is None:
        raise Problem(
            status=401,
            message=f"the API key {shown.credentials[:6]}... opens nothing; `praxino keys create` makes one that does",
            code="invalid_api_key",
            type="authentication_error",
            headers={"WWW-Authenticate": "Bearer"},
        )
    request.state.tenant = tenant
    return tenant


Serving = Annotated[Service, Depends(_service)]
Tenant = Annotated[str, Depends(_tenant)]


async def _job(service: Serving, tenant: Tenant, video_id: str) -> Job:
    found = await away(queue.get, service.db, tenant, video_id)
    if found is None:
        raise Problem(status=404, message=f"there is no video {video_id!r}", code="video_not_found", param="video_id")
    return found


Video = Annotated[Job, Depends(_job)]
"""The job that a path names; another tenant's is not there."""
