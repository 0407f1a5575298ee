"""Hours of difficult raw footage whose truth is known: what shots, what joins, what defects, copies of what.

Clips of the world are rendered once and cut many ways. The files' truth follows from the seed; their bytes may differ
between versions of the encoder.
"""

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from praxino.world import footage_files as files
from praxino.world import physics, render
from praxino.world.film import film
from praxino.world.footage_copies import broken, copies
from praxino.world.footage_draw import overlays, pictures
from praxino.world.footage_files import Manner
from praxino.world.footage_reel import DEFECTS, Menu, Reel, Stock, reel
from praxino.world.footage_rest import Life, changes
from praxino.world.sampling import sample

TRUTH = "truth.json"
FPS = 25
FIRST = 8_000_000_000
"""Seeds of the world's clips count from here: no model is trained on them."""
CLIP = 150  # frames
MOST = 240  # clips; longer footage shows them again, mirrored and graded another way
SKETCH = 108  # lines of the small film that shows whether anything moves
WIDE = 6  # every so many clips is a panorama, for fast pans
MARKS = ("letterbox", "logo", "subtitle", "pillarbox", "subtitle")
"""What lies over marked films, in turn; the last is Chinese."""
SHARES = {"reel": 0.45, "worn": 0.27, "marked": 0.13, "odd": 0.05}
"""Of the frames; the rest is copies."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """What footage to make."""

    minutes: float
    seed: int
    width: int = 512
    height: int = 288
    workers: int = 2
    shares: Mapping[str, float] = field(default_factory=lambda: dict(SHARES))  # of the frames; see SHARES

    @property
    def frames(self) -> int:
        """Of all files together, about."""
        return round(self.minutes * 60 * FPS)


@dataclass(frozen=True, kw_only=True)
class File:
    """One file to write, and what it is."""

    name: str
    kind: str
    reel: Reel
    manner: Manner = field(default_factory=Manner)
    squeeze: float = 1.0  # of its width, which the pixels' aspect undoes


def footage(order: Order, into: Path, *, report: Callable[[str, float], None]) -> dict[str, Any]:
    """Write files of footage and ``truth.json`` into a folder, and return what that holds.

    Raises ValueError where the folder holds something else.
    """
    into.mkdir(parents=True, exist_ok=True)
    told = {"seed": order.seed, "minutes": order.minutes, "width": order.width, "height": order.height, "fps": FPS}
    if (into / TRUTH).exists():
        truth: dict[str, Any] = json.loads((into / TRUTH).read_text(encoding="utf-8"))
        if any(truth[key] != value for key, value in told.items()):
            raise ValueError(f"{into} holds other footage (see {into / TRUTH}); choose another folder")
        return truth
    if any(into.iterdir()):
        raise ValueError(f"{into} is not empty; choose another folder")
    workers = ProcessPoolExecutor(order.workers, mp_context=get_context("spawn"))
    try:
        with tempfile.TemporaryDirectory() as shelf:
            stock = _stock(order, Path(shelf), workers, report)
            planned = plan(order, stock)
            jobs = [workers.submit(_write, into, file, Path(shelf), (order.width, order.height)) for file in planned]
            for number, job in enumerate(jobs, start=1):
                job.result()
                report("cutting", number / len(jobs))
        held = {file.name: {"kind": file.kind, **_about(file, order), **file.reel.truth(stock)} for file in planned}
        rng = np.random.default_rng([order.seed, 3])
        held |= copies(rng, into, held, fps=FPS) | broken(rng, into, held)
    finally:
        workers.shutdown(cancel_futures=True)
    truth = told | {"files": dict(sorted(held.items()))}
    (into / TRUTH).write_text(json.dumps(truth, ensure_ascii=False), encoding="utf-8")
    return json.loads((into / TRUTH).read_text(encoding="utf-8"))


def plan(order: Order, stock: Stock) -> list[File]:
    """All files that are not copies of others."""
    rng = np.random.default_rng([order.seed, 1])
    long = min(max(order.frames // 20, 150), 1500)
    spans = {kind: max(1, round(order.frames * share / long)) for kind, share in order.shares.items()}
    made = list[File]()
    for number in range(spans["reel"]):
        made.append(File(name=f"reel-{number:03d}.mp4", kind="reel", reel=reel(rng, stock, Menu(), frames=long)))
    turn = rng.permutation(len(DEFECTS)).tolist()
    for number in range(max(spans["worn"], 2)):
        turn = turn[5:] + turn[:5]
        menu = Menu(joins={"hard": 1}, shots=(40, 80), defects=tuple(DEFECTS[n] for n in turn), flash=0, pan=0, shake=0)
        made.append(File(name=f"worn-{number:03d}.mp4", kind="worn", reel=reel(rng, stock, menu, frames=long)))
    for number in range(max(2 * spans["marked"], len(MARKS))):
        plain = reel(rng, stock, Menu(), frames=max(150, long // 2))
        language = "zh" if number % len(MARKS) == len(MARKS) - 1 else "en"
        laid = overlays(rng, MARKS[number % len(MARKS)], plain.frames, (order.width, order.height), language)
        marked = replace(plain, overlays=laid)
        made.append(File(name=f"marked-{number:03d}.mp4", kind="marked", reel=marked))
    for number in range(max(spans["odd"], 3)):
        made.append(_odd(rng, number, reel(rng, stock, Menu(), frames=150)))
    for kind in ("still", "black"):
        menu = Menu(shots=(100, 101), defects=(kind,), clean=0, joins={"hard": 1})
        made.append(File(name=f"{kind}.mp4", kind=kind, reel=reel(rng, stock, menu, frames=100)))
    return made


def _odd(rng: np.random.Generator, number: int, plain: Reel) -> File:
    kind = ("variable", "rotated", "anamorphic")[number % 3]
    name = f"{kind}-{number // 3:03d}.mp4"
    if kind == "variable":
        return File(name=name, kind=kind, reel=plain, manner=Manner(shutter=files.shutter(rng, plain.frames, FPS)))
    if kind == "rotated":
        return File(name=name, kind=kind, reel=plain, manner=Manner(rotation=int(rng.choice([90, 180, 270]))))
    return File(name=name, kind=kind, reel=plain, manner=Manner(aspect=Fraction(4, 3)), squeeze=0.75)


def _about(file: File, order: Order) -> dict[str, Any]:
    """Of a file, as its container has it; pictures are upright and with square pixels as the order says."""
    return {
        "copy_of": None,
        "rotation": file.manner.rotation,
        "aspect": float(file.manner.aspect),
        "variable": bool(file.manner.shutter),
        "width": order.width,
        "height": order.height,
    }


def _write(into: Path, file: File, shelf: Path, size: tuple[int, int]) -> None:
    shown = pictures(file.reel, Shelf(shelf), width=size[0], height=size[1])
    if file.manner.rotation:
        shown = (np.rot90(picture, file.manner.rotation // 90) for picture in shown)
    if file.squeeze != 1:
        shown = files.resized(shown, (round(size[0] * file.squeeze) // 2 * 2, size[1]))
    files.write(into / file.name, shown, fps=FPS, manner=file.manner)


class Shelf(Mapping[int, np.ndarray]):
    """The stock's clips (n, h, w, 3), of which the last few are held."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[int, np.ndarray] = {}

    def __getitem__(self, clip: int) -> np.ndarray:
        if clip not in self._held:
            if len(self._held) == 2:  # a join shows two
                del self._held[next(iter(self._held))]
            self._held[clip] = np.stack(list(files.read(self._folder / f"{clip:04d}.mp4")))
        return self._held[clip]

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self)))

    def __len__(self) -> int:
        return len(list(self._folder.glob("*.mp4")))


def _stock(order: Order, shelf: Path, workers: ProcessPoolExecutor, report: Callable[[str, float], None]) -> Stock:
    count = min(max(round(order.frames / CLIP), WIDE), MOST)
    jobs = [workers.submit(partial(_render, order, number, shelf)) for number in range(count)]
    made = list[tuple[int, dict[str, str], Life]]()
    for number, job in enumerate(jobs, start=1):
        made.append(job.result())
        report("rendering", number / count)
    return Stock(
        lengths=[CLIP] * count,
        wide=[_wide(number) for number in range(count)],
        seeds=[seed for seed, _, _ in made],
        captions=[captions for _, captions, _ in made],
        lives=[life for _, _, life in made],
    )


def _wide(number: int) -> bool:
    return number % WIDE == WIDE - 1


def _render(order: Order, number: int, shelf: Path) -> tuple[int, dict[str, str], Life]:
    """Put a clip on the shelf: its seed, its captions, and where it changes.

    Clips in which nothing moves for long are left out: they would be stills that nobody planted.
    """
    width, height = (round(side * 1.15) // 2 * 2 for side in (order.width, order.height))
    width = order.width * 9 // 4 // 2 * 2 if _wide(number) else width
    rung, seed = "one" if number % 5 == 4 else "all", FIRST + order.seed * 1_000_000 + number * 50
    life = Life(cells=changes(_sketch(seed, rung, width / height)), window=(order.width / width, order.height / height))
    for _ in range(49):
        if life.lively:
            break
        seed += 1
        life = replace(life, cells=changes(_sketch(seed, rung, width / height)))
    made = film(seed, rung=rung, width=width, height=height, frames=CLIP, fps=FPS)
    files.write(shelf / f"{number:04d}.mp4", made.frames, fps=FPS, manner=Manner(quality=10))
    return seed, made.captions, life


def _sketch(seed: int, rung: str, aspect: float) -> np.ndarray:
    """The frames (n, h, w, 3) of a film of the world, small: enough to see whether anything moves."""
    what = sample(seed, rung=rung, aspect=aspect)
    motion = physics.simulate(what, frames=CLIP, fps=FPS)
    return render.render(what, motion, width=round(SKETCH * aspect), height=SKETCH)
