"""Whether a model can make what a request asks for, by its card; torch is not needed to know."""

from praxino import checkpoint, config, geometry
from praxino.generation.card import Card
from praxino.request import Request


def ask(request: Request, *, moving: bool) -> None:
    """`check` by the card in the model's folder, before anything is opened."""
    card = checkpoint.card(checkpoint.find(request.model)).get("card", {})
    if "takes" in card:  # of others nobody wrote down what they cannot
        check(request, config.from_json(Card, card), moving=moving)


def check(request: Request, card: Card, *, moving: bool) -> None:
    """Raises ValueError with the remedy where the model cannot; ``moving``: the request's start is a clip."""
    name, asked = request.model, _asked(request, moving=moving)
    if "between" in card.takes and request.end is not None:
        if request.start is not None and not moving:
            del asked["end"]
        else:
            asked["end"] = "ends on a picture only where it begins with one; give that with --start, or leave --end out"
    for ability, said in asked.items():
        if ability not in card.takes:
            raise ValueError(f"model {name!r} {said}")
    if card.ends and request.end is None:
        raise ValueError(f"model {name!r} makes what is between two pictures; give the last one with --end")
    if card.frames is None:
        return
    most = card.frames - ((card.context if moving else 1) if request.start else 0)
    if geometry.frames_of_seconds(request.seconds, card.fps) > most:
        longest = int(10 * most / card.fps) / 10
        then = "; then extend the film" if "extend" in card.takes else ""
        raise ValueError(
            f"{request.seconds:g} seconds are too many: model {name!r} makes a whole clip of at most {card.frames}"
            f" frames at a time; ask for {longest:g}{then}"
        )


def ask_again(model: str, *, first: bool, last: bool) -> None:
    """Whether it can make a part of a film again, by the card in its folder; the film's first or last part, or neither.

    Raises ValueError with the remedy where it cannot.
    """
    about = checkpoint.card(checkpoint.find(model)).get("card", {})
    card = config.from_json(Card, about) if "takes" in about else None
    if card is None:
        return
    if not first and "extend" not in card.takes:
        raise ValueError(
            f"model {model!r} goes on from no clip, so no later part of its films can be made again; make the film anew"
            " with another --seed"
        )
    if first and "words" not in card.takes:
        raise ValueError(f"model {model!r} begins with a picture; make again what comes later: --from 0.5 or more")
    if not last and "end" not in card.takes:
        rest = "; make again all that comes: --to the end" if "extend" in card.takes else "; make the film anew"
        raise ValueError(f"model {model!r} cannot lead to what comes after{rest}")
    if last and card.ends:
        raise ValueError(f"model {model!r} makes what is between two pictures; make again what comes before the end")


def _asked(request: Request, *, moving: bool) -> dict[str, str]:
    """What the request asks for, and what to say where the model cannot."""
    asked: dict[str, str] = {}
    if request.start is None:
        asked["words"] = "begins with a picture; give one with --start"
    elif moving:
        asked["extend"] = "cannot go on from a clip; leave --start out"
    else:
        asked["start"] = "was taught no pictures to begin with; leave --start out"
    if request.end is not None:
        asked["end"] = "was taught no pictures to end on; leave --end out"
    if len({shot.prompt for shot in request.shots}) > 1:
        asked["shots"] = "makes its whole clip by one prompt; give one, and extend the film by others"
    if request.negative:
        asked["negative"] = "is not guided, so nothing leads it away from a negative prompt; leave --negative out"
    return asked
