"""Webhooks: addresses that are told when a video is made or not, signed by Standard Webhooks."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from praxino.jobs import letters
from praxino.jobs.letters import KINDS, Endpoint
from praxino.server.errors import Problem
from praxino.server.openapi import errors
from praxino.server.service import Serving, Tenant, away

router = APIRouter(prefix="/v1/webhook_endpoints", tags=["webhooks"])
Id = Annotated[str, Path(examples=["we_0123456789abcdef01234567"])]


class NewEndpoint(BaseModel):
    """An address that wants to hear."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field("", max_length=100)
    url: str = Field(max_length=2000, description="https://...", examples=["https://example.com/hook"])
    event_types: list[str] = Field(default=list(KINDS), max_length=20)


class EndpointObject(BaseModel):
    """An address that hears."""

    id: str
    object: Literal["webhook_endpoint"] = "webhook_endpoint"
    name: str
    url: str
    event_types: list[str]
    created_at: int
    secret: str | None = Field(None, description="Shown once; `client.webhooks.unwrap` wants it.")


class Endpoints(BaseModel):
    """The addresses that hear."""

    object: Literal["list"] = "list"
    data: list[EndpointObject]


class Removed(BaseModel):
    """An address that hears no more."""

    id: str
    object: Literal["webhook_endpoint.deleted"] = "webhook_endpoint.deleted"
    deleted: Literal[True] = True


@router.post("", response_model_exclude_none=True, responses=errors(400, 503))
async def add(service: Serving, tenant: Tenant, asked: NewEndpoint) -> EndpointObject:
    """Be told of one's videos. The answer holds the secret that the messages are signed with."""
    try:
        made = await away(
            lambda: letters.add(service.db, tenant, name=asked.name, url=asked.url, kinds=asked.event_types)
        )
    except ValueError as error:
        param = "event_types" if "event type" in str(error) else "url"
        raise Problem(status=400, message=str(error), code="invalid_value", param=param) from None
    return _shown(made, secret=made.secret)


@router.get("", response_model_exclude_none=True, responses=errors(503))
async def list_endpoints(service: Serving, tenant: Tenant) -> Endpoints:
    """Who is told."""
    return Endpoints(data=[_shown(endpoint) for endpoint in await away(letters.mine, service.db, tenant)])


@router.delete("/{endpoint_id}", responses=errors(404, 503))
async def remove(service: Serving, tenant: Tenant, endpoint_id: Id) -> Removed:
    """Be told no more."""
    if not await away(letters.remove, service.db, tenant, endpoint_id):
        raise Problem(status=404, message=f"there is no webhook endpoint {endpoint_id!r}", code="not_found")
    return Removed(id=endpoint_id)


def _shown(endpoint: Endpoint, *, secret: str | None = None) -> EndpointObject:
    return EndpointObject(
        id=endpoint.id,
        name=endpoint.name,
        url=endpoint.url,
        event_types=endpoint.kinds,
        created_at=int(endpoint.created_at),
        secret=secret,
    )
