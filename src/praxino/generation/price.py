"""What a film will cost, by what others have cost."""

from dataclasses import dataclass, replace

import numpy as np

from praxino import checkpoint, config, geometry
from praxino.autoencoder.config import AutoencoderConfig
from praxino.autoencoder.wan_config import WanAutoencoderConfig, config_of
from praxino.flow.config import SampleConfig
from praxino.generation.card import Card
from praxino.generation.families import Latents
from praxino.generation.program import pays
from praxino.generation.speed import Run
from praxino.request import Request
from praxino.transformer.config import TransformerConfig

DOUBT = (0.9, 1.0, 1.05, 1.3)
"""Ratios of time taken to time quoted that are believed in before there are runs that say better."""
ENLARGED = 400
"""So many pixels of a film are finished while the upscaler takes in one of its own (docs/log.md, 2026-11-27)."""
FUSED = 0.75
"""What a pass takes in a film with a program of its own, of one without, where no such film was made here yet: between
11.2 of 18.8 ms, alone, and 21.0 of 25.2, in a film of 1080p (docs/log.md, 2026-11-27)."""
MAKING = 15.0
"""Seconds that making the program takes, once, where none was made here yet: 9 to 20 (docs/log.md, 2026-11-27)."""
DENOISING = {"fused": "denoising"}
"""With a program of its own it costs something else, and has a name of its own among units and rates."""
LATENT_BYTES = 4
"""Of a number in the journal."""
WHOLE = 2**31
"""Latent frames that are made together by who makes whole clips."""


@dataclass(frozen=True, kw_only=True)
class Quote:
    """The cost of a film. In one of two runs it takes at most ``seconds_p50``, in nine of ten ``seconds_p90``."""

    tokens: int  # made by the transformer, each once
    native: tuple[int, int]  # (width, height) in pixels that they are made at
    seconds_p50: float
    seconds_p90: float
    peak_rss_bytes: int
    disk_bytes: int  # at most at a time: the film while it is put into one piece, and the journal
    stages: dict[str, float]  # seconds, half of the time at most; named as in a film's timings

    def beside(self, films: int) -> "Quote":
        """The same on a device that makes so many films at once.

        Each may take as long as all of them, one after another, and all have to fit. That is a promise that can be
        kept, not a guess: a film that is alone, or whose passes are made as one with others', takes less.
        """
        stages = {stage: films * seconds for stage, seconds in self.stages.items()}
        slower = {name: round(films * getattr(self, name), 2) for name in ("seconds_p50", "seconds_p90")}
        return replace(self, **slower, peak_rss_bytes=films * self.peak_rss_bytes, stages=stages)


@dataclass(frozen=True, kw_only=True)
class Model:
    """What a quote needs to know of a model; read without opening its weights."""

    digest: str
    card: Card
    autoencoder: AutoencoderConfig | WanAutoencoderConfig
    patch: int  # latents per token, along height and along width
    chunk: int  # latent frames that are made together
    kept: int  # bytes of a token in the journal
    upscales: bool  # has an upscaler


def opened(name: str) -> Model:
    """The model of this name. Raises ValueError where there is none."""
    folder = checkpoint.find(name)
    about = checkpoint.card(folder)
    same = {"digest": checkpoint.digest(folder), "card": config.from_json(Card, about["card"])}
    if checkpoint.engine(folder) != checkpoint.OWN:
        latents = config.from_json(Latents, about["latents"])
        coder = AutoencoderConfig(space=latents.space, time=latents.time, channels=latents.channels)
        pixels = 3 * (latents.space * latents.patch) ** 2 * latents.time  # its journal keeps frames
        return Model(autoencoder=coder, patch=latents.patch, chunk=WHOLE, kept=pixels, upscales=False, **same)
    coder = config_of(about["autoencoder"])
    transformer = config.from_json(TransformerConfig, about["transformer"])
    return Model(
        autoencoder=coder,
        patch=transformer.patch,
        chunk=transformer.chunk,
        kept=LATENT_BYTES * coder.channels * transformer.patch**2,
        upscales="upscaler" in about,
        **same,
    )


def priced(request: Request, model: Model, runs: list[Run]) -> Quote:
    """What the runs say that the film will cost; there has to be one at least."""
    units = units_of(request, model)
    rates = _rates(runs, units)
    stages = {stage: rates[stage] * amount for stage, amount in units.items()}
    if "fused" in stages and not any(run.units.get("fused") for run in runs):
        stages["fused"] += MAKING
    ratios = [run.total / total_of({stage: rates[stage] * run.units.get(stage, 0) for stage in rates}) for run in runs]
    middle, high = (float(np.quantile([*ratios, *DOUBT], share)) for share in (0.5, 0.92))
    total, frames = total_of(stages), geometry.frames_of_seconds(request.seconds, request.fps)
    pixels = request.width * request.height
    film = np.median([run.file_bytes / run.frames / run.pixels for run in runs]) * frames * pixels
    tokens = tokens_of(request, model)
    journal = model.kept * tokens
    return Quote(
        tokens=tokens,
        native=native_of(request, model),
        seconds_p50=round(total * middle, 2),
        seconds_p90=round(total * max(high, middle), 2),
        peak_rss_bytes=_memory(runs, pixels),
        disk_bytes=round(2 * film + journal),
        stages={DENOISING.get(stage, stage): round(seconds * middle, 3) for stage, seconds in stages.items()},
    )


def units_of(request: Request, model: Model) -> dict[str, float]:
    """What the time of each stage grows with."""
    frames, pixels = geometry.frames_of_seconds(request.seconds, request.fps), request.width * request.height
    width, height = native_of(request, model)
    steps = request.steps or model.card.steps or SampleConfig().steps
    scale = model.card.guidance if request.guidance is None else request.guidance
    passes = 1 if scale == 1 and not request.negative else 2
    enlarged = _native_frames(request, model) * width * height if model.upscales and request.width > width else 0
    best_of = request.best_of or model.card.best_of
    latents = geometry.covering(_native_frames(request, model), model.autoencoder.time)
    denoising = "fused" if pays(latents // model.chunk * steps, "cpu") else "denoising"
    first = 0 if request.start else geometry.tokens(1, height, width, model.autoencoder.space)
    return {
        "loading": 1.0,
        "beginning": first * (steps + 1) * passes * (2 + best_of) / 3,  # several at once: docs/log.md, 2026-11-27
        denoising: float((tokens_of(request, model) - first) * (steps + 1) * passes),
        "decoding": float(_native_frames(request, model) * width * height),
        "finishing": float(frames * pixels + ENLARGED * enlarged),
        "writing": float(frames * pixels),
    }


def total_of(stages: dict[str, float]) -> float:
    """Seconds from start to end: denoising, decoding with finishing, and writing go on at the same time."""
    passes, frames = stages.get("denoising", 0) + stages.get("fused", 0), stages["decoding"] + stages["finishing"]
    return stages["loading"] + stages["beginning"] + max(passes, frames, stages["writing"])


def native_of(request: Request, model: Model) -> tuple[int, int]:
    """The (width, height) in pixels that it makes them at."""
    return geometry.native_size(request.width, request.height, model.card.sizes)


def _native_frames(request: Request, model: Model) -> int:
    return geometry.frames_of_seconds(request.seconds, model.card.fps)


def tokens_of(request: Request, model: Model) -> int:
    """How many the transformer makes for a film."""
    width, height = native_of(request, model)
    latents = geometry.covering(_native_frames(request, model), model.autoencoder.time)
    return geometry.tokens(latents, height, width, model.autoencoder.space) // model.patch**2


def _rates(runs: list[Run], units: dict[str, float]) -> dict[str, float]:
    """Seconds a unit, of each stage; of films with and without a program either tells of the other."""
    rates = {stage: _rate(runs, stage) for stage in (*units, "denoising", "fused")}
    rates["fused"] = rates["fused"] or FUSED * rates["denoising"]
    rates["denoising"] = rates["denoising"] or rates["fused"] / FUSED
    return rates


def _rate(runs: list[Run], stage: str) -> float:
    """Seconds a unit: the median over runs, long ones counting more."""
    rates = np.array([run.seconds.get(stage, 0.0) / run.units[stage] for run in runs if run.units.get(stage)])
    if not len(rates):
        return 0.0  # of films that go on from a picture or a clip nothing is recorded
    weights = np.array([run.seconds.get(stage, 0.0) + 1e-3 for run in runs if run.units.get(stage)])
    order = np.argsort(rates)
    half = np.searchsorted(np.cumsum(weights[order]), weights.sum() / 2)
    return float(rates[order][half])


def _memory(runs: list[Run], pixels: int) -> int:
    """The most that a run of frames as large took, or larger ones; else by the largest, a picture's bytes more."""
    larger = [run.peak_rss_bytes for run in runs if run.pixels >= pixels]
    if larger:
        return min(larger)
    most = max(runs, key=lambda run: run.pixels)
    return most.peak_rss_bytes + 100 * (pixels - most.pixels)
