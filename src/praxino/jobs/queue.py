"""The queue: jobs come in, in an order that is fair, and are found again.

Each waiting job has a ``turn``: one more than the last of its tenant's, but not less than the first of all. Who sends
forty jobs at once waits with the fortieth for forty turns; whoever comes later with one waits for one (start-time fair
queueing: Goyal, Vin and Cheng 1996, with jobs of equal weight). Priority orders a tenant's jobs among themselves.
"""

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from praxino.jobs import log, turns
from praxino.jobs.database import answers, jobs, writing
from praxino.jobs.job import Job, job_of
from praxino.jobs.turns import Database

KEPT = 48 * 3600
"""Seconds that answers to an Idempotency-Key are kept."""


class FullError(Exception):
    """There are too many jobs. ``seconds``: when to come again."""

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class OtherBodyError(Exception):
    """The Idempotency-Key was used with another body."""


@dataclass(frozen=True, kw_only=True)
class Ask:
    """A job to be."""

    tenant: str
    work: Mapping[str, Any]
    about: Mapping[str, Any]
    quote: Mapping[str, float] | None = None
    priority: int = 5
    key: str | None = None  # Idempotency-Key
    body: str = ""  # digest of what was asked
    id: str = field(default_factory=lambda: f"video_{secrets.token_hex(12)}")


def submit(db: Database, ask: Ask) -> Job:
    """The job, which waits from now on; where its key was used before, the job of that time.

    Raises FullError and OtherBodyError.
    """
    with writing(db.engine) as connection:
        known = answered(connection, ask.tenant, ask.key, ask.body)
        if known is not None:
            return known
        _check_room(db, connection, ask.tenant)
        values = {
            "id": ask.id,
            "tenant": ask.tenant,
            "state": "queued",
            "priority": ask.priority,
            "turn": _last_turn(connection, ask.tenant),
            "work": dict(ask.work),
            "about": dict(ask.about),
            "quote": None if ask.quote is None else dict(ask.quote),
            "created_at": time.time(),
        }
        connection.execute(jobs.insert().values(**values))
        if ask.key is not None:
            answer = {"tenant": ask.tenant, "key": ask.key, "body": ask.body, "job": ask.id, "at": time.time()}
            connection.execute(answers.insert().values(**answer))
        resort(connection, ask.tenant)
        log.note(connection, ask.id, "queued")
        turns.enqueue(db, connection)
        return _get(connection, ask.id)


def answered(connection: sa.Connection, tenant: str, key: str | None, body: str) -> Job | None:
    """The job that a request with this key made. Raises OtherBodyError where that asked for something else."""
    if key is None:
        return None
    where = sa.select(answers).where(answers.c.tenant == tenant, answers.c.key == key)
    known = connection.execute(where).one_or_none()
    if known is None:
        return None
    if known.body != body:
        raise OtherBodyError(key)
    row = connection.execute(sa.select(jobs).where(jobs.c.id == known.job)).one_or_none()
    if row is None:  # deleted since
        connection.execute(answers.delete().where(answers.c.tenant == tenant, answers.c.key == key))
        return None
    return job_of(row)


def get(db: Database, tenant: str, job: str) -> Job | None:
    """A job of this tenant; another tenant's is none."""
    with db.engine.connect() as connection:
        wanted = sa.select(jobs).where(jobs.c.id == job, jobs.c.tenant == tenant)
        row = connection.execute(wanted).one_or_none()
    return None if row is None or row.wanted == "delete" else job_of(row)


def page(db: Database, tenant: str, *, after: Job | None, limit: int, newest: bool) -> tuple[list[Job], bool]:
    """Some jobs of a tenant, and whether there are more."""
    wanted = sa.select(jobs).where(jobs.c.tenant == tenant, jobs.c.wanted.is_distinct_from("delete"))
    if after is not None:
        rest = jobs.c.sequence < after.sequence if newest else jobs.c.sequence > after.sequence
        wanted = wanted.where(rest)
    wanted = wanted.order_by(jobs.c.sequence.desc() if newest else jobs.c.sequence).limit(limit + 1)
    with db.engine.connect() as connection:
        found = [job_of(row) for row in connection.execute(wanted)]
    return found[:limit], len(found) > limit


@dataclass(frozen=True, kw_only=True)
class Wait:
    """What stands before a waiting job."""

    position: int  # 1: it is next
    seconds: float | None  # until it begins; None: there are no quotes


def wait(db: Database, job: Job) -> Wait:
    """How long a job waits for its turn."""
    before = sa.or_(jobs.c.turn < job.turn, sa.and_(jobs.c.turn == job.turn, jobs.c.sequence < job.sequence))
    ahead = sa.select(jobs.c.quote).where(jobs.c.state == "queued", before)
    with db.engine.connect() as connection:
        quotes = [row.quote for row in connection.execute(ahead)]
        seconds = _busy(connection, quotes)
    return Wait(position=len(quotes) + 1, seconds=seconds)


def busy(db: Database) -> float:
    """Seconds until all that runs and waits now is done, but for jobs without a quote."""
    waiting = sa.select(jobs.c.quote).where(jobs.c.state == "queued")
    with db.engine.connect() as connection:
        quotes = [row.quote for row in connection.execute(waiting) if row.quote]
        return _busy(connection, quotes) or 0.0


def _busy(connection: sa.Connection, quotes: list[Mapping[str, float] | None]) -> float | None:
    """Seconds until what runs, and then jobs of these quotes, are done."""
    running = connection.execute(sa.select(jobs.c.left).where(jobs.c.state == "in_progress")).all()
    if any(quote is None for quote in quotes):
        return None
    now = time.time()
    left = sum(max(0.0, row.left["likely"] - now) for row in running if row.left)
    return (left + sum(quote["seconds_p50"] for quote in quotes if quote)) / max(1, len(running))


def _check_room(db: Database, connection: sa.Connection, tenant: str) -> None:
    waiting = sa.select(sa.func.count()).where(jobs.c.state.in_(("queued", "paused")))
    limits = db.settings
    if connection.execute(waiting.where(jobs.c.tenant == tenant)).scalar_one() >= limits.tenant_queued:
        raise FullError(f"{limits.tenant_queued} jobs of yours are waiting; wait for one to end", _next(connection))
    if connection.execute(waiting).scalar_one() >= limits.queued:
        raise FullError(f"{limits.queued} jobs are waiting; come again when there is room", _next(connection))


def _next(connection: sa.Connection) -> float:
    """Seconds until a place in the queue is free: until a job that runs is done."""
    running = connection.execute(sa.select(jobs.c.left, jobs.c.quote).where(jobs.c.state == "in_progress")).all()
    ends = [row.left["likely"] - time.time() for row in running if row.left]
    ends += [row.quote["seconds_p50"] for row in running if not row.left and row.quote]
    return max(1.0, min(ends, default=5.0))


def _last_turn(connection: sa.Connection, tenant: str) -> int:
    waiting = jobs.c.state == "queued"
    mine = sa.select(sa.func.max(jobs.c.turn)).where(waiting, jobs.c.tenant == tenant)
    first = sa.select(sa.func.min(jobs.c.turn)).where(waiting)
    return max((connection.execute(mine).scalar() or 0) + 1, connection.execute(first).scalar() or 0)


def resort(connection: sa.Connection, tenant: str, order: list[str] | None = None) -> None:
    """Give a tenant's waiting jobs their turns anew: by ``order`` (ids), else by priority."""
    wanted = sa.select(jobs.c.id, jobs.c.turn, jobs.c.priority).where(jobs.c.state == "queued", jobs.c.tenant == tenant)
    rows = connection.execute(wanted.order_by(jobs.c.turn, jobs.c.sequence)).all()
    placed = sorted(rows, key=lambda row: order.index(row.id) if order else row.priority)  # stable
    for row, place in zip(placed, rows, strict=True):
        if row.turn != place.turn:
            connection.execute(jobs.update().where(jobs.c.id == row.id).values(turn=place.turn))


def _get(connection: sa.Connection, job: str) -> Job:
    return job_of(connection.execute(sa.select(jobs).where(jobs.c.id == job)).one())
