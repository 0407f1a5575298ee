"""Teach the shot detector on small reels of the world, whose cuts are known to the frame.

Shapes: b windows of reels, n frames, f figures, h rows, w columns.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange, reduce
from torch import Tensor, nn

from praxino.curation.cuts import KINDS, LAYERS
from praxino.curation.cuts_measure import FIGURES, measure
from praxino.world.film import film
from praxino.world.footage_draw import pictures
from praxino.world.footage_reel import DEFECTS, Menu, Reel, Stock, Stretch, reel

FROM = 6_000_000_000
"""Seeds of the clips that the detector learns from; footage has others, and so has what models are trained on."""
SIZE = (128, 72)
"""Of a reel's pictures; each pixel of what the detector sees is the mean of four."""
CHANNELS = 40
WINDOW, BATCH = 256, 24
"""Frames, and how many stretches of them a step sees."""


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """A reel as the detector sees it, and where its cuts are."""

    small: np.ndarray  # (n, 36, 64, 3) uint8
    hard: np.ndarray  # (n,) whether a shot begins here
    kinds: np.ndarray  # (n,) what each frame is part of: the number in KINDS
    reel: Reel


def clip(number: int) -> np.ndarray:
    """Frames (n, h, w, 3) of a clip, larger than a reel's pictures; every sixth is a panorama."""
    wide, rung = number % 6 == 5, "one" if number % 5 == 4 else "all"
    fps = (25, 30, 25, 15)[number % 4]
    return film(FROM + number, rung=rung, width=400 if wide else 160, height=90, frames=110, fps=fps).frames


def lesson(seed: int, clips: Sequence[np.ndarray]) -> Lesson:
    """A reel of these clips, seen forwards and back, at their own speed or twice it."""
    rng = np.random.default_rng([77, seed])
    narrow, wide = (np.flatnonzero([(one.shape[2] > 200) == far for one in clips]) for far in (False, True))
    clips = [clips[n] for n in (*rng.permutation(narrow)[:20], *rng.permutation(wide)[:4])]
    fast = rng.random(len(clips)) < 0.3
    stock: dict[int, np.ndarray] = {
        n: np.concatenate([one[::2], one[::-2], one[::2], one[::-2]] if quick else [one, one[::-1]])
        for n, (one, quick) in enumerate(zip(clips, fast, strict=True))
    }
    told = Stock(
        lengths=[len(one) for one in stock.values()],
        wide=[one.shape[2] > 200 for one in clips],
        seeds=[0] * len(clips),
        captions=[{}] * len(clips),
    )
    plan = _marked(rng, reel(rng, told, _menu(rng), frames=600))
    return _seen(plan, stock)


def _menu(rng: np.random.Generator) -> Menu:
    sharp = {"hard": 0.7, "dissolve": 0.15, "fade": 0.05, "wipe": 0.1}
    soft = {"hard": 0.5, "dissolve": 0.22, "fade": 0.12, "wipe": 0.16}
    return Menu(
        shots=(14, 70) if rng.random() < 0.6 else (40, 100), joins=sharp if rng.random() < 0.5 else soft,
        dissolve=(6, 32), wipe=(6, 30), slope=(4, 20), hold=(1, 12), flash=0.3, pan=0.2, shake=0.15,
        defects=() if rng.random() < 0.6 else DEFECTS[:-1], clean=0.5,
    )  # fmt: skip


def _marked(rng: np.random.Generator, plan: Reel) -> Reel:
    """With white frames anywhere but beside a hard cut, borders, and subtitles that come and go."""
    cuts = [join.frame for join in plan.joins if join.kind == "hard"]
    white = rng.integers(3, plan.frames - 3, rng.poisson(1.2)).tolist()
    flashes = [Stretch(kind="flash", begin=at, end=at + 1) for at in white if all(abs(at - cut) > 2 for cut in cuts)]
    over, (width, height), now = list[Stretch](), SIZE, int(rng.integers(0, 40))
    lot, whole = rng.random(), plan.frames
    if lot < 0.2:
        bar = int(rng.integers(4, 14))
        over.append(Stretch(kind="letterbox", begin=0, end=whole, box=(0, bar, width, height - 2 * bar)))
    elif lot < 0.3:
        bar = int(rng.integers(8, 36))
        over.append(Stretch(kind="pillarbox", begin=0, end=whole, box=(bar, 0, width - 2 * bar, height)))
    while rng.random() < 0.8 and now < whole - 20:
        wide, tall = int(rng.integers(40, 116)), int(rng.integers(6, 12))
        end = min(now + int(rng.integers(15, 70)), whole)
        box = ((width - wide) // 2, height - 2 - tall, wide, tall)
        over.append(Stretch(kind="subtitle", begin=now, end=end, box=box, text="a red ball rolls over it"[: wide // 5]))
        now = end + int(rng.integers(0, 30))
    return replace(plan, events=(*plan.events, *flashes), overlays=tuple(over))


def _seen(plan: Reel, stock: Mapping[int, np.ndarray]) -> Lesson:
    drawn = [
        reduce(picture.astype(np.uint16), "(h p) (w q) c -> h w c", "sum", p=2, q=2) // 4
        for picture in pictures(plan, stock, width=SIZE[0], height=SIZE[1])
    ]
    small = np.stack(drawn).astype(np.uint8)  # (n, 36, 64, 3)
    hard, kinds = np.zeros(len(small), np.float32), np.zeros(len(small), np.int64)
    for join in plan.joins:
        if join.kind == "hard":
            hard[join.frame] = 1
        else:
            kinds[join.begin : join.end] = KINDS.index(join.kind)
    return Lesson(small=small, hard=hard, kinds=kinds, reel=plan)


class Reader(nn.Module):
    """What `curation.cuts` computes with numpy, to be learned."""

    mean: Tensor
    std: Tensor

    def __init__(self, figures: np.ndarray) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(figures.mean(0)))
        self.register_buffer("std", torch.tensor(figures.std(0) + 0.05))
        self.first = nn.Conv1d(FIGURES, CHANNELS, 1)
        self.over_time = nn.ModuleList(
            nn.Conv1d(CHANNELS, CHANNELS, width, dilation=dilation, padding=width // 2 * dilation)
            for width, dilation in LAYERS
        )
        self.last = nn.Conv1d(CHANNELS, 1 + len(KINDS), 1)

    def forward(self, figures: Tensor) -> Tensor:
        """(b, f, n) -> scores (b, 1 + kinds, n)."""
        x = ((figures - self.mean[:, None]) / self.std[:, None]).clamp(-5, 5)
        x = F.relu(self.first(x))
        for layer in self.over_time:
            x = x + F.relu(layer(x))
        return self.last(x)

    def save(self, path: Path) -> None:
        """As `curation.cuts` reads it, in half precision."""
        names = {"first": "in", "last": "out"} | {f"over_time.{n}": str(n) for n in range(len(LAYERS))}
        arrays = dict[str, np.ndarray]()
        for name, value in self.state_dict().items():
            part, _, which = name.rpartition(".")
            if which == "weight":
                value = rearrange(value, "o i k -> k i o").squeeze(0)  # (i, o) where it sees one frame alone
            arrays[f"{names[part]}.{which}" if part else which] = value.numpy().astype(np.float16)
        np.savez(path, allow_pickle=False, **arrays)


def teach(path: Path, *, lessons: int, clips: int, seconds: float, report: Callable[[str, float], None]) -> None:
    """Write the detector's numbers, learned in about ``seconds`` from as many lessons of as many clips."""
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as workers:
        made = list(workers.map(clip, range(clips), chunksize=8))
        report("rendering", 1.0)
        learned = list(workers.map(partial(_lesson, made), range(1000, 1000 + lessons), chunksize=lessons // 4 + 1))
        report("composing", 1.0)
    _fit(learned, seconds, report).save(path)


def _lesson(clips: list[np.ndarray], seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    one = lesson(seed, clips)
    return measure(one.small), one.hard, one.kinds


def _fit(
    learned: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]], seconds: float, report: Callable[[str, float], None]
) -> Reader:
    torch.manual_seed(0)
    rng, begun, step = np.random.default_rng(0), time.perf_counter(), 0
    net = Reader(np.concatenate([figures for figures, _, _ in learned]))
    optimizer = torch.optim.AdamW(net.parameters(), weight_decay=0.02)
    while (done := (time.perf_counter() - begun) / seconds) < 1:
        optimizer.param_groups[0]["lr"] = 3e-3 * min(1, (step + 1) / 100) * (0.5 + 0.5 * np.cos(np.pi * done))
        batch = list[list[np.ndarray]]()
        for number in rng.integers(len(learned), size=BATCH):
            start = int(rng.integers(len(learned[number][0]) - WINDOW))
            batch.append([part[start : start + WINDOW] for part in learned[number]])
        figures, hard, kinds = (torch.from_numpy(np.stack(parts)) for parts in zip(*batch, strict=True))
        figures = figures + 0.03 * net.std * torch.randn_like(figures)
        scores = net(rearrange(figures, "b n f -> b f n"))
        sharp = F.binary_cross_entropy_with_logits(scores[:, 0], hard, pos_weight=torch.tensor(3.0))
        loss = 6 * sharp + F.cross_entropy(scores[:, 1:], kinds)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        step += 1
        if step % 50 == 0:
            report(f"learning, loss {loss.item():.3f}", done)
    return net
