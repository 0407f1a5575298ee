"""Turns: durable workflows of DBOS, each of which takes the job whose turn it is and makes it.

A turn is enqueued in the transaction that makes a job wait, and names no job: which one it takes is decided when a
device is free, so that jobs can be edited, reordered and taken back for as long as they wait, and tenants take turns
(docs/decisions/0009-turns.md). From then on it belongs to its job; DBOS restarts it where it was after any crash.
"""

import logging
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from dbos import DBOSClient, DBOSConfig, EnqueueOptions, WorkflowStatus
from dbos import DBOSPortableJSONSerializer as Json

from praxino.jobs import database
from praxino.jobs.settings import VERSION, Settings

APP, TURN, LETTER = "praxino", "turn", "letter"
QUEUES = {TURN: "devices", LETTER: "letters"}
"""Of workflows: turns make films, letters tell of them."""
POLL = 0.2
"""Seconds between a free device's looks at the queue."""


@dataclass(frozen=True, kw_only=True)
class Database:
    """A service's database, and DBOS's part of it."""

    engine: sa.Engine
    client: DBOSClient
    settings: Settings


def opened(settings: Settings) -> Database:
    """Open it, made if need be. Raises ValueError where it cannot be used."""
    logging.getLogger("dbos").setLevel(logging.WARNING)
    engine = database.opened(settings)
    migrate(engine)
    client = DBOSClient(
        system_database_engine=engine, serializer=Json(), application_name=APP, retry_connection_errors=False
    )
    return Database(engine=engine, client=client, settings=settings)


def migrate(engine: sa.Engine) -> None:
    """Make DBOS's tables, or bring them up to date."""
    from dbos import DBOS

    DBOS.migrate(engine.url.render_as_string(hide_password=False))


def config(db: Database, executor: str) -> DBOSConfig:
    """What a worker launches DBOS with."""
    return {
        "name": APP,
        "system_database_engine": db.engine,
        "system_database_url": db.engine.url.render_as_string(hide_password=False),
        "application_version": VERSION,
        "executor_id": executor,
        "serializer": Json(),
        "console_log_level": "WARNING",
        "log_level": "WARNING",
    }


def enqueue(db: Database, connection: sa.Connection) -> None:
    """One more turn, in the transaction that makes a job wait for one."""
    db.client.enqueue_in_transaction(connection, options(TURN))


def options(name: str) -> EnqueueOptions:
    """Of a turn or a letter that waits for a worker."""
    return {
        "workflow_name": name,
        "queue_name": QUEUES[name],
        "app_version": VERSION,
        "application_name": APP,
    }


def waiting(db: Database) -> int:
    """How many turns nobody has taken."""
    return len(_listed(db, name=TURN, status="ENQUEUED"))


def running(db: Database) -> list[WorkflowStatus]:
    """Turns, and letters, that a worker has, or had when it died."""
    return _listed(db, name=list(QUEUES), status="PENDING")


def again(db: Database, workflow: WorkflowStatus) -> None:
    """What a dead worker had is for any worker again."""
    db.client.resume_workflow(workflow.workflow_id, queue_name=QUEUES[workflow.name])


def forget(db: Database, *, before: str) -> None:
    """Remove turns and letters that ended before an ISO date."""
    ended = _listed(db, status=["SUCCESS", "ERROR", "CANCELLED"], completed_before=before, limit=1000)
    if ended:
        db.client.delete_workflows([workflow.workflow_id for workflow in ended])


def _listed(db: Database, **wanted: Any) -> list[WorkflowStatus]:
    return db.client.list_workflows(load_input=False, load_output=False, **wanted)
