"""Works: completed videos that their makers show to everybody of this service, under a title.

A work belongs to its video: where that is deleted, the work is gone. Its row stays, without media, so that what was
made from it goes on giving credit. A published video does not expire; one that is taken back is kept for as long as a
new one (docs/moderation.md).
"""

import secrets
import time
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from praxino.jobs.database import jobs, tables, writing
from praxino.jobs.job import Job
from praxino.jobs.people import people
from praxino.jobs.turns import Database

State = Literal["published", "withdrawn", "removed", "gone"]
SOMEBODY = "somebody who has left"

works = sa.Table(
    "praxino_works",
    tables,
    sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("video", sa.Text, nullable=False, unique=True),
    sa.Column("tenant", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("prompt", sa.Text, nullable=False),
    sa.Column("words", sa.Text, nullable=False),  # title and prompt, as they are searched
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("height", sa.Integer, nullable=False),
    sa.Column("of", sa.Text),  # the work that it was made from
    sa.Column("published_at", sa.Float, nullable=False),  # for the first time
    sa.Column("changed_at", sa.Float, nullable=False),  # its state
    sa.Index("praxino_works_state", "state", "number"),
    sa.Index("praxino_works_tenant", "tenant"),
)

remixes = sa.Table(  # of works; what is counted outlives both
    "praxino_remixes",
    tables,
    sa.Column("video", sa.Text, primary_key=True),
    sa.Column("work", sa.Text, nullable=False),
    sa.Column("tenant", sa.Text, nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Index("praxino_remixes_work", "work"),
)


class RemovedError(Exception):
    """A moderator took the work down; its maker cannot publish it again."""


@dataclass(frozen=True, kw_only=True)
class Credit:
    """Whose work something was made from."""

    id: str
    title: str
    by: str


@dataclass(frozen=True, kw_only=True)
class Work:
    """A work as everybody sees it."""

    number: int
    id: str
    video: str
    tenant: str
    state: State
    title: str
    prompt: str
    by: str
    model: str
    seconds: float
    width: int
    height: int
    of: Credit | None
    remixes: int
    published_at: float


def publish(db: Database, job: Job, title: str) -> Work:
    """Show a completed video, or give it another title. Raises RemovedError."""
    result, now = job.result or {}, time.time()
    prompt = str(job.about.get("prompt", ""))
    told: dict[str, Any] = {"state": "published", "title": title, "words": folded(f"{title}\n{prompt}")}
    with writing(db.engine) as connection:
        had = connection.execute(sa.select(works.c.id, works.c.state).where(works.c.video == job.id)).one_or_none()
        if had is not None and had.state == "removed":
            raise RemovedError(job.id)
        if had is None:
            name = f"work_{secrets.token_hex(12)}"
            told |= {
                "id": name,
                "video": job.id,
                "tenant": job.tenant,
                "prompt": prompt,
                "model": job.about["model"],
                "seconds": result.get("seconds", job.about["seconds"]),
                "width": result.get("width", job.about["width"]),
                "height": result.get("height", job.about["height"]),
                "of": job.about.get("of"),
                "published_at": now,
                "changed_at": now,
            }
            connection.execute(works.insert().values(**told))
        else:
            name = str(had.id)
            connection.execute(works.update().where(works.c.id == name).values(**told, changed_at=now))
        _tell(connection, job.id, work=name)
        return _read(connection, [works.c.id == name])[0]


def withdraw(db: Database, job: Job) -> Work | None:
    """Show it no more; None where it was not shown."""
    with writing(db.engine) as connection:
        found = _read(connection, [works.c.video == job.id, works.c.state == "published"])
        if found:
            turn(connection, found[0].id, "withdrawn")
        return found[0] if found else None


def turn(connection: sa.Connection, work: str, state: State) -> None:
    """Give a work another state, and its video with it."""
    connection.execute(works.update().where(works.c.id == work).values(state=state, changed_at=time.time()))
    video = connection.execute(sa.select(works.c.video).where(works.c.id == work)).scalar_one()
    _tell(connection, video, work=work if state == "published" else None)


def gone(connection: sa.Connection, video: str) -> None:
    """Its video is no more; the title stays for who gives credit, the words go."""
    where = sa.and_(works.c.video == video, works.c.state != "gone")
    connection.execute(works.update().where(where).values(state="gone", prompt="", words="", changed_at=time.time()))


def kept(oldest: float) -> sa.Select[tuple[str]]:
    """Ids of videos that do not expire: those published, and those taken back or down after a time."""
    taken = sa.and_(works.c.state.in_(("withdrawn", "removed")), works.c.changed_at >= oldest)
    return sa.select(works.c.video).where(sa.or_(works.c.state == "published", taken))


def get(db: Database, work: str) -> Work | None:
    """A work, whatever its state."""
    with db.engine.connect() as connection:
        found = _read(connection, [works.c.id == work])
    return found[0] if found else None


def some(db: Database, ids: Iterable[str]) -> dict[str, Work]:
    """Works by their ids, whatever their state."""
    with db.engine.connect() as connection:
        return {work.id: work for work in _read(connection, [works.c.id.in_(list(ids))])}


def page(db: Database, *, after: Work | None, limit: int, search: str | None) -> tuple[list[Work], bool]:
    """Published works, the newest first, and whether there are more; of those with a text in title or prompt."""
    where: list[sa.ColumnElement[bool]] = [works.c.state == "published"]
    if after is not None:
        where.append(works.c.number < after.number)
    if search is not None and search.strip():
        where.append(works.c.words.contains(folded(search.strip()), autoescape=True))
    with db.engine.connect() as connection:
        found = _read(connection, where, limit=limit + 1)
    return found[:limit], len(found) > limit


def source(db: Database, work: Work) -> Job | None:
    """The video of a work, for a remix."""
    from praxino.jobs.job import job_of

    with db.engine.connect() as connection:
        row = connection.execute(sa.select(jobs).where(jobs.c.id == work.video)).one_or_none()
    return None if row is None or row.wanted == "delete" else job_of(row)


def remixed(db: Database, work: Work, video: Job) -> None:
    """Count a video as made from a work; once."""
    values = {"video": video.id, "work": work.id, "tenant": video.tenant, "at": time.time()}
    with writing(db.engine) as connection:
        if connection.execute(sa.select(remixes.c.video).where(remixes.c.video == video.id)).one_or_none() is None:
            connection.execute(remixes.insert().values(**values))


def credit(db: Database, work: str) -> Credit | None:
    """What is told of a work wherever something was made from it, also after it is gone."""
    found = get(db, work)
    return None if found is None else Credit(id=found.id, title=found.title, by=found.by)


def folded(text: str) -> str:
    """As texts are compared: without case and width."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def _tell(connection: sa.Connection, video: str, *, work: str | None) -> None:
    """Keep with a video under what it is published, or when that ended."""
    about = connection.execute(sa.select(jobs.c.about).where(jobs.c.id == video)).scalar_one_or_none()
    if about is not None:
        told = {name: value for name, value in about.items() if name not in {"work", "kept_since"}}
        told |= {"kept_since": time.time()} if work is None else {"work": work}
        connection.execute(jobs.update().where(jobs.c.id == video).values(about=told))


def _read(connection: sa.Connection, where: list[sa.ColumnElement[bool]], *, limit: int | None = None) -> list[Work]:
    count = sa.select(sa.func.count()).where(remixes.c.work == works.c.id).scalar_subquery()
    first, writer, their = works.alias(), people.alias(), people.alias()
    wanted = (
        sa.select(
            *[works.c[name] for name in ("number", "id", "video", "tenant", "state", "title", "prompt", "model")],
            *[works.c[name] for name in ("seconds", "width", "height", "of", "published_at")],
            count.label("remixes"),
            name_of(writer, works.c.tenant).label("by"),
            first.c.title.label("of_title"),
            name_of(their, first.c.tenant).label("of_by"),
        )
        .select_from(works)
        .outerjoin(writer, writer.c.id == works.c.tenant)
        .outerjoin(first, first.c.id == works.c.of)
        .outerjoin(their, their.c.id == first.c.tenant)
        .where(*where)
        .order_by(works.c.number.desc())
        .limit(limit)
    )
    return [_work(dict(row)) for row in connection.execute(wanted).mappings()]


def name_of(person: sa.FromClause, tenant: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
    """A person's name, while they are here; else that of the key's tenant."""
    return sa.case((person.c.id.is_(None), tenant), else_=sa.func.coalesce(person.c.name, SOMEBODY))


def _work(row: dict[str, Any]) -> Work:
    title, by = row.pop("of_title"), row.pop("of_by")
    row["of"] = None if title is None else Credit(id=row["of"], title=title, by=by)
    return Work(**row)
