"""Votes: two films of the same words side by side, and which is better, without saying who made them.

A tenant compares what it may see: works of everybody, and its own videos. Two films are compared that have the same
prompt, length and size, of different models; where nowhere there are such, of one model with different settings, and
those are left out of the table.
"""

import random
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import sqlalchemy as sa

from praxino.jobs.database import jobs, tables, writing
from praxino.jobs.preference import Meeting
from praxino.jobs.turns import Database
from praxino.jobs.works import works

Choice = Literal["a", "b", "same"]
Compares = Literal["models", "settings"]
RECENT = 2000
"""Films that are looked at for a pair, the newest."""
SETTINGS = ("steps", "guidance", "best_of", "negative", "fit")

votes = sa.Table(
    "praxino_votes",
    tables,
    sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("tenant", sa.Text, nullable=False),
    sa.Column("pair", sa.Text, nullable=False),  # both videos, in alphabetical order
    sa.Column("compares", sa.Text, nullable=False),
    sa.Column("prompt", sa.Text, nullable=False),
    sa.Column("a", sa.Text, nullable=False),  # a video
    sa.Column("b", sa.Text, nullable=False),
    sa.Column("a_model", sa.Text, nullable=False),
    sa.Column("b_model", sa.Text, nullable=False),
    sa.Column("choice", sa.Text),
    sa.Column("asked_at", sa.Float, nullable=False),
    sa.Column("voted_at", sa.Float),
    sa.UniqueConstraint("tenant", "pair", name="praxino_votes_pair"),
)


class VotedError(Exception):
    """The vote was cast, otherwise."""


@dataclass(frozen=True, kw_only=True)
class Vote:
    """Two films that a tenant is asked about."""

    id: str
    tenant: str
    compares: Compares
    prompt: str
    a: str
    b: str
    a_model: str
    b_model: str
    choice: Choice | None


@dataclass(frozen=True, kw_only=True)
class Film:
    """A film that can be compared."""

    video: str
    model: str
    prompt: str
    seconds: float
    width: int
    height: int
    settings: tuple[Any, ...]

    @property
    def group(self) -> tuple[Any, ...]:
        """What films have in common that can be compared."""
        return self.prompt, round(self.seconds, 2), self.width, self.height


def following(db: Database, tenant: str) -> Vote | None:
    """The next two films of which this tenant has not said which is better; None where there are none.

    Asked again before it votes, the same two.
    """
    with db.engine.connect() as connection:
        seen = _seen(connection, tenant)
    with writing(db.engine) as connection:
        films = {film.video: film for film in seen}
        waiting = sa.select(votes).where(votes.c.tenant == tenant, votes.c.choice.is_(None))
        for row in connection.execute(waiting.order_by(votes.c.number)):
            if row.a in films and row.b in films:
                return _vote(row)
            connection.execute(votes.delete().where(votes.c.id == row.id))
        asked = set(connection.execute(sa.select(votes.c.pair).where(votes.c.tenant == tenant)).scalars())
        pair = _chosen(seen, asked, _met(connection))
        if pair is None:
            return None
        name = f"vote_{secrets.token_hex(12)}"
        a, b = random.sample(pair, 2)  # which is on the left says nothing
        values = {
            "id": name,
            "tenant": tenant,
            "pair": _pair(a, b),
            "compares": "models" if a.model != b.model else "settings",
            "prompt": a.prompt,
            "a": a.video,
            "b": b.video,
            "a_model": a.model,
            "b_model": b.model,
            "asked_at": time.time(),
        }
        connection.execute(votes.insert().values(**values))
        return _vote(connection.execute(sa.select(votes).where(votes.c.id == name)).one())


def get(db: Database, tenant: str, vote: str) -> Vote | None:
    """One that this tenant was asked for."""
    with db.engine.connect() as connection:
        row = connection.execute(sa.select(votes).where(votes.c.id == vote, votes.c.tenant == tenant)).one_or_none()
    return None if row is None else _vote(row)


def visible(db: Database, tenant: str, video: str) -> bool:
    """Whether this tenant may see a film still."""
    with db.engine.connect() as connection:
        return (
            connection.execute(sa.select(jobs.c.id).where(jobs.c.id == video, _shown(tenant))).one_or_none() is not None
        )


def cast(db: Database, vote: Vote, choice: Choice) -> Vote:
    """Say which is better; once. Raises VotedError."""
    with writing(db.engine) as connection:
        now = connection.execute(sa.select(votes.c.choice).where(votes.c.id == vote.id)).scalar()
        if now not in {None, choice}:
            raise VotedError(f"{vote.id} was cast for {now!r}; a vote stands")
        if now is None:
            connection.execute(votes.update().where(votes.c.id == vote.id).values(choice=choice, voted_at=time.time()))
        return _vote(connection.execute(sa.select(votes).where(votes.c.id == vote.id)).one())


def meetings(db: Database) -> list[Meeting]:
    """All votes between different models, for `preference.strengths`."""
    where = [votes.c.choice.is_not(None), votes.c.compares == "models"]
    with db.engine.connect() as connection:
        rows = connection.execute(sa.select(votes.c.a_model, votes.c.b_model, votes.c.choice).where(*where)).all()
    return [Meeting(a=row.a_model, b=row.b_model, choice=row.choice) for row in rows]


def counted(db: Database) -> tuple[int, int]:
    """Votes between settings of one model, which are in no table; and how many have voted at all."""
    left_out = sa.func.count(sa.case((votes.c.compares == "settings", 1)))
    wanted = sa.select(left_out, sa.func.count(sa.distinct(votes.c.tenant))).where(votes.c.choice.is_not(None))
    with db.engine.connect() as connection:
        row = connection.execute(wanted).one()
    return row[0], row[1]


def _shown(tenant: str) -> sa.ColumnElement[bool]:
    """Of completed videos, those that a tenant may see."""
    published = sa.select(works.c.video).where(works.c.state == "published")
    may = sa.or_(jobs.c.tenant == tenant, jobs.c.id.in_(published))
    return sa.and_(jobs.c.state == "completed", jobs.c.wanted.is_distinct_from("delete"), may)


def _seen(connection: sa.Connection, tenant: str) -> list[Film]:
    """Films that can be compared: whole ones, that are no drafts and do not begin with something given."""
    wanted = sa.select(jobs.c.id, jobs.c.about, jobs.c.work, jobs.c.result).where(_shown(tenant))
    found: list[Film] = []
    for row in connection.execute(wanted.order_by(jobs.c.sequence.desc()).limit(RECENT)):
        if row.work.get("draft") or row.work.get("files") or (row.result or {}).get("stopped"):
            continue
        request, about = row.work.get("request", {}), row.about
        film = Film(
            video=row.id,
            model=about["model"],
            prompt=str(about.get("prompt", "")).strip(),
            seconds=about["seconds"],
            width=about["width"],
            height=about["height"],
            settings=tuple(request.get(name) for name in SETTINGS),
        )
        found.append(film)
    return found


def _chosen(films: Iterable[Film], asked: set[str], met: dict[tuple[str, str], int]) -> tuple[Film, Film] | None:
    """A pair of the models that have met least often; where there are no two, of different settings."""
    groups: dict[tuple[Any, ...], list[Film]] = {}
    for film in films:
        groups.setdefault(film.group, []).append(film)
    pairs = [pair for group in groups.values() for pair in combinations(group[:50], 2)]
    between = [pair for pair in pairs if pair[0].model != pair[1].model]
    if not between:
        between = [pair for pair in pairs if pair[0].settings != pair[1].settings]
    fresh = [pair for pair in between if _pair(*pair) not in asked]
    if not fresh:
        return None
    least = min(met.get(_models(*pair), 0) for pair in fresh)
    return random.choice([pair for pair in fresh if met.get(_models(*pair), 0) == least])


def _met(connection: sa.Connection) -> dict[tuple[str, str], int]:
    wanted = sa.select(votes.c.a_model, votes.c.b_model).where(votes.c.choice.is_not(None))
    found: dict[tuple[str, str], int] = {}
    for row in connection.execute(wanted):
        one, other = sorted((row.a_model, row.b_model))
        found[one, other] = found.get((one, other), 0) + 1
    return found


def _pair(a: Film, b: Film) -> str:
    return " ".join(sorted((a.video, b.video)))


def _models(a: Film, b: Film) -> tuple[str, str]:
    one, other = sorted((a.model, b.model))
    return one, other


def _vote(row: sa.Row[Any]) -> Vote:
    return Vote(**{name: getattr(row, name) for name in Vote.__dataclass_fields__})
