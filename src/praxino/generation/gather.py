"""Several films in one process: calls of the transformer that come at the same time are made as one.

A film does not depend on who is beside it. Calls are made as one only where that gives, bit for bit, what each gives
alone: the first time that so many of a kind meet they are made both ways, and where bits differ (a library may multiply
another number of rows otherwise) so many of this kind are never made as one in this process.

Shapes: b batch, t latent frames, h rows, w columns, c latent channels.
"""

import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import Unpack, cast
from weakref import WeakValueDictionary

import torch
from torch import Tensor

from praxino import checkpoint
from praxino.generation import engine
from praxino.generation.engine import Engine, Own
from praxino.generation.parts import Parts
from praxino.generation.tracing import TRACING
from praxino.transformer.block import Heard
from praxino.transformer.model import How, Text, Transformer
from praxino.transformer.several import Behind, Call, behind

PATIENCE = 0.5
"""Of what calls took last: so long who is there waits for a film that called a moment ago."""
LONGEST = 0.1
"""Seconds of that at most."""
STACKS = 4
"""Pasts and texts, side by side, that are kept for the next step: of two groups, with guidance and without."""


class Shared:
    """Models that several films use at once: each is there once, for as long as a film uses it."""

    def __init__(self) -> None:
        self._open: WeakValueDictionary[tuple[object, str], Own] = WeakValueDictionary()
        self._turn = threading.Lock()

    def opened(self, model: str) -> Engine:
        """As `engine.opened`. What diffusers serves is each film's own: it has a state while it makes one."""
        folder = checkpoint.find(model)
        with self._turn:
            name = (folder, checkpoint.digest(folder))
            if (known := self._open.get(name)) is not None:
                return known
            made = engine.opened(model)
            if isinstance(made, Own):
                made = self._open[name] = Own(gathered(made.parts))
            return made


def gathered(parts: Parts) -> Parts:
    """The same for several films; the passes of two transformers that take turns are never made as one."""
    network = parts.transformer
    return (
        replace(parts, transformer=cast("Transformer", Gathered(network)))
        if isinstance(network, Transformer)
        else parts
    )


@dataclass(kw_only=True)
class Place:
    """A call that waits to be made, and what it gave."""

    call: Call
    kind: Hashable
    film: int  # the thread that makes it
    ready: bool = False  # whether it waits for no film any more
    taken: bool = False
    done: bool = False
    made: Tensor | None = None
    error: BaseException | None = None


@dataclass(kw_only=True)
class Meeting:
    """Where the threads of films wait for each other, a moment only; one of those that are there makes the calls.

    Whoever called a moment ago is waited for; who does not come in time (it decodes, or has ended) is not, until it
    calls again. So there is nothing to sign in to or out of.
    """

    turn: threading.Condition = field(default_factory=threading.Condition)
    waiting: list[Place] = field(default_factory=list[Place])
    films: set[int] = field(default_factory=set[int])
    busy: bool = False
    freed: float = 0.0  # when the last calls were made
    took: float = 0.0  # seconds that they took

    def met(self, mine: Place) -> list[Place]:
        """The calls of its kind that this thread is to make, its own among them; none where another one has."""
        with self.turn:
            self.films.add(mine.film)
            self.waiting.append(mine)
            self.turn.notify_all()
            came = time.monotonic()
            while not mine.done:
                if mine.taken or self.busy:
                    self.turn.wait()
                    continue
                left = max(came, self.freed) + min(PATIENCE * self.took, LONGEST) - time.monotonic()
                there = {place.film for place in self.waiting}
                if mine.ready or left <= 0 or self.films <= there:
                    return self._taken(mine, there)
                self.turn.wait(left)
            return []

    def _taken(self, mine: Place, there: set[int]) -> list[Place]:
        if not mine.ready:  # all that are here: others are made next, without another wait
            self.films &= there
            for place in self.waiting:
                place.ready = True
        group = [place for place in self.waiting if place.kind == mine.kind]
        for place in group:
            place.taken = True
        self.waiting = [place for place in self.waiting if not place.taken]
        self.busy = True
        return group

    def part(self, group: Sequence[Place], seconds: float) -> None:
        """They are made."""
        with self.turn:
            for place in group:
                place.done = True
            self.busy, self.freed, self.took = False, time.monotonic(), seconds
            self.turn.notify_all()


class Gathered:
    """`Transformer`, as the threads of several films call it, each film from one thread at a time."""

    def __init__(self, network: Transformer) -> None:
        self.config, self.dtype, self.fusible = network.config, network.dtype, network.fusible
        self.made: Counter[int] = Counter()  # by number of films: how often so many were made as one
        self._network, self._meeting = network, Meeting()
        self._same: dict[tuple[Hashable, int], bool] = {}  # whether so many of a kind give what each gives alone
        self._stacks: OrderedDict[Hashable, tuple[Sequence[Call], Behind]] = OrderedDict()

    def read(self, text: Tensor, mask: Tensor | None = None, *, picture: Tensor | None = None) -> Heard:
        """As `Transformer.read`."""
        with TRACING.calling():
            return self._network.read(text, mask, picture=picture)

    def __call__(
        self,
        latents: Tensor,
        time: Tensor,
        text: Text,
        **how: Unpack[How],
    ) -> Tensor:
        """As `Transformer.forward`. By a program, and for more than one sample, a call is made by itself."""
        cache, itself = how.get("cache"), how.get("fused", False) or not how.get("causal", True)
        if itself or len(latents) > 1 or not isinstance(text, Heard) or cache is None:
            with TRACING.calling():
                return self._network(latents, time, text, **how)
        start, remember = how.get("start", 0), how.get("remember", False)
        call = Call(latents=latents, time=time, text=text, start=start, cache=cache, remember=remember)
        mine = Place(call=call, kind=call.kind(self.config), film=threading.get_ident())
        if group := self._meeting.met(mine):
            self._make(group)
        if mine.error is not None:
            raise mine.error
        assert mine.made is not None
        return mine.made

    def _make(self, group: Sequence[Place]) -> None:
        begun = time.monotonic()
        try:
            with TRACING.calling():
                self._answer(group)
        finally:
            self._meeting.part(group, time.monotonic() - begun)

    def _answer(self, group: Sequence[Place]) -> None:
        """Make calls of one kind: as one where it is known that bits stay the same, else each alone."""
        calls, key = [place.call for place in group], (group[0].kind, len(group))
        same = self._same.get(key)
        if len(group) > 1 and same is None:
            once = self._several([replace(call, remember=False) for call in calls])
            self._alone(group)
            each = [place.made for place in group]
            self._same[key] = once is not None and all(
                a is not None and torch.equal(a, b) for a, b in zip(each, once, strict=True)
            )
        elif len(group) > 1 and same and (made := self._several(calls)) is not None:
            for place, answer in zip(group, made, strict=True):
                place.made = answer
        else:
            self._alone(group)

    def _several(self, calls: Sequence[Call]) -> list[Tensor] | None:
        """None where it cannot be done: there may be room for each, and not for all."""
        name = tuple((id(call.cache), tuple(call.cache.chunks), id(call.text)) for call in calls)
        try:
            kept = self._stacks.pop(name, None) or (calls, behind(calls))  # holds them, so that their ids stay theirs
            self._stacks[name] = kept
            if len(self._stacks) > STACKS:
                self._stacks.popitem(last=False)
            made = self._network.several(calls, after=kept[1])
        except (RuntimeError, MemoryError):
            self._stacks.clear()
            return None
        self.made[len(calls)] += 1
        return made

    def _alone(self, group: Sequence[Place]) -> None:
        if len(self._meeting.films) == 1:
            self._stacks.clear()
        for place in group:
            call = place.call
            try:
                how = {"start": call.start, "cache": call.cache, "remember": call.remember}
                place.made = self._network(call.latents, call.time, call.text, **how)
                self.made[1] += 1
            except BaseException as error:  # noqa: BLE001 - it is raised in the thread whose call it is
                place.error = error


SHARED = Shared()
"""Of this process."""
