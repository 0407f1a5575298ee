"""What a film costs in credits: by the work that it is, so the same on every machine, today and tomorrow.

A credit is 10,000 passes of a token through the transformer, or 50 million pixels written. A model that is dearer than
`pocket` says so in one number of its card (`Card.credits`).
"""

import math

from praxino import geometry
from praxino.generation import price
from praxino.generation.price import Model
from praxino.request import Request

PASSES = 10_000
PIXELS = 50_000_000


def credits_of(request: Request, model: Model, *, draft: bool = False, denoised: bool = False) -> int:
    """The price of a film; of a ``draft``, which writes few pixels, or of one that was ``denoised`` before."""
    units = price.units_of(request, model)
    passes = 0 if denoised else sum(units.get(stage, 0) for stage in ("beginning", "denoising", "fused"))
    pixels = units["decoding"] if draft else units["writing"]
    return max(1, math.ceil(model.card.credits * (passes / PASSES + pixels / PIXELS)))


def chunks_of(request: Request, model: Model) -> int:
    """In how many parts it is made: who stops after some of them pays for these."""
    frames = geometry.frames_of_seconds(request.seconds, model.card.fps)
    return max(1, math.ceil(geometry.covering(frames, model.autoencoder.time) / model.chunk))
