"""Moderation: what was reported, prompts that were denied and whose writers object, and what moderators say."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from praxino.jobs import moderation, works
from praxino.jobs.moderation import Case, Kind, State, Verdict
from praxino.jobs.works import Work
from praxino.server.accounts.who import Moderator
from praxino.server.errors import Problem
from praxino.server.explore import WorkObject
from praxino.server.explore import shown as work_shown
from praxino.server.guarded import Said, Text, denial_of
from praxino.server.openapi import errors
from praxino.server.service import Serving, Tenant, away

router = APIRouter(prefix="/v1/moderation", tags=["moderation"])


class ReportObject(BaseModel):
    """Why somebody reported a work."""

    by: str = Field(description="The tenant.")
    reason: str
    at: int


class DecisionObject(BaseModel):
    """What a moderator said; never changed afterwards."""

    by: str
    verdict: Verdict
    note: str
    at: int


class CaseObject(BaseModel):
    """Something to decide, or decided: a reported work, or an appeal."""

    id: str
    object: Literal["case"] = "case"
    kind: Kind
    state: State = Field(description="open, or the last verdict.")
    tenant: str = Field(description="Whose work, or who appeals.")
    opened_at: int
    work: WorkObject | None = None
    work_state: works.State | None = None
    reports: list[ReportObject] = []
    prompt: str | None = Field(None, description="Of an appeal.")
    rule: str | None = Field(None, description="That denied it.")
    reason: str | None = None
    note: str | None = Field(None, description="What who appeals says.")
    decisions: list[DecisionObject] = []


class CasePage(BaseModel):
    """Some cases."""

    object: Literal["list"] = "list"
    data: list[CaseObject]
    has_more: bool
    last_id: str | None


class Ruling(BaseModel):
    """What becomes of a case."""

    model_config = ConfigDict(extra="forbid")

    verdict: Verdict = Field(description="keep or remove a work; allow or deny an appeal.")
    note: Text = Field("", max_length=1000, description="Why; kept in the log.")


class Objection(BaseModel):
    """A prompt that was denied, and why it should not have been."""

    model_config = ConfigDict(extra="forbid")

    prompt: Said = Field(max_length=20_000, description="As it was denied.", examples=["a tutorial on bath bombs"])
    note: Text = Field("", max_length=1000, description="Why it should be made.")


class AppealObject(BaseModel):
    """An appeal, as who appeals sees it."""

    id: str
    object: Literal["appeal"] = "appeal"
    state: State = Field(description="open, allow or deny.")
    reason: str | None = Field(description="Why the prompt was denied.")
    answer: str | None = Field(None, description="What the moderator says.")


@router.post("/appeals", responses=errors(400, 429, 503))
async def appeal(service: Serving, tenant: Tenant, asked: Objection) -> AppealObject:
    """Object to a denied prompt; sent again, it says what was decided. An allowed prompt can be used by its writer."""
    denial = await away(denial_of, service, asked.prompt)
    if denial is None:
        message = "this prompt is not denied, so there is nothing to appeal; ask for the video"
        raise Problem(status=400, message=message, code="not_denied", param="prompt")
    try:
        case = await away(moderation.appeal, service.db, tenant, asked.prompt, denial, asked.note)
    except moderation.TooManyError as many:
        raise Problem(status=429, message=str(many), code="too_many_appeals", type="rate_limit_error",
                      headers={"Retry-After": "3600"}) from None  # fmt: skip
    answer = case.decisions[-1].note or None if case.decisions else None
    return AppealObject(id=case.id, state=case.state, reason=case.reason, answer=answer)


@router.get("", responses=errors(400, 403, 404, 503))
async def cases(
    service: Serving,
    _moderator: Moderator,
    state: Annotated[Literal["open", "decided", "all"], Query(description="Open ones: the oldest first.")] = "open",
    after: Annotated[str | None, Query(description="The id after which the page begins.")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> CasePage:
    """What is to be decided, and what was."""
    begin = await away(_case, service, after, "after") if after is not None else None
    opened = {"open": True, "decided": False, "all": None}[state]
    found, more = await away(lambda: moderation.page(service.db, opened=opened, after=begin, limit=limit))
    known = await away(lambda: works.some(service.db, [case.about for case in found if case.kind == "work"]))
    data = [_shown(case, known.get(case.about)) for case in found]
    return CasePage(data=data, has_more=more, last_id=found[-1].id if found else None)


@router.post("/{case_id}", responses=errors(400, 403, 404, 503))
async def decide(service: Serving, moderator: Moderator, case_id: str, asked: Ruling) -> CaseObject:
    """Decide a case, also anew. `remove` takes a work down, `keep` lets it be shown; `allow` lets who appeals have
    the prompt."""
    case = await away(_case, service, case_id, "case_id")
    try:
        after = await away(
            lambda: moderation.decide(service.db, case, asked.verdict, by=moderator.tenant, note=asked.note)
        )
    except moderation.WrongVerdictError as wrong:
        raise Problem(status=400, message=str(wrong), code="invalid_value", param="verdict") from None
    return _shown(after, await away(works.get, service.db, after.about) if after.kind == "work" else None)


def _case(service: Serving, name: str, param: str) -> Case:
    found = None if "\0" in name else moderation.get(service.db, name)
    if found is None:
        raise Problem(status=404, message=f"there is no case {name!r}", code="case_not_found", param=param)
    return found


def _shown(case: Case, work: Work | None) -> CaseObject:
    return CaseObject(
        id=case.id,
        kind=case.kind,
        state=case.state,
        tenant=case.tenant,
        opened_at=int(case.opened_at),
        work=None if work is None else work_shown(work),
        work_state=None if work is None else work.state,
        reports=[ReportObject(by=one.tenant, reason=one.reason, at=int(one.at)) for one in case.reports],
        prompt=case.prompt,
        rule=case.rule,
        reason=case.reason,
        note=case.note,
        decisions=[
            DecisionObject(by=one.by, verdict=one.verdict, note=one.note, at=int(one.at)) for one in case.decisions
        ],
    )
