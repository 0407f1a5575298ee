"""Tries that are counted, so that nobody guesses passwords: in the database, for all servers together.

Each name has a bucket that a try adds one to and that time empties (a leaky bucket); a try that does not fit is refused
and not counted. Names are kept as digests: people type passwords where names belong.
"""

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from praxino.jobs.database import tables, writing
from praxino.jobs.turns import Database

tries = sa.Table(
    "praxino_tries",
    tables,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("level", sa.Float, nullable=False),
    sa.Column("at", sa.Float, nullable=False),  # it had this level
    sa.Column("empty_at", sa.Float, nullable=False),
)


@dataclass(frozen=True, kw_only=True)
class Limit:
    """How many tries there may be."""

    most: int  # at once
    every: float  # seconds until there is one more


def take(db: Database, limits: Mapping[str, Limit]) -> float:
    """Count a try under each of these names. 0; or, where one is full, the seconds until it is not, and none counts."""
    now = time.time()
    with writing(db.engine) as connection:
        levels = {name: _level(connection, name, limit, now) for name, limit in limits.items()}
        wait = max((levels[name] + 1 - limit.most) * limit.every for name, limit in limits.items())
        if wait > 0:
            return wait
        for name, limit in limits.items():
            _keep(connection, name, limit, levels[name] + 1, now)
    return 0.0


def give_back(db: Database, limits: Mapping[str, Limit]) -> None:
    """It was no guess."""
    now = time.time()
    with writing(db.engine) as connection:
        for name, limit in limits.items():
            _keep(connection, name, limit, max(0.0, _level(connection, name, limit, now) - 1), now)


def expire(db: Database) -> None:
    """Forget buckets that are empty."""
    with db.engine.begin() as connection:
        connection.execute(tries.delete().where(tries.c.empty_at < time.time()))


def _level(connection: sa.Connection, name: str, limit: Limit, now: float) -> float:
    row = connection.execute(sa.select(tries).where(tries.c.key == _digest(name))).one_or_none()
    return 0.0 if row is None else max(0.0, row.level - max(0.0, now - row.at) / limit.every)


def _keep(connection: sa.Connection, name: str, limit: Limit, level: float, now: float) -> None:
    values = {"level": level, "at": now, "empty_at": now + level * limit.every}
    key = _digest(name)
    if not connection.execute(tries.update().where(tries.c.key == key).values(**values)).rowcount:
        connection.execute(tries.insert().values(key=key, **values))


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()
