"""Videos in the making: call them off, hold them, end them early, change and move those that wait."""

from collections.abc import Callable

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from praxino.jobs import control
from praxino.jobs.job import Job
from praxino.jobs.turns import Database
from praxino.server.asking import REFERENCES, Asking, about
from praxino.server.dialect import CreateVideo, parse
from praxino.server.errors import Problem
from praxino.server.openapi import body as body_of
from praxino.server.openapi import errors
from praxino.server.service import Service, Serving, Tenant, Video, away
from praxino.server.show import VideoObject
from praxino.server.videos import read_body, sent, shown

router = APIRouter(prefix="/v1/videos", tags=["control"])
KEPT = {"response_model": VideoObject, "response_model_exclude_none": True, "responses": errors(400, 404, 409, 503)}
PAID = {
    "response_model": VideoObject,
    "response_model_exclude_none": True,
    "responses": errors(400, 402, 404, 409, 429, 503),
}


@router.post("/{video_id}/cancel", **KEPT)
async def cancel(response: Response, service: Serving, job: Video) -> VideoObject:
    """Call a video off. One that is being made stops within a step."""
    return await _done(control.cancel, service, job, response)


@router.post("/{video_id}/pause", **KEPT)
async def pause(response: Response, service: Serving, job: Video) -> VideoObject:
    """Hold a video: it frees its device, and keeps what is made of it."""
    return await _done(control.pause, service, job, response)


@router.post("/{video_id}/resume", **KEPT)
async def resume(response: Response, service: Serving, job: Video) -> VideoObject:
    """Let a held video go on, where it left."""
    return await _done(control.resume, service, job, response)


@router.post("/{video_id}/stop", **KEPT)
async def stop(response: Response, service: Serving, job: Video) -> VideoObject:
    """Stop and keep: what is made so far becomes the film."""
    return await _done(control.stop, service, job, response)


@router.post("/{video_id}/retry", **PAID)
async def retry(response: Response, service: Serving, job: Video) -> VideoObject:
    """Make a failed or cancelled video after all, from where it ended."""
    return await _done(control.retry, service, job, response)


class Move(BaseModel):
    """Where a waiting video goes."""

    model_config = ConfigDict(extra="forbid")

    before: str | None = Field(None, description="The waiting video that it goes before; none: behind them all.")


@router.post("/{video_id}/move", openapi_extra=body_of(Move, required=False), **KEPT)
async def move(request: Request, response: Response, service: Serving, job: Video) -> VideoObject:
    """Give a waiting video another place among one's own."""
    body = await read_body(request, service)
    await away(body.remove)
    wanted = parse(Move, body.values)

    def moved(db: Database, job: Job) -> Job:
        return control.move(db, job, before=wanted.before)

    return await _done(moved, service, job, response)


@router.patch("/{video_id}", openapi_extra=body_of(CreateVideo), **PAID)
async def change(request: Request, response: Response, service: Serving, tenant: Tenant, job: Video) -> VideoObject:
    """Change a video that has not begun: the fields that are given, the others stay."""
    body = await read_body(request, service)
    await away(body.remove)
    before = job.about.get("asked")
    if before is None:
        raise Problem(status=409, message=f"{job.id} comes from another video; ask for that anew", code="not_editable")
    odd = next((name for name in REFERENCES if name in body.values), None)
    if odd is not None:
        message = f"{odd} cannot be changed; ask for a new video"
        raise Problem(status=400, message=message, code="unsupported_parameter", param=odd)
    asked = parse(CreateVideo, {"seed": job.about["seed"]} | _without(before, body.values) | body.values)
    given = {name.partition(".")[0]: name for name in job.work.get("files", {})}
    made = Asking(service=service, quotes=request.app.state.quotes, tenant=tenant)
    film = made.request(asked, given)
    await away(made.check, film)
    work = job.work | {"request": _json(film), "draft": asked.draft}

    def changed(db: Database, job: Job) -> Job:
        told, quote, price = job.about | about(film, asked), made.quoted(film), made.price(film, work)
        return control.edit(db, job, work=work, about=told, quote=quote, price=price)

    return await _done(changed, service, job, response)


@router.get(
    "/{video_id}/preview",
    responses=errors(404, 503)
    | {
        200: {"content": {"video/mp4": {}, "image/jpeg": {}}, "description": "The film so far, or its last frame."},
        206: {"description": "A part of it."},
        307: {"description": "Where it is: in the service's bucket."},
        416: {"description": "There is no such part."},
    },
)
async def preview(service: Serving, job: Video, variant: str = "video") -> Response:
    """The film so far (`variant=video`), or its last frame (`variant=frame`)."""
    if variant not in {"video", "frame"}:
        raise Problem(
            status=404,
            message=f"there is no variant {variant!r}; choose video or frame",
            code="not_found",
            param="variant",
        )
    name, kind = ("preview.jpg", "image/jpeg") if variant == "frame" else ("preview.mp4", "video/mp4")
    if job.state == "completed" and variant == "video":
        name = "film.mp4"
    return await sent(service, f"{job.id}/{name}", kind, name=f"{job.id}-{name}")


def _without(before: dict[str, object], given: dict[str, object]) -> dict[str, object]:
    """What was asked before, without what the new fields take the place of."""
    groups = (
        {"seconds", "num_frames", "storyboard", "prompt"},
        {"size", "width", "height", "aspect_ratio", "resolution"},
    )
    gone: set[str] = set()
    if given.keys() & {"num_frames", "seconds"}:
        gone |= {"num_frames", "seconds"}
    if "storyboard" in given:
        gone |= groups[0]
    if "prompt" in given:
        gone |= {"storyboard"}
    if given.keys() & groups[1]:
        gone |= groups[1]
    return {name: value for name, value in before.items() if name not in gone}


def _json(film: object) -> object:
    from praxino import config

    return config.to_json(film)


async def _done(verb: Callable[[Database, Job], Job], service: Service, job: Job, response: Response) -> VideoObject:
    try:
        after = await away(verb, service.db, job)
    except control.NotNowError as error:
        raise Problem(status=409, message=str(error), code="invalid_state", param="video_id") from None
    return await shown(service, after, response)
