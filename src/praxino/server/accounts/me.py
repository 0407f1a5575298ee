"""Who one is here."""

from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from praxino.jobs import credits, ledger
from praxino.jobs.people import Role, Who
from praxino.server.accounts import cookies
from praxino.server.accounts.who import Me
from praxino.server.openapi import errors
from praxino.server.service import SESSION, Service, Serving, away

router = APIRouter(tags=["accounts"])


class Purse(BaseModel):
    """Credits."""

    balance: int
    held: int


class MeObject(BaseModel):
    """Who one is."""

    tenant: str
    name: str
    role: Role
    state: Literal["waiting", "admitted", "suspended"] = Field(description="Only who is admitted can ask for videos.")
    accounts: bool = Field(description="Whether people apply and log in here.")
    credits: Purse | None = Field(description="null: videos cost one nothing.")


@router.get("/v1/me", responses=errors(503))
async def me(request: Request, response: Response, service: Serving, who: Me) -> MeObject:
    """Who one is, whatever one came with. A session lasts longer for it."""
    if who.session is not None:
        cookies.put(request, response, request.cookies[SESSION])
    return await shown(service, who)


async def shown(service: Service, who: Who) -> MeObject:
    """Somebody, as an answer."""
    on = service.db.settings.accounts
    assert who.state != "deleted"
    return MeObject(
        tenant=who.tenant,
        name=who.name,
        role=who.role,
        state=who.state,
        accounts=on,
        credits=await away(_purse, service, who.tenant) if on and credits.charged(who.tenant) else None,
    )


def _purse(service: Service, tenant: str) -> Purse:
    with service.db.engine.connect() as connection:
        return Purse(**vars(ledger.purse(connection, tenant)))
