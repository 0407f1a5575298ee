"""Videos from videos: with other words, longer, a part anew, a draft at full size."""

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import APIRouter

from praxino import request as requests
from praxino.jobs.job import Job
from praxino.request import Request as Film
from praxino.server.asking import Asking, about, here
from praxino.server.body import Body
from praxino.server.dialect import CreateVideo, EditVideo, ExtendVideo, RemixVideo, RetakeVideo, parse, request_of
from praxino.server.errors import Problem
from praxino.server.openapi import body as body_of
from praxino.server.openapi import errors
from praxino.server.service import Tenant, Video, away
from praxino.server.show import VideoObject
from praxino.server.videos import Call, Calling

router = APIRouter(prefix="/v1/videos", tags=["derived"])
ERRORS = errors(400, 402, 404, 409, 413, 415, 422, 429, 503)
KEPT = {"response_model": VideoObject, "response_model_exclude_none": True, "responses": ERRORS}


@router.post("/edits", openapi_extra=body_of(EditVideo), **KEPT)
async def edit(call: Calling) -> VideoObject:
    """A video of this server with other words; everything else of it, noise included, as it was."""

    def ask(made: Asking, body: Body) -> Job:
        asked = parse(EditVideo, body.values)
        if asked.video is None:
            raise Problem(
                status=400,
                message="video must be the id of a video of this server; POST /v1/videos/extensions takes footage",
                code="unsupported_parameter",
                param="video",
            )
        return reworded(made, made.source(asked.video.id, "video"), asked.prompt, asked.seed)

    return await made_of("edit", ask, call)


@router.post("/extensions", openapi_extra=body_of(ExtendVideo, files=("video",)), **KEPT)
async def extend(call: Calling) -> VideoObject:
    """A video that goes on: of this server by its id, or any footage as a file. `seconds` of it are the whole's."""
    body = await call.body("video")
    try:
        made = call.asking()
        job = await made.known("extend", body)
        if job is None:
            asked = parse(ExtendVideo, body.values)
            upload = body.uploads.get("video")
            if upload is not None:
                await made.take(upload.path, "start", "video")
            elif asked.video is None:
                raise Problem(
                    status=400,
                    message='video is missing; give a file, or {"id": "video_..."}',
                    code="missing_parameter",
                    param="video",
                )
            job = await away(_kept, made, lambda: _longer(made, asked))
    finally:
        await away(body.remove)
    return await call.shown(job)


@router.post("/characters", responses=errors(400), include_in_schema=True)
async def character(_tenant: Tenant) -> None:
    """Not there: the models of this server know no characters."""
    raise Problem(
        status=400,
        message="the models here know no characters; put what is to be seen in the prompt, or give input_reference",
        code="unsupported_endpoint",
    )


@router.get("/characters/{character_id}", responses=errors(404))
async def get_character(_tenant: Tenant, character_id: str) -> None:
    """Not there: the models of this server know no characters."""
    raise Problem(
        status=404, message=f"there is no character {character_id!r}; the models here know none", code="not_found"
    )


@router.post("/{video_id}/remix", openapi_extra=body_of(RemixVideo), **KEPT)
async def remix(call: Calling, job: Video) -> VideoObject:
    """The same video with other words, or another seed."""

    def ask(made: Asking, body: Body) -> Job:
        asked = parse(RemixVideo, body.values)
        return reworded(made, made.source(job.id, "video_id"), asked.prompt, asked.seed)

    return await made_of(f"remix {job.id}", ask, call)


@router.post("/{video_id}/retake", openapi_extra=body_of(RetakeVideo), **KEPT)
async def retake(call: Calling, job: Video) -> VideoObject:
    """Some seconds of a video made again; every other frame stays as it is."""

    def ask(made: Asking, body: Body) -> Job:
        return _retaken(made, made.source(job.id, "video_id"), parse(RetakeVideo, body.values))

    return await made_of(f"retake {job.id}", ask, call)


@router.post("/{video_id}/finish", openapi_extra={"requestBody": {"required": False, "content": {}}}, **KEPT)
async def finish(call: Calling, job: Video) -> VideoObject:
    """The film of a draft at full size: the same film, without denoising it again."""

    def ask(made: Asking, _body: Body) -> Job:
        source = made.source(job.id, "video_id")
        if not source.work.get("draft"):
            raise Problem(status=409, message=f"{job.id} is no draft; there is nothing to finish", code="not_a_draft")
        film = _film(source, made)
        work = {"verb": "generate", "request": requests.to_json(film), "files": made.files, "parts": source.id}
        work["whole"] = not (source.result or {}).get("stopped")
        return made.submit(film, work, about=about(film) | {"remixed_from": source.id})

    return await made_of(f"finish {job.id}", ask, call)


async def made_of(what: str, ask: Callable[[Asking, Body], Job], call: Call) -> VideoObject:
    """The job that ``ask`` makes of a body, or made of the same before."""
    body = await call.body()
    made = call.asking()
    job = await made.known(what, body) or await away(_kept, made, lambda: ask(made, body))
    return await call.shown(job)


def _kept(made: Asking, ask: Callable[[], Job]) -> Job:
    """What was copied for a job that did not come about goes."""
    try:
        return ask()
    except BaseException:
        if made.files:
            made.service.storage.remove(made.id)
        raise


def _film(source: Job, made: Asking) -> Film:
    """What a video was made from, with what it needs copied."""
    here(source.about["model"])
    for name, key in source.work.get("files", {}).items():
        made.copied(key, name)
    return requests.from_json(source.work["request"])


def reworded(made: Asking, source: Job, prompt: str | None, seed: int | None, *,
             told: Mapping[str, Any] | None = None) -> Job:  # fmt: skip
    """A video as another was made, with other words or seed; ``told`` of it in place of the other's metadata."""
    film = _film(source, made)
    values = requests.to_json(film)
    if prompt is not None:
        values["shots"] = [{"seconds": film.seconds, "prompt": prompt}]
    if seed is not None:
        values["seed"] = seed
    try:
        film = requests.from_json(values)
    except ValueError as error:
        raise Problem(status=400, message=str(error), code="invalid_value", param="prompt") from None
    work = {"verb": "generate", "request": requests.to_json(film), "files": made.files}
    return made.submit(
        film, work, about=about(film) | {"remixed_from": source.id, **(_still(source) if told is None else told)}
    )


def _longer(made: Asking, asked: ExtendVideo) -> Job:
    wanted: dict[str, Any] = {"prompt": asked.prompt, "seconds": asked.seconds, "seed": asked.seed}
    told: dict[str, Any] = {}
    before = 0.0
    if asked.video is not None and not made.files:
        source = made.source(asked.video.id, "video")
        here(source.about["model"])
        made.copy(source.id, "start", "video")
        result = source.result or {}
        wanted |= {
            "size": f"{result['width']}x{result['height']}",
            "fps": result["fps"],
            "model": source.about["model"],
            "visible_label": source.work["request"].get("visible_label", False),
        }
        told, before = {"remixed_from": source.id}, result["seconds"]
    given = CreateVideo(**{name: value for name, value in wanted.items() if value is not None})
    film = request_of(given, start=next(iter(made.files)))
    work = {"verb": "generate", "request": requests.to_json(film), "files": made.files}
    told["seconds"] = round(film.seconds + before, 3)  # of footage that was sent, its length is known when it is made
    return made.submit(film, work, about=about(film) | told)


def _retaken(made: Asking, source: Job, asked: RetakeVideo) -> Job:
    result = source.result or {}
    if not 0 <= asked.begin < asked.end <= result["seconds"] + 1e-6:
        raise Problem(
            status=400,
            message=f"{asked.begin:g} to {asked.end:g} s is no part of a video of {result['seconds']:g} s",
            code="invalid_value",
            param="from",
        )
    here(source.about["model"])
    film = requests.from_json(source.work["request"])
    made.copied(f"{source.id}/film.mp4", "source.mp4")
    prompt, seed = asked.prompt or film.shots[0].prompt, film.seed + 1 if asked.seed is None else asked.seed
    take = {"begin": asked.begin, "end": asked.end, "seed": seed, "prompt": asked.prompt}
    work = {
        "verb": "retake",
        "film": "source.mp4",
        "take": take,
        "request": source.work["request"],
        "files": made.files,
    }
    priced = _priced(film, asked.end - asked.begin, prompt)
    told = about(film) | {"remixed_from": source.id, "seed": seed, "prompt": prompt, **_still(source)}
    return made.submit(priced, work, about=told | {"seconds": result["seconds"]})


def _priced(film: Film, seconds: float, prompt: str) -> Film:
    """A film that costs about what a part of this one does."""
    values = requests.to_json(film) | {"start": None, "end": None}
    values["shots"] = [{"seconds": max(0.1, seconds), "prompt": prompt}]
    return requests.from_json(values)


def _still(source: Job) -> Mapping[str, Any]:
    """What is told of a video that comes from another, as of that."""
    return {"metadata": source.about.get("metadata", {})}
