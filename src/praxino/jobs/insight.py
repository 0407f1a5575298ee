"""Figures: of what a maker made, and of how the service kept its word.

A film that is deleted or expires leaves a row of numbers here (`past`), without its words, so that figures do not get
better by deleting what is bad.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from praxino.jobs.database import events, jobs, tables
from praxino.jobs.ledger import entries
from praxino.jobs.turns import Database
from praxino.jobs.works import remixes, works

past = sa.Table(
    "praxino_past",
    tables,
    sa.Column("video", sa.Text, primary_key=True),
    sa.Column("tenant", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("quote", sa.JSON),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("started_at", sa.Float),
    sa.Column("ended_at", sa.Float, nullable=False),
    sa.Column("straight", sa.Boolean, nullable=False),
    sa.Column("expired", sa.Boolean, nullable=False),  # it was not deleted by anybody
    sa.Index("praxino_past_ended", "ended_at"),
    sa.Index("praxino_past_tenant", "tenant", "ended_at"),
)


NUMBERS = ("video", "tenant", "model", "seconds", "quote", "created_at", "started_at", "ended_at", "straight")


@dataclass(frozen=True, kw_only=True)
class Film:
    """A completed film, in numbers."""

    video: str
    model: str
    seconds: float
    quote: dict[str, float] | None
    created_at: float
    started_at: float | None
    ended_at: float
    straight: bool  # nobody paused, stopped or retried it, so that its time can be held against its quote
    deleted: bool
    published: bool  # ever

    @property
    def device(self) -> float | None:
        """Seconds that it took to make."""
        return None if self.started_at is None else self.ended_at - self.started_at


@dataclass(frozen=True, kw_only=True)
class Tally:
    """What came of some films."""

    made: int
    kept: int  # not deleted by their maker
    published: int
    hits: int  # kept or published
    seconds: float

    @property
    def hit_rate(self) -> float | None:
        """Kept or published, of all that were made; None where none was."""
        return self.hits / self.made if self.made else None


def leave(connection: sa.Connection, video: str, *, expired: bool) -> None:
    """Before a job is erased: its numbers stay, where it was completed."""
    row = connection.execute(
        sa.select(*_columns()).where(jobs.c.id == video, jobs.c.state == "completed")
    ).one_or_none()
    if row is not None:
        told = {name: getattr(row, name) for name in NUMBERS}
        connection.execute(past.insert().values(**told, expired=expired))


def films(db: Database, since: float, *, tenant: str | None = None) -> list[Film]:
    """All films completed since a time, of a tenant or of everybody, the oldest first."""
    here = [jobs.c.state == "completed", jobs.c.ended_at >= since]
    there = [past.c.ended_at >= since]
    if tenant is not None:
        here.append(jobs.c.tenant == tenant)
        there.append(past.c.tenant == tenant)
    shown = sa.select(works.c.video)
    with db.engine.connect() as connection:
        rows = connection.execute(sa.select(*_columns(), jobs.c.id.in_(shown).label("published")).where(*here)).all()
        gone = connection.execute(sa.select(past, past.c.video.in_(shown).label("published")).where(*there)).all()
    found = [_film(row, deleted=False) for row in rows] + [_film(row, deleted=not row.expired) for row in gone]
    return sorted(found, key=lambda film: film.ended_at)


def tally(made: Sequence[Film]) -> Tally:
    """What came of these."""
    return Tally(
        made=len(made),
        kept=sum(not film.deleted for film in made),
        published=sum(film.published for film in made),
        hits=sum(film.published or not film.deleted for film in made),
        seconds=sum(film.seconds for film in made),
    )


def remixed(db: Database, tenant: str, since: float) -> list[float]:
    """When others made something from this tenant's works."""
    mine = sa.select(works.c.id).where(works.c.tenant == tenant)
    wanted = sa.select(remixes.c.at).where(remixes.c.work.in_(mine), remixes.c.tenant != tenant, remixes.c.at >= since)
    with db.engine.connect() as connection:
        return list(connection.execute(wanted).scalars())


def paid(db: Database, tenant: str, since: float) -> list[tuple[float, int]]:
    """Credits that this tenant's films cost, and when."""
    where = [entries.c.tenant == tenant, entries.c.kind == "capture", entries.c.at >= since]
    with db.engine.connect() as connection:
        return [
            (row.at, row.amount) for row in connection.execute(sa.select(entries.c.at, entries.c.amount).where(*where))
        ]


def failed(db: Database, since: float) -> dict[str, int]:
    """How many jobs failed since a time, of each model."""
    model = jobs.c.about["model"].as_string()
    wanted = sa.select(model, sa.func.count()).where(jobs.c.state == "failed", jobs.c.ended_at >= since)
    with db.engine.connect() as connection:
        return {str(row[0]): row[1] for row in connection.execute(wanted.group_by(model))}


def states(db: Database) -> dict[str, int]:
    """How many jobs there are in each state."""
    with db.engine.connect() as connection:
        rows = connection.execute(sa.select(jobs.c.state, sa.func.count()).group_by(jobs.c.state))
        return {row[0]: row[1] for row in rows}


def week(at: float) -> str:
    """The week of ISO 8601 (UTC) that a time is in: 2026-W48."""
    return time.strftime("%G-W%V", time.gmtime(at))


def _columns() -> list[sa.ColumnElement[Any]]:
    broken = sa.select(events.c.job).where(events.c.kind.in_(("paused", "retried")))
    stopped = sa.func.coalesce(jobs.c.result["stopped"].as_string(), "false")  # SQLite's 0; or chunks, of how many
    return [
        jobs.c.id.label("video"),
        jobs.c.tenant,
        jobs.c.about["model"].as_string().label("model"),
        sa.func.coalesce(jobs.c.result["seconds"].as_float(), jobs.c.about["seconds"].as_float()).label("seconds"),
        jobs.c.quote,
        jobs.c.created_at,
        jobs.c.started_at,
        jobs.c.ended_at,
        sa.and_(jobs.c.id.not_in(broken), stopped.in_(("false", "0", "null"))).label("straight"),
    ]


def _film(row: sa.Row[Any], *, deleted: bool) -> Film:
    names = ("video", "model", "seconds", "quote", "created_at", "started_at", "ended_at")
    told = {name: getattr(row, name) for name in names}
    return Film(**told, straight=bool(row.straight), deleted=deleted, published=bool(row.published))
