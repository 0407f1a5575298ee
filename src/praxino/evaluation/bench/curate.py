"""How fast footage is curated: one worker against two, all tags on one core against single-purpose tools, real time.

The tools are FFmpeg's filters that measure one thing each, as one would run them: each decodes the film for itself, on
one thread. Those that PyAV's FFmpeg does not have (cropdetect, signature, vidstabdetect, ocr) are not counted, though
we do their work, too.
"""

import resource
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import av
import av.filter
from av.error import BlockingIOError as Waiting
from av.error import EOFError as Ended

from praxino.evaluation.bench.curate_beside import SCALING, beside
from praxino.evaluation.bench.figure import Figure, Report
from praxino.evaluation.bench.planted import planted

TOOLS = (
    "scdet", "blurdetect", "blockdetect", "siti", "vmafmotion", "freezedetect", "blackdetect", "entropy",
    "signalstats", "idet",
)  # fmt: skip
SEED, MINUTES, FPS = 31, 3.0, 25
SECONDS = 3.0
"""Of each film of two shots."""
QUICK = 4
"""Films, and half a minute of footage with defects."""
REAL_TIME = 5.0
"""Times as fast as it plays, on one core, at 720p."""
SUM = 3.0
"""Times as fast as the tools one after another."""


def curate(report: Report, *, quick: bool = False) -> list[Figure]:
    """Speed at 1280x720, and how much of planted defects is found at 512x288."""
    count = QUICK if quick else round(MINUTES * 60 / SECONDS)
    with tempfile.TemporaryDirectory() as folder:
        large = Path(folder) / "large"
        films = filmed(large, count, report)
        figures = [*speed(films, report), beside(films, Path(folder), report)]
        figures += [] if quick else scaling(large, report)
    return figures + planted(report, minutes=0.5 if quick else MINUTES)


def filmed(into: Path, count: int, report: Report) -> list[Path]:
    """Films of the world at 1280x720, of two shots each, and of 25 frames a second."""
    into.mkdir()
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        jobs = [pool.submit(_filmed, into / f"{number:03d}.mp4", SEED + 2 * number) for number in range(count)]
        for number, job in enumerate(jobs, start=1):
            job.result()
            report("rendering", number / count)
    return sorted(into.iterdir())


def _filmed(path: Path, seed: int) -> None:
    from praxino.world.film import film
    from praxino.world.footage_files import Manner, write

    frames = round(SECONDS * FPS / 2)
    shots = [film(one, width=1280, height=720, frames=frames, fps=FPS).frames for one in (seed, seed + 1)]
    write(path, (picture for shot in shots for picture in shot), fps=FPS, manner=Manner())


def speed(films: list[Path], report: Report) -> list[Figure]:
    """Of one core: everything that is measured of footage, from file to tags, and each tool alone. CPU time."""
    from praxino.curation.clip import Source
    from praxino.curation.study import study

    plays = len(films) * 2 * round(SECONDS * FPS / 2) / FPS
    ours, theirs = 0.0, dict.fromkeys(TOOLS, 0.0)
    for number, path in enumerate([films[0], *films]):  # the first is done twice, for what is compiled
        with tempfile.TemporaryDirectory() as work:
            took = _seconds(lambda p=path, w=work: study(Source(uri=p.name, path=p, digest="0" * 64), Path(w)))
        ours += took * bool(number)
        for tool in TOOLS if number else ():
            theirs[tool] += _seconds(lambda p=path, tool=tool: _measured(p, tool))
        report("measuring", number / len(films))
    slowest = max(theirs, key=lambda tool: theirs[tool])
    return [
        Figure(what="all tags", value=plays / ours, unit="times real time", against="wanted", reference=REAL_TIME),
        Figure(
            what="all tags", value=plays / ours, unit="times real time", against=f"{len(TOOLS)} tools one by one",
            reference=plays / sum(theirs.values()),
        ),
        Figure(
            what="all tags", value=plays / ours, unit="times real time", against=f"{slowest}, the slowest tool, alone",
            reference=plays / theirs[slowest],
        ),
    ]  # fmt: skip


def scaling(folder: Path, report: Report) -> list[Figure]:
    """The same files with one worker and with two, the whole run: wall, and all that was used of the cores."""
    from praxino.curation.curate import Settings
    from praxino.curation.curate import curate as made

    wall, used = list[float](), list[float]()
    for workers in (1, 2):
        with tempfile.TemporaryDirectory() as into:
            begun, before = time.perf_counter(), _used()
            made([folder], Path(into), settings=Settings(workers=workers), report=report)
            wall.append(time.perf_counter() - begun)
            used.append(_used() - before)
    return [
        Figure(what="two workers, the whole run", value=wall[0] / wall[1], unit="times one", against="wanted",
               reference=SCALING),
        Figure(what="CPU time of two workers", value=used[1], unit="s", against="of one", reference=used[0]),
    ]  # fmt: skip


def _seconds(work: Callable[[], object]) -> float:
    """Of CPU time, all threads together."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def _used() -> float:
    """Seconds of CPU time of this process and of those that it started and that have ended."""
    whole = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in whole)


def _measured(path: Path, tool: str) -> int:
    """Run a filter over a film and throw the pictures away; how many came out."""
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        video.thread_type = "NONE"
        video.codec_context.thread_count = 1
        graph = av.filter.Graph()
        graph.threads = 1
        graph.link_nodes(graph.add_buffer(template=video), graph.add(tool), graph.add("buffersink")).configure()
        count = 0
        for frame in container.decode(video):
            graph.push(frame)
            count += _pulled(graph)
        graph.push(None)
        return count + _pulled(graph)


def _pulled(graph: av.filter.Graph) -> int:
    count = 0
    while True:
        try:
            graph.pull()
        except (Waiting, Ended):
            return count
        count += 1
