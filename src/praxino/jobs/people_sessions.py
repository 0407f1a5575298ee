"""Who has logged in: a token that only the browser has, and its digest here, for thirty days from the last use."""

import hashlib
import secrets
import time

import sqlalchemy as sa

from praxino.jobs import people
from praxino.jobs.database import writing
from praxino.jobs.keys import digest
from praxino.jobs.people import Who, sessions
from praxino.jobs.turns import Database

LASTS = 30 * 86_400.0
"""Seconds without a use."""
NOTED = 3600.0
"""Seconds between two notes that a session is used: not every request writes."""


def begin(db: Database, person: str) -> str:
    """A new one: its token."""
    token, now = secrets.token_urlsafe(32), time.time()
    row = {"digest": digest(token), "person": person, "created_at": now, "seen_at": now, "expires_at": now + LASTS}
    with db.engine.begin() as connection:
        connection.execute(sessions.insert().values(**row))
    return token


def owner(db: Database, token: str) -> Who | None:
    """Whose it is; None where it is over."""
    name, now = digest(token), time.time()
    wanted = sa.select(sessions).where(sessions.c.digest == name, sessions.c.expires_at > now)
    with db.engine.connect() as connection:
        found = connection.execute(wanted).one_or_none()
    if found is None:
        return None
    if now - found.seen_at > NOTED:
        with db.engine.begin() as connection:
            later = sessions.update().where(sessions.c.digest == name)
            connection.execute(later.values(seen_at=now, expires_at=now + LASTS))
    whose = people.who(db, found.person, session=name)
    return whose if whose.person and whose.state != "deleted" else None


def end(db: Database, name: str) -> None:
    """It is over."""
    with db.engine.begin() as connection:
        connection.execute(sessions.delete().where(sessions.c.digest == name))


def end_others(connection: sa.Connection, person: str, kept: str | None) -> None:
    """All of a person's are over but for one."""
    mine = sessions.c.person == person
    where = mine if kept is None else sa.and_(mine, sessions.c.digest != kept)
    connection.execute(sessions.delete().where(where))


def expire(db: Database) -> None:
    """Forget those that are over."""
    with db.engine.begin() as connection:
        connection.execute(sessions.delete().where(sessions.c.expires_at < time.time()))


def csrf(token: str) -> str:
    """What a page of our own can read and send back, and no other site can; of this session only."""
    return hashlib.sha256(f"csrf:{token}".encode()).hexdigest()


def renew(db: Database, person: str, password: str, kept: str | None) -> None:
    """A person has another password (argon2's digest of it), and no session but one."""
    with writing(db.engine) as connection:
        connection.execute(people.people.update().where(people.people.c.id == person).values(password=password))
        end_others(connection, person, kept)
