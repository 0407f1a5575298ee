"""A request becomes a file: the one way from words to an MP4, for the command line and for workers."""

import resource
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from praxino.generation import engine, price, speed
from praxino.generation.ahead import ahead, halves
from praxino.generation.engine import Engine, Planned
from praxino.generation.generate import Around, Report, silent
from praxino.generation.journal import Journal, Place
from praxino.generation.rollout import fingerprint
from praxino.generation.warnings import warnings_of
from praxino.generation.watch import Watch
from praxino.media import labels, sheet, visible, write
from praxino.request import Request, to_json

MOMENTS = 12
"""Frames on a contact sheet."""
Look = Callable[[np.ndarray], None]
"""Sees frames (f, H, W, 3) uint8."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What surrounds the film, and does not change it."""

    journal: Path | None = None  # folder to keep finished chunks in, and to resume from
    sheet: Path | None = None  # contact sheet to write, PNG
    draft: bool = False  # show it at the model's own size; with a journal, the same film can be finished at full size
    look: Look | None = None  # sees each piece (f, H, W, 3) uint8 of the film, once written
    opened: Callable[[str], Engine] = engine.opened  # opens the model, on one device or on several (`ranks`)
    enough: Callable[[], bool] | None = None  # asked, in another thread, after each chunk: is the film to end with it?
    within: Path | None = None  # folder that the request's relative paths start from; None: where this process is


def make(request: Request, output: Path, *, options: Options | None = None, report: Report = silent) -> dict[str, Any]:
    """Make the whole film at ``output``, whole or not at all, and return its summary.

    Raises ValueError for input that cannot be used. ``report`` hears (stage, fraction) as the work goes on; an
    exception that it or ``options.look`` raises (a cancellation) ends the work within a step and leaves nothing but
    the journal. Where ``options.enough`` ended the film early, its recipe says ``stopped``.
    """
    options, watch = options or Options(), Watch()
    with watch.stage("loading"):
        report("loading", 0.0)
        model = options.opened(request.model)
        planned = model.plan(_within(request, options.within), draft=options.draft)
        shown, journal = planned.shown, _journal(options, output, request, model)
        report("loading", 1.0)
    recipe = _recipe(request, model)
    if options.draft and options.journal is not None:
        recipe["draft"] = {"parts": str(options.journal.absolute())}
    moments = _Moments(wanted=planned.frames)
    writer = write.Writer(
        output, width=shown.width, height=shown.height, fps=shown.fps, metadata=labels.metadata(recipe)
    )
    with writer as film, halves() as whole:
        around = Around(
            journal=journal, report=report, watch=watch, cores=whole, enough=options.enough, look=options.look
        )
        looks = [moments.look, options.look] if options.look else [moments.look]
        _write(_labelled(planned.pieces(around), shown), film, around, looks)
        if film.frames < moments.wanted:
            recipe["stopped"] = {"frames": film.frames, "of": moments.wanted}
            film.tell(labels.metadata(recipe))
    if options.sheet is not None:
        sheet.save(sheet.sheet(np.stack(moments.kept)), options.sheet)
    summary = _summary(model, planned, output, frames=writer.frames, latents=watch.latents)
    if "stopped" not in recipe and options.opened is engine.opened:  # quotes are of one device, and one film on it
        _remember(summary, shown, watch)
    return summary | {
        "timings": {name: round(seconds, 3) for name, seconds in [*watch.seconds.items(), ("total", watch.total)]},
        "peak_rss_bytes": peak_rss_bytes(),
    }


def _write(pieces: Iterator[np.ndarray], film: write.Writer, around: Around, looks: Iterable[Look]) -> None:
    """Write the pieces (f, H, W, 3), made ahead; each is looked at once it is in the film."""
    with closing(ahead(pieces, room=1, stop=around.stop)) as made:
        for piece in made:
            with around.watch.stage("writing"):
                for picture in piece:
                    film.write(picture)
            for look in looks:
                look(piece)


def _labelled(pieces: Iterator[np.ndarray], request: Request) -> Iterator[np.ndarray]:
    """The pieces (f, H, W, 3), with the visible label where it is asked for."""
    first = 0
    for piece in pieces:
        yield visible.marked(piece, first=first, fps=request.fps) if request.visible_label else piece
        first += len(piece)


def _remember(summary: dict[str, Any], request: Request, watch: Watch) -> None:
    """Keep what the film has cost, for `quote`; of a resumed one, or of one continued at will, that says little."""
    model = price.opened(request.model)
    continued = request.start is not None and "words" in model.card.takes
    if continued or (request.end is not None and not model.card.ends) or watch.skipped:
        return
    units = price.units_of(request, model)
    named = {"denoising": "fused"} if "fused" in units else {}
    speed.record(
        speed.Run(
            model=model.digest,
            machine=speed.machine(),
            units=units,
            seconds={named.get(name, name): round(seconds, 4) for name, seconds in watch.seconds.items()},
            total=round(watch.total, 4),
            pixels=request.width * request.height,
            frames=summary["frames"],
            peak_rss_bytes=peak_rss_bytes(),
            file_bytes=Path(summary["file"]).stat().st_size,
        )
    )


def peak_rss_bytes() -> int:
    """The most memory this process has held: of Linux, which counts from its own beginning, or of what it came from."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


@dataclass(kw_only=True)
class _Moments:
    """Frames evenly spread over a film, picked as it goes by."""

    wanted: int  # frames of the film
    kept: list[np.ndarray] = field(default_factory=list)
    seen: int = 0

    def look(self, piece: np.ndarray) -> None:
        at = {round(k * (self.wanted - 1) / (MOMENTS - 1)) for k in range(MOMENTS)}
        self.kept += [piece[i] for i in range(len(piece)) if self.seen + i in at]
        self.seen += len(piece)


def _journal(options: Options, output: Path, request: Request, model: Engine) -> Journal | None:
    if options.journal is None:
        return None
    sheet = None if options.sheet is None else str(options.sheet.absolute())
    place = Place(folder=str((options.within or Path.cwd()).absolute()), output=str(output.absolute()), sheet=sheet)
    return Journal(options.journal, film={"request": to_json(request), "model": model.digest}, place=place)


def _within(request: Request, folder: Path | None) -> Request:
    """The same, with what it gives found from a folder."""
    if folder is None:
        return request
    start, end = (None if path is None else str(folder / path) for path in (request.start, request.end))
    return replace(request, start=start, end=end)


def _recipe(request: Request, model: Engine) -> dict[str, Any]:
    return {
        "request": to_json(request),
        "model": {"name": model.name, "digest": model.digest},
        "noise": fingerprint(request.seed),
        "versions": labels.versions(),
    }


def _summary(model: Engine, planned: Planned, output: Path, *, frames: int, latents: int) -> dict[str, Any]:
    request = planned.shown
    return {
        "file": str(output),
        "frames": frames,
        "stopped": frames < planned.frames,
        "fps": request.fps,
        "width": request.width,
        "height": request.height,
        "seconds": round(frames / request.fps, 3),
        "seed": request.seed,
        "model": f"{model.name}@{model.digest}",
        "tokens": planned.tokens(latents),
        "warnings": warnings_of(request, model.card.words),
    }
