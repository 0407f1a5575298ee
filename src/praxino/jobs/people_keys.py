"""A person's own API keys."""

import time

import sqlalchemy as sa

from praxino.jobs import keys
from praxino.jobs.database import keys as table
from praxino.jobs.keys import Key
from praxino.jobs.turns import Database

MOST = 20
"""Keys that a tenant may have at once."""


class ManyError(Exception):
    """A tenant has as many keys as there may be."""


def create(db: Database, tenant: str) -> tuple[Key, str]:
    """A new one, and what is shown this once. Raises ManyError."""
    if len(of(db, tenant)) >= MOST:
        raise ManyError(f"{MOST} keys are the most that there can be; take one back first")
    key = keys.create(db, tenant)
    name = key.split("_")[1]
    return next(known for known in of(db, tenant) if known.id == name), key


def of(db: Database, tenant: str) -> list[Key]:
    """A tenant's that open something, oldest first."""
    columns = (table.c.id, table.c.tenant, table.c.created_at, table.c.revoked_at)
    wanted = sa.select(*columns).where(*_open(tenant)).order_by(table.c.created_at)
    with db.engine.connect() as connection:
        return [Key(**dict(zip(row._fields, row, strict=True))) for row in connection.execute(wanted)]


def revoke(db: Database, tenant: str, name: str) -> bool:
    """From now on it opens nothing. Whether it was there, and this tenant's."""
    with db.engine.begin() as connection:
        where = (table.c.id == name, *_open(tenant))
        return connection.execute(table.update().where(*where).values(revoked_at=time.time())).rowcount > 0


def _open(tenant: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (table.c.tenant == tenant, table.c.revoked_at.is_(None))
