"""What a person does to a job: take it back, stop it, go on, change it, move it, forget it.

A job that waits changes at once. One that runs is told what is wanted of it, and its worker does it.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa

from praxino.jobs import credits, insight, log, turns, works
from praxino.jobs.credits import Price
from praxino.jobs.database import events, jobs, writing
from praxino.jobs.job import ENDED, Job, job_of
from praxino.jobs.queue import resort
from praxino.jobs.turns import Database


class NotNowError(Exception):
    """A job is in a state in which that cannot be done to it; the message says which and what can."""


def cancel(db: Database, job: Job) -> Job:
    """It ends. Raises NotNowError where it has ended already."""
    return _told(db, job, "cancel", waiting=lambda c: _cancelled(db, c, job.id))


def pause(db: Database, job: Job) -> Job:
    """It waits until `resume`, and keeps what is made of it."""
    return _told(db, job, "pause", waiting=lambda c: _moved(c, job.id, "paused", "paused"))


def stop(db: Database, job: Job) -> Job:
    """What is made of it becomes the film."""

    def refuse(_: sa.Connection) -> None:
        raise NotNowError(f"{job.id} has not begun, so there is nothing to keep; cancel it")

    return _told(db, job, "stop", waiting=refuse)


def resume(db: Database, job: Job) -> Job:
    """A paused job waits for its turn again, where it left."""
    return _back(db, job, ("paused",), "resumed")


def retry(db: Database, job: Job) -> Job:
    """A failed or cancelled job is made after all, from where it ended. Raises what `credits.hold` does, too."""
    return _back(db, job, ("failed", "cancelled"), "retried")


def edit(db: Database, job: Job, *, work: Mapping[str, Any], about: Mapping[str, Any],
         quote: Mapping[str, float] | None = None, price: Price | None = None) -> Job:  # fmt: skip
    """Change what a job that has not begun is to make. Raises what `credits.hold` does, too."""
    with writing(db.engine) as connection:
        now = _read(connection, job.id)
        if now.state not in {"queued", "paused"} or now.chunks or now.started_at:
            raise NotNowError(f"{job.id} has begun, so it cannot be changed; cancel it and ask anew")
        values: dict[str, Any] = {"work": dict(work), "about": dict(about)}
        if quote is not None:
            values["quote"] = dict(quote)
        connection.execute(jobs.update().where(jobs.c.id == job.id).values(**values))
        if db.settings.accounts and price is not None:
            credits.adjust(connection, now, price)
        log.note(connection, job.id, "edited")
        return _read(connection, job.id)


def move(db: Database, job: Job, *, before: str | None) -> Job:
    """Put a waiting job before another of its tenant's, or, with None, behind them all."""
    with writing(db.engine) as connection:
        wanted = sa.select(jobs.c.id).where(jobs.c.state == "queued", jobs.c.tenant == job.tenant)
        order = [row.id for row in connection.execute(wanted.order_by(jobs.c.turn, jobs.c.sequence))]
        for name in (job.id, before):
            if name is not None and name not in order:
                raise NotNowError(f"{name} is not waiting; only waiting jobs have an order")
        order.remove(job.id)
        order.insert(len(order) if before is None or before == job.id else order.index(before), job.id)
        resort(connection, job.tenant, order)
        return _read(connection, job.id)


def delete(db: Database, job: Job) -> bool:
    """Forget a job; one that runs ends first. Says whether it is gone, so that its media can be removed now."""
    with writing(db.engine) as connection:
        if _read(connection, job.id).state == "in_progress":
            connection.execute(jobs.update().where(jobs.c.id == job.id).values(wanted="delete"))
            return False
        if db.settings.accounts:
            credits.release(connection, job.id, note="deleted")
        erase(connection, job.id)
        return True


def erase(connection: sa.Connection, job: str, *, expired: bool = False) -> None:
    """Remove what the database knows of a job, but for its numbers; a work that it was is gone."""
    insight.leave(connection, job, expired=expired)
    works.gone(connection, job)
    connection.execute(events.delete().where(events.c.job == job))
    connection.execute(jobs.delete().where(jobs.c.id == job))


def _told(db: Database, job: Job, what: str, *, waiting: Callable[[sa.Connection], None]) -> Job:
    with writing(db.engine) as connection:
        now = _read(connection, job.id)
        if now.state in ENDED:
            raise NotNowError(f"{job.id} has {now.state} already" if now.state != "cancelled" else "it is cancelled")
        if now.state == "in_progress":
            connection.execute(jobs.update().where(jobs.c.id == job.id).values(wanted=what))
            log.note(connection, job.id, f"{what} wanted")
        elif not (now.state == "paused" and what == "pause"):
            waiting(connection)
        return _read(connection, job.id)


def _back(db: Database, job: Job, states: tuple[str, ...], kind: str) -> Job:
    with writing(db.engine) as connection:
        now = _read(connection, job.id)
        if now.state not in states:
            raise NotNowError(
                f"{job.id} is {now.state.replace('_', ' ')}; only {' and '.join(states)} jobs can do that"
            )
        values = {"state": "queued", "wanted": None, "error": None, "ended_at": None, "starts": 0, "crashes": 0}
        connection.execute(jobs.update().where(jobs.c.id == job.id).values(**values))
        if db.settings.accounts and now.state in ENDED:
            credits.again(connection, now)
        log.note(connection, job.id, kind)
        turns.enqueue(db, connection)
        return _read(connection, job.id)


def _cancelled(db: Database, connection: sa.Connection, job: str) -> None:
    connection.execute(jobs.update().where(jobs.c.id == job).values(ended_at=time.time()))
    _moved(connection, job, "cancelled", "cancelled")
    if db.settings.accounts:
        credits.release(connection, job, note="cancelled")


def _moved(connection: sa.Connection, job: str, state: str, kind: str) -> None:
    connection.execute(jobs.update().where(jobs.c.id == job).values(state=state))
    log.note(connection, job, kind)


def _read(connection: sa.Connection, job: str) -> Job:
    row = connection.execute(sa.select(jobs).where(jobs.c.id == job)).one_or_none()
    if row is None:
        raise NotNowError(f"{job} is gone")
    return job_of(row)
