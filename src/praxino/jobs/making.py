"""What a worker tells the database of the job it makes.

A job belongs to one turn (workflow) and, at a time, to one worker; whoever is not that any more changes nothing.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from praxino.jobs import credits, log, turns
from praxino.jobs.control import erase
from praxino.jobs.database import jobs, runs, workers, writing
from praxino.jobs.job import ENDED, Job, job_of
from praxino.jobs.turns import Database

CRASHES = 3
"""So often a job may crash without finishing a chunk."""
STARTS = 30
"""So often it may be begun without finishing one: workers are killed for reasons that are not the job's."""
RUNS_KEPT = 200
"""Of a model, what films have cost."""
End = Literal["completed", "failed", "cancelled", "paused"]


@dataclass(frozen=True, kw_only=True)
class Owner:
    """Who makes a job."""

    job: str
    workflow: str
    worker: str


def claim(db: Database, workflow: str) -> str | None:
    """The job whose turn it is, or, asked again, the same; None where none waits."""
    with writing(db.engine) as connection:
        mine = sa.select(jobs.c.id).where(jobs.c.workflow == workflow, jobs.c.state == "in_progress")
        had = connection.execute(mine).scalar()
        if had is not None:
            return had
        first = sa.select(jobs.c.id).where(jobs.c.state == "queued").order_by(jobs.c.turn, jobs.c.sequence).limit(1)
        job = connection.execute(first).scalar()
        if job is None:
            return None
        values = {"state": "in_progress", "workflow": workflow, "wanted": None, "stage": "starting", "left": None}
        connection.execute(jobs.update().where(jobs.c.id == job).values(**values))
        log.note(connection, job, "started")
        return job


def begin(db: Database, owner: Owner) -> Job | None:
    """The job, which is this worker's from now on; None where it is not to be made any more."""
    with writing(db.engine) as connection:
        job = _mine(connection, owner, worker=False)
        if job is None:
            return None
        values = {"worker": owner.worker, "starts": job.starts + 1, "started_at": job.started_at or time.time()}
        connection.execute(jobs.update().where(jobs.c.id == job.id).values(**values))
        return _mine(connection, owner)


def told(db: Database, owner: Owner) -> str | None:
    """What is wanted of the worker: None: to go on; "lost": the job is not its any more."""
    wanted = sa.select(jobs.c.wanted).where(_owned(owner))
    with db.engine.connect() as connection:
        row = connection.execute(wanted).one_or_none()
    return "lost" if row is None else row.wanted


def progress(db: Database, owner: Owner, *, stage: str, done: float, left: Mapping[str, float] | None) -> None:
    """How far it is."""
    values = {"stage": stage, "done": done, "left": None if left is None else dict(left)}
    with db.engine.begin() as connection:
        connection.execute(jobs.update().where(_owned(owner)).values(**values))


def chunk(db: Database, owner: Owner, number: int) -> None:
    """One more chunk is finished: what went wrong before is forgiven."""
    with writing(db.engine) as connection:
        job = _mine(connection, owner)
        if job is None or job.chunks > number:
            return
        values = {"chunks": number + 1, "starts": 0, "crashes": 0}
        connection.execute(jobs.update().where(_owned(owner)).values(**values))
        log.note(connection, job.id, "chunk", {"chunk": number})


def crashed(db: Database, owner: Owner, how: str) -> bool:
    """Its process died. Says whether to try again."""
    with writing(db.engine) as connection:
        job = _mine(connection, owner)
        if job is None:
            return False
        connection.execute(jobs.update().where(_owned(owner)).values(crashes=job.crashes + 1))
        log.note(connection, job.id, "crashed", {"how": how, "times": job.crashes + 1})
        return job.crashes + 1 < CRASHES


def end(db: Database, owner: Owner, state: End, *, error: Mapping[str, Any] | None = None,
        result: Mapping[str, Any] | None = None) -> bool:  # fmt: skip
    """It ends; once. Says whether it is to be forgotten altogether, with its media."""
    with writing(db.engine) as connection:
        job = _mine(connection, owner)
        if job is None:
            return False
        if job.wanted == "delete":
            if db.settings.accounts:
                credits.release(connection, job.id, note="deleted")
            erase(connection, job.id)
            return True
        values: dict[str, Any] = {"state": state, "wanted": None, "stage": None, "left": None, "worker": None}
        values |= {"error": error and dict(error), "result": result and dict(result)}
        if state in ENDED:
            values |= {"ended_at": time.time(), "done": 1.0 if state == "completed" else job.done}
        connection.execute(jobs.update().where(_owned(owner)).values(**values))
        if db.settings.accounts and state in ENDED:
            credits.ended(connection, job, state, result)
        log.note(connection, job.id, state, error)
        return False


def seen(db: Database, worker: str, device: str) -> None:
    """The worker is alive."""
    now = time.time()
    with db.engine.begin() as connection:
        if not connection.execute(workers.update().where(workers.c.id == worker).values(seen_at=now)).rowcount:
            connection.execute(workers.insert().values(id=worker, device=device, seen_at=now))


def gone(db: Database, worker: str) -> None:
    """The worker has gone home."""
    with db.engine.begin() as connection:
        connection.execute(workers.delete().where(workers.c.id == worker))


def remember(db: Database, model: str, run: Mapping[str, Any]) -> None:
    """What a film has cost."""
    with db.engine.begin() as connection:
        number = connection.execute(runs.insert().values(model=model, run=dict(run))).inserted_primary_key
        if number is not None:
            old = sa.and_(runs.c.model == model, runs.c.number <= number[0] - RUNS_KEPT)
            connection.execute(runs.delete().where(old))


def remembered(db: Database, model: str) -> list[dict[str, Any]]:
    """What films of a model have cost, oldest first."""
    wanted = sa.select(runs.c.run).where(runs.c.model == model).order_by(runs.c.number)
    with db.engine.connect() as connection:
        return list(connection.execute(wanted).scalars())


def more_turns(db: Database) -> int:
    """Make up for turns that are missing: every waiting job has one. Says how many."""
    with writing(db.engine) as connection:
        count = sa.select(sa.func.count()).where(jobs.c.state == "queued")
        missing = connection.execute(count).scalar_one() - turns.waiting(db)
        for _ in range(missing):
            turns.enqueue(db, connection)
    return max(0, missing)


def _owned(owner: Owner) -> sa.ColumnElement[bool]:
    return sa.and_(
        jobs.c.id == owner.job,
        jobs.c.workflow == owner.workflow,
        jobs.c.worker == owner.worker,
        jobs.c.state == "in_progress",
    )


def _mine(connection: sa.Connection, owner: Owner, *, worker: bool = True) -> Job | None:
    where = _owned(owner)
    if not worker:
        where = sa.and_(jobs.c.id == owner.job, jobs.c.workflow == owner.workflow, jobs.c.state == "in_progress")
    row = connection.execute(sa.select(jobs).where(where)).one_or_none()
    return None if row is None else job_of(row)
