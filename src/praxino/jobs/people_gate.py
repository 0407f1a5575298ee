"""The gate: who waits before it, and who is let in, when and by whom.

With a rate, the n-th of those who wait is due at a time that is known: ``next_at`` and a day's part for each before.
Whoever sweeps admits those who are due, in one transaction that nobody else is in, so that it is all the same how many
servers sweep. What was missed is caught up with; where nobody waits, nothing is saved up.
"""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal

import sqlalchemy as sa

from praxino.jobs import credits
from praxino.jobs.database import writing
from praxino.jobs.people import SHOWN, Person, people, person_of, read
from praxino.jobs.people import gate as gates
from praxino.jobs.turns import Database

DAY = 86_400.0
LATELY = 7 * DAY
"""Seconds for which an admission says something of the next ones."""
By = Literal["open", "gate", "operator", "invitation"]


@dataclass(frozen=True, kw_only=True)
class Gate:
    """How people come in."""

    open: bool = False  # everybody at once
    per_day: float = 0.0
    next_at: float = 0.0
    since: float = 0.0  # it has this rate, and somebody has waited
    invitations: int = 0
    inviter_bonus: int = 0


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where somebody stands."""

    state: Literal["waiting", "admitted", "suspended"]
    position: int | None  # 1: next; None: they do not wait
    estimate_at: float | None  # seconds since 1970; None: nobody is being admitted


def gate(db: Database) -> Gate:
    """How people come in now."""
    with db.engine.connect() as connection:
        return gate_of(connection)


def gate_of(connection: sa.Connection) -> Gate:
    """The same, in a transaction."""
    row = connection.execute(sa.select(gates)).one_or_none()
    if row is None:
        return Gate()
    known = dict(zip(row._fields, row, strict=True))
    return Gate(**{name: value for name, value in known.items() if name != "id"})


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What an operator changes of the gate; None: it stays."""

    open: bool | None = None
    per_day: float | None = None
    invitations: int | None = None
    inviter_bonus: int | None = None


def turn(db: Database, rule: Rule) -> Gate:
    """Set the gate. An open one lets in everybody who waits; of a new rate the first comes in after its interval."""
    given = {name: value for name, value in asdict(rule).items() if value is not None}
    with writing(db.engine) as connection:
        before, now = gate_of(connection), time.time()
        after = replace(before, **given)
        if after.per_day != before.per_day:
            due = now + DAY / after.per_day if after.per_day else 0.0
            sooner = min(due, before.next_at) if before.per_day and after.per_day else due
            after = replace(after, next_at=max(sooner, now) if after.per_day else 0.0, since=now)
        _keep(connection, after)
        if after.open:
            _let_in(connection, _waiting(connection, None), by="open")
        return after


def admit(db: Database, count: int) -> list[Person]:
    """Let in those who have waited longest, so many."""
    with writing(db.engine) as connection:
        return _let_in(connection, _waiting(connection, count), by="operator")


def admit_one(db: Database, tenant: str) -> Person:
    """Let in one, also who was suspended. Raises ValueError where there is no such person."""
    return _moved(db, tenant, "admitted")


def put_back(db: Database, tenant: str) -> Person:
    """Somebody waits again, in the place that they had. Raises ValueError where there is no such person."""
    return _moved(db, tenant, "waiting")


def sweep(db: Database) -> list[Person]:
    """Let in who is due by the gate's rate; often, by any number of servers."""
    with db.engine.connect() as connection:
        if not _due(connection, time.time()):
            return []
    with writing(db.engine) as connection:
        due = _due(connection, time.time())
        let_in = _let_in(connection, _waiting(connection, due), by="gate") if due else []
        if let_in:
            now = gate_of(connection)
            _keep(connection, replace(now, next_at=now.next_at + len(let_in) * DAY / now.per_day))
        return let_in


def joined(connection: sa.Connection) -> None:
    """To be called before somebody begins to wait: where nobody else does, no turns have been saved up until now."""
    rule, now = gate_of(connection), time.time()
    if rule.per_day and not _waiting(connection, 1):
        _keep(connection, replace(rule, next_at=max(now, rule.next_at), since=now))


def _due(connection: sa.Connection, now: float) -> int:
    """How many of those who wait are due."""
    rule = gate_of(connection)
    if not rule.per_day or rule.next_at > now or not _waiting(connection, 1):
        return 0
    return 1 + int((now - rule.next_at) * rule.per_day / DAY)


def waiting(db: Database) -> int:
    """How many wait."""
    with db.engine.connect() as connection:
        count = sa.select(sa.func.count()).where(people.c.state == "waiting")
        return connection.execute(count).scalar_one()


def place(db: Database, person: Person) -> Place:
    """Where somebody stands now."""
    assert person.state != "deleted"
    if person.state != "waiting":
        return Place(state=person.state, position=None, estimate_at=None)
    with db.engine.connect() as connection:
        ahead = sa.select(sa.func.count()).where(people.c.state == "waiting", people.c.number < person.number)
        position = connection.execute(ahead).scalar_one() + 1
        return Place(state="waiting", position=position, estimate_at=_estimate(connection, position, time.time()))


def _estimate(connection: sa.Connection, position: int, now: float) -> float | None:
    """When the person in a position is let in, if it goes on as it does.

    By the gate's rate; where fewer have really come in by it while others waited, by what has. Without a rate, by those
    whom the operator let in by hand in the last days.
    """
    rule = gate_of(connection)
    if not rule.per_day:
        by_hand = _lately(connection, now - LATELY, ("operator",))
        return now + position * LATELY / by_hand if by_hand else None
    begun = max(now - LATELY, rule.since)
    really = (_lately(connection, begun, ("gate", "operator")) + 1) * DAY / max(1.0, now - begun)  # one is on the way
    rate = min(rule.per_day, really)
    return max(now, rule.next_at) + (position - 1) * DAY / rate


def _lately(connection: sa.Connection, since: float, by: Sequence[By]) -> int:
    """How many of those who waited came in since then."""
    count = sa.select(sa.func.count()).where(people.c.admitted_at >= since, people.c.admitted_by.in_(by))
    return connection.execute(count).scalar_one()


def _waiting(connection: sa.Connection, count: int | None) -> list[str]:
    """Ids of those who have waited longest."""
    wanted = sa.select(people.c.id).where(people.c.state == "waiting").order_by(people.c.number).limit(count)
    return list(connection.execute(wanted).scalars())


def _let_in(connection: sa.Connection, names: Sequence[str], *, by: By) -> list[Person]:
    values = {"state": "admitted", "admitted_at": time.time(), "admitted_by": by}
    for begin in range(0, len(names), 500):
        chosen = people.c.id.in_(names[begin : begin + 500])
        connection.execute(people.update().where(chosen).values(**values))
    found: list[Person] = []
    for begin in range(0, len(names), 500):
        chosen = sa.select(*SHOWN).where(people.c.id.in_(names[begin : begin + 500])).order_by(people.c.number)
        found += [person_of(row) for row in connection.execute(chosen)]
    for person in found:
        credits.welcome(connection, person.id)
    return found


def _moved(db: Database, tenant: str, state: Literal["waiting", "admitted"]) -> Person:
    with writing(db.engine) as connection:
        person = read(connection, tenant)
        if person is None or person.state == "deleted":
            raise ValueError(f"there is nobody with the id {tenant!r}")
        if person.state == state:
            return person
        if state == "admitted" and person.admitted_at is None:
            return _let_in(connection, [tenant], by="operator")[0]
        if state == "waiting":
            joined(connection)
        connection.execute(people.update().where(people.c.id == tenant).values(state=state))
        return replace(person, state=state)


def _keep(connection: sa.Connection, now: Gate) -> None:
    values = asdict(now)
    if not connection.execute(gates.update().where(gates.c.id == 1).values(**values)).rowcount:
        connection.execute(gates.insert().values(id=1, **values))
