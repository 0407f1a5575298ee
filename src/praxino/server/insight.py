"""Figures: a maker's own, and the service's for its operator."""

import time
from collections.abc import Sequence
from statistics import median
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from praxino.jobs import insight, queue, sweep
from praxino.jobs.insight import Film
from praxino.jobs.turns import Database
from praxino.server.accounts.who import Operator
from praxino.server.openapi import errors
from praxino.server.service import Serving, Tenant, away

router = APIRouter(prefix="/v1/insight", tags=["insight"])
DAY = 86_400
WEEK = 7 * DAY


class Made(BaseModel):
    """What came of films."""

    made: int = Field(description="Films completed.")
    kept: int = Field(description="Of these, not deleted; those that expired count as kept.")
    published: int = Field(description="Of these, published, at some time.")
    remixed: int = Field(description="Videos that others made from one's works.")
    hit_rate: float | None = Field(description="Kept or published, of all that were made.")
    seconds: float = Field(description="Of film.")
    credits: int | None = Field(description="That they cost; none where accounts are off.")


class WeekOf(Made):
    """The same of a week (ISO 8601, UTC)."""

    week: str


class MakerInsight(Made):
    """What a maker made, in all the weeks and in each."""

    weeks: list[WeekOf]


class Load(BaseModel):
    """What there is to do now."""

    queued: int
    in_progress: int
    paused: int
    workers: int
    queue_seconds: float = Field(description="Until all of it is made.")


class Promises(BaseModel):
    """What films were said to take, against what they took: of those that nobody paused, stopped or retried."""

    films: int
    within_p90_share: float | None = Field(description="Made within the quote's p90; 0.9 is as promised.")
    median_error: float | None = Field(description="Of the quote's p50, as a share of it: 0.1 is a tenth off.")
    waits: int = Field(description="Films whose wait was foretold.")
    wait_promised_s: float | None = Field(description="Median.")
    wait_actual_s: float | None = Field(description="Median.")
    wait_median_error_s: float | None


class Cost(BaseModel):
    """What film costs."""

    films: int
    failed: int
    minutes: float = Field(description="Of film.")
    device_seconds_per_minute: float | None = Field(description="Of film.")


class ModelInsight(Cost, Promises):
    """The same of one model."""

    model: str


class ServiceInsight(BaseModel):
    """How the service does."""

    days: int
    load: Load
    promises: Promises
    cost: Cost
    models: list[ModelInsight]


@router.get("", responses=errors(400, 503))
async def mine(service: Serving, tenant: Tenant, weeks: Annotated[int, Query(ge=1, le=104)] = 12) -> MakerInsight:
    """What one made, kept, published, and what came of it, in these weeks."""
    return await away(_mine, service.db, tenant, weeks)


def _mine(db: Database, tenant: str, weeks: int) -> MakerInsight:
    now = time.time()
    begins = now - (weeks - 1) * WEEK
    since = begins - (begins - 4 * DAY) % WEEK  # 1970 began on a Thursday
    films = insight.films(db, since, tenant=tenant)
    remixed = insight.remixed(db, tenant, since)
    paid = insight.paid(db, tenant, since) if db.settings.accounts else None

    def of(name: str | None) -> Made:
        in_it = [film for film in films if name in {None, insight.week(film.ended_at)}]
        tally = insight.tally(in_it)
        return Made(
            made=tally.made,
            kept=tally.kept,
            published=tally.published,
            remixed=sum(name in {None, insight.week(at)} for at in remixed),
            hit_rate=tally.hit_rate,
            seconds=round(tally.seconds, 3),
            credits=None if paid is None else sum(many for at, many in paid if name in {None, insight.week(at)}),
        )

    names = [insight.week(since + WEEK * (k + 0.5)) for k in range(weeks)]
    table = [WeekOf(week=name, **of(name).model_dump()) for name in names]
    return MakerInsight(**of(None).model_dump(), weeks=table)


@router.get("/service", responses=errors(400, 403, 503))
async def service_wide(
    service: Serving, _operator: Operator, days: Annotated[int, Query(ge=1, le=366)] = 28
) -> ServiceInsight:
    """Load, waiting times promised and actual, and what a minute of film costs: of all, and by model."""
    return await away(_service, service.db, days)


def _service(db: Database, days: int) -> ServiceInsight:
    since = time.time() - days * DAY
    films, failed, states = insight.films(db, since), insight.failed(db, since), insight.states(db)
    models = sorted({film.model for film in films} | set(failed))
    rows: list[ModelInsight] = []
    for name in models:
        own = [film for film in films if film.model == name]
        told = _cost(own, failed.get(name, 0)).model_dump() | _promises(own).model_dump()
        rows.append(ModelInsight(model=name, **told))
    return ServiceInsight(
        days=days,
        load=Load(
            queued=states.get("queued", 0),
            in_progress=states.get("in_progress", 0),
            paused=states.get("paused", 0),
            workers=sweep.staff(db),
            queue_seconds=round(queue.busy(db), 1),
        ),
        promises=_promises(films),
        cost=_cost(films, sum(failed.values())),
        models=rows,
    )


def _promises(films: Sequence[Film]) -> Promises:
    told = [
        (film.device, film.quote["seconds_p50"], film.quote["seconds_p90"])
        for film in films
        if film.straight and film.quote and film.device is not None
    ]
    waits = [
        (film.quote["queue_seconds"], film.started_at - film.created_at)
        for film in films
        if film.straight and film.started_at and film.quote and "queue_seconds" in film.quote
    ]
    return Promises(
        films=len(told),
        within_p90_share=round(sum(took <= high for took, _, high in told) / len(told), 4) if told else None,
        median_error=_median([abs(took - likely) / max(likely, 0.1) for took, likely, _ in told], 4),
        waits=len(waits),
        wait_promised_s=_median([promised for promised, _ in waits]),
        wait_actual_s=_median([actual for _, actual in waits]),
        wait_median_error_s=_median([abs(actual - promised) for promised, actual in waits]),
    )


def _cost(films: Sequence[Film], failed: int) -> Cost:
    timed = [film for film in films if film.straight and film.device is not None]
    length = sum(film.seconds for film in timed)
    device = sum(film.device or 0 for film in timed)
    return Cost(
        films=len(films),
        failed=failed,
        minutes=round(sum(film.seconds for film in films) / 60, 3),
        device_seconds_per_minute=round(60 * device / length, 2) if length else None,
    )


def _median(values: Sequence[float], places: int = 2) -> float | None:
    return round(median(values), places) if values else None
