"""One film on two ranks of a core each, against one rank on one core: how much faster denoising goes.

Both ways are those of `praxino generate`: the transformer itself, and `Together` with a follower. They take turns, in
the same process, while the other rank waits.
"""

import os
import tempfile
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, cast

import torch
from torch.multiprocessing.spawn import spawn

from praxino.evaluation.bench.figure import Figure, Report, side_by_side
from praxino.generation.team import Seat, join
from praxino.generation.together import Follower, Together, spread
from praxino.layers import precision
from praxino.transformer.cache import Cache
from praxino.transformer.config import TransformerConfig, pocket, wan_1_3b
from praxino.transformer.model import Transformer

RANKS, TARGET = 2, 1.7


@dataclass(frozen=True, kw_only=True)
class Work:
    """A network with random weights, and the latents (t, h, w) of the chunk that it denoises."""

    name: str
    config: TransformerConfig
    clip: tuple[int, int, int]
    rounds: int = 5

    @property
    def tokens(self) -> int:
        """Of the chunk."""
        t, h, w = self.clip
        return t * h * w // self.config.patch**2


def _works(*, quick: bool) -> list[Work]:
    """`pocket` as it is served, and a quarter of Wan 1.3B's width and an eighth of its depth."""
    wan = replace(wan_1_3b(), width=768, heads=6, ffn=3072, depth=4, text_channels=512)
    sizes = [(5, 20, 20), (5, 40, 40), (20, 40, 40)][: 2 if quick else 3]
    small = Work(name="pocket", config=pocket(), clip=(1, 9, 16), rounds=20)
    return [small, *(Work(name="wan", config=replace(wan, chunk=clip[0]), clip=clip) for clip in sizes)]


def ranks(report: Report, *, quick: bool) -> list[Figure]:
    """Seconds of one rank over those of two, for each number of tokens; and the largest difference in what they say.

    Raises ValueError where there are not two cores, or where there are GPUs but not two.
    """
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))
    if len(cores) < RANKS:
        raise ValueError("two ranks take two cores; there is one")
    if torch.cuda.is_available() and torch.cuda.device_count() < RANKS:
        raise ValueError("two ranks take two GPUs; there is one. CUDA_VISIBLE_DEVICES='' measures the processor")
    works, figures = _works(quick=quick), list[Figure]()
    told = get_context("spawn").SimpleQueue()
    with tempfile.TemporaryDirectory() as folder:
        given = (cores, Path(folder) / "meeting", works, told)
        running: Any = spawn(_member, args=given, nprocs=RANKS, join=False)
        for number, work in enumerate(works):
            while told.empty():  # a rank that fails is raised here
                running.join(timeout=0.1)
            alone, together, apart = told.get()
            figures += _figures(work, alone, together, apart)
            report("ranks", (number + 1) / len(works))
        while not running.join():
            pass
    return figures


def _figures(work: Work, alone: float, together: float, apart: float) -> Iterator[Figure]:
    name = f"{work.name}_{work.tokens}_tokens"
    yield Figure(what=f"ranks_{name}", value=alone / together, unit="x", against="target", reference=TARGET)
    yield Figure(
        what=f"ranks_{name}_rate", value=work.tokens / together, unit="tokens/s", against="1 rank",
        reference=work.tokens / alone,
    )  # fmt: skip
    yield Figure(what=f"ranks_{name}_error", value=apart, unit="of the largest", against="bound", reference=1e-5)


def _member(rank: int, cores: list[int], meeting: Path, works: list[Work], told: Any) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {cores[rank]})  # which makes one thread of `join`'s share, too
    team = join(Seat(rank=rank, size=RANKS, here=rank, beside=RANKS, meeting=meeting), apart=False)
    torch.set_num_threads(1)
    dtype = precision.fastest(team.device)
    with torch.inference_mode():
        for work in works:
            network = _network(work.config).to(device=team.device, dtype=dtype)
            if rank == 0:
                alone = deepcopy(network)
                told.put(_measured(work, alone, cast("Transformer", Together(team, network))))
                team.say(None)
                continue
            follower = Follower(team=team, network=spread(network, team))
            while (order := team.say(None)) is not None:
                follower.do(order)
    team.agree(True)


def _measured(work: Work, alone: Transformer, together: Transformer) -> tuple[float, float, float]:
    """Seconds of a step of each, and the largest difference between what they say."""
    device, config = next(alone.parameters()).device, work.config
    random = torch.Generator().manual_seed(0)
    latents = torch.randn(1, *work.clip, config.latent_channels, generator=random).to(device)
    text = torch.randn(1, 64, config.text_channels, generator=random).to(device, alone.dtype)
    calls, past = {}, config.window if config.leans_on_past else 0
    for name, network in {"alone": alone, "together": together}.items():
        heard, cache, when = network.read(text), Cache(), torch.full((1, work.clip[0]), 0.5, device=device)
        for number in range(past):
            network(latents, 0.1 * when, heard, start=number * config.chunk, cache=cache, remember=True)
        calls[name] = partial(_call, network, latents, when, heard, start=past * config.chunk, cache=cache)
    want, got = (call() for call in calls.values())
    taken = side_by_side(calls, rounds=work.rounds)
    return taken["alone"], taken["together"], float((got - want).abs().max() / want.abs().max())


def _call(network: Transformer, *given: Any, **how: Any) -> torch.Tensor:
    return network(*given, **how).cpu()  # which waits for a GPU


def _network(config: TransformerConfig) -> Transformer:
    torch.manual_seed(0)
    made = Transformer(config).eval().requires_grad_(False)
    torch.nn.init.normal_(made.patch_out.weight, std=0.05)  # zero, untrained
    return made
