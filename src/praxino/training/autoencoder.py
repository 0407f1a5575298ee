"""Train the autoencoder: principal components first, then the decoder's residual blocks (docs/decisions/0002).

Shapes: b batch, f frames, h rows, w columns of pixels.
"""

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from praxino import checkpoint, config
from praxino.autoencoder.model import Autoencoder
from praxino.generation.parts import open_autoencoder
from praxino.layers import precision
from praxino.pixels import unit
from praxino.training import pca, state
from praxino.training.ema import Ema
from praxino.training.log import Log
from praxino.training.optimizer import Optimizers, adamw
from praxino.training.parallel import Team
from praxino.training.recipes import AutoencoderRecipe, Recipe
from praxino.training.sheets import compare
from praxino.training.windows import HELD_OUT, Windows, windows

SAVE_EVERY = 120.0
"""Seconds of work that an interruption costs at most."""
COOLDOWN = 0.5
"""Share of the time, the last, over which the learning rate falls linearly."""
MOVES = 24
"""A pixel moves where it is further than this (of 255) from its median over the clip."""


@dataclass(kw_only=True)
class Run:
    """A run in memory."""

    model: Autoencoder
    first: Autoencoder | None  # what it was before training, where the encoder learns
    ema: Ema[Autoencoder]
    optimizers: Optimizers
    judge: Callable[..., Tensor]  # `judge`, compiled where that pays
    step: int = 0

    def tree(self) -> dict[str, Any]:
        """For `state.save`."""
        return {
            "model": self.model.state_dict(),
            "first": self.first.state_dict() if self.first else None,
            "ema": self.ema.model.state_dict(),
            "optimizers": self.optimizers.state(),
            "step": self.step,
        }

    def restore(self, tree: dict[str, Any]) -> None:
        """From `state.load`."""
        self.model.load_state_dict(tree["model"])
        self.ema.model.load_state_dict(tree["ema"])
        if self.first is not None:
            self.first.load_state_dict(tree["first"])
        self.optimizers.restore(tree["optimizers"])
        self.step = tree["step"]


def start(recipe: Recipe, held: Windows) -> Autoencoder:
    """A new autoencoder with its linear ends solved from patches of the windows."""
    torch.manual_seed(recipe.seed)
    model = Autoencoder(recipe.autoencoder)
    space, length = recipe.autoencoder.space, recipe.autoencoder.time
    pca.fit(model, *(held.patches(frames, space, seed=recipe.seed) for frames in (1, length)))
    return model


def work(
    team: Team,
    *,
    recipe: Recipe,
    into: Path,
    deadline: float,
    report: Callable[[int, float], None],
    live: Callable[[], Windows] | None = None,
) -> None:
    """Train what `start` made in ``into`` until ``deadline`` (time.time()), or go on; leave the average there.

    ``live`` gives windows that are still being rendered, on the team's device, as many as there are; or ones that a
    model made anew: every other step is of those, and the encoder, which that model knows, stays as it is.
    """
    held = live() if live else windows(into, recipe, data=None, workers=1)
    run, log, begun = _begin(recipe, into, team.device, encodes=held.remade is None), Log(into), time.time()
    last = begun
    while not team.ends(deadline):
        left = (deadline - time.time()) / (deadline - begun)
        loss = one_step(team, run, held, recipe, rate=min(1.0, max(0.02, left / COOLDOWN)))
        if run.step % 10 == 0:
            held = live() if live else held
            if team.leads:
                log.write(
                    step=run.step, samples=run.step * recipe.learn_autoencoder.batch, stage="autoencoder", loss=loss
                )
                report(run.step, loss)
        if team.leads and time.time() - last > SAVE_EVERY:
            last = time.time()
            state.save(into / "state.safetensors", run.tree())
    if team.leads:
        if run.first is not None:
            settle(run.ema.model, held, recipe)
        state.save(into / "state.safetensors", run.tree())
        keep(run.ema.model.cpu(), into)
        log.draw()
        if not live:
            compare(run.ema.model, held.frames[-HELD_OUT:], into / "samples.png")


def one_step(team: Team, run: Run, held: Windows, recipe: Recipe, *, rate: float) -> float:
    """One step; returns the loss (weighted mean square, of values in -1..1), averaged over the team."""
    learn = recipe.learn_autoencoder
    seed = ((recipe.seed + 1) * 1_000_003 + run.step) * 64 + team.rank
    count, latents = team.share(learn.batch), None
    if held.remade is not None and run.step % 2:
        frames, matters, latents = held.rehearsal(learn, count, time=recipe.autoencoder.time, seed=seed)
        latents = latents.to(team.device)
    else:
        frames, matters = held.batch(learn, count, step=run.step, seed=seed)
    frames, matters = frames.to(team.device), matters.to(team.device)
    weight = 1 + (learn.attention - 1) * matters
    generator = torch.Generator(team.device).manual_seed(seed)
    shape = recipe.autoencoder.latents(frames.shape)
    noise = torch.randn(shape, generator=generator, device=team.device)
    noise = noise * learn.noise * torch.rand((len(noise), 1, 1, 1, 1), generator=generator, device=team.device)
    with precision.mixed(team.device):
        loss = run.judge(run.model, run.first, frames, weight, latents=latents, noise=noise, learn=learn)
    loss.backward()
    team.average_gradients(run.model)
    norm = torch.nn.utils.clip_grad_norm_(run.model.parameters(), 1.0)
    run.optimizers.step(min(1.0, (run.step + 1) / 50) * rate, sound=bool(norm.isfinite()))
    run.step += 1
    run.ema.update(run.model, run.step)
    average = loss.detach()[None]
    team.average([average])
    return average.item()


def judge(
    model: Autoencoder,
    first: Autoencoder | None,
    frames: Tensor,
    weight: Tensor,
    *,
    latents: Tensor | None = None,
    noise: Tensor,
    learn: AutoencoderRecipe,
) -> Tensor:
    """The loss of ``model`` on frames (b, f, h, w, 3) whose pixels have a weight (b, f, h, w): a scalar.

    It decodes ``latents``, or, without them, the frames' own with ``noise``.

    ``first``, where the encoder learns, is the linear autoencoder it began as: latents stay near the ones of that,
    so that what stands still keeps standing still in them.
    """
    seen = model.encode(frames) if latents is None else latents
    error = model.decode(seen + noise if latents is None else latents).float() - frames
    loss = weighted(error, weight) + learn.steady * jumps(error, weight)
    if first is None:
        return loss
    with torch.no_grad():
        plain = first.encode(frames)
    return loss + learn.anchor * ((seen - plain).float() / first.std).square().mean()


def weighted(error: Tensor, weight: Tensor) -> Tensor:
    """Mean square of an error (b, f, h, w, 3), weighted (b, f, h, w)."""
    return (error.square().mean(-1) * weight).sum() / weight.sum()


def jumps(error: Tensor, weight: Tensor) -> Tensor:
    """Mean square of how the error changes from frame to frame, row to row and column to column.

    An error that stays is hardly seen; one that jumps is, as a block's edge or as a latent's beginning.
    """
    return sum(
        (weighted(error.diff(dim=dim), weight.narrow(dim, 1, weight.shape[dim] - 1)) for dim in (1, 2, 3)),
        torch.zeros((), device=error.device),
    )


@torch.no_grad()
def settle(model: Autoencoder, held: Windows, recipe: Recipe) -> None:
    """Measure the deviation of the latents of a trained encoder."""
    learn = replace(recipe.learn_autoencoder, batch=32)
    frames, _ = held.batch(learn, 32, step=0, seed=1)
    latents = model.encode(frames.to(model.std.device))
    model.std.copy_(latents.square().mean((0, 1, 2, 3)).sqrt())


def keep(model: Autoencoder, into: Path) -> None:
    """Write the autoencoder as a checkpoint."""
    tensors = {f"autoencoder.{k}": v for k, v in model.state_dict().items()}
    checkpoint.save(into, tensors, {"format": 1, "name": "autoencoder", "autoencoder": config.to_json(model.config)})


@torch.inference_mode()
def measure(model: Autoencoder, held: Windows) -> dict[str, float]:
    """PSNR in dB over the held-out windows, of all pixels and of those that move."""
    sums = np.zeros(4)
    for frames in held.frames[-HELD_OUT:]:
        wanted = unit(frames.numpy())
        back = model.decode(model.encode(wanted[None]))[0].clamp(-1, 1)
        error = (back - wanted).square().mean(-1) / 4  # of values in 0..1
        moving = (frames.float() - frames[::4].float().median(0).values).abs().amax(-1) > MOVES
        sums += [error.sum().item(), error.numel(), error[moving].sum().item(), moving.sum().item()]
    full, moved = sums[0] / sums[1], sums[2] / max(sums[3], 1.0)
    return {"full": float(-10 * np.log10(full)), "moving": float(-10 * np.log10(max(moved, 1e-12)))}


def _begin(recipe: Recipe, into: Path, device: str, *, encodes: bool) -> Run:
    model, learn = open_autoencoder(into).train().to(device), recipe.learn_autoencoder
    # A linear encoder stays as solved: latents made with it remain valid while the decoder improves.
    learns = encodes and recipe.autoencoder.encoder_depth > 0
    for name, p in model.named_parameters():
        p.requires_grad_(learns or not name.startswith(("still_in", "clip_in", "encoder", "latent_out")))
    run = Run(
        model=model,
        first=copy.deepcopy(model).requires_grad_(False) if learns else None,
        ema=Ema(model, decay=0.998),
        optimizers=adamw(model, rate=learn.rate),
        judge=torch.compile(judge) if device == "cuda" else judge,
    )
    saved = into / "state.safetensors"
    if saved.exists():
        run.restore(state.load(saved))
    return run
