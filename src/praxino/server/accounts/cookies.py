"""The cookies of who has logged in: one that pages cannot read, and one that they read and send back."""

from fastapi import Request, Response

from praxino.jobs import people_sessions
from praxino.server.errors import Problem
from praxino.server.service import CSRF, SESSION


def put(request: Request, response: Response, token: str) -> None:
    """Give them, for as long as a session lasts without a use."""
    for name, value in ((SESSION, token), (CSRF, people_sessions.csrf(token))):
        response.set_cookie(
            name,
            value,
            max_age=round(people_sessions.LASTS),
            httponly=name == SESSION,
            samesite="lax",
            secure=request.url.scheme == "https",
        )


def take(response: Response) -> None:
    """Take them back."""
    for name in (SESSION, CSRF):
        response.delete_cookie(name, samesite="lax")


async def of_our_own(request: Request) -> None:
    """Raises Problem where a page of another site asks: whoever is there would be logged in as somebody else."""
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        message = "another site's page asks for this; open the studio itself"
        raise Problem(status=403, message=message, code="cross_site", type="permission_error")
