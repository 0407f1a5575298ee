"""What a film will cost, told from what films have cost on the service's workers."""

import time
from dataclasses import dataclass, field
from pathlib import Path

from praxino import checkpoint, config
from praxino.generation import credits, price, speed
from praxino.generation.price import Model, Quote
from praxino.generation.speed import Run
from praxino.jobs import making
from praxino.jobs.credits import Price
from praxino.jobs.turns import Database
from praxino.request import Request

FRESH = 10.0
"""Seconds for which runs, once read, are good enough."""
RECENT = 40


@dataclass(kw_only=True)
class Quotes:
    """Reads models and runs now and then, not for each quote."""

    db: Database
    models: dict[str, tuple[float, Model]] = field(default_factory=dict)
    runs: dict[str, tuple[float, list[Run]]] = field(default_factory=dict)

    def model(self, name: str) -> Model:
        """What is known of a model. Raises ValueError where there is none."""
        folder = checkpoint.find(name)
        changed = (folder / checkpoint.CONFIG).stat().st_mtime
        kept = self.models.get(name)
        if kept is None or kept[0] != changed:
            kept = self.models[name] = (changed, price.opened(name))
        return kept[1]

    def quote(self, request: Request) -> Quote | None:
        """What it will cost at most, beside as many films as a device makes; None where no film was made yet."""
        model = self.model(request.model)
        runs = self._runs(model.digest)
        return price.priced(request, model, runs).beside(self.db.settings.together) if runs else None

    def price(self, request: Request, *, draft: bool = False, denoised: bool = False) -> Price:
        """What it costs in credits, whatever films have cost; see `generation.credits`."""
        model = self.model(request.model)
        chunks = credits.chunks_of(request, model)
        return Price(credits=credits.credits_of(request, model, draft=draft, denoised=denoised), chunks=chunks)

    def _runs(self, digest: str) -> list[Run]:
        read, runs = self.runs.get(digest, (-FRESH, []))
        if time.monotonic() - read > FRESH or not runs:
            found = [config.from_json(Run, run) for run in making.remembered(self.db, digest)]
            runs = (found or speed.runs(digest))[-RECENT:]
            self.runs[digest] = (time.monotonic(), runs)
        return runs


def shipped() -> dict[str, Path]:
    """The models that this server offers, by name."""
    return {folder.name: folder for folder in checkpoint.list_models()}
