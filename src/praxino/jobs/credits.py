"""What people may spend: credits are given, set aside for jobs that wait, paid for films, and come back for the rest.

Whatever writes is to be called in `database.writing`, in the transaction of what it belongs to. What became of each
credit is in the `ledger`; docs/credits.md says what all that means to people.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from praxino.jobs import ledger, plans
from praxino.jobs.database import jobs
from praxino.jobs.job import ENDED, Job, job_of
from praxino.jobs.ledger import Entry, entries

MOST = 1_000_000_000
"""Credits of one entry."""
PERSON = "p_"
"""What ids of people begin with; tenants of other names are operators, and pay nothing."""


class ShortError(Exception):
    """There are too few credits; the message says how many, and what can be done."""


class QuotaError(Exception):
    """A day's or a month's credits are used up. ``seconds``: until the next begins."""

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


@dataclass(frozen=True, kw_only=True)
class Price:
    """Of a film, binding."""

    credits: int
    chunks: int  # that it is made of; who stops after some pays for these


def charged(tenant: str) -> bool:
    """Whether films cost this tenant anything, where accounts are on."""
    return tenant.startswith(PERSON)


def grant(connection: sa.Connection, tenant: str, amount: int, note: str, *, days: float | None = None,
          once: str | None = None) -> Entry:  # fmt: skip
    """Give credits, for some days or for good. What is given ``once`` and was already is not given again.

    Raises ValueError for an amount that is none.
    """
    if not 0 < amount <= MOST:
        raise ValueError(f"amount {amount} must be from 1 to {MOST}")
    given = sa.select(entries).where(entries.c.tenant == tenant, entries.c.once == once)
    known = None if once is None else connection.execute(given).one_or_none()
    if known is not None:
        return ledger.entry_of(known)
    until = None if days is None else time.time() + 86_400 * days
    return ledger.added(connection, tenant, "grant", amount, note=note, expires_at=until, once=once)


def welcome(connection: sa.Connection, tenant: str) -> Entry | None:
    """What a tenant's plan gives to those who are admitted; once, however often it is called."""
    plan = plans.of(connection, tenant)
    amount = plan.grant_on_admission
    return grant(connection, tenant, amount, f"welcome to {plan.name}", once="admission") if amount else None


def expire(connection: sa.Connection, tenant: str, amount: int, note: str) -> Entry | None:
    """Take back what there is of an amount; what is held stays."""
    take = min(amount, ledger.purse(connection, tenant).balance)
    return ledger.added(connection, tenant, "expire", take, note=note) if take > 0 else None


def hold(connection: sa.Connection, tenant: str, job: str, price: Price, *, note: str = "asked for") -> Entry:
    """Set a film's price aside. Raises ShortError, and QuotaError."""
    mine = ledger.purse(connection, tenant)
    if mine.balance < price.credits:
        raise ShortError(
            f"this video costs {price.credits} credits and you have {mine.balance}"
            + (f" ({mine.held} more are held for videos that are not done)" if mine.held else "")
            + "; ask for a shorter or smaller one, or the operator for more credits"
        )
    _check_quotas(connection, tenant, price.credits)
    return ledger.added(connection, tenant, "hold", price.credits, job=job, note=note, chunks=price.chunks)


def again(connection: sa.Connection, job: Job) -> None:
    """A job that had ended waits again, for what it cost before. Raises as `hold` does."""
    before = sa.select(entries).where(entries.c.kind == "hold", entries.c.job == job.id)
    last = connection.execute(before.order_by(entries.c.number.desc()).limit(1)).one_or_none()
    if last is not None and ledger.open_hold(connection, job.id) is None:
        price = Price(credits=last.amount, chunks=last.chunks)
        hold(connection, job.tenant, job.id, price, note="retried")


def adjust(connection: sa.Connection, job: Job, price: Price) -> None:
    """A job that waits is to be another film: its hold becomes that one's. Raises as `hold` does."""
    now = ledger.open_hold(connection, job.id)
    if now is not None and (now.amount, now.chunks) != (price.credits, price.chunks):
        release(connection, job.id, note="edited")
        hold(connection, job.tenant, job.id, price, note="edited")


def release(connection: sa.Connection, job: str, *, note: str) -> None:
    """What is held for a job comes back, where there is something."""
    now = ledger.open_hold(connection, job)
    if now is not None:
        ledger.added(
            connection, now.tenant, "release", now.amount, job=job, hold=now.number, settles=now.number, note=note
        )


def ended(connection: sa.Connection, job: Job, state: str, result: Mapping[str, Any] | None) -> None:
    """A job has ended: a film is paid for, a part of one in part, no film comes back whole."""
    now = ledger.open_hold(connection, job.id)
    if now is None:
        return
    if state != "completed":
        release(connection, job.id, note=state)
        return
    stopped = bool((result or {}).get("stopped"))
    paid = max(1, now.amount * min(job.chunks, now.chunks or 1) // (now.chunks or 1)) if stopped else now.amount
    note = f"{job.chunks} of {now.chunks} parts" if stopped else "completed"
    of = {"job": job.id, "hold": now.number}
    ledger.added(connection, now.tenant, "capture", paid, settles=now.number, note=note, **of)
    if paid < now.amount:
        ledger.added(connection, now.tenant, "release", now.amount - paid, note="stopped", **of)


def stale(connection: sa.Connection) -> list[str]:
    """Jobs with a hold that ended while accounts were off, or are gone."""
    there = sa.select(jobs.c.id).where(jobs.c.id == entries.c.job, jobs.c.state.not_in(ENDED))
    return [row.job for row in connection.execute(ledger.opened().where(~there.exists()))]


def settle(connection: sa.Connection, job: str) -> None:
    """What is held for such a job is paid or comes back."""
    row = connection.execute(sa.select(jobs).where(jobs.c.id == job)).one_or_none()
    if row is None:
        release(connection, job, note="deleted")
    elif row.state in ENDED:
        ended(connection, job_of(row), row.state, row.result)


def due(connection: sa.Connection) -> list[str]:
    """Tenants with grants whose time is over, and of which something is left."""
    over = sa.and_(entries.c.kind == "grant", entries.c.expires_at <= time.time())
    tenants = connection.execute(sa.select(entries.c.tenant).where(over).distinct()).scalars()
    return [tenant for tenant in tenants if _left(connection, tenant) > 0]


def lapse(connection: sa.Connection, tenant: str) -> None:
    """Expire what is left of a tenant's grants whose time is over."""
    expire(connection, tenant, _left(connection, tenant), "its time was over")


def _left(connection: sa.Connection, tenant: str) -> int:
    """Whatever was spent or is held counts as spent of what expires, so nobody loses more than is left of that."""
    over = sa.and_(entries.c.tenant == tenant, entries.c.kind == "grant", entries.c.expires_at <= time.time())
    first, given = connection.execute(
        sa.select(sa.func.min(entries.c.number), sa.func.sum(entries.c.amount)).where(over)
    ).one()
    since = sa.and_(entries.c.tenant == tenant, entries.c.number > first, entries.c.kind.in_(("capture", "expire")))
    gone = connection.execute(sa.select(sa.func.sum(entries.c.amount)).where(since)).scalar() or 0
    mine = ledger.purse(connection, tenant)
    return min(mine.balance, int(given or 0) - int(gone) - mine.held)


def _check_quotas(connection: sa.Connection, tenant: str, amount: int) -> None:
    plan, now = plans.of(connection, tenant), time.time()
    for limit, period in ((plan.daily, plans.day(now)), (plan.monthly, plans.month(now))):
        if limit is None:
            continue
        spent = ledger.used(connection, tenant, period.begin)
        if spent + amount > limit:
            raise QuotaError(
                f"this video costs {amount} credits, and {max(0, limit - spent)} of the {limit} that plan {plan.name} "
                f"has for a {period.name} are left; ask for a shorter or smaller one, or come again when the "
                f"{period.name} is over",
                period.end - now,
            )
