"""The studio's files."""

from importlib import resources

from fastapi import APIRouter
from fastapi.responses import Response

from praxino.server.errors import Problem

router = APIRouter(include_in_schema=False)
KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".txt": "text/plain"}
SAFE = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' blob: data:; "
        "media-src 'self' blob:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
FILES = {
    path.name: path
    for folder in (resources.files("praxino.studio"), resources.files("praxino.studio") / "vendor")
    for path in folder.iterdir()
    if path.name.endswith((".css", ".js", ".html", ".txt"))
}


@router.get("/")
@router.get("/studio")
async def page() -> Response:
    """The page."""
    return _file("index.html")


@router.get("/studio/{name}")
@router.get("/studio/vendor/{name}")
async def file(name: str) -> Response:
    """What it needs."""
    return _file(name)


def _file(name: str) -> Response:
    if name not in FILES:
        raise Problem(status=404, message=f"there is no {name!r:.60} in the studio; open /studio", code="not_found")
    kind = KINDS[name[name.rindex(".") :]]
    return Response(FILES[name].read_text(encoding="utf-8"), media_type=kind, headers=SAFE)
