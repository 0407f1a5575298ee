"""Credits: what one has, what became of them, and giving some."""

import math
import time
from typing import Annotated, Literal

from fastapi import APIRouter, FastAPI, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from praxino.jobs import credits, ledger, plans
from praxino.jobs.credits import QuotaError, ShortError
from praxino.jobs.database import writing
from praxino.jobs.ledger import Entry
from praxino.jobs.turns import Database
from praxino.server.accounts.who import Operator
from praxino.server.errors import Problem, answer
from praxino.server.openapi import errors
from praxino.server.service import Serving, Tenant, away

router = APIRouter(prefix="/v1/credits", tags=["credits"])


class Quota(BaseModel):
    """How much may be asked for in a day or a month of UTC."""

    limit: int | None = Field(description="Credits; null: no limit.")
    used: int = Field(description="Of all that was asked for, without what was released of it.")
    resets_at: int = Field(description="Seconds since 1970.")


class Credits(BaseModel):
    """What one has."""

    balance: int = Field(description="That can be spent.")
    held: int = Field(description="For videos that are not done.")
    daily: Quota
    monthly: Quota
    plan: str
    charged: bool = Field(description="Whether videos cost one anything here.")


class EntryObject(BaseModel):
    """One line of the ledger; none is ever changed."""

    id: str
    object: Literal["credit_entry"] = "credit_entry"
    kind: Literal["grant", "hold", "capture", "release", "expire"]
    amount: int
    balance: int = Field(description="After it.")
    held: int = Field(description="After it.")
    video_id: str | None = None
    note: str
    created_at: int
    expires_at: int | None = Field(None, description="Of a grant: when what is left of it goes.")


class Entries(BaseModel):
    """Some lines of the ledger."""

    object: Literal["list"] = "list"
    data: list[EntryObject]
    has_more: bool
    first_id: str | None
    last_id: str | None


class Grant(BaseModel):
    """Credits for somebody."""

    model_config = ConfigDict(extra="forbid")

    tenant: str = Field(max_length=64, description="A person's id.", examples=["p_0123456789abcdef"])
    amount: int = Field(ge=1, le=credits.MOST)
    note: str = Field("", max_length=200)
    expires_in_days: float | None = Field(None, gt=0, le=3660, description="null: never.")


@router.get("", responses=errors(503))
async def show(service: Serving, tenant: Tenant) -> Credits:
    """What one has, and how much of it may be spent today and this month."""
    return await away(_shown, service.db, tenant)


@router.get("/entries", responses=errors(400, 503))
async def entries(
    service: Serving,
    tenant: Tenant,
    after: Annotated[
        str | None, Query(pattern=r"^[0-9]{1,9}$", description="The id after which the page begins.", examples=["12"])
    ] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> Entries:
    """What became of one's credits, the newest first."""
    return await away(_listed, service.db, tenant, None if after is None else int(after), limit)


@router.post("/grants", responses=errors(400, 404, 503))
async def grant(service: Serving, who: Operator, asked: Grant) -> EntryObject:
    """Give somebody credits; operators may."""
    if not credits.charged(asked.tenant):
        message = f"{asked.tenant!r} is no person's id, and pays nothing; ids of people begin with {credits.PERSON}"
        raise Problem(status=400, message=message, code="invalid_value", param="tenant")
    return _entry(await away(_granted, service.db, asked, who.name))


def install(app: FastAPI) -> None:
    """From now on every route of the app says so where there are too few credits."""

    @app.exception_handler(ShortError)
    async def short(_request: Request, error: ShortError) -> JSONResponse:
        return answer(Problem(status=402, message=str(error), code="insufficient_credits"))

    @app.exception_handler(QuotaError)
    async def exhausted(_request: Request, error: QuotaError) -> JSONResponse:
        headers = {"Retry-After": str(math.ceil(error.seconds))}
        problem = Problem(
            status=429, message=str(error), code="quota_exhausted", type="rate_limit_error", headers=headers
        )
        return answer(problem)


def _shown(db: Database, tenant: str) -> Credits:
    now = time.time()
    with db.engine.connect() as connection:
        purse, plan = ledger.purse(connection, tenant), plans.of(connection, tenant)
        day, month = (
            Quota(limit=limit, used=ledger.used(connection, tenant, period.begin), resets_at=int(period.end))
            for limit, period in ((plan.daily, plans.day(now)), (plan.monthly, plans.month(now)))
        )
    charged = db.settings.accounts and credits.charged(tenant)
    return Credits(balance=purse.balance, held=purse.held, daily=day, monthly=month, plan=plan.name, charged=charged)


def _listed(db: Database, tenant: str, after: int | None, limit: int) -> Entries:
    with db.engine.connect() as connection:
        found, more = ledger.page(connection, tenant, after=after, limit=limit)
    ends = (str(found[0].number), str(found[-1].number)) if found else (None, None)
    return Entries(data=[_entry(entry) for entry in found], has_more=more, first_id=ends[0], last_id=ends[1])


def _granted(db: Database, asked: Grant, by: str) -> Entry:
    with writing(db.engine) as connection:
        note = asked.note or f"given by {by}"
        return credits.grant(connection, asked.tenant, asked.amount, note, days=asked.expires_in_days)


def _entry(entry: Entry) -> EntryObject:
    return EntryObject(
        id=str(entry.number),
        kind=entry.kind,
        amount=entry.amount,
        balance=entry.balance,
        held=entry.held,
        video_id=entry.job,
        note=entry.note,
        created_at=int(entry.at),
        expires_at=None if entry.expires_at is None else int(entry.expires_at),
    )
