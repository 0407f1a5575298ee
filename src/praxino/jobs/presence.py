"""Is a worker alive? It holds a lock for as long as its process is there, and the system lets go of it for the dead.

On one machine that is a lock on a file, on many an advisory lock of PostgreSQL's.
"""

import fcntl
import re
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from praxino.jobs.turns import Database


@contextmanager
def present(db: Database, name: str) -> Generator[None]:
    """Be there under a name. Raises ValueError where another process is."""
    taken = ValueError(f"{name} is at work already; stop it first, or give this one another --device or --data")
    if db.settings.database is None:
        with _file(db, name).open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise taken from None
            yield
        return
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not connection.execute(_lock("pg_try_advisory_lock", name)).scalar_one():
            raise taken
        yield


def alive(db: Database, name: str) -> bool:
    """Whether a process is there under this name."""
    if db.settings.database is None:
        with _file(db, name).open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return True
        return False
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not connection.execute(_lock("pg_try_advisory_lock", name)).scalar_one():
            return True
        connection.execute(_lock("pg_advisory_unlock", name))
        return False


def _file(db: Database, name: str) -> Path:
    folder = db.settings.data / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / re.sub(r"[^\w.-]", "_", name)


def _lock(function: str, name: str) -> sa.Select[tuple[bool]]:
    return sa.select(getattr(sa.func, function)(sa.func.hashtext(name)))
