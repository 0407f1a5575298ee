"""Many films of the world on disk: rendered by several processes, resumable, the same from the same seed."""

import json
import os
import signal
import tempfile
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Literal

import numpy as np

from praxino import shards
from praxino.geometry import frames_of_seconds
from praxino.media.write import Writer
from praxino.world.film import film

ORDER = "world.json"
PER_SHARD = 16


@dataclass(frozen=True, kw_only=True)
class Order:
    """What to render: films of the seeds from ``seed`` on."""

    seed: int
    seconds: float = 4
    width: int = 512
    height: int = 288
    fps: float = 30
    rung: str = "all"
    form: Literal["shards", "mp4"] = "mp4"
    masks: bool = False  # which thing each pixel shows, as NAME.masks.npz

    @property
    def frames(self) -> int:
        """Of each film."""
        return frames_of_seconds(self.seconds, self.fps)


def store(order: Order, into: Path, *, count: int, workers: int, report: Callable[[float], None]) -> int:
    """Render ``count`` films into a folder and return how many were not there yet.

    As mp4: NAME.mp4 and NAME.json (captions, truth) for each; as shards: WebDataset tars of both and an index. What is
    finished is kept, so an interrupted order goes on where it stopped, and a larger count adds to it.
    Raises ValueError where the folder holds another order.
    """
    _claim(order, into)
    if order.form == "mp4":
        jobs = [partial(_clip, order, seed, into) for seed in range(order.seed, order.seed + count)]
        jobs = [job for job in jobs if not (into / f"{_name(job.args[1])}.json").exists()]
        fresh = len(jobs)
    else:
        starts = range(0, count, PER_SHARD)
        sizes = {n: min(PER_SHARD, count - begin) for n, begin in enumerate(starts)}
        _drop_short(into, sizes)
        missing = {n: size for n, size in sizes.items() if not (into / f"shard-{n:06d}.tar").exists()}
        jobs, fresh = [partial(_shard, order, n, size, into) for n, size in missing.items()], sum(missing.values())
    _run(jobs, workers, report)
    if order.form == "shards":
        shards.index(into)
    return fresh


def sample(order: Order, seed: int) -> dict[str, Any]:
    """One film as a sample of a shard: its key, and its mp4, json and perhaps masks.npz as bytes."""
    with tempfile.TemporaryDirectory() as folder:
        _clip(order, seed, Path(folder))
        parts = {path.name.split(".", 1)[1]: path.read_bytes() for path in Path(folder).iterdir()}
    return {"key": _name(seed), **parts}


def _clip(order: Order, seed: int, into: Path) -> None:
    """Write one film; its json comes last, and tells that all of it is there."""
    made = film(
        seed, rung=order.rung, width=order.width, height=order.height, frames=order.frames, fps=order.fps,
        masks=order.masks,
    )  # fmt: skip
    name = _name(seed)
    with Writer(into / f"{name}.mp4", width=order.width, height=order.height, fps=order.fps) as out:
        for frame in made.frames:
            out.write(frame)
    if made.masks is not None:
        temporary = into / f".{name}.{os.getpid()}.tmp.npz"
        np.savez_compressed(temporary, ids=made.masks)
        temporary.replace(into / f"{name}.masks.npz")
    about = {"seed": seed, "captions": made.captions, "truth": made.truth}
    _write(into / f"{name}.json", json.dumps(about, ensure_ascii=False))


def _shard(order: Order, number: int, count: int, into: Path) -> None:
    first = order.seed + number * PER_SHARD
    shards.write_shard(into, number, (sample(order, seed) for seed in range(first, first + count)))


def _drop_short(into: Path, sizes: dict[int, int]) -> None:
    """Remove a last shard of an earlier, smaller count, which a larger one fills up."""
    for path in shards.shards(into)[-1:]:
        number = int(path.stem.split("-")[1])
        if number in sizes and shards.count_in(path) < sizes[number]:
            path.unlink()


def _run(jobs: list[partial[None]], workers: int, report: Callable[[float], None]) -> None:
    if not jobs:
        return
    pool = ProcessPoolExecutor(min(workers, len(jobs)), mp_context=get_context("spawn"), initializer=_deaf)
    try:
        running: list[Future[None]] = [pool.submit(job) for job in jobs]
        for done, future in enumerate(as_completed(running), start=1):
            future.result()
            report(done / len(jobs))
    finally:
        pool.shutdown(cancel_futures=True)  # what has begun is finished, what has not is left out


def _deaf() -> None:
    """Ctrl-C is the parent's business: a worker ends its film."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _claim(order: Order, into: Path) -> None:
    into.mkdir(parents=True, exist_ok=True)
    path, text = into / ORDER, json.dumps(asdict(order), sort_keys=True)
    if not path.exists():
        _write(path, text)
    elif path.read_text(encoding="utf-8") != text:
        raise ValueError(f"{into} holds films of another order (see {path}); choose another folder")


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def _name(seed: int) -> str:
    return f"{seed:09d}"
