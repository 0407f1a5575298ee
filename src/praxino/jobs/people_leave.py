"""What is kept about a person, in one piece; and leaving, after which nothing of it is."""

import time
from typing import Any

import sqlalchemy as sa

from praxino.jobs import control
from praxino.jobs.database import answers, endpoints, jobs, keys, tables, writing
from praxino.jobs.job import job_of
from praxino.jobs.moderation import cases, reports
from praxino.jobs.people import invitations, people, sessions
from praxino.jobs.people_sessions import end_others
from praxino.jobs.storage import Storage
from praxino.jobs.turns import Database
from praxino.jobs.votes import votes

SECRET = frozenset({"folded", "password", "hash", "digest", "secret", "body"})
"""Columns that say nothing of a person, and something to who would act as them."""
NAMES = {"praxino_jobs": "videos", "praxino_keys": "keys", "praxino_endpoints": "webhook_endpoints"}
"""As the API calls them; other tables are called after themselves."""


def export(db: Database, tenant: str) -> dict[str, Any]:
    """Everything that is kept about a person, but for the media and the log of each video's making.

    Every table with a tenant in it is part of it, whoever made it.
    """
    with db.engine.connect() as connection:
        account = _rows(connection, people, people.c.id == tenant)
        kept = {
            "account": account[0] if account else {"id": tenant},
            "sessions": _rows(connection, sessions, sessions.c.person == tenant),
            "invitations": _rows(connection, invitations, invitations.c.inviter == tenant),
        }
        for table in tables.sorted_tables:
            if "tenant" in table.c:
                name = NAMES.get(table.name, table.name.removeprefix("praxino_"))
                kept[name] = _rows(connection, table, table.c.tenant == tenant)
    return kept


def leave(db: Database, storage: Storage, tenant: str) -> None:
    """Forget a person: nothing opens their account any more, and what is theirs goes. A row without a name stays."""
    now = time.time()
    nobody = dict.fromkeys(("name", "folded", "password", "email", "reason", "language"))
    with writing(db.engine) as connection:
        connection.execute(people.update().where(people.c.id == tenant).values(state="deleted", role="maker", **nobody))
        end_others(connection, tenant, None)
        mine = sa.and_(keys.c.tenant == tenant, keys.c.revoked_at.is_(None))
        connection.execute(keys.update().where(mine).values(revoked_at=now))
        mine = invitations.c.inviter == tenant
        taken = sa.func.coalesce(invitations.c.revoked_at, now)
        connection.execute(invitations.update().where(mine).values(note="", revoked_at=taken))
        for table in (endpoints, answers):
            connection.execute(table.delete().where(table.c.tenant == tenant))
        _unsay(connection, tenant)
    clear(db, storage)


def _unsay(connection: sa.Connection, tenant: str) -> None:
    """What was decided stays, and what was counted; the words do not."""
    mine = sa.and_(cases.c.tenant == tenant, cases.c.kind == "appeal")
    connection.execute(cases.delete().where(mine, cases.c.state == "open"))
    connection.execute(cases.update().where(mine).values(prompt=None, note=None))
    connection.execute(reports.update().where(reports.c.tenant == tenant).values(reason=""))
    connection.execute(votes.update().where(votes.c.tenant == tenant).values(prompt=""))


def clear(db: Database, storage: Storage) -> None:
    """Remove videos of people who have left: now and then, for a request of theirs may have been on its way."""
    left = sa.select(people.c.id).where(people.c.state == "deleted")
    wanted = sa.select(jobs).where(jobs.c.tenant.in_(left), jobs.c.wanted.is_distinct_from("delete"))
    with db.engine.connect() as connection:
        theirs = [job_of(row) for row in connection.execute(wanted)]
    for job in theirs:
        try:
            if control.delete(db, job):
                storage.remove(job.id)
        except control.NotNowError:  # gone since
            pass


def _rows(connection: sa.Connection, table: sa.Table, where: sa.ColumnElement[bool]) -> list[dict[str, Any]]:
    columns = [column for column in table.c if column.name not in SECRET]
    found = connection.execute(sa.select(*columns).where(where).order_by(*table.primary_key.columns))
    return [dict(zip(row._fields, row, strict=True)) for row in found]
