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

from praxino.jobs import credits, log, turns
from praxino.jobs.credits import Price
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
    price: Price | None = None  # where accounts are on
    priority: int = 5
    key: str | None = None  # Idempotency-Key
    body: str = ""  # digest of what was asked
    id: str = field(default_factory=lambda: f"video_{secrets.token_hex(12)}")


def submit(db: Database, ask: Ask) -> Job:
    """The job, which waits from now on; where its key was used before, the job of that time.

    Raises FullError and OtherBodyError, and what `credits.hold` does.
    """
    with writing(db.engine) as connection:
        known = answered(connection, ask.tenant, ask.key, ask.body)
        if known is not None:
            return known
        there = _there(connection, ask.tenant)
        _check_room(db, connection, there)
        values = {
            "id": ask.id,
            "tenant": ask.tenant,
            "state": "queued",
            "priority": ask.priority,
            "turn": max((there.last or 0) + 1, there.first or 0),
            "work": dict(ask.work),
            "about": dict(ask.about),
            "quote": None if ask.quote is None else dict(ask.quote),
            "created_at": time.time(),
        }
        connection.execute(jobs.insert().values(**values))
        if db.settings.accounts and ask.price is not None and credits.charged(ask.tenant):
            credits.hold(connection, ask.tenant, ask.id, ask.price)
        if ask.key is not None:
            answer = {"tenant": ask.tenant, "key": ask.key, "body": ask.body, "job": ask.id, "at": time.time()}
            connection.execute(answers.insert().values(**answer))
        if (there.least or 0) > ask.priority:
            resort(connection, ask.tenant)
        log.note(connection, ask.id, "queued")
        turns.enqueue(db, connection)
        return _get(connection, ask.id)


def _there(connection: sa.Connection, tenant: str) -> Any:
    """What waits already: ``all`` and ``mine`` in number, the ``first`` turn of all, of mine the ``last`` and the least
    urgent priority, ``least``."""
    mine, queued = jobs.c.tenant == tenant, jobs.c.state == "queued"
    turn, priority = sa.case((queued, jobs.c.turn)), sa.case((sa.and_(queued, mine), jobs.c.priority))
    wanted = sa.select(
        sa.func.count().label("all"),
        sa.func.count(sa.case((mine, 1))).label("mine"),
        sa.func.min(turn).label("first"),
        sa.func.max(sa.case((sa.and_(queued, mine), jobs.c.turn))).label("last"),
        sa.func.max(priority).label("least"),
    )
    return connection.execute(wanted.where(jobs.c.state.in_(("queued", "paused")))).one()


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
    with db.engine.connect() as connection:
        count, priced, seconds = _cost(connection, before)
        begins = None if priced < count else _spread(connection, seconds)
    return Wait(position=count + 1, seconds=begins)


def busy(db: Database) -> float:
    """Seconds until all that runs and waits now is done, but for jobs without a quote."""
    with db.engine.connect() as connection:
        return _spread(connection, _cost(connection, sa.true())[2])


def _cost(connection: sa.Connection, which: sa.ColumnElement[bool]) -> tuple[int, int, float]:
    """Of waiting jobs: how many, how many with a quote, and the seconds of those."""
    seconds = jobs.c.quote["seconds_p50"].as_float()
    wanted = sa.select(sa.func.count(), sa.func.count(seconds), sa.func.sum(seconds))
    count, priced, total = connection.execute(wanted.where(jobs.c.state == "queued", which)).one()
    return count, priced, total or 0.0


def _spread(connection: sa.Connection, seconds: float) -> float:
    """Seconds until what runs, and then so many seconds of work, are done by those that run."""
    running = connection.execute(sa.select(jobs.c.left).where(jobs.c.state == "in_progress")).all()
    now = time.time()
    left = sum(max(0.0, row.left["likely"] - now) for row in running if row.left)
    return (left + seconds) / max(1, len(running))


def _check_room(db: Database, connection: sa.Connection, there: Any) -> None:
    limits = db.settings
    if there.mine >= limits.tenant_queued:
        raise FullError(f"{limits.tenant_queued} jobs of yours are waiting; wait for one to end", _next(connection))
    if there.all >= limits.queued:
        raise FullError(f"{limits.queued} jobs are waiting; come again when there is room", _next(connection))


def _next(connection: sa.Connection) -> float:
    """Seconds until a place in the queue is free: until a job that runs is done."""
    running = connection.execute(sa.select(jobs.c.left, jobs.c.quote).where(jobs.c.state == "in_progress")).all()
    ends = [row.left["likely"] - time.time() for row in running if row.left]
    ends += [row.quote["seconds_p50"] for row in running if not row.left and row.quote]
    return max(1.0, min(ends, default=5.0))


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
