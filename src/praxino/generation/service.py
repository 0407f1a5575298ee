"""How long one film keeps a device busy: measured where it was, else an estimate that says what it rests on."""

from dataclasses import dataclass

import numpy as np

from praxino import geometry
from praxino.generation import price
from praxino.generation.devices import DEVICES, Device, device
from praxino.generation.price import DOUBT
from praxino.request import Request, Shot
from praxino.transformer.config import TransformerConfig, wan_1_3b, wan_14b

WAN = {"wan-1.3b": wan_1_3b, "wan-14b": wan_14b}
MODELS = ("pocket", *WAN)
STEPS = 50
"""Of a Wan model as it is published, each in two passes, for guidance."""
DISTILLED = 8
"""Steps up to which a model is taken to be distilled, with guidance folded in: one pass each."""
FPS, TIME, SPACE = 16, 4, 16  # of Wan: frames a second; frames and pixels a side that a token stands for
REACHED = 0.35
"""Share of its documented peak that a GPU is taken to reach with a model of billions: an assumption."""
H100_OVER_CPU = 1800 / 11
"""Latents judged a second in training, by one H100 and by two cores (docs/log.md, 2026-11-26): many at once."""
SECONDS_EACH = {
    "loading": 0.11,
    "beginning": 1.67e-4,
    "denoising": 1.74e-4,
    "decoding": 1.34e-7,
    "finishing": 1.88e-9,
    "writing": 2.18e-8,
}
"""Of a unit of `price.units_of`, on two cores of a Xeon with AMX: 12 s of 1080p by `pocket` in 45.5 s (docs/log.md,
2026-11-27; shared out among the stages as in a film of the same kind)."""


@dataclass(frozen=True, kw_only=True)
class Film:
    """What one person asks for."""

    seconds: float
    resolution: str  # of 16:9: its short side, such as "1080p"
    model: str = "pocket"  # one of MODELS
    steps: int | None = None  # None: the model's own


@dataclass(frozen=True, kw_only=True)
class Service:
    """What a film costs a device."""

    seconds: float  # on average
    cv2: float  # variance over the square of the mean
    denoise: float  # tokens a second that pass through the transformer
    measured: bool
    basis: str  # what the figures rest on


def service(film: Film, name: str) -> Service:
    """How long the device of this name takes for such a film. Raises ValueError where either makes no sense."""
    where = device(name)
    width, height = geometry.size_of("16:9", film.resolution)
    request = Request(  # what may be asked for at all
        shots=(Shot(seconds=film.seconds, prompt="a film"),), width=width, height=height, seed=0, steps=film.steps
    )
    if film.model not in MODELS:
        raise ValueError(f"model {film.model!r} is not known; choose one of {', '.join(MODELS)}")
    if film.model == "pocket":
        return _pocket(request, where)
    if where.tflops is None:
        able = ", ".join(other for other, one in DEVICES.items() if one.tflops is not None)
        raise ValueError(f"device {name!r} is too slow for {film.model} to be planned; choose one of {able}")
    return _wan(request, WAN[film.model](), where.tflops)


def _pocket(request: Request, where: Device) -> Service:
    model = price.opened("pocket")
    units = price.units_of(request, model)
    units = {price.DENOISING.get(stage, stage): amount for stage, amount in units.items()}
    stages = {stage: SECONDS_EACH[stage] * amount for stage, amount in units.items()}
    passed, basis = 1 / SECONDS_EACH["denoising"], "measured: 12 s of 1080p in 45.5 s (docs/log.md, 2026-11-27)"
    if where.tflops is not None:
        faster = H100_OVER_CPU * where.tflops / (DEVICES["h100"].tflops or 1)
        native = price.native_of(request, model)
        frames = request.width * request.height
        enlarged = model.upscales and request.width > native[0]
        upscaler = 1 - frames / (frames + price.ENLARGED * native[0] * native[1]) if enlarged else 0.0
        stages["finishing"] *= 1 - upscaler + upscaler / faster
        stages |= {stage: stages[stage] / faster for stage in ("beginning", "denoising", "decoding")}
        passed *= faster
        basis = (
            "estimate: what an H100 trains over what two cores do, scaled by documented peak, where films enough are "
            "made at once to fill the device; finishing and writing as two cores of the host do them"
        )
    mean, cv2 = _doubt()
    return Service(
        seconds=price.total_of(stages) * mean, cv2=cv2, denoise=passed, measured=where.tflops is None, basis=basis
    )


def _wan(request: Request, sizes: TransformerConfig, tflops: float) -> Service:
    frames = geometry.frames_of_seconds(request.seconds, FPS)
    width, height = (SPACE * -(-side // SPACE) for side in (request.width, request.height))
    tokens = geometry.tokens(geometry.covering(frames, TIME), height, width, SPACE)
    steps = request.steps or STEPS
    passes = steps if steps <= DISTILLED else 2 * steps
    weights = sizes.depth * (8 * sizes.width**2 + 2 * sizes.width * sizes.ffn)
    work = 2 * weights * tokens + 4 * tokens**2 * sizes.width * sizes.depth  # of a pass: products, attention
    seconds = passes * work / (REACHED * tflops * 1e12)
    mean, cv2 = _doubt()
    return Service(
        seconds=seconds * mean,
        cv2=cv2,
        denoise=passes * tokens / seconds,
        measured=False,
        basis=f"estimate: operations of the transformer, {passes} passes, at {REACHED:.0%} of documented peak; "
        "text and decoding not counted",
    )


def _doubt() -> tuple[float, float]:
    """Mean, and variance over its square, of time taken over time quoted (`price.DOUBT`)."""
    mean = float(np.mean(DOUBT))
    return mean, float(np.var(DOUBT)) / mean**2
