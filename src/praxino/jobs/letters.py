"""Webhooks: who wants to hear of a job's end, and telling them."""

import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from praxino.jobs import webhooks
from praxino.jobs.database import endpoints, jobs
from praxino.jobs.turns import Database

KINDS = ("video.completed", "video.failed", "video.cancelled")
MOST = 20
"""Endpoints that a tenant may have."""


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """An address that hears of what happens."""

    id: str
    tenant: str
    name: str
    url: str
    secret: str
    kinds: list[str]
    created_at: float


def add(db: Database, tenant: str, *, name: str, url: str, kinds: Iterable[str]) -> Endpoint:
    """A new one, with a secret of its own. Raises ValueError naming the value and the remedy."""
    webhooks.checked(url, private=db.settings.private_webhooks)
    wanted = list(dict.fromkeys(kinds)) or list(KINDS)
    for kind in wanted:
        if kind not in KINDS:
            raise ValueError(f"event type {kind!r} is not known; choose from {', '.join(KINDS)}")
    if len(mine(db, tenant)) >= MOST:
        raise ValueError(f"{MOST} endpoints are the most that there can be; delete one first")
    made = Endpoint(
        id=f"we_{secrets.token_hex(12)}",
        tenant=tenant,
        name=name,
        url=url,
        secret=webhooks.secret(),
        kinds=wanted,
        created_at=time.time(),
    )
    with db.engine.begin() as connection:
        connection.execute(endpoints.insert().values(**vars(made)))
    return made


def mine(db: Database, tenant: str) -> list[Endpoint]:
    """A tenant's, oldest first."""
    return _found(db, endpoints.c.tenant == tenant)


def remove(db: Database, tenant: str, name: str) -> bool:
    """Whether it was there."""
    with db.engine.begin() as connection:
        where = sa.and_(endpoints.c.tenant == tenant, endpoints.c.id == name)
        return connection.execute(endpoints.delete().where(where)).rowcount > 0


def readers(db: Database, job: str, kind: str) -> list[str]:
    """Ids of the endpoints that want to hear that this happened to a job."""
    tenant = sa.select(jobs.c.tenant).where(jobs.c.id == job).scalar_subquery()
    return [endpoint.id for endpoint in _found(db, endpoints.c.tenant == tenant) if kind in endpoint.kinds]


def send(db: Database, endpoint: str, kind: str, job: str, at: int) -> str:
    """Tell one of them. Says how it went; raises `webhooks.Undelivered` where it is worth another try."""
    found = _found(db, endpoints.c.id == endpoint)
    if not found:
        return "the endpoint is gone"
    reader = found[0]
    try:
        status = webhooks.send(
            reader.url, reader.secret, webhooks.event(kind, job, at=at), private=db.settings.private_webhooks
        )
    except webhooks.Undelivered as error:
        if error.permanent:
            return str(error)
        raise
    if status >= 300:
        raise webhooks.Undelivered(f"{reader.url} answered {status}")
    return f"answered {status}"


def _found(db: Database, where: sa.ColumnElement[bool]) -> list[Endpoint]:
    wanted = sa.select(endpoints).where(where).order_by(endpoints.c.created_at)
    with db.engine.connect() as connection:
        return [Endpoint(**dict(zip(row._fields, row, strict=True))) for row in connection.execute(wanted)]
