"""The doors: apply, log in, log out, change the password."""

from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from praxino.jobs import keys, people, people_apply, people_gate, people_passwords, people_sessions
from praxino.jobs.people import Person
from praxino.jobs.people_apply import Application
from praxino.jobs.people_invitations import InvitationError
from praxino.jobs.turns import Database
from praxino.server.accounts import cookies, tries
from praxino.server.accounts.me import MeObject, shown
from praxino.server.accounts.who import Me
from praxino.server.errors import Envelope, Problem
from praxino.server.openapi import errors
from praxino.server.service import Serving, away

router = APIRouter()
PRINTED = r"^[^\x00]*$"  # PostgreSQL keeps no NUL
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=PRINTED, examples=["ann"])]
Password = Annotated[
    str, Field(min_length=1, max_length=people_passwords.MOST, json_schema_extra={"format": "password"})
]
THROTTLED: dict[int | str, dict[str, Any]] = {
    429: {"model": Envelope, "description": "Too many tries; Retry-After says when to come again."}
}


class Apply(BaseModel):
    """What somebody says who wants to come in."""

    model_config = ConfigDict(extra="forbid")

    name: Name = Field(description="1 to 64 letters, digits, dots or dashes; nobody else's in any case.")
    password: Password = Field(description=f"At least {people_passwords.LEAST} characters.")
    email: str | None = Field(None, max_length=254, pattern=r"^[^\x00\s@]+@[^\x00\s@]+$")
    reason: str | None = Field(None, max_length=2000, pattern=PRINTED, description="For the operator to read.")
    code: str | None = Field(None, max_length=100, pattern=PRINTED, description="An invitation: it lets in at once.")
    language: str | None = Field(None, max_length=35, pattern=r"^[A-Za-z0-9-]*$", examples=["zh"])


class ApplicationObject(BaseModel):
    """Where somebody stands."""

    state: Literal["waiting", "admitted", "suspended"]
    position: int | None = Field(description="1: next. null: they do not wait.")
    estimate_at: float | None = Field(
        description="When they come in, by the gate's rate and what it really let in lately, in seconds since 1970. "
        "null: nobody is being let in."
    )


class Login(BaseModel):
    """Who is there."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    password: Password


class NewPassword(BaseModel):
    """A password for another."""

    model_config = ConfigDict(extra="forbid")

    old: Password
    new: Password = Field(description=f"At least {people_passwords.LEAST} characters.")


class Done(BaseModel):
    """It is done."""

    done: Literal[True] = True


@router.post("/apply", responses=errors(400, 404, 409, 503) | THROTTLED, dependencies=[Depends(cookies.of_our_own)])
async def apply(request: Request, service: Serving, asked: Apply) -> ApplicationObject:
    """Ask to be let in: at once with an invitation, or where the gate is open; else one waits for one's turn."""
    try:
        people.named(asked.name)
    except ValueError as error:
        raise Problem(status=400, message=str(error), code="invalid_value", param="name") from None
    _check_password(asked.password, asked.name, "password")
    await tries.counted(service, tries.to_apply(request))
    digest = await tries.slowly(service, people_passwords.hashed, asked.password)
    about = asked.model_dump(exclude={"password"})
    try:
        made = await away(people_apply.apply, service.db, Application(password=digest, **about))
    except people_apply.TakenError as error:
        raise Problem(status=409, message=str(error), code="name_taken", param="name") from None
    except InvitationError as error:
        raise Problem(status=400, message=str(error), code="invalid_invitation", param="code") from None
    return await away(_place, service.db, made)


@router.get("/application", responses=errors(404, 503))
async def application(service: Serving, who: Me) -> ApplicationObject:
    """Where one stands."""
    return await away(_place, service.db, await away(person, service.db, who.tenant))


@router.post("/login", responses=errors(400, 404, 503) | THROTTLED, dependencies=[Depends(cookies.of_our_own)])
async def login(request: Request, response: Response, service: Serving, asked: Login) -> MeObject:
    """Log in. Who waits may, too. The answer brings two cookies; changes that are asked for with them need the header
    X-Praxino-CSRF with what `praxino_csrf` holds."""
    limits = tries.to_log_in(request, asked.name)
    await tries.counted(service, limits)
    tenant, digest = await away(people_apply.credentials, service.db, asked.name)
    good = await tries.slowly(service, people_passwords.matches, asked.password, digest)
    if not good or tenant is None:
        raise Problem(
            status=401,
            message="the name or the password is wrong",
            code="wrong_credentials",
            type="authentication_error",
        )
    await tries.forgiven(service, limits)
    token = await away(people_sessions.begin, service.db, tenant)
    cookies.put(request, response, token)
    request.state.tenant = tenant
    who = replace(await away(people.who, service.db, tenant), session=keys.digest(token))
    return await shown(service, who)


@router.post("/logout", responses=errors(404, 503))
async def logout(response: Response, service: Serving, who: Me) -> Done:
    """The session is over, here and for whoever else has its cookie."""
    if who.session is not None:
        await away(people_sessions.end, service.db, who.session)
    cookies.take(response)
    return Done()


@router.post("/password", responses=errors(400, 404, 503) | THROTTLED)
async def password(service: Serving, who: Me, asked: NewPassword) -> Done:
    """Another password. All of one's other sessions are over."""
    await away(person, service.db, who.tenant)
    _check_password(asked.new, who.name, "new")
    await verified(service, who.tenant, asked.old, "old")
    digest = await tries.slowly(service, people_passwords.hashed, asked.new)
    await away(people_sessions.renew, service.db, who.tenant, digest, who.session)
    return Done()


async def verified(service: Serving, tenant: str, given: str, param: str) -> None:
    """Raises Problem where it is not somebody's password."""
    limits = tries.to_change(tenant)
    await tries.counted(service, limits)
    digest = await away(people_apply.password_of, service.db, tenant)
    if not await tries.slowly(service, people_passwords.matches, given, digest):
        raise Problem(
            status=403, message="the password is wrong", code="wrong_password", type="permission_error", param=param
        )
    await tries.forgiven(service, limits)


def person(db: Database, tenant: str) -> Person:
    """Who asks. Raises Problem for a key of nobody's."""
    found = people.find(db, tenant)
    if found is None or found.state == "deleted":
        message = f"{tenant!r} is the tenant of a key, and no person has it; log in"
        raise Problem(status=404, message=message, code="no_account")
    return found


def _place(db: Database, person: Person) -> ApplicationObject:
    return ApplicationObject(**vars(people_gate.place(db, person)))


def _check_password(given: str, name: str, param: str) -> None:
    try:
        people_passwords.checked(given, name)
    except ValueError as error:
        raise Problem(status=400, message=str(error), code="weak_password", param=param) from None
