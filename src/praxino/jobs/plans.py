"""How much a person may spend a day and a month, and is given at the beginning: plans, and who is on which."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from praxino.jobs.database import tables

plans = sa.Table(
    "praxino_plans",
    tables,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("daily", sa.BigInteger),  # credits; none: no limit
    sa.Column("monthly", sa.BigInteger),
    sa.Column("grant_on_admission", sa.BigInteger, nullable=False),
)

subscribers = sa.Table(  # who is on another plan than the default
    "praxino_subscribers",
    tables,
    sa.Column("tenant", sa.Text, primary_key=True),
    sa.Column("plan", sa.Text, nullable=False),
)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a person may spend."""

    name: str
    daily: int | None = None  # credits of what may be asked for in a day of UTC; None: no limit
    monthly: int | None = None
    grant_on_admission: int = 0


FREE = Plan(name="free", daily=300, monthly=3000, grant_on_admission=300)
"""Of everybody, unless the operator says otherwise: a two-minute film of `pocket` a day, or 23 of five seconds."""


@dataclass(frozen=True, kw_only=True)
class Period:
    """A day or a month of UTC, in seconds since 1970."""

    name: str
    begin: float
    end: float


def day(now: float) -> Period:
    """The day of a moment."""
    begin = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return Period(name="day", begin=begin.timestamp(), end=(begin + timedelta(days=1)).timestamp())


def month(now: float) -> Period:
    """The month of a moment."""
    begin = datetime.fromtimestamp(day(now).begin, UTC).replace(day=1)
    end = (begin + timedelta(days=31)).replace(day=1)
    return Period(name="month", begin=begin.timestamp(), end=end.timestamp())


def every(connection: sa.Connection) -> list[Plan]:
    """All there are."""
    found = [Plan(**dict(zip(row._fields, row, strict=True))) for row in connection.execute(sa.select(plans))]
    return sorted([*([] if any(plan.name == FREE.name for plan in found) else [FREE]), *found], key=lambda p: p.name)


def of(connection: sa.Connection, tenant: str) -> Plan:
    """A tenant's."""
    wanted = sa.select(subscribers.c.plan).where(subscribers.c.tenant == tenant)
    name = connection.execute(wanted).scalar() or FREE.name
    return next((plan for plan in every(connection) if plan.name == name), FREE)


def put(connection: sa.Connection, plan: Plan) -> None:
    """From now on there is this plan, in the place of another of its name. Raises ValueError naming what is wrong."""
    for name, value in (("daily", plan.daily), ("monthly", plan.monthly), ("grant", plan.grant_on_admission)):
        if value is not None and not 0 <= value <= 1_000_000_000:
            raise ValueError(f"{name} {value} must be from 0 to 1000000000")
    connection.execute(plans.delete().where(plans.c.name == plan.name))
    connection.execute(plans.insert().values(**vars(plan)))


def assign(connection: sa.Connection, tenant: str, plan: str) -> None:
    """A tenant is on this plan from now on. Raises ValueError where there is none."""
    names = [known.name for known in every(connection)]
    if plan not in names:
        choice = ", ".join(names)
        raise ValueError(f"there is no plan {plan!r}; choose {choice}, or make it with `praxino credits plan`")
    connection.execute(subscribers.delete().where(subscribers.c.tenant == tenant))
    connection.execute(subscribers.insert().values(tenant=tenant, plan=plan))
