"""What happens to a video, as it happens: server-sent events.

Entries of its log have ids 1, 2, 3, ...; whoever comes back with the last one it saw misses none. Between them come
``progress`` events, which have no id: they say how things are, and the next one says it better.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent

from praxino.jobs import log, queue
from praxino.jobs.job import ENDED
from praxino.server import show
from praxino.server.errors import Problem
from praxino.server.openapi import beside_a_stream
from praxino.server.service import Serving, Tenant, Video, away

router = APIRouter(prefix="/v1/videos", tags=["control"])
LOOK = 0.3
"""Seconds between looks at the database."""


@router.get("/{video_id}/events", response_class=EventSourceResponse, responses=beside_a_stream(400, 404, 503))
async def events(
    service: Serving,
    tenant: Tenant,
    job: Video,
    last: Annotated[str | None, Header(alias="Last-Event-ID", description="The id of the last entry seen.")] = None,
    after: Annotated[int, Query(ge=0, description="The same, for those who cannot send the header.")] = 0,
) -> AsyncIterator[ServerSentEvent]:
    """Everything that happens to a video from the beginning, or after an entry, until it ends."""
    if last is not None and not (last.isascii() and last.isdigit() and len(last) < 10):
        raise Problem(
            status=400, message=f"Last-Event-ID {last!r} must be the id of an entry, such as 4", code="invalid_value",
            param="Last-Event-ID",
        )  # fmt: skip
    seen, before = int(last) if last is not None else after, None
    while True:
        now = await away(queue.get, service.db, tenant, job.id)
        if now is None:
            yield ServerSentEvent(event="deleted", data={"id": job.id})
            return
        for entry in await away(log.after, service.db.engine, job.id, seen):
            seen = entry.number
            yield ServerSentEvent(event=entry.kind, id=str(seen), data={"at": entry.at, **entry.data})
        state = show.plain(await away(show.video, service.db, now))
        if state != before:
            before = state
            yield ServerSentEvent(event="progress", data=state)
        if now.state in ENDED:
            return
        await asyncio.sleep(LOOK)
