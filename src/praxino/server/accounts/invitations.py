"""Invitations: codes to give away, each of which lets in so many at once."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from praxino.jobs import people_invitations
from praxino.jobs.people_invitations import Invitation, InvitationError, Terms
from praxino.server.accounts.doors import PRINTED, Done
from praxino.server.accounts.who import Me
from praxino.server.errors import Problem
from praxino.server.openapi import errors
from praxino.server.service import Serving, Tenant, away

router = APIRouter(prefix="/invitations")
Id = Annotated[str, Path(pattern=r"^inv_[0-9a-f]{16}$", examples=["inv_0123456789abcdef"])]


class NewInvitation(BaseModel):
    """What a code is to be good for."""

    model_config = ConfigDict(extra="forbid")

    uses: int = Field(1, ge=1, le=100_000, description="How many may come with it.")
    expires_in_days: float | None = Field(14, gt=0, le=3660, allow_inf_nan=False, description="null: it never does.")
    note: str = Field("", max_length=200, pattern=PRINTED, description="For oneself.")
    bonus: int = Field(0, ge=0, le=1_000_000, description="Credits for each who comes; operators may.")


class InvitationObject(BaseModel):
    """A code that is given away."""

    id: str
    object: Literal["invitation"] = "invitation"
    uses: int
    used: int
    bonus: int
    note: str
    created_at: float
    expires_at: float | None
    revoked_at: float | None
    came: list[str] = Field([], description="Names of those who came with it.")
    code: str | None = Field(None, description="Shown once.")


class Invitations(BaseModel):
    """Codes that are given away."""

    object: Literal["list"] = "list"
    data: list[InvitationObject]


@router.post("", responses=errors(400, 404, 409, 503))
async def invite(service: Serving, _tenant: Tenant, who: Me, asked: NewInvitation) -> InvitationObject:
    """A code to give away. Operators have any number; others as many uses as the gate says."""
    if asked.bonus and not who.may("operator"):
        message = f"bonus {asked.bonus}: an operator gives credits; leave it out"
        raise Problem(status=403, message=message, code="not_allowed", type="permission_error", param="bonus")
    terms = Terms(uses=asked.uses, days=asked.expires_in_days, note=asked.note, bonus=asked.bonus)
    try:
        made, code = await away(people_invitations.invite, service.db, who, terms)
    except InvitationError as error:
        raise Problem(status=409, message=str(error), code="no_invitations", param="uses") from None
    return _shown(made, code=code)


@router.get("", responses=errors(404, 503))
async def list_invitations(service: Serving, tenant: Tenant) -> Invitations:
    """One's own, and who came with them."""
    found = await away(people_invitations.of, service.db, tenant)
    came = await away(people_invitations.came, service.db, tenant)
    return Invitations(data=[_shown(one, came=came.get(one.id, [])) for one in found])


@router.delete("/{invitation_id}", responses=errors(400, 404, 503))
async def revoke(service: Serving, _tenant: Tenant, who: Me, invitation_id: Id) -> Done:
    """It lets in nobody any more. Operators take back anybody's."""
    inviter = None if who.may("operator") else who.tenant
    if not await away(lambda: people_invitations.revoke(service.db, invitation_id, inviter=inviter)):
        message = f"there is no invitation {invitation_id!r} that still lets anybody in"
        raise Problem(status=404, message=message, code="not_found", param="invitation_id")
    return Done()


def _shown(made: Invitation, *, code: str | None = None, came: list[str] | None = None) -> InvitationObject:
    known = {name: value for name, value in vars(made).items() if name != "inviter"}
    return InvitationObject(**known, code=code, came=came or [])
