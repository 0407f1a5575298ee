"""What tuning changed: the flow loss of clips that were not learned from, before and after, and films side by side.

Shapes: n samples, t latents, h rows, w columns, c channels, k clips.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from praxino.flow import path as flow
from praxino.flow.loss import residual_scale
from praxino.generation.parts import Parts
from praxino.layers import precision
from praxino.training.prove import interval
from praxino.training.sheets import grid
from praxino.training.showing import film
from praxino.training.transformer import Student
from praxino.training.trial import MANY, question
from praxino.training.tune_stock import Kept

BOUND = 0.02
"""The loss on clips of the world may rise by so much of itself: the whole interval must be below."""
TIMES = (0.98, 0.85, 0.5)
"""Of the noise at which a model is asked: from what happens at all to how it looks."""
MOMENTS, LATENTS = 6, 3
"""Of each film: frames side by side, and how long it is, at most."""


@torch.inference_mode()
def asked(student: Student, kept: Kept, *, report: Callable[[float], None] = lambda _: None) -> Tensor:
    """The flow loss (k,) of each clip given its words: a mean over `TIMES` and its samples, the noise always the same.

    Clips come in the order of their numbers.
    """
    device = next(student.parameters()).device
    shelf, std, out = kept.shelf, student.transformer.channel_std, list[Tensor]()
    noise = torch.randn(shelf.latents.shape, generator=torch.Generator().manual_seed(1))
    parts = [held.split(MANY) for held in (shelf.latents.float(), noise, shelf.ids[:, 0], shelf.mask[:, 0])]
    for number, part in enumerate(zip(*parts, strict=True)):
        clean, wild, ids, mask = (held.to(device) for held in part)
        errors: list[Tensor] = []
        for time in TIMES:
            with torch.device(device):
                batch = replace(question(clean, wild, time), ids=ids, mask=mask)
            with precision.mixed(device):
                away = student.outlook(batch).velocity - flow.velocity(clean, wild)
            errors.append((away / residual_scale(batch.time, std)).square().mean((1, 2, 3, 4)))
            report((number + len(errors) / len(TIMES)) / len(parts[0]))
        out.append(torch.stack(errors).mean(0).cpu())
    losses, clips = torch.cat(out), torch.tensor(kept.clips)
    return torch.stack([losses[clips == clip].mean() for clip in sorted(set(kept.clips))])


def compared(before: Tensor, after: Tensor) -> dict[str, Any]:
    """Of losses (k,): means, the mean change and its 95% interval by a bootstrap over clips, in percent as well."""
    change, base = interval((after - before).numpy()[None]), float(before.mean())
    return {
        "clips": len(before),
        "before": base,
        "after": float(after.mean()),
        "change": change,
        "percent": {name: 100 * value / base for name, value in change.items()},
    }


def judged(own: dict[str, Any], world: dict[str, Any]) -> dict[str, Any]:
    """Both, with whether one's own were learned, and the world was kept."""
    return {
        "own": own | {"learned": own["change"]["high"] < 0},
        "world": world | {"bound": 100 * BOUND, "kept": world["percent"]["high"] <= 100 * BOUND},
    }


def films(parts: Parts, prompts: Sequence[str], *, report: Callable[[float], None]) -> list[np.ndarray]:
    """A film of each prompt, as `MOMENTS` of its frames (f, h, w, 3) uint8; the seed is always the same."""
    latents, rows = max(LATENTS, parts.transformer.config.chunk), list[np.ndarray]()
    for number, prompt in enumerate(prompts, start=1):
        made = film(parts, prompt, latents=latents, seed=1)
        rows.append(made[np.linspace(0, len(made) - 1, MOMENTS).round().astype(int)])
        report(number / len(prompts))
    return rows


def sheet(before: Sequence[np.ndarray], after: Sequence[np.ndarray], path: Path) -> None:
    """Films as rows of a PNG: each as it was, and below it as it is now."""
    rows = [one for pair in zip(before, after, strict=True) for one in pair]
    grid(np.concatenate(rows), path, columns=MOMENTS)
