"""The ledger of credits: a table to which lines are added, and of which none is changed.

Each line says what its tenant has after it, so the last one is the balance. A tenant's lines are numbered without gaps,
no two have one number, none leaves less than nothing, and each hold is settled once: the database sees to that, not
care.

    grant    + balance             operators, admissions and invitations give
    hold     - balance  + held     a job waits; the quote is binding
    capture             - held     its film, or the part of it that was kept
    release  + balance  - held     what was not made comes back
    expire   - balance             what was given for a time, and not spent in it
"""

import time
from dataclasses import dataclass
from typing import Any, Literal, cast

import sqlalchemy as sa
from sqlalchemy import event

from praxino.jobs.database import tables

Kind = Literal["grant", "hold", "capture", "release", "expire"]
KINDS: dict[Kind, tuple[int, int]] = {  # what becomes of (balance, held)
    "grant": (1, 0),
    "hold": (-1, 1),
    "capture": (0, -1),
    "release": (1, -1),
    "expire": (-1, 0),
}

entries = sa.Table(
    "praxino_entries",
    tables,
    sa.Column("tenant", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),  # 1, 2, 3, ... of the tenant
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("balance", sa.BigInteger, nullable=False),  # after it
    sa.Column("held", sa.BigInteger, nullable=False),  # after it
    sa.Column("job", sa.Text),
    sa.Column("hold", sa.Integer),  # of a capture or a release: the number of its hold
    sa.Column("settles", sa.Integer),  # the same, but for the rest that is released after a capture
    sa.Column("chunks", sa.Integer),  # of a hold: how many the film has
    sa.Column("expires_at", sa.Float),  # of a grant
    sa.Column("once", sa.Text),  # of a grant: what there is only one of
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.CheckConstraint("kind IN ('grant', 'hold', 'capture', 'release', 'expire')", name="praxino_entries_kind"),
    sa.CheckConstraint("amount > 0", name="praxino_entries_amount"),
    sa.CheckConstraint("balance >= 0", name="praxino_entries_balance"),
    sa.CheckConstraint("held >= 0", name="praxino_entries_held"),
    sa.CheckConstraint("(hold IS NOT NULL) = (kind IN ('capture', 'release'))", name="praxino_entries_hold"),
    sa.CheckConstraint("settles IS NULL OR settles = hold", name="praxino_entries_settles"),
    sa.CheckConstraint("kind <> 'capture' OR settles IS NOT NULL", name="praxino_entries_capture"),
    sa.UniqueConstraint("tenant", "settles", name="praxino_entries_once_settled"),
    sa.UniqueConstraint("tenant", "hold", "kind", name="praxino_entries_once_each"),
    sa.UniqueConstraint("tenant", "once", name="praxino_entries_once_given"),
    sa.ForeignKeyConstraint(["tenant", "hold"], ["praxino_entries.tenant", "praxino_entries.number"]),
    sa.Index("praxino_entries_job", "job"),
)
_timed, _asked = entries.c.expires_at.is_not(None), entries.c.kind == "hold"
sa.Index("praxino_entries_due", entries.c.expires_at, sqlite_where=_timed, postgresql_where=_timed)
sa.Index("praxino_entries_holds", entries.c.tenant, entries.c.at, sqlite_where=_asked, postgresql_where=_asked)

FIXED = "entries of the ledger are never changed"


@event.listens_for(entries, "after_create")
def _fix(_table: sa.Table, connection: sa.Connection, **_: Any) -> None:
    """From now on the database refuses to change an entry, or to remove one."""
    made, run = "CREATE TRIGGER praxino_entries_no", connection.exec_driver_sql
    if connection.dialect.name == "sqlite":
        for what in ("UPDATE", "DELETE"):
            run(f"{made}_{what} BEFORE {what} ON praxino_entries BEGIN SELECT RAISE(ABORT, '{FIXED}'); END")
        return
    body = f"BEGIN RAISE EXCEPTION ''{FIXED}''; END"
    run(f"CREATE OR REPLACE FUNCTION praxino_entries_fixed() RETURNS trigger LANGUAGE plpgsql AS '{body}'")
    run(f"{made}_CHANGE BEFORE UPDATE OR DELETE ON praxino_entries "
        "FOR EACH ROW EXECUTE FUNCTION praxino_entries_fixed()")  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of the ledger."""

    tenant: str
    number: int
    kind: Kind
    amount: int
    balance: int
    held: int
    job: str | None
    hold: int | None
    settles: int | None
    chunks: int | None
    expires_at: float | None
    once: str | None
    note: str
    at: float


@dataclass(frozen=True, kw_only=True)
class Purse:
    """What a tenant has: ``balance`` to spend, and ``held`` for jobs that are not done."""

    balance: int = 0
    held: int = 0


def purse(connection: sa.Connection, tenant: str) -> Purse:
    """What a tenant has now."""
    last = _last(connection, tenant)
    return Purse() if last is None else Purse(balance=last.balance, held=last.held)


def cost(connection: sa.Connection, job: str) -> dict[str, int]:
    """Of a job, over all its holds: what is ``held`` now, was ``captured``, and was ``released``."""
    wanted = sa.select(entries.c.kind, sa.func.sum(entries.c.amount)).where(entries.c.job == job)
    sums = {kind: int(amount) for kind, amount in connection.execute(wanted.group_by(entries.c.kind)).all()}
    captured, released = sums.get("capture", 0), sums.get("release", 0)
    return {"held": sums.get("hold", 0) - captured - released, "captured": captured, "released": released}


def page(connection: sa.Connection, tenant: str, *, after: int | None, limit: int) -> tuple[list[Entry], bool]:
    """Some entries of a tenant, the newest first, and whether there are more."""
    wanted = sa.select(entries).where(entries.c.tenant == tenant).order_by(entries.c.number.desc()).limit(limit + 1)
    if after is not None:
        wanted = wanted.where(entries.c.number < after)
    found = [entry_of(row) for row in connection.execute(wanted)]
    return found[:limit], len(found) > limit


def used(connection: sa.Connection, tenant: str, since: float) -> int:
    """Credits of all that was asked for since then, without what came back of it."""
    asked, back = entries.alias(), entries.alias()
    mine = sa.and_(asked.c.tenant == tenant, asked.c.kind == "hold", asked.c.at >= since)
    of = sa.and_(back.c.tenant == tenant, back.c.kind == "release", back.c.hold == asked.c.number)
    both = sa.outerjoin(asked, back, of)
    wanted = sa.select(sa.func.sum(asked.c.amount - sa.func.coalesce(back.c.amount, 0))).select_from(both).where(mine)
    return int(connection.execute(wanted).scalar() or 0)


def opened() -> sa.Select[Any]:
    """Holds that nothing settles."""
    later = entries.alias()
    settled = sa.select(later.c.number).where(later.c.tenant == entries.c.tenant, later.c.settles == entries.c.number)
    return sa.select(entries).where(entries.c.kind == "hold", ~settled.exists())


def open_hold(connection: sa.Connection, job: str) -> Entry | None:
    row = connection.execute(opened().where(entries.c.job == job)).one_or_none()
    return None if row is None else entry_of(row)


def _last(connection: sa.Connection, tenant: str) -> Entry | None:
    wanted = sa.select(entries).where(entries.c.tenant == tenant).order_by(entries.c.number.desc()).limit(1)
    row = connection.execute(wanted).one_or_none()
    return None if row is None else entry_of(row)


def added(connection: sa.Connection, tenant: str, kind: Kind, amount: int, **more: Any) -> Entry:
    last = _last(connection, tenant)
    number, balance, held = (0, 0, 0) if last is None else (last.number, last.balance, last.held)
    values = dict.fromkeys(("job", "hold", "settles", "chunks", "expires_at", "once")) | more
    values |= {"tenant": tenant, "number": number + 1, "kind": kind, "amount": amount, "at": time.time()}
    values |= {"balance": balance + KINDS[kind][0] * amount, "held": held + KINDS[kind][1] * amount}
    connection.execute(entries.insert().values(**values))
    return Entry(**cast("dict[str, Any]", values))


def entry_of(row: sa.Row[Any]) -> Entry:
    return Entry(**dict(zip(row._fields, row, strict=True)))
