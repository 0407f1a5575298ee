"""Around every request: how long it took, told to Prometheus and to the log."""

import logging
import time
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger("praxino.server")


class Measured:
    """The app, with its requests counted; as plain ASGI, for streams and files pass through it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun, status, took = time.perf_counter(), 500, 0.0

        async def heard(message: Message) -> None:
            nonlocal status, took
            if message["type"] == "http.response.start":
                status, took = message["status"], time.perf_counter() - begun
            await send(message)

        try:
            await self.app(scope, receive, heard)
        finally:
            _note(scope, status, took or time.perf_counter() - begun)


def _note(scope: Scope, status: int, took: float) -> None:
    route: Any = scope.get("route")
    name = getattr(route, "path", "none")
    figures = scope["app"].state.metrics
    figures.requests.labels(scope["method"], name, status).inc()
    figures.seconds.labels(name).observe(took)
    told = {"method": scope["method"], "route": name, "status": status, "ms": round(1000 * took, 1)}
    logger.info("request", extra=told | {"tenant": scope.get("state", {}).get("tenant")})
