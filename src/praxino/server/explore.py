"""Works: videos that their makers show to everybody here; seen, searched, remixed with credit, reported."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field

from praxino.jobs import moderation, works
from praxino.jobs.job import Job
from praxino.jobs.works import Work
from praxino.server.asking import Asking
from praxino.server.body import Body
from praxino.server.derived import ERRORS, made_of, reworded
from praxino.server.dialect import RemixVideo, parse
from praxino.server.errors import Problem
from praxino.server.guarded import Said, Text, check_words
from praxino.server.openapi import body as body_of
from praxino.server.openapi import errors
from praxino.server.service import Me, Service, Serving, Tenant, Video, away, let_in
from praxino.server.show import Origin, VideoObject
from praxino.server.videos import KINDS, Calling, sent

router = APIRouter(prefix="/v1", tags=["explore"])


class Title(BaseModel):
    """What a work is to be called."""

    model_config = ConfigDict(extra="forbid")

    title: Said = Field(max_length=100, examples=["A ball finds its way"])


class WorkObject(BaseModel):
    """A video that its maker shows."""

    id: str
    object: Literal["work"] = "work"
    video_id: str
    title: str
    prompt: str
    by: str = Field(description="Who made it.")
    published_at: int = Field(description="Seconds since 1970.")
    remixes: int = Field(description="Videos that were made from it.")
    of: Origin | None = Field(description="The work that it was made from, also where that is gone.")
    seconds: float
    size: str
    model: str


class WorkPage(BaseModel):
    """Some works."""

    object: Literal["list"] = "list"
    data: list[WorkObject]
    has_more: bool
    last_id: str | None


class Withdrawn(BaseModel):
    """A work that is shown no more."""

    id: str
    object: Literal["work.withdrawn"] = "work.withdrawn"
    video_id: str
    published: Literal[False] = False


class Complaint(BaseModel):
    """Why a work should not be shown."""

    model_config = ConfigDict(extra="forbid")

    reason: Said = Field(max_length=1000, examples=["It shows me, and I was not asked."])


class Reported(BaseModel):
    """Moderators know."""

    id: str = Field(description="The work.")
    object: Literal["report"] = "report"
    reported: Literal[True] = True


@router.post("/videos/{video_id}/publish", responses=errors(400, 404, 409, 503))
async def publish(service: Serving, tenant: Tenant, job: Video, asked: Title) -> WorkObject:
    """Show a completed video to everybody here, or give it another title. It does not expire while it is shown."""
    if job.state != "completed":
        message = f"{job.id} is {job.state.replace('_', ' ')}; only a completed video can be published"
        raise Problem(status=409, message=message, code="video_not_ready", param="video_id")
    for param, text in (("title", asked.title), ("prompt", str(job.about.get("prompt", "")))):
        await away(lambda text=text, param=param: check_words(service, tenant, text, param=param))
    try:
        return shown(await away(works.publish, service.db, job, asked.title))
    except works.RemovedError:
        message = f"a moderator took the work of {job.id} down, so it cannot be published; ask the operator"
        raise Problem(status=409, message=message, code="work_removed", param="video_id") from None


@router.delete("/videos/{video_id}/publish", responses=errors(404, 503))
async def withdraw(service: Serving, job: Video) -> Withdrawn:
    """Show a video no more. What was made from it stays, with its credit."""
    work = await away(works.withdraw, service.db, job)
    if work is None:
        message = f"{job.id} is not published; POST publishes it"
        raise Problem(status=404, message=message, code="not_published", param="video_id")
    return Withdrawn(id=work.id, video_id=job.id)


async def _work(service: Serving, who: Me, work_id: str) -> Work:
    await let_in(service, who)
    found = None if "\0" in work_id else await away(works.get, service.db, work_id)
    hidden = found is not None and found.state in {"removed", "withdrawn"} and who.may("moderator")
    if found is None or not (found.state == "published" or hidden):
        raise Problem(status=404, message=f"there is no work {work_id!r}", code="work_not_found", param="work_id")
    return found


Shown = Annotated[Work, Depends(_work)]
"""The work that a path names; one that is not shown is there for moderators only."""


@router.get("/explore", responses=errors(400, 404, 503))
async def explore(
    service: Serving,
    _tenant: Tenant,
    after: Annotated[str | None, Query(description="The id after which the page begins.")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    search: Annotated[Text | None, Query(max_length=200, description="Text in the title or the prompt.")] = None,
) -> WorkPage:
    """Works of everybody, the newest first."""
    begin = await away(works.get, service.db, after) if after is not None and "\0" not in after else None
    if after is not None and begin is None:
        raise Problem(status=404, message=f"there is no work {after!r}", code="work_not_found", param="after")
    found, more = await away(lambda: works.page(service.db, after=begin, limit=limit, search=search))
    return WorkPage(data=[shown(work) for work in found], has_more=more, last_id=found[-1].id if found else None)


MEDIA = errors(404, 503) | {
    206: {"description": "A part of it."},
    307: {"description": "Where it is: in the service's bucket."},
    400: {"description": "The Range cannot be read."},
    416: {"description": "There is no such part."},
}


@router.get(
    "/explore/{work_id}/content",
    response_class=FileResponse,
    responses=MEDIA | {200: {"content": {"video/mp4": {}}, "description": "The film; Range works."}},
)
async def content(service: Serving, work: Shown) -> Response:
    """The film of a work."""
    return await _sent(service, work, "video")


@router.get(
    "/explore/{work_id}/thumbnail",
    response_class=FileResponse,
    responses=MEDIA | {200: {"content": {"image/webp": {}}, "description": "The picture."}},
)
async def thumbnail(service: Serving, work: Shown) -> Response:
    """A picture of a work."""
    return await _sent(service, work, "thumbnail")


@router.post("/explore/{work_id}/report", responses=errors(400, 404, 503))
async def report(service: Serving, tenant: Tenant, work: Shown, asked: Complaint) -> Reported:
    """Tell moderators that a work should not be shown. Said again, it changes nothing."""
    await away(moderation.report, service.db, work, tenant, asked.reason)
    return Reported(id=work.id)


@router.post(
    "/explore/{work_id}/remix",
    openapi_extra=body_of(RemixVideo, required=False),
    response_model=VideoObject,
    response_model_exclude_none=True,
    responses=ERRORS,
)
async def remix(call: Calling, work: Shown) -> VideoObject:
    """A video of one's own, made as the work was, with other words or another seed. It says whose work it is of."""
    source = await away(works.source, call.service.db, work)
    if source is None:
        raise Problem(status=404, message=f"there is no work {work.id!r}", code="work_not_found", param="work_id")

    def ask(made: Asking, body: Body) -> Job:
        asked = parse(RemixVideo, body.values)
        made.of = work.id
        job = reworded(made, source, asked.prompt, asked.seed, told={})
        works.remixed(call.service.db, work, job)
        return job

    return await made_of(f"remix {work.id}", ask, call)


def shown(work: Work) -> WorkObject:
    """As everybody sees it."""
    return WorkObject(
        id=work.id,
        video_id=work.video,
        title=work.title,
        prompt=work.prompt,
        by=work.by,
        published_at=int(work.published_at),
        remixes=work.remixes,
        of=None if work.of is None else Origin(id=work.of.id, title=work.of.title, by=work.of.by),
        seconds=round(work.seconds, 3),
        size=f"{work.width}x{work.height}",
        model=work.model,
    )


async def _sent(service: Service, work: Work, variant: str) -> Response:
    name, kind = KINDS[variant]
    return await sent(service, f"{work.video}/{name}", kind, name=f"{work.id}.{name.rpartition('.')[2]}")
