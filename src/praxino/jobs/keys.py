"""API keys: whoever shows one acts for its tenant. The database knows only their digests."""

import hashlib
import re
import secrets
import time
from dataclasses import dataclass

import sqlalchemy as sa

from praxino.jobs.database import keys
from praxino.jobs.turns import Database

FORM = re.compile(r"px_[0-9a-f]{8}_[\w-]{43}")


@dataclass(frozen=True, kw_only=True)
class Key:
    """A key, without what only its owner knows."""

    id: str
    tenant: str
    created_at: float
    revoked_at: float | None


def create(db: Database, tenant: str) -> str:
    """A new key for a tenant, shown this once. Raises ValueError for a name that is none."""
    if not re.fullmatch(r"[\w.@+-][\w.@+ -]{0,63}", tenant):
        raise ValueError(f"name {tenant!r} must have 1 to 64 letters, digits, dots or dashes; try studio")
    name = secrets.token_hex(4)
    key = f"px_{name}_{secrets.token_urlsafe(32)}"
    with db.engine.begin() as connection:
        connection.execute(keys.insert().values(id=name, tenant=tenant, hash=digest(key), created_at=time.time()))
    return key


def tenant_of(db: Database, key: str) -> str | None:
    """Whose key it is; None where it is nobody's, or was taken back."""
    if not FORM.fullmatch(key):
        return None
    wanted = sa.select(keys.c.tenant).where(keys.c.hash == digest(key), keys.c.revoked_at.is_(None))
    with db.engine.connect() as connection:
        return connection.execute(wanted).scalar()


def revoke(db: Database, name: str) -> None:
    """From now on it opens nothing. Raises ValueError where there is no such key."""
    with db.engine.begin() as connection:
        where = sa.and_(keys.c.id == name, keys.c.revoked_at.is_(None))
        if not connection.execute(keys.update().where(where).values(revoked_at=time.time())).rowcount:
            raise ValueError(f"there is no key {name!r}; `praxino keys list` shows them")


def every(db: Database) -> list[Key]:
    """All keys, oldest first."""
    wanted = sa.select(keys.c.id, keys.c.tenant, keys.c.created_at, keys.c.revoked_at).order_by(keys.c.created_at)
    with db.engine.connect() as connection:
        return [Key(**dict(zip(row._fields, row, strict=True))) for row in connection.execute(wanted)]


def digest(secret: str) -> str:
    """What the database keeps of a key, a session's token or an invitation's code."""
    return hashlib.sha256(secret.encode()).hexdigest()  # of random bits: nothing to guess, nothing to slow down
