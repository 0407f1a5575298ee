"""The studio's files."""

from importlib import resources
from typing import Literal

from fastapi import APIRouter
from fastapi.responses import Response

router = APIRouter(include_in_schema=False)
KINDS = {"index.html": "text/html", "studio.css": "text/css", "studio.js": "text/javascript"}
SAFE = {
    "Content-Security-Policy": "default-src 'self'; img-src blob:; media-src blob:; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


@router.get("/studio")
async def page() -> Response:
    """The page."""
    return _file("index.html")


@router.get("/studio/{name}")
async def file(name: Literal["studio.css", "studio.js"]) -> Response:
    """What it needs."""
    return _file(name)


def _file(name: str) -> Response:
    text = (resources.files("praxino.studio") / name).read_text(encoding="utf-8")
    return Response(text, media_type=KINDS[name], headers=SAFE)
