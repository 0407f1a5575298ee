"""What happened to a job, one numbered entry after the other, without gaps."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from praxino.jobs.database import events


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One thing that happened."""

    number: int  # 1 is the first
    at: float
    kind: str  # queued, started, chunk, paused, resumed, stopping, cancelled, completed, failed, crashed, edited
    data: dict[str, Any]


def note(connection: sa.Connection, job: str, kind: str, data: Mapping[str, Any] | None = None) -> None:
    """Add an entry, in the transaction that makes it true."""
    last = sa.select(sa.func.coalesce(sa.func.max(events.c.number), 0) + 1).where(events.c.job == job)
    number = connection.execute(last).scalar_one()
    connection.execute(events.insert().values(job=job, number=number, at=time.time(), kind=kind, data=dict(data or {})))


def after(engine: sa.Engine, job: str, number: int = 0) -> list[Entry]:
    """The entries after one."""
    wanted = sa.select(events).where(events.c.job == job, events.c.number > number).order_by(events.c.number)
    with engine.connect() as connection:
        return [Entry(number=row.number, at=row.at, kind=row.kind, data=row.data) for row in connection.execute(wanted)]
