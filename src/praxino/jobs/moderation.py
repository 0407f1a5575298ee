"""What moderators look at: works that were reported, and prompts that were denied and whose writers object.

One case a work, however many report it; a case that was decided opens again when somebody new reports. Who decided
what, and why, is only ever added to.
"""

import hashlib
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from praxino.jobs import deny, works
from praxino.jobs.database import tables, writing
from praxino.jobs.deny import Denial
from praxino.jobs.people import people
from praxino.jobs.turns import Database

Kind = Literal["work", "appeal"]
Verdict = Literal["keep", "remove", "allow", "deny"]
State = Literal["open", "keep", "remove", "allow", "deny"]
VERDICTS: dict[str, tuple[Verdict, ...]] = {"work": ("keep", "remove"), "appeal": ("allow", "deny")}
MOST = 20
"""Appeals of a tenant that may be open."""

cases = sa.Table(
    "praxino_cases",
    tables,
    sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("about", sa.Text, nullable=False),  # the work, or the digest of the tenant's prompt
    sa.Column("tenant", sa.Text, nullable=False),  # whose it is
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("prompt", sa.Text),
    sa.Column("rule", sa.Text),
    sa.Column("reason", sa.Text),  # of the rule
    sa.Column("note", sa.Text),  # of who appeals
    sa.Column("opened_at", sa.Float, nullable=False),
    sa.UniqueConstraint("kind", "about", name="praxino_cases_about"),
    sa.Index("praxino_cases_state", "state", "number"),
)

reports = sa.Table(
    "praxino_reports",
    tables,
    sa.Column("case", sa.Text, primary_key=True),
    sa.Column("tenant", sa.Text, primary_key=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("at", sa.Float, nullable=False),
)

decisions = sa.Table(  # rows are added, never changed
    "praxino_decisions",
    tables,
    sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("case", sa.Text, nullable=False),
    sa.Column("by", sa.Text, nullable=False),  # a tenant
    sa.Column("verdict", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Index("praxino_decisions_case", "case"),
)


class WrongVerdictError(Exception):
    """That verdict is not for such a case; the message says which are."""


class TooManyError(Exception):
    """There are too many open appeals."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """Why somebody thinks that a work should not be shown."""

    tenant: str
    reason: str
    at: float


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What a moderator said, and why."""

    by: str  # their name
    verdict: Verdict
    note: str
    at: float


@dataclass(frozen=True, kw_only=True)
class Case:
    """Something to decide, or decided."""

    number: int
    id: str
    kind: Kind
    about: str
    tenant: str
    state: State
    prompt: str | None
    rule: str | None
    reason: str | None
    note: str | None
    opened_at: float
    reports: list[Report]
    decisions: list[Decision]


def report(db: Database, work: works.Work, tenant: str, reason: str) -> Case:
    """Tell moderators of a work; a second report of the same tenant changes nothing."""
    with writing(db.engine) as connection:
        case = _found(connection, "work", work.id)
        if case is None:
            case = _opened(connection, kind="work", about=work.id, tenant=work.tenant)
        had = sa.select(reports.c.tenant).where(reports.c.case == case, reports.c.tenant == tenant)
        if connection.execute(had).one_or_none() is None:
            connection.execute(reports.insert().values(case=case, tenant=tenant, reason=reason, at=time.time()))
            again = sa.and_(cases.c.id == case, cases.c.state == "keep")
            connection.execute(cases.update().where(again).values(state="open", opened_at=time.time()))
        return _read(connection, [cases.c.id == case])[0]


def appeal(db: Database, tenant: str, prompt: str, denial: Denial, note: str) -> Case:
    """Ask for a prompt that was denied; asked again, the same case. Raises TooManyError."""
    about = digest(tenant, prompt)
    with writing(db.engine) as connection:
        case = _found(connection, "appeal", about)
        if case is None:
            mine = sa.and_(cases.c.kind == "appeal", cases.c.state == "open", cases.c.tenant == tenant)
            if connection.execute(sa.select(sa.func.count()).select_from(cases).where(mine)).scalar_one() >= MOST:
                raise TooManyError(f"{MOST} appeals of yours are open; wait for one to be decided")
            told = {"prompt": prompt, "rule": denial.rule, "reason": denial.en, "note": note}
            case = _opened(connection, kind="appeal", about=about, tenant=tenant, **told)
        return _read(connection, [cases.c.id == case])[0]


def allowed(db: Database, tenant: str, prompt: str) -> bool:
    """Whether a moderator let this tenant have this prompt."""
    where = [cases.c.kind == "appeal", cases.c.about == digest(tenant, prompt), cases.c.state == "allow"]
    with db.engine.connect() as connection:
        return connection.execute(sa.select(cases.c.id).where(*where)).one_or_none() is not None


def decide(db: Database, case: Case, verdict: Verdict, *, by: str, note: str) -> Case:
    """Say what becomes of it; also of one that was decided. Raises WrongVerdictError."""
    if verdict not in VERDICTS[case.kind]:
        choice = " or ".join(VERDICTS[case.kind])
        what = "a reported work" if case.kind == "work" else "an appeal"
        raise WrongVerdictError(f"verdict {verdict!r} is not for {what}; choose {choice}")
    with writing(db.engine) as connection:
        connection.execute(cases.update().where(cases.c.id == case.id).values(state=verdict))
        values = {"case": case.id, "by": by, "verdict": verdict, "note": note, "at": time.time()}
        connection.execute(decisions.insert().values(**values))
        if case.kind == "work":
            _turned(connection, case.about, verdict)
        return _read(connection, [cases.c.id == case.id])[0]


def get(db: Database, case: str) -> Case | None:
    """One of them."""
    with db.engine.connect() as connection:
        found = _read(connection, [cases.c.id == case])
    return found[0] if found else None


def page(db: Database, *, opened: bool | None, after: Case | None, limit: int) -> tuple[list[Case], bool]:
    """Cases, the oldest first where they are open, else the newest first, and whether there are more."""
    where: list[sa.ColumnElement[bool]] = []
    if opened is not None:
        where.append(cases.c.state == "open" if opened else cases.c.state != "open")
    if after is not None:
        where.append(cases.c.number > after.number if opened else cases.c.number < after.number)
    with db.engine.connect() as connection:
        found = _read(connection, where, newest=not opened, limit=limit + 1)
    return found[:limit], len(found) > limit


def digest(tenant: str, prompt: str) -> str:
    """Of a tenant's prompt; spaces, case and punctuation make no difference."""
    return hashlib.sha256(f"{tenant}\n{deny.same(prompt)}".encode()).hexdigest()


def _turned(connection: sa.Connection, work: str, verdict: Verdict) -> None:
    """The work is taken down, or shown again where a moderator had taken it down."""
    state = connection.execute(sa.select(works.works.c.state).where(works.works.c.id == work)).scalar()
    if verdict == "remove" and state in {"published", "withdrawn"}:
        works.turn(connection, work, "removed")
    if verdict == "keep" and state == "removed":
        works.turn(connection, work, "published")


def _found(connection: sa.Connection, kind: Kind, about: str) -> str | None:
    return connection.execute(sa.select(cases.c.id).where(cases.c.kind == kind, cases.c.about == about)).scalar()


def _opened(connection: sa.Connection, **values: Any) -> str:
    name = f"case_{secrets.token_hex(12)}"
    connection.execute(cases.insert().values(id=name, state="open", opened_at=time.time(), **values))
    return name


def _read(connection: sa.Connection, where: list[sa.ColumnElement[bool]], *, newest: bool = True,
          limit: int | None = None) -> list[Case]:  # fmt: skip
    order = cases.c.number.desc() if newest else cases.c.number
    rows = connection.execute(sa.select(cases).where(*where).order_by(order).limit(limit)).mappings().all()
    names = [row["id"] for row in rows]
    told, said = _reports(connection, names), _decisions(connection, names)
    return [Case(**row, reports=told.get(row["id"], []), decisions=said.get(row["id"], [])) for row in rows]


def _reports(connection: sa.Connection, names: Iterable[str]) -> dict[str, list[Report]]:
    found: dict[str, list[Report]] = {}
    wanted = sa.select(reports).where(reports.c.case.in_(list(names))).order_by(reports.c.at)
    for row in connection.execute(wanted):
        found.setdefault(row.case, []).append(Report(tenant=row.tenant, reason=row.reason, at=row.at))
    return found


def _decisions(connection: sa.Connection, names: Iterable[str]) -> dict[str, list[Decision]]:
    found: dict[str, list[Decision]] = {}
    name = works.name_of(people, decisions.c.by).label("name")
    wanted = sa.select(decisions, name).outerjoin(people, people.c.id == decisions.c.by)
    wanted = wanted.where(decisions.c.case.in_(list(names))).order_by(decisions.c.number)
    for row in connection.execute(wanted):
        said = Decision(by=row.name, verdict=row.verdict, note=row.note, at=row.at)
        found.setdefault(row.case, []).append(said)
    return found
