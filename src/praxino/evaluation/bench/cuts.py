"""Shot boundaries on planted truth: ours, and PySceneDetect's detectors on the same files.

Shapes: n frames.
"""

import json
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from praxino.curation import cuts as detector
from praxino.curation.boundaries import boundaries, pictures
from praxino.evaluation.bench.figure import Figure, Report

SLACK = 8
"""Frames that a gradual transition may be off its middle."""
THEIRS = ("AdaptiveDetector", "ContentDetector", "HashDetector", "HistogramDetector")
SEED, MINUTES, QUICK = 21, 3.0, 1.0
ROUNDS = 2


@dataclass
class Score:
    """How well transitions were found in all files so far."""

    hits: dict[str, int] = field(default_factory=lambda: {"hard": 0, "gradual": 0})
    missed: dict[str, int] = field(default_factory=lambda: {"hard": 0, "gradual": 0})
    false: int = 0  # found where nothing is
    pure: int = 0  # shots found without a transition inside
    shots: int = 0
    seconds: float = 0.0

    def add(self, found: Iterable[int], true: list[dict[str, Any]], frames: int) -> None:
        """Count one file: first frames of new shots that were found, against what was planted.

        A hard cut has to be found at its very frame, a gradual one within `SLACK` frames of its middle; what is left
        over is false. Shots lie between the frames found; one is pure where no planted frame is inside it.
        """
        left = sorted(found)
        edges = [0, *left, frames]
        for join in true:
            kind = "hard" if join["kind"] == "hard" else "gradual"
            near = [at for at in left if abs(at - join["frame"]) <= (0 if kind == "hard" else SLACK)]
            if near:
                left.remove(min(near, key=lambda at, join=join: abs(at - join["frame"])))
            (self.hits if near else self.missed)[kind] += 1
        self.false += len(left)
        for begin, end in pairwise(edges):
            slacks = [(join["frame"], 0 if join["kind"] == "hard" else SLACK) for join in true]
            self.pure += not any(begin + slack < at < end - slack for at, slack in slacks)
            self.shots += 1

    def f1(self, kind: str) -> float:
        """Of hard or gradual transitions; false ones count for both."""
        hits = 2 * self.hits[kind]
        return hits / max(1, hits + self.missed[kind] + self.false)

    @property
    def purity(self) -> float:
        """Share of the shots found that are one shot."""
        return self.pure / max(1, self.shots)


def cuts(report: Report, *, quick: bool = False) -> list[Figure]:
    """F1 and purity of ours beside each of theirs, and frames a second of CPU time.

    Decoding is most of the time, so ours is told with every frame decoded, too.
    """
    from praxino.world.footage import Order, footage

    theirs = _theirs()
    with tempfile.TemporaryDirectory() as folder:
        order = Order(minutes=QUICK if quick else MINUTES, seed=SEED)
        truth = footage(order, Path(folder), report=report)
        return compared(Path(folder), truth["files"], theirs, report)


def measured(folder: Path, report: Report) -> list[Figure]:
    """The same on footage that is there."""
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    return compared(folder, truth["files"], _theirs(), report)


def compared(
    folder: Path, files: dict[str, Any], theirs: dict[str, Callable[[Path], list[int]]], report: Report
) -> list[Figure]:
    """Figures of ours against each of theirs, on all files that can be read."""
    works = {"ours": ours} | theirs | {"ours, every frame decoded": every_frame}
    scores = {name: Score() for name in works}
    readable = {name: file for name, file in files.items() if file["kind"] != "broken"}
    frames = sum(file["frames"] for file in readable.values())
    ours(folder / next(iter(readable)))  # compiles
    for number, (name, file) in enumerate(readable.items(), start=1):
        for who, work in works.items():
            timed = [_timed(work, folder / name) for _ in range(ROUNDS)]
            scores[who].seconds += min(seconds for seconds, _ in timed)  # other work only ever slows down
            scores[who].add(timed[0][1], file["transitions"], file["frames"])
        report("comparing", number / len(readable))
    mine, out = scores.pop("ours"), list[Figure]()
    for who, score in scores.items():
        out += [
            Figure(what="hard F1", value=mine.f1("hard"), unit="", against=who, reference=score.f1("hard")),
            Figure(what="gradual F1", value=mine.f1("gradual"), unit="", against=who, reference=score.f1("gradual")),
            Figure(what="purity of shots", value=mine.purity, unit="", against=who, reference=score.purity),
            Figure(
                what="file to cuts", value=frames / mine.seconds, unit="frames/s of CPU time",
                against=who, reference=frames / score.seconds,
            ),
        ]  # fmt: skip
    return out


def _timed(work: Callable[[Path], list[int]], path: Path) -> tuple[float, list[int]]:
    """Seconds of CPU time, all threads together, and what was found."""
    begun = time.process_time()
    found = work(path)
    return time.process_time() - begun, found


def ours(path: Path) -> list[int]:
    """First frames of new shots, middles of gradual transitions."""
    return [cut.frame for cut in boundaries(path)]


def every_frame(path: Path) -> list[int]:
    """The same with every frame decoded, as a scan does."""
    return [cut.frame for cut in detector.cuts(pictures(path, sparing=False))]


def _theirs() -> dict[str, Callable[[Path], list[int]]]:
    try:
        import scenedetect  # pyright: ignore[reportMissingImports] - not ours to install
    except ImportError as error:
        raise ValueError("the bench of cuts needs PySceneDetect; try: pip install scenedetect") from error

    def found(name: str, path: Path) -> list[int]:
        return [first.frame_num for first, _ in scenedetect.detect(str(path), getattr(scenedetect, name)())[1:]]

    return {name: lambda path, name=name: found(name, path) for name in THEIRS}
