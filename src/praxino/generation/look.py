"""A look while it is opened: what is done to the weights of its base on their way to their places."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from torch import Tensor

from praxino import checkpoint
from praxino import look as looks
from praxino.layers.pieces import Source
from praxino.transformer import wan_files, wan_lora


def source(folder: Path) -> Source:
    """The file that a model's weights are read from, and what is added to some of them.

    A change is read and multiplied out when its weight comes by, and let go with it. Raises ValueError for a look
    whose base is not here or has other weights, and whose changes do not fit it.
    """
    look, home = looks.of(checkpoint.card(folder)), checkpoint.base(folder)
    file = home / checkpoint.WEIGHTS
    if look is None:
        return Source(path=file)
    if (now := checkpoint.digest(home)) != look.digest:
        raise ValueError(
            f"model {folder.name!r} is a look of {look.base!r} with the weights {look.digest}, and those at {home} are"
            f" {now} now; put the others back, or make the look anew"
        )
    touches: dict[str, Callable[[Tensor], Tensor]] = {}
    for kept in look.changes:
        for change in wan_lora.changes(folder / kept.file, shapes_of(home, kept.part)):
            name, touch = f"{kept.part}.{change.name}", partial(change.added, strength=kept.strength)
            touches[name] = partial(_both, touches[name], touch) if name in touches else touch
    return Source(path=file, touches=touches)


def shapes_of(folder: Path, part: str) -> dict[str, tuple[int, ...]]:
    """Of the weights of one of a model's networks, by their names in it; reads headers."""
    held, prefix = wan_files.described(folder / checkpoint.WEIGHTS), f"{part}."
    return {name.removeprefix(prefix): one.shape for name, one in held.items() if name.startswith(prefix)}


def _both(first: Callable[[Tensor], Tensor], then: Callable[[Tensor], Tensor], value: Tensor) -> Tensor:
    return then(first(value))
