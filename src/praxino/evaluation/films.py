"""The films that a model makes for the suite, each made once: an interrupted evaluation goes on where it was."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from praxino.evaluation.suite import SECONDS, Case
from praxino.generation import film
from praxino.media import labels, read, sheet, write
from praxino.request import Request, Shot, to_json

GIVEN = 9
"""Frames of the simulator's film that are given where its continuation is asked for: 0.3 s."""
ADDED, SHORT = 2.0, 1.0
"""Seconds that are added to a clip; and to a picture."""
Report = Callable[[str, float], None]


@dataclass(frozen=True, kw_only=True)
class Studio:
    """A model, and the folder that its films go to."""

    model: str
    digest: str
    folder: Path
    report: Report

    def words(self, case: Case, language: str) -> np.ndarray:
        """The film of the case's prompt."""
        prompt = case.prompt("zh" if language == "zh" else "en")
        return self._made(self._name(case, language), case, Shot(seconds=case.seconds, prompt=prompt))

    def true(self, case: Case, frames: np.ndarray) -> None:
        """Keep the simulator's film beside the model's."""
        path = self.path(case, "true")
        if not path.exists():
            _write(path, frames)

    def continued(self, case: Case, frames: np.ndarray) -> np.ndarray:
        """The first `GIVEN` of the simulator's frames (t, h, w, 3), and what the model adds to them."""
        start = self.folder / f"{self._name(case, 'given')}.mp4"
        if not start.exists():
            _write(start, frames[:GIVEN])
        return self._made(self._name(case, "continued"), case, Shot(seconds=ADDED, prompt=case.prompt()), start)

    def animated(self, case: Case, frames: np.ndarray) -> np.ndarray:
        """A film that begins with the first of the simulator's frames."""
        start = self.folder / f"{self._name(case, 'given')}.png"
        sheet.save(frames[0], start)
        return self._made(self._name(case, "animated"), case, Shot(seconds=SHORT, prompt=case.prompt()), start)

    def path(self, case: Case, kind: str) -> Path:
        """Where a film of this kind lies."""
        return self.folder / f"{self._name(case, kind)}.mp4"

    def _name(self, case: Case, kind: str) -> str:
        length = "" if case.seconds == SECONDS else f"-{case.seconds:g}s"
        return f"{case.split.replace(' ', '-')}-{case.number:03d}{length}-{kind}"

    def _made(self, name: str, case: Case, shot: Shot, start: Path | None = None) -> np.ndarray:
        width, height = case.size
        request = Request(
            shots=(shot,),
            start=None if start is None else str(start),
            width=width,
            height=height,
            seed=case.seed,
            model=self.model,
        )
        path = self.folder / f"{name}.mp4"
        if not self._is(path, request):
            film.make(request, path, report=lambda _stage, done: self.report(name, done))
        return np.stack(list(read.stream(path)))

    def _is(self, path: Path, request: Request) -> bool:
        """Whether the film is there already, made by this very model for this very request."""
        if not path.exists():
            return False
        recipe = labels.read_recipe(path)
        return bool(recipe) and recipe["request"] == to_json(request) and recipe["model"]["digest"] == self.digest


def _write(path: Path, frames: np.ndarray) -> None:
    with write.Writer(path, width=frames.shape[2], height=frames.shape[1], fps=30) as out:
        for frame in frames:
            out.write(frame)
