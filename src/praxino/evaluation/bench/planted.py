"""What curation makes of planted defects: how many of each kind it drops, and how many clean shots with them."""

import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from praxino.evaluation.bench.figure import Figure, Report

SEED = 811
SHARES = {"reel": 0.03, "worn": 0.92, "marked": 0.02, "odd": 0.01}
"""Of the frames: nearly all are of films in which most shots have a defect."""
FOUND, LOST = 0.98, 0.02
LATER = ("dedupe", "balance", "suitability")
"""Stages that drop shots for what others are, not for what they are."""


def planted(report: Report, *, minutes: float, seed: int = SEED) -> list[Figure]:
    """Of footage that is mostly spoilt, made for it; tuning was done on other seeds."""
    from praxino.world.footage import Order, footage

    with tempfile.TemporaryDirectory() as folder:
        raw, work = Path(folder) / "raw", Path(folder) / "work"
        truth = footage(Order(minutes=minutes, seed=seed, shares=SHARES), raw, report=report)
        return figures(truth["files"], verdicts(raw, work, report))


def verdicts(raw: Path, work: Path, report: Report) -> list[dict[str, Any]]:
    """What curation's index says of each shot of a folder; nothing is encoded."""
    from praxino.curation import ingest, rules
    from praxino.curation.engine import Local
    from praxino.curation.judge import judge
    from praxino.curation.study import study

    sources = list(ingest.sources([raw]))
    jobs = [(study, (source, work)) for source in sources]
    for number, (_, error) in enumerate(Local(workers=2).run(jobs), start=1):
        if error:
            raise error
        report("studying", number / len(jobs))
    shots = [(one, one.shot or (one.start, one.end)) for one in judge(sources, work, rules.default())]
    return [
        {"source": one.source, "start_frame": shot[0], "end_frame": shot[1], "kept": one.kept, "reason": one.reason}
        for one, shot in shots
    ]


def figures(files: dict[str, Any], rows: list[dict[str, Any]]) -> list[Figure]:
    """Recall of each kind of defect, and the share of clean shots that a rule drops, from truth and an index."""
    there, dropped, spared = Counter[str](), Counter[str](), Counter[str]()
    for kind, _, row in judged(files, rows):
        there[kind] += 1
        stage = row["reason"].split(":")[0]
        dropped[kind] += not row["kept"] and stage not in LATER
        spared[kind] += row["kept"]
    return [
        *(
            Figure(what=f"{kind} found of {count}", value=dropped[kind] / count, unit="", against="wanted",
                   reference=FOUND)
            for kind, count in sorted(there.items())
            if kind != "clean"
        ),
        Figure(what=f"clean shots lost of {there['clean']}", value=dropped["clean"] / max(1, there["clean"]), unit="",
               against="at most", reference=LOST),
    ]  # fmt: skip


def judged(files: dict[str, Any], rows: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Each planted defect, mark and clean shot: its kind, its truth, and the row of the index that has most of it."""
    for name, file in files.items():
        if file["kind"] in {"broken", "copy", "part"}:
            continue
        mine = [row for row in rows if row["source"] == name and row["end_frame"] > row["start_frame"]]
        marks = [one for one in file["overlays"] if one["kind"] in {"logo", "subtitle"}]
        for shot in file["shots"]:
            row = _most(mine, shot["start"], shot["end"])
            if row is None:
                continue
            kinds = [one["kind"] for one in shot["defects"]]
            half = (shot["end"] - shot["start"]) / 2
            kinds += [one["kind"] for one in marks if _shared(shot["start"], shot["end"], one) > half]
            touched = any(_shared(shot["start"], shot["end"], one) > 0 for one in marks)
            for kind in kinds or ([] if touched else ["clean"]):
                yield kind, shot, row


def _most(rows: list[dict[str, Any]], begin: int, end: int) -> dict[str, Any] | None:
    def shared(row: dict[str, Any]) -> int:
        return min(end, row["end_frame"]) - max(begin, row["start_frame"])

    best = max(rows, key=shared, default=None)
    return best if best is not None and shared(best) > 0 else None


def _shared(begin: int, end: int, one: dict[str, Any]) -> int:
    return min(end, one["end"]) - max(begin, one["begin"])
