"""What the server is and has: models, prices, health, figures."""

import shutil
import time
from typing import Any, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from pydantic import BaseModel, Field

from praxino import checkpoint
from praxino.jobs import sweep
from praxino.jobs.database import jobs
from praxino.jobs.job import State
from praxino.jobs.turns import Database
from praxino.server import guarded
from praxino.server.body import read
from praxino.server.dialect import CreateVideo, parse, request_of
from praxino.server.errors import Problem
from praxino.server.openapi import body as body_of
from praxino.server.openapi import errors
from praxino.server.quotes import Quotes, shipped
from praxino.server.service import Service, Serving, Tenant, away

router = APIRouter()
LEAST_DISK = 512 * 2**20
"""Bytes that have to be free."""


class Model(BaseModel):
    """A model of this server."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "praxino"
    sizes: list[tuple[int, int]] = Field([], description="Native width and height, in pixels.")
    vocabulary: list[str] = Field([], description="Words that it was taught; empty: nobody wrote them down.")


class Models(BaseModel):
    """The models of this server."""

    object: Literal["list"] = "list"
    data: list[Model]


class Cost(BaseModel):
    """What a video will cost, in half of the cases (p50) and in nine of ten (p90) at most."""

    tokens: int
    native: tuple[int, int]
    seconds_p50: float
    seconds_p90: float
    queue_seconds: float | None
    credits: int = Field(description="Binding, and the same every time; taken from makers where accounts are on.")
    peak_rss_bytes: int
    disk_bytes: int
    warnings: list[str]


class Health(BaseModel):
    """Whether it is."""

    status: str
    problems: list[str] = []


@router.get("/v1/models", tags=["models"], responses=errors(503))
async def models(_tenant: Tenant) -> Models:
    """The models that there are."""
    return Models(data=[_model(name) for name in shipped()])


@router.get("/v1/models/{model}", tags=["models"], responses=errors(404, 503))
async def model(_tenant: Tenant, model: str) -> Model:
    """One of them."""
    if model not in shipped():
        message = f"there is no model {model!r}; choose {', '.join(shipped())}"
        raise Problem(status=404, message=message, code="model_not_found", param="model")
    return _model(model)


@router.post(
    "/v1/videos/quote", tags=["videos"], openapi_extra=body_of(CreateVideo), responses=errors(400, 413, 415, 503)
)
async def quote(request: Request, service: Serving, tenant: Tenant) -> Cost:
    """What a video would cost, before anything is spent. Takes what POST /v1/videos takes."""
    body = await read(request, spool=service.spool)
    await away(body.remove)
    asked = parse(CreateVideo, body.values)
    if asked.model not in shipped():
        raise Problem(status=400, message=f"model {asked.model!r} is not here; choose {', '.join(shipped())}",
                      code="model_not_found", param="model")  # fmt: skip
    return await away(_cost, request.app.state.quotes, service, tenant, asked)


def _cost(quotes: Quotes, service: Service, tenant: str, asked: CreateVideo) -> Cost:
    from praxino.jobs import queue
    from praxino.server.asking import about

    film = request_of(asked)
    guarded.check_words(service, tenant, guarded.told(film))
    cost = quotes.quote(film)
    if cost is None:
        raise Problem(status=503, message="no film was made here yet, so nobody knows; ask again in some seconds",
                      code="not_calibrated", type="server_error", headers={"Retry-After": "5"})  # fmt: skip
    return Cost(
        tokens=cost.tokens,
        native=cost.native,
        seconds_p50=cost.seconds_p50,
        seconds_p90=cost.seconds_p90,
        queue_seconds=queue.busy(service.db),
        credits=quotes.price(film, draft=asked.draft).credits,
        peak_rss_bytes=cost.peak_rss_bytes,
        disk_bytes=cost.disk_bytes,
        warnings=about(film)["warnings"],
    )


@router.get("/healthz", tags=["health"])
async def healthz() -> Health:
    """The process is there."""
    return Health(status="ok")


@router.get(
    "/readyz", tags=["health"], responses={503: {"model": Health, "description": "Not ready; problems say why."}}
)
async def readyz(service: Serving) -> Response:
    """Jobs can be taken on, and made: the database and the storage can be written, there is room, and a worker."""
    problems = await away(_problems, service)
    health = Health(status="unavailable" if problems else "ok", problems=problems)
    return JSONResponse(health.model_dump(), status_code=503 if problems else 200)


def _problems(service: Service) -> list[str]:
    found: list[str] = []
    checks = {
        "the database cannot be written": lambda: sweep.checked(service.db),
        "the storage cannot be written": service.storage.check,
    }
    for problem, check in checks.items():
        try:
            check()
        except Exception:  # noqa: BLE001 - whatever it is, that is the answer
            found.append(problem)
    if shutil.disk_usage(service.db.settings.data).free < LEAST_DISK:
        found.append("the disk is nearly full")
    if not found and not sweep.staff(service.db):
        found.append("there is no worker")
    return found


def _model(name: str) -> Model:
    folder = shipped()[name]
    known = checkpoint.card(folder).get("card", {})
    created = int((folder / checkpoint.CONFIG).stat().st_mtime)
    return Model(id=name, created=created, sizes=known.get("sizes", []), vocabulary=known.get("words", []))


class Figures(Collector):
    """What the database knows, when Prometheus asks."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def collect(self) -> list[Metric]:
        """Jobs by state, and workers."""
        states = GaugeMetricFamily("praxino_jobs", "Jobs that are kept, by state.", labels=["state"])
        count = sa.select(jobs.c.state, sa.func.count()).group_by(jobs.c.state)
        with self.db.engine.connect() as connection:
            counts: dict[str, int] = dict(connection.execute(count).tuples().all())
        for state in State.__args__:
            states.add_metric([state], counts.get(state, 0))
        staff = GaugeMetricFamily("praxino_workers", "Workers that are there.", value=sweep.staff(self.db))
        return [states, staff]


class Metrics:
    """Figures of one server."""

    def __init__(self, db: Database) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(Figures(db))
        labels = ["method", "route", "status"]
        self.requests = Counter("praxino_http_requests", "Requests answered.", labels, registry=self.registry)
        self.seconds = Histogram("praxino_http_seconds", "Until the answer began.", ["route"], registry=self.registry)
        self.begun = Gauge("praxino_started_at", "When the server began, seconds since 1970.", registry=self.registry)
        self.begun.set(time.time())


@router.get("/metrics", tags=["health"], response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics(request: Request) -> Response:
    """Figures for Prometheus; of jobs their number, of nobody anything."""
    text: Any = await away(generate_latest, request.app.state.metrics.registry)
    return Response(text, media_type=CONTENT_TYPE_LATEST)
