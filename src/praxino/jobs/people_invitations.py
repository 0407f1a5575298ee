"""Invitations: codes that let people in at once. The database knows only their digests, and who gave them away."""

import secrets
import time
from dataclasses import dataclass

import sqlalchemy as sa

from praxino.jobs.database import writing
from praxino.jobs.keys import digest
from praxino.jobs.people import Who, invitations, people
from praxino.jobs.people_gate import DAY, gate_of
from praxino.jobs.turns import Database


class InvitationError(Exception):
    """A code that lets nobody in, or one that there may not be; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What a code is good for."""

    uses: int = 1
    days: float | None = 14.0  # until it expires; None: never
    note: str = ""
    bonus: int = 0  # credits for each who comes


@dataclass(frozen=True, kw_only=True)
class Invitation:
    """A code, without what only its owner knows."""

    id: str
    inviter: str  # a tenant
    uses: int
    used: int
    bonus: int
    note: str
    created_at: float
    expires_at: float | None
    revoked_at: float | None


SHOWN = [column for column in invitations.c if column.name != "digest"]


def invite(db: Database, who: Who, terms: Terms) -> tuple[Invitation, str]:
    """A new one, and its code, shown this once. Raises InvitationError where somebody has given away all of theirs."""
    code, now = f"pi_{secrets.token_urlsafe(16)}", time.time()
    made = Invitation(
        id=f"inv_{secrets.token_hex(8)}",
        inviter=who.tenant,
        uses=terms.uses,
        used=0,
        bonus=terms.bonus,
        note=terms.note,
        created_at=now,
        expires_at=None if terms.days is None else now + terms.days * DAY,
        revoked_at=None,
    )
    with writing(db.engine) as connection:
        if not who.may("operator"):
            _check_allowance(connection, who.tenant, terms.uses)
        connection.execute(invitations.insert().values(digest=digest(code), **vars(made)))
    return made, code


def _check_allowance(connection: sa.Connection, tenant: str, uses: int) -> None:
    most = gate_of(connection).invitations
    expires = invitations.c.expires_at
    still = sa.and_(invitations.c.revoked_at.is_(None), sa.or_(expires.is_(None), expires > time.time()))
    counted = sa.case((still, invitations.c.uses), else_=invitations.c.used)
    given = connection.execute(sa.select(sa.func.sum(counted)).where(invitations.c.inviter == tenant)).scalar() or 0
    if given + uses > most:
        raise InvitationError(f"{most} people are all that each may invite here, and {given} are given away already")


def use(connection: sa.Connection, code: str) -> Invitation:
    """One use less, of two at once for one. Raises InvitationError where the code lets nobody in."""
    now, wanted = time.time(), invitations.c.digest == digest(code.strip())
    good = (
        wanted,
        invitations.c.used < invitations.c.uses,
        invitations.c.revoked_at.is_(None),
        sa.or_(invitations.c.expires_at.is_(None), invitations.c.expires_at > now),
    )
    taken = connection.execute(invitations.update().where(*good).values(used=invitations.c.used + 1)).rowcount
    row = connection.execute(sa.select(*SHOWN).where(wanted)).one_or_none()
    if row is None:
        raise InvitationError("the invitation code is not known; look whether all of it was copied")
    found = _of(row)
    if not taken:
        why = "was taken back" if found.revoked_at else "is used up" if found.used >= found.uses else "has expired"
        raise InvitationError(f"the invitation code {why}; ask for another, or apply without one")
    return found


def of(db: Database, inviter: str) -> list[Invitation]:
    """Somebody's, oldest first."""
    return _found(db, invitations.c.inviter == inviter)


def inviters(db: Database) -> dict[str, str]:
    """Of all invitations that somebody came with: whose they were."""
    wanted = sa.select(invitations.c.id, invitations.c.inviter).where(invitations.c.used > 0)
    with db.engine.connect() as connection:
        return {row.id: row.inviter for row in connection.execute(wanted)}


def came(db: Database, inviter: str) -> dict[str, list[str]]:
    """Of somebody's invitations: the names of those who came with each."""
    wanted = (
        sa.select(people.c.invitation, people.c.name)
        .join(invitations, invitations.c.id == people.c.invitation)
        .where(invitations.c.inviter == inviter, people.c.name.is_not(None))
        .order_by(people.c.number)
    )
    found: dict[str, list[str]] = {}
    with db.engine.connect() as connection:
        for row in connection.execute(wanted):
            found.setdefault(row.invitation, []).append(row.name)
    return found


def revoke(db: Database, name: str, *, inviter: str | None) -> bool:
    """It lets in nobody any more. Whether it was there, and of this inviter; with None, of anybody."""
    where = [invitations.c.id == name, invitations.c.revoked_at.is_(None)]
    if inviter is not None:
        where.append(invitations.c.inviter == inviter)
    with db.engine.begin() as connection:
        return connection.execute(invitations.update().where(*where).values(revoked_at=time.time())).rowcount > 0


def _found(db: Database, where: sa.ColumnElement[bool]) -> list[Invitation]:
    with db.engine.connect() as connection:
        wanted = sa.select(*SHOWN).where(where).order_by(invitations.c.created_at)
        return [_of(row) for row in connection.execute(wanted)]


def _of(row: sa.Row[tuple[object, ...]]) -> Invitation:
    return Invitation(**dict(zip(row._fields, row, strict=True)))  # pyright: ignore[reportArgumentType]
