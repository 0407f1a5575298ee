"""All of it: the router of the accounts, where there are any, and of who one is, which there always is."""

from fastapi import APIRouter, Depends

from praxino.server.accounts import doors, invitations, me, mine, staff
from praxino.server.errors import Problem
from praxino.server.service import Serving


async def _on(service: Serving) -> None:
    if not service.db.settings.accounts:
        message = "there are no accounts here; the operator starts them with `praxino serve --accounts`"
        raise Problem(status=404, message=message, code="accounts_off")


router = APIRouter()
router.include_router(me.router)
for module in (doors, mine, invitations, staff):
    router.include_router(module.router, prefix="/v1/accounts", tags=["accounts"], dependencies=[Depends(_on)])
