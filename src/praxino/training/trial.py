"""One small model that learns from some pieces, for so many steps, and is then asked about clips that it has not seen.

All trials of a repeat begin with the same weights and see the same times and noise; only what they learn from differs.
Shapes: n clips, b batch, t latents, h rows, w columns, c channels.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from praxino.flow import path as flow
from praxino.flow.loss import residual_scale
from praxino.training.batches import Batch, Shelf, draw_batch
from praxino.training.ema import Ema
from praxino.training.optimizer import muon
from praxino.training.parallel import Team
from praxino.training.recipes import Recipe
from praxino.training.transformer import Run, Student, opened, rate

TIMES = (0.95, 0.85, 0.7, 0.5, 0.3)
"""Of the noise at which it is asked: from what happens at all to how it looks."""
MANY = 8  # clips asked about at once


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What is learned, and from what."""

    recipe: Recipe
    std: Tensor  # (c,) of the latents
    steps: int
    repeat: int  # another one begins with other weights and sees other noise


def learned(trial: Trial, latents: Tensor, *, report: Callable[[float], None] = lambda _: None) -> Student:
    """The model after its steps on latents (n, t, h, w, c); an average of the last ones, as is shipped."""
    recipe, learn = replace(trial.recipe, seed=trial.recipe.seed + trial.repeat), trial.recipe.learn_flow
    student = Student(recipe, trial.std).to(latents.device)
    run = Run(
        student=student,
        ema=Ema(student, decay=learn.ema),
        optimizers=muon(student, muon_rate=learn.muon_rate, adam_rate=learn.adam_rate, team=Team()),
    )
    clips = {recipe.data.sizes[0]: shelf(latents)}
    stills = {size: one.first(1) for size, one in clips.items()}
    for step in range(trial.steps):
        draws = (opened(clips, learn, step), (stills, learn.mixed_stills))
        for kind, (shelves, count) in enumerate(draws):
            seed = ((step * 64 + trial.repeat) * 2 + kind) * 1009 + 7
            batch = draw_batch(shelves, count, learn=learn, chunk=recipe.transformer.chunk, seed=seed)
            run.student(batch).backward()
        norm = nn.utils.clip_grad_norm_(run.student.parameters(), 1.0)
        run.optimizers.step(rate(step, learn, left=1 - step / trial.steps), sound=bool(norm.isfinite()))
        run.ema.update(run.student, step + 1)
        report((step + 1) / trial.steps)
    return run.ema.model


@torch.inference_mode()
def asked(student: Student, latents: Tensor) -> Tensor:
    """The flow loss (n,) of each of n clips, a mean over `TIMES`, at noise that is always the same."""
    noise = torch.randn(latents.shape, generator=torch.Generator().manual_seed(1)).to(latents.device)
    std, out = student.transformer.channel_std, list[Tensor]()
    for clean, wild in zip(latents.float().split(MANY), noise.split(MANY), strict=True):
        errors: list[Tensor] = []
        for time in TIMES:
            batch = question(clean, wild, time)
            away = student.outlook(batch).velocity - flow.velocity(clean, wild)
            errors.append((away / residual_scale(batch.time, std)).square().mean((1, 2, 3, 4)))
        out.append(torch.stack(errors).mean(0))
    return torch.cat(out)


def pulls(
    student: Student, latents: Tensor, clean: Tensor, *, report: Callable[[float], None] = lambda _: None
) -> np.ndarray:
    """The cosine (n,) between the gradient of each of n pieces and that of clean clips (m, t, h, w, c).

    So much a piece helps (TracIn, Pruthi et al. 2020), asked of a model that has learned a little: by then all pieces
    teach something, and some the wrong thing.
    """
    student.requires_grad_(True)
    aim = torch.stack([_gradient(student, one[None], 2) for one in clean]).mean(0)
    out: list[float] = []
    for number, one in enumerate(latents):
        out.append(float(torch.cosine_similarity(_gradient(student, one[None], 3), aim, dim=0)))
        report((number + 1) / len(latents))
    return np.array(out)


def _gradient(student: Student, clean: Tensor, seed: int) -> Tensor:
    """Of the loss of one piece (1, t, h, w, c), over all times, as one vector."""
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(seed)).to(clean.device)
    student.zero_grad()
    for time in TIMES[::2]:
        student(question(clean.float(), noise, time)).backward()
    return torch.cat([p.grad.flatten() for p in student.parameters() if p.grad is not None]).clone()


def question(clean: Tensor, noise: Tensor, time: float) -> Batch:
    """Clips (b, t, h, w, c) to be told from noise at one time, without words."""
    b, t = clean.shape[:2]
    words = shelf(clean)
    return Batch(
        latents=clean,
        noise=noise,
        time=clean.new_full((b, t), time),
        known=torch.zeros(b, t, dtype=torch.bool, device=clean.device),
        weight=clean.new_ones(clean.shape[:-1]),
        past=clean,
        when=clean.new_zeros(b, t),
        ids=words.ids[:, 0],
        mask=words.mask[:, 0],
    )


def shelf(latents: Tensor) -> Shelf:
    """Latents (n, t, h, w, c) without words: token 1 alone."""
    ids = torch.ones(len(latents), 1, 1, dtype=torch.long, device=latents.device)
    matters = torch.zeros(latents.shape[:-1], dtype=torch.bool, device=latents.device)
    return Shelf(latents=latents, matters=matters, ids=ids, mask=ids.bool())
