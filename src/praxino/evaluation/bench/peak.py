"""How much of what the processor can multiply is reached: by denoising, and by decoding."""

import torch
from torch.utils.flop_counter import FlopCounterMode

from praxino.evaluation.bench.figure import Figure, Report, side_by_side
from praxino.generation.ahead import halves
from praxino.generation.parts import Parts
from praxino.transformer.cache import Cache

SIZES = ((512, 512, 512), (1024, 1024, 1024), (2048, 1024, 1024), (2304, 256, 1024))
"""Matrix products (rows, inner, columns) of which the fastest is the peak."""


@torch.inference_mode()
def peak(report: Report, parts: Parts, *, rounds: int = 30) -> list[Figure]:
    """Shares of the measured peak, with as many threads as a film's denoising has."""
    dtype, (width, height) = parts.transformer.dtype, parts.card.sizes[0]
    space, config = parts.compression.space, parts.transformer.config
    shape = (1, config.chunk, height // space, width // space, config.latent_channels)
    heard = parts.transformer.read(*parts.read("a red ball rolls to the right on a checker floor"))
    latents, when, cache = torch.randn(shape), torch.full(shape[:2], 0.5), Cache()
    first = config.window + config.sink + 1
    for number in range(first):
        parts.transformer(latents, when, heard, start=number * config.chunk, cache=cache, remember=True)

    def denoise() -> object:
        return parts.transformer(latents, when, heard, start=first * config.chunk, cache=cache)

    state: dict[str, torch.Tensor] = {}
    parts.autoencoder.decode(latents, state=state)

    def decode() -> object:
        return parts.autoencoder.decode(latents, state=dict(state))

    products = {f"{size}": (torch.randn(size[:2]).to(dtype), torch.randn(size[1:]).to(dtype)) for size in SIZES}
    works = {name: lambda a=a, b=b: a @ b for name, (a, b) in products.items()}
    with halves():
        taken = side_by_side({**works, "denoise": denoise, "decode": decode}, rounds=rounds)
    report("peak", 1.0)
    most = max(2 * a * b * c / taken[f"{(a, b, c)}"] for a, b, c in SIZES)
    out = [
        Figure(what="matmul_peak", value=most / 1e9, unit="GFLOP/s", against="itself", reference=most / 1e9)
    ]  # fmt: skip
    for name, work in (("denoise", denoise), ("decode", decode)):
        with FlopCounterMode(display=False) as counter:
            work()
        rate = counter.get_total_flops() / taken[name]
        out.append(Figure(what=f"{name}_rate", value=rate / 1e9, unit="GFLOP/s", against="peak", reference=most / 1e9))
        out.append(Figure(what=f"{name}_peak_share", value=rate / most, unit="", against="target", reference=0.5))
    return out
