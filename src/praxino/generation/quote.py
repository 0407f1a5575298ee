"""What a film will cost on this machine, told before it is made: from what films have cost here before."""

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from praxino.generation import price, speed
from praxino.generation.film import make
from praxino.generation.generate import Report, silent
from praxino.generation.price import Quote
from praxino.generation.speed import Run
from praxino.media import sheet
from praxino.request import Request, Shot

RECENT = 40
"""Runs that a quote rests on, the last ones."""


def quote(request: Request, *, report: Report = silent) -> Quote:
    """The cost of a film. Where nothing like it was made here before, a second of it is made first, to see."""
    model = price.opened(request.model)
    if not any(_alike(run, request) for run in speed.runs(model.digest)):
        calibrate(request, report=report)
    runs = speed.runs(model.digest)[-RECENT:]
    if not runs:
        raise ValueError(f"{speed.path()} cannot be written; set XDG_CACHE_HOME to a folder that can")
    return price.priced(request, model, runs)


def calibrate(request: Request, *, report: Report) -> None:
    """Make one second of the film, which leaves its cost in the runs."""
    card = price.opened(request.model).card
    with tempfile.TemporaryDirectory() as folder:
        grey = str(Path(folder) / "grey.png")
        sheet.save(np.full((request.height, request.width, 3), 127, np.uint8), Path(grey))
        short = replace(
            request,
            shots=(Shot(seconds=1, prompt=request.shots[0].prompt),),
            start=None if "words" in card.takes else grey,
            end=grey if card.ends else None,
        )
        make(short, Path(folder) / "film.mp4", report=report)


def _alike(run: Run, request: Request) -> bool:
    """Whether a run's frames were about as large: what a pixel costs is not the same at every size."""
    return 1 / 3 < run.pixels / (request.width * request.height) < 3
