"""What clients see of a job."""

import math
import time
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from praxino.jobs import credits, ledger, queue, works
from praxino.jobs.job import ENDED, Job
from praxino.jobs.turns import Database

SOON, LATE = 500, 10_000
"""Milliseconds between two looks at least and at most."""


class Failure(BaseModel):
    """Why a video was not made."""

    code: str
    message: str


class Eta(BaseModel):
    """When a video is done: seconds from now, in half of the cases and in nine of ten at most."""

    p50_s: float
    p90_s: float


class Cost(BaseModel):
    """What a video costs in credits: the quote is `held` until it ends, then `captured`, or `released`."""

    held: int
    captured: int
    released: int


class Origin(BaseModel):
    """The work of somebody that something was made from."""

    id: str
    title: str
    by: str


class VideoObject(BaseModel):
    """A video to be, in the making, or made: OpenAI's object and some fields more."""

    model_config = ConfigDict(json_schema_extra={"required": ["id", "object", "status", "progress", "created_at"]})

    id: str
    object: Literal["video"] = "video"
    model: str
    status: Literal["queued", "in_progress", "paused", "completed", "failed", "cancelled"]
    progress: int = Field(ge=0, le=100, description="Percent of the sampling that is done.")
    created_at: int = Field(description="Seconds since 1970.")
    completed_at: int | None = None
    expires_at: int | None = Field(None, description="When it is removed; none while it is published.")
    prompt: str | None = None
    seconds: str
    size: str
    remixed_from_video_id: str | None = None
    of: Origin | None = Field(None, description="The work of somebody that it comes from; also where that is gone.")
    work: str | None = Field(None, description="The work as which it is published.")
    error: Failure | None = None
    seed: int | None = None
    fps: float | None = None
    draft: bool = False
    stage: str | None = Field(None, description="starting, loading, sampling")
    wanted: str | None = Field(None, description="What its worker was told: cancel, pause, stop.")
    queue_position: int | None = Field(None, description="1: it is next.")
    eta: Eta | None = None
    quote: dict[str, float] | None = Field(
        None, description="What it was said to cost: tokens, seconds_p50, seconds_p90; and to wait: queue_seconds."
    )
    cost: Cost | None = Field(None, description="In credits, where accounts are on.")
    warnings: list[str] = []
    metadata: dict[str, str] = {}
    stopped: bool = Field(default=False, description="Whether it was ended early, and what was made kept.")
    inference_time_s: float | None = None
    peak_memory_mb: float | None = None


class VideoPage(BaseModel):
    """Some videos."""

    object: Literal["list"] = "list"
    data: list[VideoObject]
    has_more: bool
    first_id: str | None
    last_id: str | None


class Deleted(BaseModel):
    """A video that is no more."""

    id: str
    object: Literal["video.deleted"] = "video.deleted"
    deleted: Literal[True] = True


def video(db: Database, job: Job) -> VideoObject:
    """How a job looks now."""
    about, result = job.about, job.result or {}
    wait = queue.wait(db, job) if job.state == "queued" else None
    timings = result.get("timings", {})
    return VideoObject(
        id=job.id,
        model=about["model"],
        status=job.state,
        progress=100 if job.state == "completed" else min(99, math.floor(100 * job.done)),
        created_at=int(job.created_at),
        completed_at=int(job.ended_at) if job.ended_at and job.state == "completed" else None,
        expires_at=_expires(db, job),
        prompt=about.get("prompt"),
        seconds=f"{result.get('seconds', about['seconds']):g}",
        size=f"{result.get('width', about['width'])}x{result.get('height', about['height'])}",
        remixed_from_video_id=about.get("remixed_from"),
        of=_origin(db, about["of"]) if about.get("of") else None,
        work=about.get("work"),
        error=Failure(**job.error) if job.error else None,
        seed=about.get("seed"),
        fps=about.get("fps"),
        draft=bool(job.work.get("draft")),
        stage=job.stage,
        wanted=job.wanted,
        queue_position=wait.position if wait else None,
        eta=_eta(job, wait),
        quote=job.quote,
        cost=_cost(db, job) if db.settings.accounts else None,
        warnings=result.get("warnings", about.get("warnings", [])),
        metadata=about.get("metadata", {}),
        stopped=bool(result.get("stopped")),
        inference_time_s=timings.get("total"),
        peak_memory_mb=round(result["peak_rss_bytes"] / 2**20, 1) if "peak_rss_bytes" in result else None,
    )


def _expires(db: Database, job: Job) -> int | None:
    if not job.ended_at or job.about.get("work"):
        return None
    return int(job.about.get("kept_since", job.ended_at) + 86_400 * db.settings.keep_days)


def _origin(db: Database, work: str) -> Origin | None:
    found = works.credit(db, work)
    return None if found is None else Origin(id=found.id, title=found.title, by=found.by)


def _cost(db: Database, job: Job) -> Cost | None:
    if not credits.charged(job.tenant):
        return None
    with db.engine.connect() as connection:
        return Cost(**ledger.cost(connection, job.id))


def _eta(job: Job, wait: queue.Wait | None) -> Eta | None:
    now = time.time()
    if job.state == "in_progress" and job.left:
        return Eta(p50_s=round(max(0.0, job.left["likely"] - now), 1), p90_s=round(max(0.0, job.left["high"] - now), 1))
    if wait and wait.seconds is not None and job.quote:
        before = wait.seconds
        doubt = job.quote["seconds_p90"] / max(job.quote["seconds_p50"], 0.1)
        return Eta(
            p50_s=round(before + job.quote["seconds_p50"], 1), p90_s=round(before * doubt + job.quote["seconds_p90"], 1)
        )
    return None


def poll_after(shown: VideoObject) -> int:
    """Milliseconds after which another look is worth it: a tenth of what is left."""
    if shown.status in ENDED:
        return SOON
    return round(min(LATE, max(SOON, 100 * shown.eta.p50_s))) if shown.eta else 1000


def headers(shown: VideoObject) -> dict[str, str]:
    """Of every answer that shows a video."""
    return {"openai-poll-after-ms": str(poll_after(shown))}


def plain(shown: VideoObject) -> dict[str, Any]:
    """As JSON, without fields that say nothing."""
    return shown.model_dump(exclude_none=True)
