"""Applying: somebody new, who waits, or comes in at once by an invitation or an open gate."""

import time
from dataclasses import dataclass

import sqlalchemy as sa

from praxino.jobs import credits, people_invitations
from praxino.jobs.database import keys, writing
from praxino.jobs.people import ID, Person, folded, fresh, named, people, read
from praxino.jobs.people_gate import By, gate_of, joined
from praxino.jobs.people_invitations import Invitation
from praxino.jobs.turns import Database


class TakenError(Exception):
    """Somebody else has the name."""


@dataclass(frozen=True, kw_only=True)
class Application:
    """What somebody says of themselves."""

    name: str
    password: str  # argon2's digest
    email: str | None = None
    reason: str | None = None
    language: str | None = None
    code: str | None = None  # of an invitation


def apply(db: Database, asked: Application) -> Person:
    """Somebody new. Raises ValueError for a name that is none, TakenError and InvitationError."""
    name, key = named(asked.name), folded(asked.name)
    with writing(db.engine) as connection:
        if _taken(connection, key):
            raise TakenError(f"the name {name!r} is taken; choose another")
        by = None if asked.code is None else people_invitations.use(connection, asked.code)
        how: By | None = "invitation" if by else "open" if gate_of(connection).open else None
        if how is None:
            joined(connection)
        tenant, now = fresh(), time.time()
        values = {
            "id": tenant,
            "name": name,
            "folded": key,
            "password": asked.password,
            "email": asked.email,
            "reason": asked.reason,
            "language": asked.language,
            "role": "maker",
            "state": "waiting" if how is None else "admitted",
            "invitation": None if by is None else by.id,
            "applied_at": now,
            "admitted_at": None if how is None else now,
            "admitted_by": how,
        }
        connection.execute(people.insert().values(**values))
        if how is not None:
            credits.welcome(connection, tenant)
        if by is not None:
            _reward(connection, by, tenant)
        made = read(connection, tenant)
        assert made is not None
        return made


def _taken(connection: sa.Connection, key: str) -> bool:
    """Whether somebody has a name, or a key's tenant: films would seem to be the operator's."""
    if connection.execute(sa.select(people.c.id).where(people.c.folded == key)).scalar() is not None:
        return True
    tenants = connection.execute(sa.select(keys.c.tenant).distinct()).scalars()
    return ID.fullmatch(key) is not None or key in {folded(tenant) for tenant in tenants}


def credentials(db: Database, name: str) -> tuple[str | None, str | None]:
    """(id, digest of the password) of somebody; (None, None) where there is nobody of that name."""
    with db.engine.connect() as connection:
        row = connection.execute(
            sa.select(people.c.id, people.c.password).where(people.c.folded == folded(name))
        ).one_or_none()
    return (None, None) if row is None else (row.id, row.password)


def password_of(db: Database, tenant: str) -> str | None:
    """The digest of somebody's."""
    with db.engine.connect() as connection:
        return connection.execute(sa.select(people.c.password).where(people.c.id == tenant)).scalar()


def _reward(connection: sa.Connection, by: Invitation, tenant: str) -> None:
    """What the invitation promised, to who comes; and to who invited, where the gate says so."""
    if by.bonus:
        credits.grant(connection, tenant, by.bonus, f"came with {by.id}")
    more, inviter = gate_of(connection).inviter_bonus, read(connection, by.inviter)
    if more and inviter is not None and inviter.state != "deleted":
        credits.grant(connection, inviter.id, more, f"somebody came with {by.id}")
