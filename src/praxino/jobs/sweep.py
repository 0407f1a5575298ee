"""What nobody else sees to: jobs of dead workers go on elsewhere, every waiting job has a turn, old films go."""

import time
from datetime import UTC, datetime

import sqlalchemy as sa

from praxino.jobs import credits, making, presence, turns, works
from praxino.jobs.control import erase
from praxino.jobs.database import answers, events, jobs, workers, writing
from praxino.jobs.job import ENDED
from praxino.jobs.queue import KEPT
from praxino.jobs.storage import Storage
from praxino.jobs.turns import Database

SILENT = 60.0
"""Seconds after which a worker that says nothing is not counted any more."""


ABSENT = 8.0
"""Seconds that a worker has to be away, on PostgreSQL: all lose their locks when it restarts, and take them again."""


def sweep(db: Database, absent: dict[str, float]) -> None:
    """Look after jobs of workers that are not there any more; often. ``absent``: since when who is, kept between calls.

    Forget it where the database was away: nobody can be there then.
    """
    now, running = time.monotonic(), turns.running(db)
    names = {turn.executor_id for turn in running if turn.executor_id}
    away = {name: absent.get(name, now) for name in names if not presence.alive(db, name)}
    absent.clear()
    absent.update(away)
    patience = 0.0 if db.settings.database is None else ABSENT
    for turn in running:
        if turn.executor_id in away and now - away[turn.executor_id] >= patience:
            turns.again(db, turn)


def expire(db: Database, storage: Storage) -> int:
    """See that every waiting job has a turn, forget films that are too old, and all that grows; expire credits; now
    and then.

    Says how many films went.
    """
    making.more_turns(db)
    now = time.time()
    with db.engine.connect() as connection:
        oldest = now - db.settings.keep_days * 86_400
        old = sa.select(jobs.c.id).where(jobs.c.state.in_(ENDED), jobs.c.ended_at < oldest)
        old = old.where(jobs.c.id.not_in(works.kept(oldest)))
        names = list(connection.execute(old).scalars())
    gone = [name for name in names if _expired(db, old, name)]
    for name in gone:
        storage.remove(name)
    if db.settings.accounts:
        _settle(db)
    with db.engine.begin() as connection:
        connection.execute(answers.delete().where(answers.c.at < now - KEPT))
        connection.execute(workers.delete().where(workers.c.seen_at < now - 86_400))
        connection.execute(events.delete().where(events.c.job.not_in(sa.select(jobs.c.id))))
    turns.forget(db, before=datetime.fromtimestamp(now - 3600, UTC).isoformat())
    return len(gone)


def _settle(db: Database) -> None:
    """Holds of jobs that ended while accounts were off, and credits whose time is over."""
    with db.engine.connect() as connection:
        late, due = credits.stale(connection), credits.due(connection)
    for names, settle in ((late, credits.settle), (due, credits.lapse)):
        for name in names:
            with writing(db.engine) as connection:
                settle(connection, name)


def _expired(db: Database, old: sa.Select[tuple[str]], name: str) -> bool:
    """Forget a film, unless somebody published it a moment ago."""
    with writing(db.engine) as connection:
        if connection.execute(old.where(jobs.c.id == name)).one_or_none() is None:
            return False
        erase(connection, name, expired=True)
        return True


def staff(db: Database) -> int:
    """How many workers there are."""
    wanted = sa.select(sa.func.count()).where(workers.c.seen_at > time.time() - SILENT)
    with db.engine.connect() as connection:
        return connection.execute(wanted).scalar_one()


def checked(db: Database) -> None:
    """Raises an error of SQLAlchemy's where the database cannot be written."""
    with writing(db.engine) as connection:
        connection.execute(workers.delete().where(workers.c.id == "nobody"))
