"""What a user waits for: a whole denoise by us and by `diffusers`' own pipeline for Wan, with the same weights.

Both begin with the same noise, take the same steps with the same guidance (two passes a step) and read texts of Wan's
own size, and end at the same latents: that they do is measured, too. We read each text once, they do at every pass.
Speed is of networks that are in bfloat16 throughout; `diffusers` would rather keep its norms in float32, and be slower.
Shapes: t latent frames, h rows, w columns of latents; a token is 2x2 of them.
"""

import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from einops import rearrange
from torch import Tensor, nn

from praxino.evaluation.bench.figure import Figure, Report, side_by_side
from praxino.evaluation.bench.pair import CHANNELS, Size, pair
from praxino.evaluation.bench.place import place
from praxino.flow.config import SampleConfig
from praxino.flow.guide import guide
from praxino.flow.sample import clock, sample
from praxino.transformer.cache import Cache
from praxino.transformer.model import Transformer

WORDS, TEXT = 512, 4096
"""Tokens of a text, which Wan fills up to as many, and channels of one."""
GUIDANCE, SHIFT = 5.0, 3.0
TARGETS = {"cpu": 1.3, "cuda": 1.2}
"""How many times as fast as theirs."""
SPACE, TIME = 8, 4
"""Pixels and frames of a latent, as their pipeline counts them."""


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How large the networks are, what they make, and how."""

    heads: int = 6
    channels: int = 128  # of a head, as Wan's
    depth: int = 4
    ffn: int = 4  # times the width
    clips: tuple[tuple[int, int, int], ...] = ((5, 20, 20), (5, 40, 40), (20, 40, 40))  # 500, 2,000 and 8,000 tokens
    steps: int = 4
    rounds: int = 2
    compiled: bool = True  # as programs, too

    @property
    def size(self) -> Size:
        """Of the networks."""
        ffn, longest = self.ffn * self.heads * self.channels, max(t for t, _, _ in self.clips)
        return Size(heads=self.heads, channels=self.channels, depth=self.depth, ffn=ffn, text=TEXT, frames=longest)


QUICK = Scale(clips=((5, 20, 20), (5, 40, 40)), steps=3, compiled=False)
CUDA = Scale(heads=12, depth=8, ffn=6, steps=8, rounds=4)
"""As wide as Wan 1.3B, and a quarter as deep."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """One clip to denoise: the noise (1, t, h, w, c) and the two texts (1, m, d) it is led by."""

    noise: Tensor
    texts: tuple[Tensor, Tensor]  # wanted, and to lead away from
    steps: int
    seed: int = 0

    @classmethod
    def drawn(cls, clip: tuple[int, int, int], steps: int, like: Tensor) -> "Task":
        """At random, on the device and in the precision of a tensor; noise is in float32, as both sides walk."""
        noise = torch.randn((1, *clip, CHANNELS), generator=torch.Generator().manual_seed(cls.seed)).to(like.device)
        texts = torch.randn(2, 1, WORDS, TEXT).to(like)
        return cls(noise=noise, texts=(texts[0], texts[1]), steps=steps)


def measured(report: Report, *, device: str | None, quick: bool) -> list[Figure]:
    """`denoise` on a device, by name; None: on a GPU, if there is one. Raises ValueError for what is not here."""
    where = place(device)
    return denoise(report, QUICK if quick else CUDA if where.type == "cuda" else Scale(), device=where)


def denoise(report: Report, scale: Scale, *, device: torch.device) -> list[Figure]:
    """Denoises a second of ours and theirs, as they are and as programs; how far apart they end in float32.

    Raises ValueError where `diffusers` or `transformers` is not installed.
    """
    theirs, ours = pair(scale.size, device=device)
    pipe = _pipeline(theirs)
    error = _error(pipe, ours, Task.drawn(scale.clips[0], scale.steps, ours.patch_in.weight))
    theirs.to(dtype=torch.bfloat16)
    ours.to(dtype=torch.bfloat16)
    modes = ["eager", "compiled"] if scale.compiled else ["eager"]
    figures, ratios = list[Figure](), dict[str, list[float]]()
    for n, mode in enumerate(modes):
        if mode == "compiled":
            theirs.compile(dynamic=False)
        for k, clip in enumerate(scale.clips):
            task = Task.drawn(clip, scale.steps, ours.patch_in.weight)
            works = {
                "theirs": _waited(lambda task=task: _theirs(pipe, task), device),
                "ours": _waited(lambda task=task, mode=mode: _ours(ours, task, fused=mode == "compiled"), device),
            }
            taken = side_by_side(works, rounds=scale.rounds)
            ratios.setdefault(mode, []).append(taken["theirs"] / taken["ours"])
            figures.append(_figure(f"denoise of {_size(clip, scale)}, {mode}", taken["ours"], taken["theirs"]))
            if mode == "eager" and k == len(scale.clips) - 1:
                figures.append(_by_chunks(ours, task, clip, taken["theirs"], scale))
            report("denoise", (n * len(scale.clips) + k + 1) / (len(modes) * len(scale.clips)))
    for mode, held in ratios.items():
        what, target = f"denoise_vs_diffusers_bf16_{mode}", TARGETS[device.type]
        figures.append(
            Figure(what=what, value=statistics.geometric_mean(held), unit="x", against="target", reference=target)
        )
    what = "denoise_error_float32"
    return [*figures, Figure(what=what, value=error, unit="of the largest", against="bound", reference=1e-4)]


def _by_chunks(ours: Transformer, task: Task, clip: tuple[int, int, int], theirs: float, scale: Scale) -> Figure:
    """The same number of latents as a causal model makes them, by fours or so, the past kept: other mathematics."""
    chunk = max(1, math.ceil(clip[0] / 4))
    causal = Transformer(replace(ours.config, chunk=chunk, window=clip[0])).to(task.noise.device, ours.dtype).eval()
    causal.load_state_dict(ours.state_dict())
    work = _waited(lambda: _rolled(causal, task, chunk), task.noise.device)
    taken = side_by_side({"ours": work}, rounds=scale.rounds)["ours"]
    return _figure(f"{_size(clip, scale)}, eager, ours {chunk} frames after {chunk}, theirs at once", taken, theirs)


def _figure(what: str, ours: float, theirs: float) -> Figure:
    return Figure(what=what, value=1 / ours, unit="denoises/s", against="diffusers", reference=1 / theirs)


def _size(clip: tuple[int, int, int], scale: Scale) -> str:
    return f"{math.prod(clip) // 4:,} tokens in {scale.steps} steps, width {scale.size.width}, depth {scale.depth}"


@torch.inference_mode()
def _ours(network: Transformer, task: Task, *, fused: bool) -> Tensor:
    """All frames together, as diffusers has it: the clip is one chunk."""
    heard = [network.read(text) for text in task.texts]
    return _walked(task.noise, task, lambda *at: _guided(network, heard, *at, fused=fused))


@torch.inference_mode()
def _rolled(network: Transformer, task: Task, chunk: int) -> Tensor:
    """Chunk after chunk, each with the ones before it in memory, once for each text."""
    heard, caches = [network.read(text) for text in task.texts], (Cache(), Cache())
    made = list[Tensor]()
    for begin in range(0, task.noise.shape[1], chunk):
        noise = task.noise[:, begin : begin + chunk]
        made.append(
            _walked(
                noise, task, lambda *at, begin=begin: _guided(network, heard, *at, start=begin, caches=caches)
            )
        )  # fmt: skip
        if begin + chunk < task.noise.shape[1]:
            still = torch.zeros(noise.shape[:2], device=noise.device)
            for said, cache in zip(heard, caches, strict=True):
                network(made[-1], still, said, start=begin, cache=cache, remember=True)
    return torch.cat(made, 1)


def _walked(noise: Tensor, task: Task, predict: Callable[[Tensor, Tensor, float], Tensor]) -> Tensor:
    """`flow.sample` from this very noise: as Euler's method, with no noise on the way."""
    config = SampleConfig(steps=task.steps, shift=SHIFT, churn=0.0, churn_until=1.0)
    known = torch.zeros(noise.shape[:2], dtype=torch.bool, device=noise.device)
    generator = torch.Generator().manual_seed(task.seed)  # draws the first frames of ``noise`` again, for one chunk
    return sample(predict, known, torch.zeros_like(noise), config=config, generator=generator)


def _guided(
    network: Transformer, heard: list[Any], latents: Tensor, time: Tensor, _now: float, *, fused: bool = False,
    start: int = 0, caches: tuple[Cache | None, Cache | None] = (None, None),
) -> Tensor:  # fmt: skip
    wanted, unwanted = (
        network(latents, time, said, start=start, cache=cache, fused=fused)
        for said, cache in zip(heard, caches, strict=True)
    )
    return guide(wanted, unwanted, latents, time, scale=GUIDANCE, projected=False)


def _theirs(pipe: Any, task: Task) -> Tensor:
    """Their pipeline, to the latents (1, c, t, h, w)."""
    _, t, h, w, _ = task.noise.shape
    return pipe(
        prompt_embeds=task.texts[0],
        negative_prompt_embeds=task.texts[1],
        latents=rearrange(task.noise, "b t h w c -> b c t h w").contiguous(),
        height=h * SPACE,
        width=w * SPACE,
        num_frames=1 + TIME * (t - 1),
        num_inference_steps=task.steps,
        guidance_scale=GUIDANCE,
        output_type="latent",
        return_dict=False,
    )[0]


def _error(pipe: Any, ours: Transformer, task: Task) -> float:
    want = rearrange(_theirs(pipe, task), "b c t h w -> b t h w c")
    return float((_ours(ours, task, fused=False) - want).abs().max() / want.abs().max())


def _waited(work: Callable[[], Tensor], device: torch.device) -> Callable[[], None]:
    """The work, to its end: what is asked of a GPU is not done at once."""

    def whole() -> None:
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    return whole


def _pipeline(transformer: nn.Module) -> Any:
    """Their pipeline around a transformer: with texts that are read already, to latents that are not decoded."""
    try:
        from diffusers.pipelines.wan.pipeline_wan import WanPipeline
        from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
        from diffusers.utils import logging
    except (ImportError, RuntimeError) as error:
        raise ValueError(f"diffusers' pipeline cannot be had ({error}); pip install praxino[open-weights]") from None
    logging.set_verbosity_error()
    scheduler = FlowMatchEulerDiscreteScheduler(shift=SHIFT)
    usual = scheduler.set_timesteps

    def set_timesteps(steps: int, device: Any = None) -> None:
        """At the very times that ours has: theirs would leave a thousandth out."""
        even = clock(SampleConfig(steps=steps, shift=1.0))[:-1]
        usual(sigmas=even.tolist(), device=device)

    scheduler.set_timesteps = set_timesteps  # pyright: ignore[reportAttributeAccessIssue]
    absent: Any = None
    theirs: Any = transformer
    pipe = WanPipeline(
        tokenizer=absent, text_encoder=absent, vae=absent, scheduler=scheduler, transformer=theirs
    )  # fmt: skip
    pipe.set_progress_bar_config(disable=True)
    return pipe
