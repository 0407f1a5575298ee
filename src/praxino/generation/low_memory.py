"""How models are to take less memory, if they are to; torch is not needed to know."""

import os
from typing import Literal, cast, get_args

LowMemory = Literal["offload", "int8", "int8-dynamic", "fp8"]
"""Blocks that come when their turn does, which changes nothing that is computed; or weights in 8 bits, which does."""
VARIABLE = "PRAXINO_LOW_MEMORY"


def asked() -> LowMemory | None:
    """As the environment asks. Raises ValueError naming the variable and the remedy."""
    said = os.environ.get(VARIABLE) or None
    if said is not None and said not in get_args(LowMemory):
        raise ValueError(f"{VARIABLE} {said!r} must be one of {', '.join(get_args(LowMemory))}")
    return cast("LowMemory | None", said)


def check(*, together: int) -> None:
    """Raises ValueError as `asked`, and where so many films are to be made at once with little memory."""
    if asked() is not None and together > 1:
        raise ValueError(
            f"{VARIABLE} {asked()!r} is for one film at a time, not for {together} together; leave one of the two out"
        )


def told(digest: str) -> tuple[str, LowMemory | None]:
    """What `Parts.digest` says: the digest of the weights, and how they were rounded, if they were."""
    weights, _, how = digest.partition("-")
    return weights, cast("LowMemory", how) if how in get_args(LowMemory) else None


def rounds(how: LowMemory | None) -> bool:
    """Whether films come out otherwise than they would with all weights as they are."""
    return how is not None and how != "offload"
