"""The server: HTTP in, jobs out. It makes no films itself, and never loads torch."""

import contextlib
import logging
import shutil
import threading
import time
from collections.abc import AsyncIterator

from anyio import to_thread
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from sqlalchemy import exc

import praxino
from praxino.jobs import guard, people_gate, people_leave, people_sessions, people_throttle, sweep, turns
from praxino.jobs.settings import Settings
from praxino.jobs.storage import Storage
from praxino.jobs.turns import Database
from praxino.server import (
    about,
    control,
    credits,
    derived,
    errors,
    events,
    explore,
    hooks,
    insight,
    inspect,
    moderation,
    pages,
    videos,
    votes,
)
from praxino.server.accounts import routes as accounts
from praxino.server.errors import Problem
from praxino.server.measured import Measured
from praxino.server.quotes import Quotes
from praxino.server.service import Service

ROUND = 2.0
"""Seconds between looks after the service; workers look as well."""
THREADS = 12
"""That wait for the database and the disk; more of them wait for one another."""
logger = logging.getLogger("praxino.server")


def create_app(settings: Settings, *, db: Database | None = None) -> FastAPI:
    """The server of these settings. Raises ValueError where its database, storage or rules cannot be used."""
    db = db or turns.opened(settings)
    spool = settings.data.absolute() / "spool"
    shutil.rmtree(spool, ignore_errors=True)  # what a killed server left
    spool.mkdir(parents=True)
    app = FastAPI(
        title="Praxino",
        version=praxino.__version__,
        summary="Makes video from words, pictures and clips.",
        description="OpenAI's video dialect at /v1/videos, with names of vLLM-Omni's for more, and some of our own.",
        lifespan=_lifespan,
    )
    app.state.service = Service(db=db, storage=Storage(settings), spool=spool, guard=guard.opened(settings.guard))
    app.state.quotes = Quotes(db=db)
    app.state.metrics = about.Metrics(db)
    # /quote and /edits before /{video_id}
    for module in (about, derived, videos, control, events, hooks, credits, accounts, inspect, pages):
        app.include_router(module.router)
    for module in (explore, moderation, votes, insight):
        app.include_router(module.router)
    errors.install(app)
    credits.install(app)
    _install(app)
    return app


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """While the server runs, it looks after the service."""
    stopping = threading.Event()
    to_thread.current_default_thread_limiter().total_tokens = THREADS
    thread = threading.Thread(target=_watch, args=(app.state.service, stopping), daemon=True)
    thread.start()
    yield
    stopping.set()


def _watch(service: Service, stopping: threading.Event) -> None:
    expired, absent = 0.0, dict[str, float]()
    while not stopping.wait(ROUND):
        try:
            sweep.sweep(service.db, absent)
            people_gate.sweep(service.db)
            if time.monotonic() - expired > 60:
                expired = time.monotonic()
                sweep.expire(service.db, service.storage)
                people_leave.clear(service.db, service.storage)
                people_sessions.expire(service.db)
                people_throttle.expire(service.db)
        except Exception as error:  # noqa: BLE001 - the next round may fare better, and must come
            absent.clear()
            logger.warning("looking after jobs failed", extra={"reason": type(error).__name__})


def _install(app: FastAPI) -> None:
    """What goes around every request."""

    @app.exception_handler(exc.OperationalError)
    @app.exception_handler(exc.InterfaceError)
    @app.exception_handler(exc.TimeoutError)
    async def away(_request: Request, _error: Exception) -> JSONResponse:
        problem = Problem(
            status=503,
            message="the database is away, or full; nothing was changed, try again",
            code="database_unavailable",
            type="server_error",
            headers={"Retry-After": "2"},
        )
        return JSONResponse(errors.envelope(problem), 503, problem.headers)

    app.add_middleware(Measured)
