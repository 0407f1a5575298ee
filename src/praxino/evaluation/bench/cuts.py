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

import av
import numpy as np

from praxino.curation import cuts as detector
from praxino.curation import upright
from praxino.curation.clip import Cut
from praxino.evaluation.bench.figure import Figure, Report

SLACK = 8
"""Frames that a gradual transition may be off its middle."""
THEIRS = ("AdaptiveDetector", "ContentDetector", "HashDetector", "HistogramDetector")
SEED, MINUTES, QUICK = 21, 3.0, 1.0


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

    Where every frame is decoded, decoding is most of the time of both, so what comes after it is told apart.
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
    works = {"ours": ours} | theirs
    scores = {name: Score() for name in works}
    readable = {name: file for name, file in files.items() if file["kind"] != "broken"}
    frames = sum(file["frames"] for file in readable.values())
    ours(folder / next(iter(readable)))  # compiles
    decoding = {"ours": 0.0, "theirs": 0.0}
    for number, (name, file) in enumerate(readable.items(), start=1):
        for who, work in works.items():
            found = list[int]()
            scores[who].seconds += _seconds(lambda work=work, path=folder / name, found=found: found.extend(work(path)))
            scores[who].add(found, file["transitions"], file["frames"])
        decoding["ours"] += _seconds(lambda path=folder / name: _decoded(path))
        decoding["theirs"] += _seconds(lambda path=folder / name: _decoded_by_theirs(path))
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
            Figure(
                what="without decoding", value=frames / max(1e-3, mine.seconds - decoding["ours"]),
                unit="frames/s of CPU time", against=who,
                reference=frames / max(1e-3, score.seconds - decoding["theirs"]),
            ),
        ]  # fmt: skip
    return out


def _seconds(work: Callable[[], object]) -> float:
    """Of CPU time, all threads together."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def _decoded(path: Path) -> int:
    with av.open(str(path.absolute())) as container:
        container.streams.video[0].codec_context.thread_count = 1
        return sum(1 for _ in container.decode(video=0))


def _decoded_by_theirs(path: Path) -> int:
    import cv2

    video, count = cv2.VideoCapture(str(path)), 0
    while video.read()[0]:
        count += 1
    return count


def ours(path: Path) -> list[int]:
    """First frames of new shots, middles of gradual transitions."""
    return [cut.frame for cut in boundaries(path)]


def boundaries(path: Path) -> list[Cut]:
    """All that ours finds in a file, decoded on one thread."""
    pictures = list[np.ndarray]()
    with av.open(str(path.absolute())) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        shape: upright.Shape | None = None
        for frame in container.decode(stream):
            shape = shape or upright.Shape.of(frame, stream.sample_aspect_ratio)
            flat = upright.planar(frame)
            luma, *chroma = upright.planes(flat)
            pictures.append(upright.small(flat, luma, (chroma[0], chroma[1]), shape))
    return detector.cuts(np.stack(pictures))


def _theirs() -> dict[str, Callable[[Path], list[int]]]:
    try:
        import scenedetect  # pyright: ignore[reportMissingImports] - not ours to install
    except ImportError as error:
        raise ValueError("the bench of cuts needs PySceneDetect; try: pip install scenedetect") from error

    def found(name: str, path: Path) -> list[int]:
        return [first.frame_num for first, _ in scenedetect.detect(str(path), getattr(scenedetect, name)())[1:]]

    return {name: lambda path, name=name: found(name, path) for name in THEIRS}
