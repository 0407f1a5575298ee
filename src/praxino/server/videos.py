"""OpenAI's video dialect: create, list, retrieve, delete, content."""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import FileResponse, RedirectResponse

from praxino.jobs import control, queue
from praxino.jobs.job import Job
from praxino.server import show
from praxino.server.asking import Asking
from praxino.server.body import Body, read
from praxino.server.dialect import CreateVideo, parse
from praxino.server.errors import Problem
from praxino.server.openapi import body as body_of
from praxino.server.openapi import errors
from praxino.server.service import Service, Serving, Tenant, Video, away
from praxino.server.show import Deleted, VideoObject, VideoPage

router = APIRouter(prefix="/v1/videos", tags=["videos"])
KINDS = {  # variant: (file, type)
    "video": ("film.mp4", "video/mp4"),
    "thumbnail": ("thumbnail.webp", "image/webp"),
    "spritesheet": ("spritesheet.jpg", "image/jpeg"),
}
SAFE = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox; default-src 'none'"}
Idempotency = Annotated[
    str | None, Header(alias="Idempotency-Key", description="Sent again, with the same body, it gives the same video.")
]


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request that asks for a video."""

    request: Request
    response: Response
    service: Service
    tenant: str
    key: str | None  # Idempotency-Key

    def asking(self) -> Asking:
        """What makes a job of it."""
        return Asking(service=self.service, quotes=self.request.app.state.quotes, tenant=self.tenant, key=self.key)

    async def body(self, *files: str) -> Body:
        """What it says, with files of these names. Raises Problem where there are others."""
        body = await read_body(self.request, self.service, files)
        twice = next((name for name in body.uploads if body.values.get(name)), None)
        if twice is not None:
            await away(body.remove)
            raise Problem(status=400, message=f"{twice} is there twice, as a file and as a value; send one of them",
                          code="invalid_value", param=twice)  # fmt: skip
        return body

    async def shown(self, job: Job) -> VideoObject:
        """The answer."""
        return await shown(self.service, job, self.response)


async def read_body(request: Request, service: Service, files: tuple[str, ...] = ()) -> Body:
    """The body, with files of these names in the spool. Raises Problem where there are others."""
    body = await read(request, spool=service.spool)
    odd = next((name for name in body.uploads if name not in files), None)
    if odd is not None:
        await away(body.remove)
        remedy = f"send {' or '.join(files)}" if files else "send none"
        raise Problem(status=400, message=f"a file {odd[:60]!r} is not known here; {remedy}", code="unknown_parameter",
                      param=odd[:60])  # fmt: skip
    return body


def _call(request: Request, response: Response, service: Serving, tenant: Tenant, key: Idempotency = None) -> Call:
    return Call(request=request, response=response, service=service, tenant=tenant, key=key)


Calling = Annotated[Call, Depends(_call)]


async def shown(service: Service, job: Job, response: Response) -> VideoObject:
    """A video as an answer."""
    about = await away(show.video, service.db, job)
    response.headers.update(show.headers(about))
    return about


@router.post(
    "",
    response_model=VideoObject,
    response_model_exclude_none=True,
    openapi_extra=body_of(CreateVideo, files=("input_reference", "end_reference")),
    responses=errors(400, 402, 404, 409, 413, 415, 422, 429, 503),
)
async def create(call: Calling) -> VideoObject:
    """Ask for a video. It waits for its turn, is made, and can be followed at once."""
    body = await call.body("input_reference", "end_reference")
    try:
        made = call.asking()
        job = await made.known("create", body) or await made.create(parse(CreateVideo, body.values), body)
    finally:
        if body.uploads:
            await away(body.remove)
    return await call.shown(job)


@router.get("", response_model=VideoPage, responses=errors(400, 404, 503))
async def list_videos(
    service: Serving,
    tenant: Tenant,
    after: Annotated[str | None, Query(description="The id after which the page begins.")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    order: Literal["asc", "desc"] = "desc",
) -> VideoPage:
    """One's videos, the newest first."""
    begin = await away(queue.get, service.db, tenant, after) if after is not None else None
    if after is not None and begin is None:
        raise Problem(status=404, message=f"there is no video {after!r}", code="video_not_found", param="after")
    found, more = await away(lambda: queue.page(service.db, tenant, after=begin, limit=limit, newest=order == "desc"))
    videos = await away(lambda: [show.video(service.db, job) for job in found])
    ends = (videos[0].id, videos[-1].id) if videos else (None, None)
    return VideoPage(data=videos, has_more=more, first_id=ends[0], last_id=ends[1])


@router.get("/{video_id}", response_model=VideoObject, response_model_exclude_none=True, responses=errors(404, 503))
async def retrieve(response: Response, service: Serving, job: Video) -> VideoObject:
    """How a video is now. The header openai-poll-after-ms says when another look is worth it."""
    return await shown(service, job, response)


@router.delete("/{video_id}", response_model=Deleted, responses=errors(404, 503))
async def delete(service: Serving, job: Video) -> Deleted:
    """Remove a video and its media; one in the making is called off first."""
    try:
        if await away(control.delete, service.db, job):
            await away(service.storage.remove, job.id)
    except control.NotNowError:  # someone else was faster
        pass
    return Deleted(id=job.id)


@router.get(
    "/{video_id}/content",
    response_class=FileResponse,
    responses=errors(400, 404, 409, 503)
    | {
        200: {"content": {kind: {} for _, kind in KINDS.values()}, "description": "The media; Range works."},
        206: {"content": {"video/mp4": {}}, "description": "A part of it."},
        307: {"description": "Where it is: in the service's bucket."},
        416: {"description": "There is no such part."},
    },
)
async def content(
    service: Serving, job: Video, variant: Literal["video", "thumbnail", "spritesheet"] = "video"
) -> Response:
    """The film, its thumbnail or its contact sheet."""
    if job.state != "completed":
        why = "it failed" if job.state == "failed" else f"it is {job.state.replace('_', ' ')}"
        raise Problem(status=409, message=f"{job.id} has no content: {why}", code="video_not_ready", param="video_id")
    name, kind = KINDS[variant]
    return await sent(service, f"{job.id}/{name}", kind, name=f"{job.id}.{name.rpartition('.')[2]}")


async def sent(service: Service, key: str, kind: str, *, name: str) -> Response:
    """What the storage keeps, as an answer. Raises Problem 404 where it keeps nothing."""
    gone = Problem(status=404, message=f"{name} is not kept any more", code="content_gone", param="video_id")
    path = service.storage.path(key)
    if path is None:
        if not await away(service.storage.has, key):
            raise gone
        return RedirectResponse(await away(service.storage.link, key), status_code=307)
    if not await away(path.is_file):
        raise gone
    return FileResponse(path, media_type=kind, filename=name, headers=SAFE)
