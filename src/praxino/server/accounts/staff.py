"""What operators do: see who there is, let people in, set the gate, give roles."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from praxino.jobs import people, people_gate, people_invitations
from praxino.jobs.people import Person, Role
from praxino.jobs.people_gate import Gate, Rule
from praxino.jobs.turns import Database
from praxino.server.accounts.who import Operator
from praxino.server.errors import Problem
from praxino.server.openapi import errors
from praxino.server.service import Serving, away

router = APIRouter()
Id = Annotated[str, Path(pattern=r"^p_[0-9a-f]{16}$", examples=["p_0123456789abcdef"])]
Standing = Literal["waiting", "admitted", "suspended"]


class PersonObject(BaseModel):
    """Somebody."""

    id: str = Field(description="The tenant of what is theirs.")
    object: Literal["person"] = "person"
    name: str
    email: str | None
    reason: str | None
    language: str | None
    role: Role
    state: Standing
    applied_at: float
    admitted_at: float | None
    admitted_by: Literal["open", "gate", "operator", "invitation"] | None
    invitation: str | None = Field(description="That they came with.")
    invited_by: str | None = Field(description="Whose it was: a tenant.")


class People(BaseModel):
    """Some people."""

    object: Literal["list"] = "list"
    data: list[PersonObject]
    has_more: bool
    last_id: str | None


class Change(BaseModel):
    """What becomes of somebody."""

    model_config = ConfigDict(extra="forbid")

    state: Standing | None = None
    role: Role | None = None


class GateObject(BaseModel):
    """How people come in."""

    open: bool = Field(description="Everybody at once.")
    per_day: float = Field(description="How many of those who wait are let in a day; 0: none.")
    next_at: float | None = Field(description="When the next may be, in seconds since 1970; null: nobody is.")
    waiting: int
    invitations: int = Field(description="How many people each maker may invite.")
    inviter_bonus: int = Field(description="Credits for a maker, for each who comes.")


class NewGate(BaseModel):
    """How people are to come in; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    open: bool | None = None
    per_day: float | None = Field(None, ge=0, le=1_000_000, allow_inf_nan=False)
    invitations: int | None = Field(None, ge=0, le=1_000_000)
    inviter_bonus: int | None = Field(None, ge=0, le=1_000_000)


class Admit(BaseModel):
    """How many."""

    model_config = ConfigDict(extra="forbid")

    count: int = Field(ge=1, le=100_000)


class Admitted(BaseModel):
    """Who has been let in."""

    object: Literal["list"] = "list"
    data: list[PersonObject]


@router.get("/people", responses=errors(400, 404, 503))
async def list_people(
    service: Serving,
    _who: Operator,
    state: Standing | None = None,
    after: Annotated[
        str | None, Query(pattern=r"^p_[0-9a-f]{16}$", description="The id after which the page begins.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> People:
    """Who there is, in the order in which they applied."""
    begin = 0 if after is None else (await away(_known, service.db, after)).number
    found = await away(lambda: people.every(service.db, state=state, after=begin, limit=limit + 1))
    shown = await away(_shown, service.db, found[:limit])
    return People(data=shown, has_more=len(found) > limit, last_id=shown[-1].id if shown else None)


@router.post("/people/{person_id}", responses=errors(400, 404, 409, 503))
async def change(service: Serving, who: Operator, person_id: Id, asked: Change) -> PersonObject:
    """Let somebody in, suspend them, let them wait again, give them a role."""
    if person_id == who.tenant:
        message = "nobody changes their own state or role; another operator may, or `praxino people`"
        raise Problem(status=409, message=message, code="own_account")
    return (await away(_changed, service.db, person_id, asked))[0]


@router.get("/gate", responses=errors(404, 503))
async def gate(service: Serving, _who: Operator) -> GateObject:
    """How people come in."""
    return await away(lambda: _gate(service.db, people_gate.gate(service.db)))


@router.put("/gate", responses=errors(400, 404, 503))
async def turn(service: Serving, _who: Operator, asked: NewGate) -> GateObject:
    """Set how people come in. An open gate lets in everybody who waits."""
    rule = Rule(**asked.model_dump())
    return await away(lambda: _gate(service.db, people_gate.turn(service.db, rule)))


@router.post("/admit", responses=errors(400, 404, 503))
async def admit(service: Serving, _who: Operator, asked: Admit) -> Admitted:
    """Let in those who have waited longest, so many."""
    return Admitted(data=await away(lambda: _shown(service.db, people_gate.admit(service.db, asked.count))))


def _changed(db: Database, tenant: str, asked: Change) -> list[PersonObject]:
    person = _known(db, tenant)
    if asked.role is not None:
        person = people.give(db, tenant, asked.role)
    if asked.state is not None:
        verbs = {"admitted": people_gate.admit_one, "waiting": people_gate.put_back, "suspended": people.suspend}
        person = verbs[asked.state](db, tenant)
    return _shown(db, [person])


def _known(db: Database, tenant: str) -> Person:
    found = people.find(db, tenant)
    if found is None or found.state == "deleted":
        raise Problem(status=404, message=f"there is nobody with the id {tenant!r}", code="not_found")
    return found


def _shown(db: Database, found: list[Person]) -> list[PersonObject]:
    inviters = people_invitations.inviters(db) if any(person.invitation for person in found) else {}
    return [
        PersonObject(
            **{name: value for name, value in vars(person).items() if name != "number"},
            invited_by=inviters.get(person.invitation or ""),
        )
        for person in found
    ]


def _gate(db: Database, now: Gate) -> GateObject:
    return GateObject(
        open=now.open,
        per_day=now.per_day,
        next_at=now.next_at if now.per_day else None,
        waiting=people_gate.waiting(db),
        invitations=now.invitations,
        inviter_bonus=now.inviter_bonus,
    )
