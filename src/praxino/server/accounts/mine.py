"""What is one's own: keys, everything that is kept about one, and leaving."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from praxino.jobs import people_keys, people_leave
from praxino.jobs.keys import Key
from praxino.server.accounts import cookies
from praxino.server.accounts.doors import THROTTLED, Done, Password, person, verified
from praxino.server.accounts.who import Me
from praxino.server.errors import Problem
from praxino.server.openapi import errors
from praxino.server.service import Serving, Tenant, away

router = APIRouter()
KeyId = Annotated[str, Path(pattern=r"^[0-9a-f]{8}$", examples=["0123abcd"])]


class KeyObject(BaseModel):
    """An API key."""

    id: str
    object: Literal["api_key"] = "api_key"
    created_at: float
    key: str | None = Field(None, description="Shown once: Authorization: Bearer px_...")


class Keys(BaseModel):
    """API keys."""

    object: Literal["list"] = "list"
    data: list[KeyObject]


class Export(BaseModel):
    """All that is kept about a person: the account, and rows that are theirs, by what they are rows of."""

    model_config = ConfigDict(extra="allow")

    account: dict[str, Any]
    sessions: list[dict[str, Any]]
    keys: list[dict[str, Any]]
    videos: list[dict[str, Any]]
    invitations: list[dict[str, Any]]


class Leave(BaseModel):
    """That it is really they who leave."""

    model_config = ConfigDict(extra="forbid")

    password: Password


@router.get("/keys", response_model_exclude_none=True, responses=errors(404, 503))
async def list_keys(service: Serving, tenant: Tenant) -> Keys:
    """One's API keys, without what only their owner knows."""
    return Keys(data=[_shown(key) for key in await away(people_keys.of, service.db, tenant)])


@router.post("/keys", response_model_exclude_none=True, responses=errors(404, 409, 503))
async def create_key(service: Serving, tenant: Tenant) -> KeyObject:
    """A new API key; it does what its owner may do."""
    try:
        made, key = await away(people_keys.create, service.db, tenant)
    except people_keys.ManyError as error:
        raise Problem(status=409, message=str(error), code="too_many_keys") from None
    return _shown(made, key)


@router.delete("/keys/{key_id}", responses=errors(400, 404, 503))
async def revoke_key(service: Serving, tenant: Tenant, key_id: KeyId) -> Done:
    """From now on it opens nothing; on other servers within five seconds."""
    if not await away(people_keys.revoke, service.db, tenant, key_id):
        raise Problem(status=404, message=f"there is no key {key_id!r}", code="not_found", param="key_id")
    service.forget(key_id)
    return Done()


@router.get("/export", responses=errors(404, 503))
async def export(service: Serving, who: Me) -> Export:
    """Everything that is kept about one, but for the films themselves and the log of their making."""
    await away(person, service.db, who.tenant)
    return Export(**await away(people_leave.export, service.db, who.tenant))


@router.delete("/me", responses=errors(400, 404, 503) | THROTTLED)
async def leave(response: Response, service: Serving, who: Me, asked: Leave) -> Done:
    """Leave. Videos are called off and removed, sessions and keys open nothing, and a row without a name is left."""
    await away(person, service.db, who.tenant)
    await verified(service, who.tenant, asked.password, "password")
    await away(people_leave.leave, service.db, service.storage, who.tenant)
    service.known.clear()
    cookies.take(response)
    return Done()


def _shown(key: Key, secret: str | None = None) -> KeyObject:
    return KeyObject(id=key.id, created_at=key.created_at, key=secret)
