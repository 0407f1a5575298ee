"""A job as anybody sees it."""

from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

State = Literal["queued", "in_progress", "paused", "completed", "failed", "cancelled"]
ENDED = ("completed", "failed", "cancelled")
WAITING = ("queued", "paused")


@dataclass(frozen=True, kw_only=True)
class Job:
    """One film to make, or made."""

    id: str
    sequence: int  # rises with each job of the service
    tenant: str
    state: State
    wanted: str | None  # what its worker was told: cancel, pause, stop, delete
    priority: int
    turn: int
    work: dict[str, Any]  # what to make: {"verb": "generate", "request": {...}, ...}
    about: dict[str, Any]  # what is told of it, and nobody acts on
    quote: dict[str, float] | None  # {"seconds_p50", "seconds_p90", "tokens"}
    workflow: str | None
    worker: str | None
    stage: str | None
    done: float  # 0..1
    left: dict[str, float] | None  # {"low", "likely", "high"}: when it ends, seconds since 1970
    chunks: int  # finished
    starts: int
    crashes: int
    created_at: float
    started_at: float | None
    ended_at: float | None
    error: dict[str, Any] | None  # {"code", "message"}
    result: dict[str, Any] | None


def job_of(row: sa.Row[Any]) -> Job:
    """The job of a row of the table."""
    return Job(**dict(zip(row._fields, row, strict=True)))
