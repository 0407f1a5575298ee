"""The world, a film, and the processor's products."""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from praxino.evaluation.bench.figure import Figure, Report
from praxino.request import Request, Shot


def world(report: Report) -> list[Figure]:
    """Films of the world a second on one core: sampling, physics and rendering, after everything is compiled."""
    from praxino.world.film import film

    out = []
    sizes = ((512, 288, 60.0), (256, 144, 250.0))
    for n, (width, height, target) in enumerate(sizes):
        film(0, width=width, height=height, frames=2)
        rates = []
        for seed in range(8):
            begun = time.perf_counter()
            film(seed, width=width, height=height, frames=61)
            rates.append(61 / (time.perf_counter() - begun))
            report("world", (8 * n + seed + 1) / (8 * len(sizes)))
        what = f"world, {width}x{height}"
        rate = statistics.harmonic_mean(rates)
        out.append(Figure(what=what, value=rate, unit="frames/s a core", against="target", reference=target))
    return out


def film(report: Report, model: str = "pocket") -> list[Figure]:
    """A film of 4 seconds and 512x288 from a prompt: seconds to the file, and the most memory."""
    from praxino.generation.film import make

    request = Request(shots=(Shot(seconds=4, prompt="a red ball bounces on a checker floor"),), seed=7, model=model)
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        done = make(request, Path(folder) / "film.mp4", report=report)
        took = time.perf_counter() - begun
    memory = done["peak_rss_bytes"] / 2**30
    return [
        Figure(what="film of 4 s, 512x288", value=took, unit="s", against="target", reference=60.0),
        Figure(what="its peak memory", value=memory, unit="GiB", against="target", reference=2.0),
    ]


def products(report: Report) -> list[Figure]:
    """Matrix products and attention of the model that ships, forward, on one core: bfloat16 against float32."""
    import torch

    from praxino.layers.attention import attend_slowly

    def rate(work: Callable[[], object], operations: float) -> float:
        times = []
        for _ in range(12):
            begun = time.perf_counter()
            work()
            times.append(time.perf_counter() - begun)
        return operations / statistics.median(times) / 1e9

    fused = torch.nn.functional.scaled_dot_product_attention
    found: dict[tuple[str, torch.dtype], float] = {}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for n, dtype in enumerate((torch.float32, torch.bfloat16)):
            x, matrix = torch.randn(2304, 256).to(dtype), torch.randn(256, 1024).to(dtype)
            q, k = torch.randn(2, 4, 576, 64).to(dtype), torch.randn(2, 4, 1152, 64).to(dtype)
            found["products", dtype] = rate(lambda x=x, m=matrix: x @ m, 2 * 2304 * 256 * 1024)
            for name, attend in (("fused attention", fused), ("attention written out", attend_slowly)):
                found[name, dtype] = rate(lambda a=attend, q=q, k=k: a(q, k, k), 4 * 2 * 4 * 576 * 1152 * 64)
            report("products", (n + 1) / 2)
    finally:
        torch.set_num_threads(threads)
    names = ("products", "fused attention", "attention written out")
    return [
        Figure(
            what=f"{name}, bfloat16",
            value=found[name, torch.bfloat16],
            unit="GFLOP/s a core",
            against="float32",
            reference=found[name, torch.float32],
        )
        for name in names
    ]
