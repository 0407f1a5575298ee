"""A model's folder, and a film maker that takes no time."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import praxino.generation
from praxino import request
from praxino.media import labels
from praxino.media.write import Writer


@dataclass(frozen=True, kw_only=True)
class Options:
    journal: Path | None = None
    sheet: Path | None = None
    draft: bool = False


@dataclass
class Maker:
    """Stands in for praxino.generation.film: writes a grey film, keeps what it was asked for."""

    asked: list[request.Request] = field(default_factory=list)
    options: list[Options] = field(default_factory=list)
    fails: BaseException | None = None

    def make(self, wanted: request.Request, output: Path, *, options: Options, report: Callable[[str, float], None]):
        self.asked.append(wanted)
        self.options.append(options)
        report("sampling", 0.5)
        recipe = {"request": request.to_json(wanted), "versions": {}}
        size = {"width": wanted.width, "height": wanted.height}
        with Writer(output, **size, fps=wanted.fps, metadata=labels.metadata(recipe)) as film:
            for _ in range(3):
                film.write(np.full((wanted.height, wanted.width, 3), 128, np.uint8))
            if self.fails is not None:
                raise self.fails
        summary: dict[str, Any] = {"file": str(output), "frames": 3, "fps": wanted.fps, **size, "seconds": 0.1}
        summary |= {"seed": wanted.seed, "model": "m", "tokens": 1, "warnings": ["odd"]}
        return summary | {"timings": {"total": 1.0}}


@pytest.fixture
def maker(monkeypatch: pytest.MonkeyPatch) -> Maker:
    made = Maker()
    module = ModuleType("praxino.generation.film")
    module.make, module.Options = made.make, Options  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setitem(sys.modules, "praxino.generation.film", module)
    monkeypatch.setattr(praxino.generation, "film", module, raising=False)
    return made


@pytest.fixture
def model(tmp_path: Path) -> str:
    """A folder that looks like a model from outside."""
    folder = tmp_path / "model"
    folder.mkdir()
    card = {"sizes": [[256, 144]], "rung": "one", "words": ["ball", "红色"]}
    (folder / "config.json").write_text(json.dumps({"format": 1, "name": "mine", "card": card}))
    (folder / "weights.safetensors").write_bytes(b"x" * 1000)
    return str(folder)
