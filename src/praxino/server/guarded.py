"""The guard at the door: what it denies is a Problem, with the reason and how to object."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from praxino.jobs import moderation
from praxino.jobs.deny import Denial
from praxino.jobs.guard import UnavailableError
from praxino.request import Request
from praxino.server.body import HALF
from praxino.server.errors import Problem
from praxino.server.service import Service


def _writable(value: str) -> str:
    if "\0" in value or HALF.search(value):
        raise ValueError("it holds characters that no text has; send UTF-8")
    return value.strip()


def _said(value: str) -> str:
    if not value:
        raise ValueError("it is empty; say something")
    return value


Text = Annotated[str, AfterValidator(_writable)]
Said = Annotated[str, AfterValidator(_writable), AfterValidator(_said)]
"""Text, and text that is not empty, as they can be kept and shown."""


def told(film: Request) -> str:
    """All the words of a film, as they are shown."""
    return " / ".join(shot.prompt for shot in film.shots)


def check_words(service: Service, tenant: str, text: str, *, param: str = "prompt") -> None:
    """Raises Problem where no film is made of such words, unless a moderator let this tenant have them."""
    denial = denial_of(service, text)
    if denial is None or moderation.allowed(service.db, tenant, text):
        return
    remedy = "say it otherwise, or object: POST /v1/moderation/appeals with the same prompt, and a moderator decides"
    message = f"this is not made here: {denial.en} ({denial.zh}); {remedy}"
    raise Problem(status=400, message=message, code="prompt_denied", param=param)


def check_picture(service: Service, file: Path, param: str) -> None:
    """Raises Problem where nothing is made from such a picture."""
    try:
        denial = service.guard.picture(file)
    except UnavailableError:
        raise _unavailable() from None
    if denial is not None:
        message = f"{param}: nothing is made from this picture here: {denial.en} ({denial.zh}); use another"
        raise Problem(status=400, message=message, code="picture_denied", param=param)


def denial_of(service: Service, text: str) -> Denial | None:
    """What the guard says. Raises Problem where it cannot say."""
    try:
        return service.guard.words(text)
    except UnavailableError:
        raise _unavailable() from None


def _unavailable() -> Problem:
    message = "what judges prompts does not answer, and nothing is made unjudged; try again"
    return Problem(
        status=503,
        message=message,
        code="moderation_unavailable",
        type="server_error",
        headers={"Retry-After": "10"},
    )
