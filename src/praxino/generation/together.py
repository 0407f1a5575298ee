"""One transformer on several ranks: the first one calls it, and the others make the same call for their share.

Shapes: b batch, t latent frames, h rows, w columns, c latent channels, m text tokens.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Unpack, cast

import torch
import torch.distributed as dist
from torch import Tensor

from praxino.generation.fused import prepare
from praxino.generation.parts import open_parts
from praxino.generation.team import Team, lost
from praxino.transformer import sequence
from praxino.transformer.block import Heard
from praxino.transformer.cache import Cache
from praxino.transformer.config import TransformerConfig
from praxino.transformer.model import How, Text, Transformer


@dataclass(frozen=True, kw_only=True)
class Open:
    """Take up this model, and drop what was there."""

    folder: Path
    dtype: torch.dtype


@dataclass(frozen=True, kw_only=True)
class Read:
    """Read a text, and keep it under this number."""

    number: int
    given: dict[str, Tensor | None]  # what `Transformer.read` takes


@dataclass(frozen=True, kw_only=True)
class Look:
    """Make one call of the transformer."""

    latents: Tensor
    time: Tensor
    text: int
    cache: int | None  # the number of what is remembered
    how: How  # without the cache


@dataclass(frozen=True, kw_only=True)
class Fuse:
    """Make a program for calls of this shape, and say whether it works."""

    look: Look


@dataclass(frozen=True, kw_only=True)
class Told(Heard):
    """A text that all ranks have read."""

    number: int


class Together:
    """`Transformer`, as the first rank calls it; where decoding is apart, that holds no weights and no past."""

    def __init__(self, team: Team, network: Transformer) -> None:
        self.config: TransformerConfig = network.config
        self.dtype: torch.dtype = network.dtype
        self._team = team
        self._mine = None if team.apart else spread(network, team)
        self._texts, self._fused = 0, False
        self._caches: list[Cache] = []  # each under its number, which the others know it by

    def read(self, text: Tensor, mask: Tensor | None = None, *, picture: Tensor | None = None) -> Told:
        """As `Transformer.read`."""
        given = {"text": text, "mask": mask, "picture": picture}
        self._texts += 1
        self._team.say(Read(number=self._texts, given=_at(given, torch.device("cpu"))))
        if self._mine is None:
            return Told(spans=(), pooled=None, mask=None, number=self._texts)
        return Told(**vars(self._mine.read(text, mask, picture=picture)), number=self._texts)

    def __call__(
        self,
        latents: Tensor,
        time: Tensor,
        text: Text,
        **how: Unpack[How],
    ) -> Tensor:
        """As `Transformer.forward`. Raises ValueError where ranks are too many, LostError where one dies."""
        tokens = latents.shape[2] * latents.shape[3] // self.config.patch**2
        sequence.check(tokens=tokens, heads=self.config.heads, size=self._team.mesh.size())
        told = text if isinstance(text, Told) else self.read(*cast("tuple[Any, ...]", _whole(text)))
        cache = how.get("cache")
        number = None if cache is None else self._number(cache)
        look = Look(latents=latents.cpu(), time=time.cpu(), text=told.number, cache=number, how={**how, "cache": None})
        if how.get("fused") and not self._fused:
            self._fuse(look, lambda: self._mine and self._mine(latents, time, told, **how))
        self._team.say(look)
        with lost():
            if self._mine is not None:
                return self._mine(latents, time, told, **how)
            made = torch.empty(*latents.shape[:-1], self.config.latent_channels, dtype=latents.dtype)
            dist.recv(made, src=1, group=self._team.orders)
        if cache is not None and how.get("remember"):  # what of it, others know
            cache.remember(how.get("start", 0) // self.config.chunk, [], (latents[:, -1:], time[:, -1:]), self.config)
        return made.to(latents.device)

    def _fuse(self, look: Look, once: Callable[[], object]) -> None:
        """Make the program on all ranks. Raises RuntimeError, which is what a compiler does, where one cannot."""
        self._fused = True
        self._team.say(Fuse(look=look))
        if not self._team.agree(_works(once)):
            raise RuntimeError("a rank cannot make a program")

    def _number(self, cache: Cache) -> int:
        known = (number for number, one in enumerate(self._caches) if one is cache)
        if (number := next(known, None)) is None:
            self._caches.append(cache)
            return len(self._caches) - 1
        return number


@dataclass(kw_only=True)
class Follower:
    """What another rank does and has of it."""

    team: Team
    network: Transformer | None = None
    texts: dict[int, Heard] = field(default_factory=dict[int, Heard])
    caches: dict[int, Cache] = field(default_factory=dict[int, Cache])

    def do(self, order: Open | Read | Look | Fuse) -> None:
        """What was said. Raises LostError where another rank dies."""
        if isinstance(order, Open):
            self.network, self.texts, self.caches = None, {}, {}
            parts = open_parts(order.folder, device=self.team.device, dtype=order.dtype)
            self.network = spread(parts.transformer, self.team)
            self.team.agree(True)
            return
        assert self.network is not None
        if isinstance(order, Read):
            self.texts[order.number] = self.network.read(**cast("Any", _at(order.given, self.team.device)))
        elif isinstance(order, Fuse):
            prepare()
            self.team.agree(_works(partial(self._made, order.look, self.network)))
        else:
            with lost():
                made = self._made(order, self.network)
                if self.team.apart and self.team.rank == 1:
                    dist.send(made.cpu().contiguous(), dst=0, group=self.team.orders)

    def _made(self, look: Look, network: Transformer) -> Tensor:
        latents, time = (x.to(self.team.device) for x in (look.latents, look.time))
        heard, count = self.texts[look.text], len(latents)
        cache = None if look.cache is None else self.caches.setdefault(look.cache, Cache())
        return network(latents, time, heard if count == 1 else heard.times(count), **{**look.how, "cache": cache})


def spread(network: Transformer, team: Team) -> Transformer:
    """The same, for this rank's share of the tokens of each call."""
    network.mesh = team.mesh if team.mesh.size() > 1 else None
    return network


def _works(once: Callable[[], object]) -> bool:
    """Whether a program is made: a compiler may be there and not work."""
    try:
        once()
    except RuntimeError:
        return False
    return True


def _whole(text: Text) -> tuple[Tensor, ...]:
    if isinstance(text, Heard):
        raise TypeError("a text that one rank alone has read is no use to the others")
    return text if isinstance(text, tuple) else (text,)


def _at(given: dict[str, Tensor | None], device: torch.device) -> dict[str, Tensor | None]:
    return {name: None if x is None else x.to(device) for name, x in given.items()}
