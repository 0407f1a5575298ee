"""Two workers of curation beside each other: how much the work of one slows the other down.

Starting, judging and packing are left out, so that a few seconds of footage tell what hours would.
"""

import shutil
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from praxino.evaluation.bench.figure import Figure, Report

SCALING = 1.8
"""Times as fast with two workers as with one."""
ROUNDS = 5
"""Times that each worker does its film over; the middle one counts, and one before them, for what is compiled."""


def beside(films: list[Path], work: Path, report: Report) -> Figure:
    """Films a second of two workers over those of one, each from file to tags to clips, wall time."""
    one, two = (_pace(films[:workers], work, report) for workers in (1, 2))
    return Figure(what="two workers, side by side", value=two / one, unit="times one", against="wanted",
                  reference=SCALING)  # fmt: skip


def _pace(films: list[Path], work: Path, report: Report) -> float:
    """Films a second of as many workers as films, one each."""
    with ProcessPoolExecutor(len(films), mp_context=get_context("spawn")) as pool:
        jobs = [pool.submit(_stint, film, work / f"{len(films)}-{number}") for number, film in enumerate(films)]
        pace = sum(1 / job.result() for job in jobs)
    report("side by side", len(films) / 2)
    return pace


def _stint(film: Path, work: Path) -> float:
    """Do a film again and again: the middle one's seconds."""
    took = list[float]()
    for number in range(ROUNDS + 1):
        begun = time.perf_counter()
        curated(film, work / str(number))
        took.append(time.perf_counter() - begun)
        shutil.rmtree(work / str(number))
    return statistics.median(took[1:])


def curated(film: Path, work: Path) -> int:
    """Study a film and cut out all of its shots, as curation's workers do; how many shots that were."""
    from praxino.curation import cutout, study
    from praxino.curation.clip import Source

    source = Source(uri=film.name, path=film, digest="0" * 64)
    study.study(source, work)
    shots = study.opened(work, source.digest).shots
    wanted = [(f"{shot.start}", shot.start, shot.end, shot.crop) for shot in shots]
    cutout.cutout(source, work, wanted, work / "clips")
    return len(shots)
