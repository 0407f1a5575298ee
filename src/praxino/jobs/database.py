"""The database of a service: SQLite in a folder, or PostgreSQL for many machines.

Times are seconds since 1970. What is to be read and then written at once is written by one at a time (`writing`).
"""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, exc

from praxino.jobs.settings import Settings

tables = sa.MetaData()

jobs = sa.Table(
    "praxino_jobs",
    tables,
    sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("tenant", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("wanted", sa.Text),  # of its worker: cancel, pause, stop, delete
    sa.Column("priority", sa.Integer, nullable=False),  # 0 first, 9 last
    sa.Column("turn", sa.Integer, nullable=False),  # its place among the tenants, see `queue`
    sa.Column("work", sa.JSON, nullable=False),
    sa.Column("about", sa.JSON, nullable=False),
    sa.Column("quote", sa.JSON),
    sa.Column("workflow", sa.Text),  # the turn that makes it
    sa.Column("worker", sa.Text),
    sa.Column("stage", sa.Text),
    sa.Column("done", sa.Float, nullable=False, default=0.0),  # 0..1
    sa.Column("left", sa.JSON),  # {"low", "likely", "high"}: when it ends
    sa.Column("chunks", sa.Integer, nullable=False, default=0),
    sa.Column("starts", sa.Integer, nullable=False, default=0),  # since the last finished chunk
    sa.Column("crashes", sa.Integer, nullable=False, default=0),  # since the last finished chunk
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("started_at", sa.Float),
    sa.Column("ended_at", sa.Float),
    sa.Column("error", sa.JSON),
    sa.Column("result", sa.JSON),
    sa.Index("praxino_jobs_turn", "state", "priority", "turn", "sequence"),
    sa.Index("praxino_jobs_tenant", "tenant", "sequence"),
)

events = sa.Table(
    "praxino_events",
    tables,
    sa.Column("job", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),  # 1, 2, 3, ... of the job
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("data", sa.JSON, nullable=False),
)

keys = sa.Table(
    "praxino_keys",
    tables,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("tenant", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False, unique=True),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("revoked_at", sa.Float),
)

answers = sa.Table(  # to requests with an Idempotency-Key
    "praxino_answers",
    tables,
    sa.Column("tenant", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("body", sa.Text, nullable=False),  # digest
    sa.Column("job", sa.Text, nullable=False),
    sa.Column("at", sa.Float, nullable=False),
)

workers = sa.Table(
    "praxino_workers",
    tables,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("device", sa.Text, nullable=False),
    sa.Column("seen_at", sa.Float, nullable=False),
)

endpoints = sa.Table(  # of webhooks
    "praxino_endpoints",
    tables,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("tenant", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("secret", sa.Text, nullable=False),
    sa.Column("kinds", sa.JSON, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
)

runs = sa.Table(  # what films have cost, for quotes
    "praxino_runs",
    tables,
    sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("run", sa.JSON, nullable=False),
    sa.Index("praxino_runs_model", "model", "number"),
)

QUEUED = threading.Lock()
"""Of this process's threads: SQLite's own way of waiting is to try again later, and who is unlucky waits for ever."""
WRITER = 7_382_915_004
"""PostgreSQL's advisory lock of who writes."""


def opened(settings: Settings) -> sa.Engine:
    """The database, made if need be. Raises ValueError where it cannot be used."""
    if settings.database is None:
        try:
            settings.data.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ValueError(f"{settings.data} cannot be used ({error.strerror}); choose another with --data") from None
        engine = sa.create_engine(settings.database_url, pool_size=20, max_overflow=20)
        event.listen(engine, "connect", _sqlite)
    else:
        alive = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "connect_timeout": 5}
        engine = sa.create_engine(
            settings.database_url, pool_size=20, max_overflow=20, pool_pre_ping=True, connect_args=alive
        )
        event.listen(engine, "handle_error", _away)
    try:
        tables.create_all(engine)
    except exc.DBAPIError as error:
        where = engine.url.render_as_string(hide_password=True)
        raise ValueError(f"the database {where} cannot be used: {str(error.orig).splitlines()[0]}") from None
    return engine


def _away(context: Any) -> None:
    """DBOS waits for a database that is away where it reads "connection failed"; psycopg has other words for it too."""
    if context.connection is None and isinstance(context.sqlalchemy_exception, exc.OperationalError):
        context.is_disconnect = True


def _sqlite(connection: Any, _record: Any) -> None:
    """What is acknowledged survives a power cut, readers do not wait for writers, and writers wait for each other."""
    connection.isolation_level = "IMMEDIATE"  # the same as DBOS asks of its own connections
    for pragma in ("busy_timeout=30000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


@contextmanager
def writing(engine: sa.Engine) -> Generator[sa.Connection]:
    """A transaction in which nobody else is in one of these: what is read stays true until it is written."""
    if engine.dialect.name == "sqlite":
        with QUEUED, engine.begin() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection
        return
    with engine.begin() as connection:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(WRITER)))
        yield connection
