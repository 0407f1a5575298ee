"""Raw footage to a dataset: every source studied once, every shot judged, what is kept encoded and packed."""

import contextlib
import fcntl
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from praxino.curation import cutout, ingest, store, study
from praxino.curation import report as page
from praxino.curation.caption import Captioner
from praxino.curation.clip import Clip, Source
from praxino.curation.cluster import Cluster
from praxino.curation.engine import Engine, Job, Local
from praxino.curation.judge import judge
from praxino.curation.rules import Recipe, default

Report = Callable[[str, float], None]  # stage, fraction done of it from 0 to 1


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How to curate."""

    recipe: Recipe = field(default_factory=default)
    engine: Literal["local", "ray"] = "local"
    workers: int = 2
    captioner: Captioner | None = None  # looks at what is kept, and says what it shows


def curate(
    paths: Iterable[Path | str], into: Path, *, settings: Settings, report: Report = lambda _stage, _done: None
) -> dict[str, Any]:
    """Make a dataset of all footage below ``paths``, or bring the one that is there up to date.

    What was done stays done: interrupted and run again, the dataset is what it would have been. Returns counts and the
    survival table. Raises ValueError on paths that are not there, or where another process is at it.
    """
    given = [Path(path) for path in paths]
    _check(given, into)
    engine = _engine(settings)
    with _alone(into):
        report("reading", 0.0)
        return made(list(ingest.sources(given)), into, engine=engine, settings=settings, report=report)


def made(
    sources: Sequence[Source], into: Path, *, engine: Engine, settings: Settings, report: Report
) -> dict[str, Any]:
    """The dataset of these sources."""
    work, recipe = into / store.WORK, settings.recipe
    studied = _studied(sources, work, engine, report)
    clips = judge(sources, work, recipe, report=lambda done: report("judging", done))
    clips, looked = _looked(clips, sources, work, settings, report)
    clips, encoded = _encoded(clips, sources, into, engine, report)
    packed = store.pack(into, clips, report=lambda done: report("packing", done))
    store.finish(into, clips, sources, recipe)
    summary = {"into": str(into), "sources": len(sources), "studied": studied, "encoded": encoded, "packed": packed}
    summary |= counts(clips, sources) | looked
    report("report", 0.0)
    page.write(into / "report.html", clips, sources, summary=summary, recipe=recipe)
    report("report", 1.0)
    return summary


def counts(clips: Sequence[Clip], sources: Sequence[Source]) -> dict[str, Any]:
    """How many shots there are and how many are kept, in shots and seconds, and what each stage left of them."""
    reasons = Counter(clip.reason.split(":")[0] for clip in clips if not clip.kept)
    shots = [clip for clip in clips if clip.end > clip.start]
    kept = [clip for clip in clips if clip.kept]
    left, rows = len(shots), list[dict[str, Any]]()
    order = ("size", "light", "picture", "motion", "overlay", "filter", "suitability", "dedupe", "balance", "cutout")
    for stage in (*order, *sorted(set(reasons) - set(order) - {"ingest", "cut"})):
        if reasons[stage] or stage in order[:5] or stage == "dedupe":
            rows.append({"stage": stage, "in": left, "dropped": reasons[stage], "kept": left - reasons[stage]})
            left -= reasons[stage]
    unreadable = reasons["ingest"]
    first = {"stage": "ingest", "in": len(sources), "dropped": unreadable, "kept": len(sources) - unreadable}
    return {
        "broken": unreadable,
        "shots": len(shots),
        "kept": len(kept),
        "seconds": round(sum(_seconds(clip) for clip in shots), 2),
        "seconds_kept": round(sum(_seconds(clip) for clip in kept), 2),
        "survival": [first, *rows],
    }


def _seconds(clip: Clip) -> float:
    value = clip.tags.get("seconds")
    return float(value) if isinstance(value, int | float) else 0.0


def _studied(sources: Sequence[Source], work: Path, engine: Engine, report: Report) -> int:
    """Study what is not known yet; how many sources that was. Files that are there twice are studied once."""
    new = {source.digest: source for source in sources if not study.known(work, source.digest)}
    fresh = list(new.values())
    jobs: list[Job] = [(study.study, (source, work)) for source in fresh]
    for number, error in _followed(engine, jobs, [_bytes(source) for source in fresh], lambda f: report("studying", f)):
        if error is not None:
            study.broken(fresh[number], work, f"{type(error).__name__}: {error}"[:200])
    return len(fresh)


def _encoded(
    clips: list[Clip], sources: Sequence[Source], into: Path, engine: Engine, report: Report
) -> tuple[list[Clip], int]:
    """Encode what is kept and is nowhere yet; the clips, without what could not be encoded, and how many were."""
    by_digest = {source.digest: source for source in sorted(sources, key=lambda one: one.uri, reverse=True)}
    wanted: dict[str, list[cutout.Wanted]] = {}
    for clip in store.missing(into, clips):
        wanted.setdefault(clip.digest, []).append((store.key(clip), clip.start, clip.end, clip.crop))
    work, waiting = into / store.WORK, into / store.WORK / store.CLIPS
    jobs: list[Job] = [(cutout.cutout, (by_digest[digest], work, mine, waiting)) for digest, mine in wanted.items()]
    weights = [sum(end - start for _, start, end, _ in mine) for mine in wanted.values()]
    errors = {
        number: error for number, error in _followed(engine, jobs, weights, lambda f: report("encoding", f)) if error
    }
    for number, mine in enumerate(wanted.values()):
        for name, *_ in mine:
            if not (waiting / f"{name}.mp4").exists():
                reason = f"cutout: it could not be encoded ({errors.get(number) or 'its frames are gone'})"
                clips = [replace(one, kept=False, reason=reason) if store.key(one) == name else one for one in clips]
    return clips, sum(map(len, wanted.values()))


def _looked(
    clips: list[Clip], sources: Sequence[Source], work: Path, settings: Settings, report: Report
) -> tuple[list[Clip], dict[str, Any]]:
    """The clips with what the captioner, if there is one, sees in them, and how much of that is believed."""
    if settings.captioner is None:
        return clips, {}
    from praxino.curation import vision

    seen = vision.look(clips, sources, work, settings.captioner, report=lambda done: report("captioning", done))
    clips = judge(sources, work, settings.recipe, seen=seen)
    return clips, {"captions": vision.counts(clips, seen)}


def _followed(
    engine: Engine, jobs: list[Job], weights: list[int], report: Callable[[float], None]
) -> Generator[tuple[int, Exception | None]]:
    """Run jobs and say how far they are, by their weights."""
    if not jobs:
        return
    total, done = max(1, sum(weights)), 0
    report(0.0)
    for number, error in engine.run(jobs):
        done += weights[number]
        report(done / total)
        yield number, error


def _bytes(source: Source) -> int:
    try:
        return max(1, source.path.stat().st_size)
    except OSError:
        return 1


def _engine(settings: Settings) -> Engine:
    """Raises ValueError where it is not installed."""
    if settings.engine == "local":
        return Local(workers=settings.workers)
    return Cluster(workers=settings.workers)


def _check(paths: Sequence[Path], into: Path) -> None:
    if into.exists() and not into.is_dir():
        raise ValueError(f"into {into} is a file; name a folder")
    if not (into / store.WORK).exists() and any(into.glob("shard-*.tar")):
        raise ValueError(f"into {into} holds shards that curation did not make; choose another folder")
    target = into.absolute().resolve()
    for path in paths:
        if path.is_dir() and (path.resolve() == target or path.resolve() in target.parents):
            raise ValueError(f"into {into} lies in {path}, so it would become its own footage; choose a folder outside")


@contextlib.contextmanager
def _alone(into: Path) -> Generator[None]:
    """While this process works on a dataset. Raises ValueError where another one does."""
    (into / store.WORK).mkdir(parents=True, exist_ok=True)
    with (into / store.WORK / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ValueError(f"into {into} is being curated by another process; wait for it") from None
        yield
