"""Make some seconds of a film again, between what comes before them and what comes after.

It is a film that continues a clip and ends on a picture; both are parts of the film itself.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from praxino.generation import able, engine
from praxino.generation.generate import Around
from praxino.media import labels, read, sheet, visible
from praxino.media.splice import Cut, splice
from praxino.media.write import Writer
from praxino.request import Request, Shot, from_json

BEFORE = 2.0
"""Seconds before the cut that are given; the model sees the last of them."""
FINE = 4
"""Quality of what is given: nearly all there is."""


@dataclass(frozen=True, kw_only=True)
class Take:
    """Which part of a film to make again, in seconds from its start, and how."""

    begin: float
    end: float
    seed: int
    prompt: str | None = None  # None: the words that were said there


def retake(film: Path, take: Take, output: Path, *, around: Around) -> dict[str, Any]:
    """Write the film with the part made anew; every frame outside is copied. Returns a summary.

    Raises ValueError for a part that is not in the film, and for a film without a recipe.
    """
    about, recipe = read.probe(film), labels.read_recipe(film)
    if recipe is None:
        raise ValueError(f"{film} carries no recipe; give a film that Praxino made, whose metadata was kept")
    first, last = (round(moment * about.fps) for moment in (take.begin, take.end))
    if not 0 <= first < last <= about.frames:
        raise ValueError(
            f"{take.begin:g} to {take.end:g} s is no part of {film}; it has {about.seconds:g} s, and the end comes last"
        )
    made = from_json(recipe["request"])
    able.ask_again(made.model, first=first == 0, last=last == about.frames)
    whole = recipe["stopped"]["of"] / about.fps if "stopped" in recipe else about.seconds
    prompt = take.prompt or _said(made, whole, (take.begin + take.end) / 2)
    with tempfile.TemporaryDirectory() as folder:
        start, end = _given(film, first, last, about.frames, Path(folder))
        request = replace(
            made,
            shots=(Shot(seconds=(last - first) / about.fps, prompt=prompt),),
            start=start,
            end=end,
            width=about.width,
            height=about.height,
            fps=about.fps,
            seed=take.seed,
        )
        told = {"from": first / about.fps, "to": last / about.fps, "prompt": prompt, "seed": take.seed}
        takes = [*recipe.get("retakes", []), told]
        cut = Cut(begin=first, end=last, frames=islice(_made(request, around, first), last - first))
        splice(film, cut, output, metadata=labels.metadata(recipe | {"retakes": takes}))
    return {"file": str(output), "frames": about.frames, "made": last - first, **told}


def _said(request: Request, seconds: float, moment: float) -> str:
    """The words of the shot that a moment of the whole film falls into; a clip it continues has the first one's."""
    ends = seconds - request.seconds
    for shot in request.shots:
        ends += shot.seconds
        if moment < ends:
            return shot.prompt
    return request.shots[-1].prompt


def _given(film: Path, first: int, last: int, frames: int, folder: Path) -> tuple[str | None, str | None]:
    """The clip before the cut and the picture it ends on, as files; None where the film begins or ends there."""
    about, start, end = read.probe(film), None, None
    if first > 0:
        start = folder / "before.mp4"
        begin = max(0, first - round(BEFORE * about.fps))
        with Writer(start, width=about.width, height=about.height, fps=about.fps, quality=FINE) as out:
            for frame in islice(read.stream(film), begin, first):
                out.write(frame)
    if last < frames:
        end = folder / "after.png"
        sheet.save(next(islice(read.stream(film), last - 1, None)), end)
    return (None if start is None else str(start), None if end is None else str(end))


def _made(request: Request, around: Around, first: int) -> Iterator[np.ndarray]:
    """The frames (h, w, 3) uint8 that a request adds to its start; ``first`` is the number of the first in the film."""
    planned = engine.opened(request.model).plan(request)
    frames = (frame for piece in planned.pieces(around) for frame in piece)
    for number, frame in enumerate(islice(frames, planned.given, None), start=first):
        yield visible.marked(frame[None], first=number, fps=request.fps)[0] if request.visible_label else frame
