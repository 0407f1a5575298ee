"""Is a worker alive? It holds a lock for as long as its process is there, and the system lets go of it for the dead.

On one machine that is a lock on a file, on many an advisory lock of PostgreSQL's.
"""

import fcntl
import re
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import sqlalchemy as sa
from sqlalchemy import exc

from praxino.jobs.turns import Database

TRIES = 10
"""Whoever asks whether somebody is there holds the lock for a moment."""


@contextmanager
def present(db: Database, name: str) -> Generator[Callable[[], None]]:
    """Be there under a name. Raises ValueError where another process is.

    Gives what is to be called now and then: PostgreSQL forgets its locks when it restarts, and this takes it again.
    """
    taken = ValueError(f"{name} is at work already; stop it first, or give this one another --device or --data")
    if db.settings.database is None:
        with _file(db, name).open("a") as file:
            if not _patiently(lambda: _locked(file)):
                raise taken
            yield lambda: None
        return
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:

        def take() -> bool:
            return bool(connection.execute(_lock("pg_try_advisory_lock", name)).scalar_one())

        def keep() -> None:
            try:
                connection.execute(sa.select(1))
            except exc.DBAPIError:
                if not connection.invalidated:
                    raise
            if connection.invalidated:
                connection.rollback()  # from here on it is a new connection
                if not _patiently(take):
                    connection.invalidate()  # so that the next round asks again
                    raise taken

        if not _patiently(take):
            raise taken
        yield keep


def _patiently(take: Callable[[], bool]) -> bool:
    return any(take() or time.sleep(0.1) for _ in range(TRIES))


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def alive(db: Database, name: str) -> bool:
    """Whether a process is there under this name."""
    if db.settings.database is None:
        with _file(db, name).open("a") as file:
            return not _locked(file)
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
