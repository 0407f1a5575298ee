"""People: who they are, what they may do, and whether they have been let in.

A person's id is the tenant of what is theirs. A tenant without a person (of a key made on the command line, or at the
first start) is an operator's. Where somebody leaves, a row without a name stays, so that nobody becomes an operator by
leaving and no id is given twice.
"""

import re
import secrets
import unicodedata
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from praxino.jobs.database import tables, writing
from praxino.jobs.turns import Database

Role = Literal["maker", "moderator", "operator"]
State = Literal["waiting", "admitted", "suspended", "deleted"]
ROLES: tuple[Role, ...] = ("maker", "moderator", "operator")  # each may do what those before may
NAME = re.compile(r"[\w.@+-][\w.@+ -]{0,63}")  # as `keys.create` has it
ID = re.compile(r"p_[0-9a-f]{16}")

people = sa.Table(
    "praxino_people",
    tables,
    sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("name", sa.Text),  # from here to `language`: nothing once they have left
    sa.Column("folded", sa.Text, unique=True),  # the name as it is compared
    sa.Column("password", sa.Text),  # argon2's
    sa.Column("email", sa.Text),
    sa.Column("reason", sa.Text),
    sa.Column("language", sa.Text),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("invitation", sa.Text),  # that they came with
    sa.Column("applied_at", sa.Float, nullable=False),
    sa.Column("admitted_at", sa.Float),
    sa.Column("admitted_by", sa.Text),  # open, gate, operator, invitation
    sa.Index("praxino_people_state", "state", "number"),
)

sessions = sa.Table(
    "praxino_sessions",
    tables,
    sa.Column("digest", sa.Text, primary_key=True),  # of the token, which only the browser has
    sa.Column("person", sa.Text, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("seen_at", sa.Float, nullable=False),
    sa.Column("expires_at", sa.Float, nullable=False),
    sa.Index("praxino_sessions_person", "person"),
)

invitations = sa.Table(
    "praxino_invitations",
    tables,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False, unique=True),
    sa.Column("inviter", sa.Text, nullable=False),  # a tenant
    sa.Column("uses", sa.Integer, nullable=False),  # that there may be
    sa.Column("used", sa.Integer, nullable=False, default=0),
    sa.Column("bonus", sa.BigInteger, nullable=False, default=0),  # credits for each who comes
    sa.Column("note", sa.Text, nullable=False, default=""),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("expires_at", sa.Float),
    sa.Column("revoked_at", sa.Float),
    sa.Index("praxino_invitations_inviter", "inviter"),
)

gate = sa.Table(  # one row, or none as long as nobody has touched it
    "praxino_gate",
    tables,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("open", sa.Boolean, nullable=False),
    sa.Column("per_day", sa.Float, nullable=False),
    sa.Column("next_at", sa.Float, nullable=False),  # when the next may be admitted
    sa.Column("since", sa.Float, nullable=False),  # it has this rate, and somebody has waited
    sa.Column("invitations", sa.Integer, nullable=False),  # uses of codes that each maker may give away
    sa.Column("inviter_bonus", sa.BigInteger, nullable=False),  # credits for a maker, for each who comes
)


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody, without the password."""

    number: int
    id: str
    name: str | None
    email: str | None
    reason: str | None
    language: str | None
    role: Role
    state: State
    invitation: str | None
    applied_at: float
    admitted_at: float | None
    admitted_by: str | None


@dataclass(frozen=True, kw_only=True)
class Who:
    """Who asks: a person, or the operator behind a key."""

    tenant: str
    name: str
    role: Role
    state: State
    person: bool
    session: str | None = None  # its digest, where they came with a cookie

    def may(self, role: Role) -> bool:
        """Whether they may do what those of this role do."""
        return self.state == "admitted" and ROLES.index(self.role) >= ROLES.index(role)


SHOWN = [column for column in people.c if column.name not in {"folded", "password"}]


def folded(name: str) -> str:
    """A name as it is compared: without case, width and doubled spaces."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def named(name: str) -> str:
    """A name that somebody may have. Raises ValueError for one that is none."""
    if not NAME.fullmatch(name) or not folded(name):
        raise ValueError(f"name {name!r:.80} must have 1 to 64 letters, digits, dots or dashes; try ann")
    return name


def fresh() -> str:
    """An id for somebody new."""
    return f"p_{secrets.token_hex(8)}"


def who(db: Database, tenant: str, *, session: str | None = None) -> Who:
    """Who acts for a tenant."""
    found = find(db, tenant) if ID.fullmatch(tenant) else None
    if found is None:
        return Who(tenant=tenant, name=tenant, role="operator", state="admitted", person=False)
    return Who(tenant=tenant, name=found.name or "", role=found.role, state=found.state, person=True, session=session)


def find(db: Database, tenant: str) -> Person | None:
    """The person whose tenant it is."""
    with db.engine.connect() as connection:
        return read(connection, tenant)


def read(connection: sa.Connection, tenant: str) -> Person | None:
    """The same, in a transaction."""
    row = connection.execute(sa.select(*SHOWN).where(people.c.id == tenant)).one_or_none()
    return None if row is None else person_of(row)


def looked_up(db: Database, text: str) -> Person:
    """The person of an id, or else of a name. Raises ValueError where there is none."""
    found = find(db, text)
    if found is None:
        with db.engine.connect() as connection:
            row = connection.execute(sa.select(*SHOWN).where(people.c.folded == folded(text))).one_or_none()
        found = None if row is None else person_of(row)
    if found is None:
        raise ValueError(f"there is nobody called {text!r}; `praxino people list` shows who there is")
    return found


def every(db: Database, *, state: State | None = None, after: int = 0, limit: int = 1000) -> list[Person]:
    """People who have not left, in the order in which they applied, from after a number on."""
    wanted = sa.select(*SHOWN).where(people.c.number > after, people.c.state != "deleted")
    if state is not None:
        wanted = wanted.where(people.c.state == state)
    with db.engine.connect() as connection:
        return [person_of(row) for row in connection.execute(wanted.order_by(people.c.number).limit(limit))]


def give(db: Database, tenant: str, role: Role) -> Person:
    """Somebody has another role from now on. Raises ValueError where there is no such person."""
    return _changed(db, tenant, role=role)


def suspend(db: Database, tenant: str) -> Person:
    """Somebody may do nothing any more but see to their account. Raises ValueError where there is no such person."""
    return _changed(db, tenant, state="suspended")


def _changed(db: Database, tenant: str, **values: Any) -> Person:
    with writing(db.engine) as connection:
        where = sa.and_(people.c.id == tenant, people.c.state != "deleted")
        if not connection.execute(people.update().where(where).values(**values)).rowcount:
            raise ValueError(f"there is nobody with the id {tenant!r}")
        found = read(connection, tenant)
        assert found is not None
        return found


def person_of(row: sa.Row[Any]) -> Person:
    """The person of a row of the table."""
    return Person(**dict(zip(row._fields, row, strict=True)))
