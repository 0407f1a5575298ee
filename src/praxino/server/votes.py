"""Which is better: two films of the same words, without their makers' names; and the table of preferences."""

from typing import Literal

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field

from praxino.jobs import preference, votes
from praxino.jobs.votes import Choice, Compares, Vote
from praxino.server.errors import Problem
from praxino.server.explore import MEDIA
from praxino.server.openapi import errors
from praxino.server.service import Serving, Tenant, away
from praxino.server.videos import KINDS, sent

router = APIRouter(prefix="/v1", tags=["votes"])


class Pair(BaseModel):
    """Two films that were asked for with the same words."""

    id: str
    object: Literal["pair"] = "pair"
    prompt: str
    a: str = Field(description="Where the one is.")
    b: str = Field(description="Where the other is.")
    compares: Compares = Field(description="Two models; or settings of one, which counts in no table.")


class Ballot(BaseModel):
    """Which is better."""

    model_config = ConfigDict(extra="forbid")

    choice: Choice


class Side(BaseModel):
    """What one of the two was."""

    video_id: str
    model: str


class Cast(BaseModel):
    """A vote, and what the two were."""

    id: str
    object: Literal["vote"] = "vote"
    choice: Choice
    compares: Compares
    a: Side
    b: Side


class Preference(BaseModel):
    """How strong a model is: it beats another with probability 1 / (1 + exp(its score - this score))."""

    model: str
    score: float = Field(description="Of Bradley and Terry; the mean of all is 0.")
    low: float = Field(description="With high: 95% of such intervals hold the true score.")
    high: float
    wins: int
    losses: int
    same: int
    votes: int


class Preferences(BaseModel):
    """Models by the votes of who saw their films, the best first."""

    object: Literal["list"] = "list"
    data: list[Preference]
    votes: int = Field(description="Between different models.")
    left_out: int = Field(description="Votes between settings of one model.")
    voters: int


@router.get("/votes/next", responses=errors(404, 503))
async def following(service: Serving, tenant: Tenant) -> Pair:
    """The next two films to compare: of works, and of one's own videos. Asked again, the same two."""
    vote = await away(votes.following, service.db, tenant)
    if vote is None:
        message = "there are no two films to compare: publish works of the same prompt, length and size by two models"
        raise Problem(status=404, message=message, code="no_pair")
    address = f"/v1/votes/{vote.id}"
    return Pair(id=vote.id, prompt=vote.prompt, a=f"{address}/a", b=f"{address}/b", compares=vote.compares)


@router.get(
    "/votes/{vote_id}/{side}",
    response_class=FileResponse,
    responses=MEDIA | {200: {"content": {"video/mp4": {}}, "description": "The film; Range works."}},
)
async def film(service: Serving, tenant: Tenant, vote_id: str, side: Literal["a", "b"]) -> Response:
    """One of the two films, under no name."""
    vote = await _vote(service, tenant, vote_id)
    video = vote.a if side == "a" else vote.b
    if not await away(votes.visible, service.db, tenant, video):
        raise Problem(status=404, message=f"film {side} of {vote_id} is not there any more", code="content_gone")
    name, kind = KINDS["video"]
    return await sent(service, f"{video}/{name}", kind, name=f"{vote.id}.{side}.mp4")


@router.post("/votes/{vote_id}", responses=errors(400, 404, 409, 503))
async def cast(service: Serving, tenant: Tenant, vote_id: str, asked: Ballot) -> Cast:
    """Say which is better, and learn what they were. A vote stands."""
    vote = await _vote(service, tenant, vote_id)
    try:
        vote = await away(votes.cast, service.db, vote, asked.choice)
    except votes.VotedError as error:
        raise Problem(status=409, message=str(error), code="voted", param="choice") from None
    return Cast(
        id=vote.id,
        choice=asked.choice,
        compares=vote.compares,
        a=Side(video_id=vote.a, model=vote.a_model),
        b=Side(video_id=vote.b, model=vote.b_model),
    )


@router.get("/preferences", responses=errors(503))
async def preferences(service: Serving, _tenant: Tenant) -> Preferences:
    """The models by what people preferred, blind."""
    meetings = await away(votes.meetings, service.db)
    left_out, voters = await away(votes.counted, service.db)
    table = await away(preference.strengths, meetings)
    return Preferences(data=[_row(one) for one in table], votes=len(meetings), left_out=left_out, voters=voters)


async def _vote(service: Serving, tenant: str, name: str) -> Vote:
    found = None if "\0" in name else await away(votes.get, service.db, tenant, name)
    if found is None:
        raise Problem(status=404, message=f"there is no vote {name!r}", code="vote_not_found", param="vote_id")
    return found


def _row(one: preference.Strength) -> Preference:
    return Preference(
        model=one.name,
        score=round(one.score, 4),
        low=round(one.low, 4),
        high=round(one.high, 4),
        wins=one.wins,
        losses=one.losses,
        same=one.same,
        votes=one.wins + one.losses + one.same,
    )
