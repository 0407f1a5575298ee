"""What a reel of footage is made of: takes of the world, how they are joined, and what is wrong with them.

A plan is drawn from a random generator alone; no picture is needed for it, and all that is true of a reel follows from
it. Shapes: n frames.
"""

from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from praxino.world.footage_rest import LONG, Life, longest

WIPES = ("left", "right", "up", "down", "iris")
"""Where the edge goes to; an iris opens from the middle."""
JOINS = {"hard": 0.55, "dissolve": 0.2, "fade": 0.1, "wipe": 0.15}
"""How takes are joined, and how often."""
DEFECTS = ("blur", "noise", "bright", "dark", "flat", "blocks", "freeze", "dropped", "duplicated", "still", "black")
"""What can be wrong with a take: its frames, not its place among others."""
TRIES = 12
"""Places of a window that are looked at, for one where something moves."""
GOLDEN = 0.618034
"""Steps of this, modulo one, meet all kinds about as often as they should be met, however few there are."""
PATCH = ("blur", "noise", "bright", "dark", "flat", "blocks")
"""Of these, what is done to pictures; the others choose which pictures are shown."""


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """Something that is so in frames [begin, end) of a reel."""

    kind: str
    begin: int
    end: int
    amount: float = 1.0
    frames: tuple[int, ...] = ()  # the very ones, where it is not all of them
    text: str = ""
    box: tuple[int, int, int, int] | None = None  # left, top, width, height in pixels


@dataclass(frozen=True, kw_only=True)
class Join:
    """How one take becomes the next."""

    kind: str  # hard, fade, dissolve, wipe
    begin: int  # first frame that is not wholly of the old take
    end: int  # first frame that is wholly of the new one
    way: str = ""  # of a fade: black, white; of a wipe: one of WIPES
    soft: float = 0.0  # how wide the edge of a wipe is, of the picture
    hold: int = 0  # frames of a fade that are black or white

    @property
    def frame(self) -> int:
        """First frame of the new take; the middle of a gradual join."""
        return (self.begin + self.end) // 2


@dataclass(frozen=True, kw_only=True)
class Take:
    """Frames of a clip of the world as they are seen in a reel."""

    clip: int  # its number in the stock
    begin: int  # frames of the reel in which any of it is seen: [begin, end)
    end: int
    shown: np.ndarray  # (n,) int64: which frame of the clip
    path: np.ndarray  # (n + 1, 2) float: where the window is, 0..1 of the room to the right and below
    mirror: bool
    gains: tuple[float, float, float]  # of red, green, blue
    gamma: float
    again: bool  # these frames of the clip were used before
    defects: tuple[Stretch, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Reel:
    """A film that was never shot."""

    frames: int
    takes: tuple[Take, ...]
    joins: tuple[Join, ...]  # one fewer than takes
    events: tuple[Stretch, ...] = ()  # flash, pan, shake: no joins, and no defects either
    overlays: tuple[Stretch, ...] = ()  # letterbox, pillarbox, logo, subtitle

    def truth(self, stock: "Stock") -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "frames": self.frames,
            "shots": [self._shot(number, stock) for number in range(len(self.takes))],
            "transitions": [asdict(join) | {"frame": join.frame} for join in self.joins],
            "events": [_plain(one) for one in self.events],
            "overlays": [_plain(one) for one in self.overlays],
        }

    def _shot(self, number: int, stock: "Stock") -> dict[str, Any]:
        take = self.takes[number]
        begin = self.joins[number - 1].end if number else 0
        end = self.joins[number].begin if number < len(self.joins) else self.frames
        return {
            "start": begin,  # frames [start, end) are wholly of this take
            "end": end,
            "world": stock.seeds[take.clip],
            "world_frames": take.shown[begin - take.begin : end - take.begin].tolist(),
            "mirror": take.mirror,
            "again": take.again,
            "captions": stock.captions[take.clip],
            "defects": [_plain(one) for one in take.defects],
        }


@dataclass
class Stock:
    """Clips that takes are cut from, and what has been used of them."""

    lengths: list[int]
    wide: list[bool]  # enough room beside the window for a fast pan
    seeds: list[int]
    captions: list[dict[str, str]]
    lives: list[Life] = field(default_factory=list[Life])  # where clips change; where not known, they do all over
    _used: dict[int, int] = field(default_factory=dict)
    _rounds: dict[int, int] = field(default_factory=dict)

    def rests(self, clip: int, shown: np.ndarray, path: np.ndarray) -> np.ndarray:
        """(n - 1,) bool: in which steps nothing moves of frames ``shown`` (n,) in a window at ``path`` (n, 2)."""
        return self.lives[clip].rests(shown, path) if self.lives else np.zeros(len(shown) - 1, bool)

    def cut(self, rng: np.random.Generator, length: int, *, wide: bool) -> tuple[int, int, bool]:
        """A clip, the first of ``length`` frames of it, and whether any of those were used before."""
        fits = [n for n, size in enumerate(self.lengths) if self.wide[n] == wide and size >= length]
        fresh = [n for n in fits if self._used.get(n, 0) + length <= self.lengths[n] and n not in self._rounds]
        if fresh:
            clip = int(rng.choice(fresh))
            first = self._used.get(clip, 0)
            self._used[clip] = first + length
            return clip, first, False
        if not fits:
            raise ValueError(f"no clip of the stock has {length} frames; the longest has {max(self.lengths)}")
        clip = int(rng.choice(fits))
        self._rounds[clip] = self._rounds.get(clip, 0) + 1
        return clip, int(rng.integers(self.lengths[clip] - length + 1)), True


@dataclass(frozen=True, kw_only=True)
class Menu:
    """What a reel may have."""

    joins: dict[str, float] = field(default_factory=lambda: dict(JOINS))
    shots: tuple[int, int] = (30, 80)  # frames of a take without its joins
    dissolve: tuple[int, int] = (6, 25)  # frames
    wipe: tuple[int, int] = (6, 25)
    slope: tuple[int, int] = (4, 13)  # of a fade, and again on its other side
    hold: tuple[int, int] = (1, 8)
    flash: float = 0.2  # chance in each take
    pan: float = 0.15
    shake: float = 0.1
    drift: float = 0.25  # a slow move of the window
    defects: tuple[str, ...] = ()  # one of them in each take, in turn, every second take
    clean: float = 0.4  # share of takes without a defect where there are defects


def reel(rng: np.random.Generator, stock: Stock, menu: Menu, *, frames: int) -> Reel:
    """A reel of about ``frames`` frames."""
    joins, cores, now = list[Join](), list[tuple[int, int]](), 0
    start, spoilt = rng.random(), int(rng.integers(len(menu.defects) or 1))
    while True:
        length = int(rng.integers(*menu.shots))
        cores.append((now, now + length))
        now += length
        if now >= frames:
            break
        joins.append(_join(rng, menu, now, (start + len(joins) * GOLDEN) % 1))
        now = joins[-1].end
    takes, events = list[Take](), list[Stretch]()
    for number, core in enumerate(cores):
        begin = joins[number - 1].begin if number else 0
        end = joins[number].end if number < len(joins) else core[1]
        kind = ""
        if menu.defects and (start + number * GOLDEN) % 1 >= menu.clean:
            kind, spoilt = menu.defects[spoilt % len(menu.defects)], spoilt + 1
        take, found = _take(rng, stock, menu, ((begin, end), core), kind)
        takes.append(_spoil(rng, take, core, kind) if kind else take)
        events += found
    return Reel(frames=now, takes=tuple(takes), joins=tuple(joins), events=tuple(events))


def _join(rng: np.random.Generator, menu: Menu, at: int, lot: float) -> Join:
    """A join at a frame; ``lot``, 0..1, says of which kind."""
    shares = np.cumsum(list(menu.joins.values()))
    kind = list(menu.joins)[int(np.searchsorted(shares / shares[-1], lot, side="right"))]
    if kind == "hard":
        return Join(kind=kind, begin=at, end=at)
    if kind == "dissolve":
        return Join(kind=kind, begin=at, end=at + int(rng.integers(*menu.dissolve)))
    if kind == "wipe":
        soft = float(rng.choice([0.0, 0.0, 0.05, 0.2]))
        return Join(kind=kind, begin=at, end=at + int(rng.integers(*menu.wipe)), way=str(rng.choice(WIPES)), soft=soft)
    hold = int(rng.integers(*menu.hold))
    length = 2 * int(rng.integers(*menu.slope)) + hold
    return Join(kind=kind, begin=at, end=at + length, way=str(rng.choice(["black", "black", "white"])), hold=hold)


def _take(
    rng: np.random.Generator, stock: Stock, menu: Menu, spans: tuple[tuple[int, int], tuple[int, int]], defect: str
) -> tuple[Take, list[Stretch]]:
    """A take: where it is seen, and where of that without joins, are ``spans``; and what happens in it."""
    span, core = spans
    length = span[1] - span[0]
    leaps = np.ones(length, np.int64)
    if defect == "dropped":
        leaps[4 : length - 1 : int(rng.integers(5, 9))] = 3
    shown = np.cumsum(leaps) - 1
    pans = not defect and rng.random() < menu.pan and core[1] - core[0] > 30 and any(stock.wide)
    clip, first, again = stock.cut(rng, int(shown[-1]) + 1, wide=bool(pans))
    draw = partial(_pans, rng, length + 1, span, core) if pans else partial(_stays, rng, length + 1)
    (path, events), drifts = draw(), not pans and rng.random() < menu.drift
    for _ in range(TRIES):
        if longest(stock.rests(clip, first + shown, path[:-1])) < LONG:
            break
        path, events = draw()
    else:  # a window that shows nothing moves itself
        path, events, drifts = path[:1], [], True
    if drifts:
        path = path[:1] + np.linspace(0, 1, length + 1)[:, None] * (rng.uniform(0.05, 0.95, (1, 2)) - path[:1])
    if rng.random() < menu.shake and not defect:
        amount = float(rng.uniform(0.03, 0.2))
        path = np.clip(path + _tremble(rng, length + 1) * amount, 0, 1)
        events.append(Stretch(kind="shake", begin=core[0], end=core[1], amount=amount))
    if rng.random() < menu.flash and core[1] - core[0] > 16 and not defect:
        at, long = int(rng.integers(core[0] + 5, core[1] - 8)), int(rng.integers(1, 4))
        events.append(Stretch(kind="flash", begin=at, end=at + long, amount=float(rng.uniform(0.5, 1))))
    red, green, blue = (rng.uniform(0.85, 1.1) * rng.uniform(0.92, 1.08, 3)).tolist()
    take = Take(
        clip=clip, begin=span[0], end=span[1], shown=first + shown, path=path, again=again,
        mirror=bool(rng.random() < 0.5), gains=(red, green, blue), gamma=float(rng.uniform(0.85, 1.2)),
    )  # fmt: skip
    return take, events


def _stays(rng: np.random.Generator, length: int) -> tuple[np.ndarray, list[Stretch]]:
    """A path (length, 2) of a window that stays where it is."""
    return np.repeat(rng.uniform(0.2, 0.8, (1, 2)), length, 0), []


def _pans(
    rng: np.random.Generator, length: int, span: tuple[int, int], core: tuple[int, int]
) -> tuple[np.ndarray, list[Stretch]]:
    """A path (length, 2) of a window that is swept over a panorama, and when."""
    took = int(rng.integers(6, 18))
    at = int(rng.integers(core[0] + 5, core[1] - took - 4))
    path = np.repeat(rng.uniform(0.2, 0.8, (1, 2)), length, 0)
    path[:, 0] = _sweep(np.arange(length) + span[0] - at, took, back=rng.random() < 0.5)
    return path, [Stretch(kind="pan", begin=at, end=at + took)]


def _sweep(since: np.ndarray, took: int, *, back: bool) -> np.ndarray:
    """From one side to the other in ``took`` frames, gently at both ends."""
    when = np.clip(since / took, 0, 1)
    way = 0.05 + 0.9 * when * when * (3 - 2 * when)
    return 1 - way if back else way


def _tremble(rng: np.random.Generator, length: int) -> np.ndarray:
    """(length, 2): a hand's unrest, about 1 in size, of a few frames' memory."""
    steps, out = rng.normal(0, 1, (length, 2)), np.zeros((length, 2))
    for n in range(1, length):
        out[n] = 0.6 * out[n - 1] + 0.8 * steps[n]
    return out


def _spoil(rng: np.random.Generator, take: Take, core: tuple[int, int], kind: str) -> Take:
    """The take with a defect."""
    shown, path, (begin, end) = take.shown.copy(), take.path, core
    very = np.array([], np.int64)
    if kind == "freeze":
        begin = core[0] + int(rng.integers(2, max(3, (end - begin) // 3)))
        end = min(end, begin + int(rng.integers(15, 40)))
        a, b = begin - take.begin, end - take.begin
        shown[b:] -= shown[b - 1] - shown[a]  # it goes on from where it stopped
        shown[a:b] = shown[a]
    elif kind in ("still", "black"):
        shown[:] = shown[0]
    elif kind == "duplicated":
        very = np.arange(begin + int(rng.integers(1, 4)), end, int(rng.integers(3, 6)))
        shown[very - take.begin] = shown[very - take.begin - 1]
    elif kind == "dropped":
        leaps = take.begin + 1 + np.flatnonzero(np.diff(take.shown) > 1)
        very = leaps[(leaps > begin) & (leaps < end)]
    if kind in ("still", "black", "freeze", "duplicated"):
        path = np.repeat(path[:1], len(path), 0)
    found = Stretch(kind=kind, begin=begin, end=end, amount=float(rng.uniform(0.6, 1)), frames=tuple(very.tolist()))
    return replace(take, shown=shown, path=path, defects=(found,))


def _plain(one: Stretch) -> dict[str, Any]:
    return {key: value for key, value in asdict(one).items() if value not in ((), "", None)}
