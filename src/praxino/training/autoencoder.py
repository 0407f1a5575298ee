"""Train the autoencoder: principal components first, then the decoder's residual blocks (docs/decisions/0002).

Shapes: b batch, f frames, h rows, w columns of pixels.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from praxino import checkpoint, config
from praxino.autoencoder.model import Autoencoder
from praxino.generation.parts import open_autoencoder
from praxino.layers import precision
from praxino.training import pca, state
from praxino.training.ema import Ema
from praxino.training.latents import unit
from praxino.training.log import Log
from praxino.training.optimizer import Optimizers, adamw
from praxino.training.parallel import Team
from praxino.training.recipes import Recipe
from praxino.training.sheets import compare
from praxino.training.windows import HELD_OUT, Windows, windows

SAVE_EVERY = 120.0
"""Seconds of work that an interruption costs at most."""
MOVES = 24
"""A pixel moves where it is further than this (of 255) from its median over the clip."""


@dataclass(kw_only=True)
class Run:
    """A run in memory."""

    model: Autoencoder
    ema: Ema[Autoencoder]
    optimizers: Optimizers
    step: int = 0

    def tree(self) -> dict[str, Any]:
        """For `state.save`."""
        average, optimizers = self.ema.model.state_dict(), self.optimizers.state()
        return {"model": self.model.state_dict(), "ema": average, "optimizers": optimizers, "step": self.step}

    def restore(self, tree: dict[str, Any]) -> None:
        """From `state.load`."""
        self.model.load_state_dict(tree["model"])
        self.ema.model.load_state_dict(tree["ema"])
        self.optimizers.restore(tree["optimizers"])
        self.step = tree["step"]


def start(recipe: Recipe, held: Windows) -> Autoencoder:
    """A new autoencoder with its linear ends solved from patches of the windows."""
    torch.manual_seed(recipe.seed)
    model = Autoencoder(recipe.autoencoder)
    space, length = recipe.autoencoder.space, recipe.autoencoder.time
    pca.fit(model, *(held.patches(frames, space, seed=recipe.seed) for frames in (1, length)))
    return model


def work(team: Team, *, recipe: Recipe, into: Path, deadline: float, report: Callable[[int, float], None]) -> None:
    """Train what `start` made in ``into`` until ``deadline`` (time.time()), or go on; leave the average there."""
    held, learn = windows(into, recipe, data=None, workers=1), recipe.learn_autoencoder
    run, log, last = _begin(recipe, into, team.device), Log(into), time.time()
    while run.step < learn.steps and not team.ends(deadline):
        loss = one_step(team, run, held, recipe)
        if team.leads and run.step % 10 == 0:
            log.write(step=run.step, samples=run.step * learn.batch, stage="autoencoder", loss=loss)
            report(run.step, loss)
        if team.leads and time.time() - last > SAVE_EVERY:
            last = time.time()
            state.save(into / "state.safetensors", run.tree())
    if team.leads:
        state.save(into / "state.safetensors", run.tree())
        keep(run.ema.model.cpu(), into)
        log.draw()
        compare(run.ema.model, held.frames[-HELD_OUT:], into / "samples.png")


def one_step(team: Team, run: Run, held: Windows, recipe: Recipe) -> float:
    """One step; returns the loss (weighted mean square, of values in -1..1), averaged over the team."""
    learn = recipe.learn_autoencoder
    seed = ((recipe.seed + 1) * 1_000_003 + run.step) * 64 + team.rank
    crops = held.batch(learn, team.share(learn.batch), step=run.step, seed=seed)
    frames, matters = (crop.to(team.device) for crop in crops)
    latents = run.model.encode(frames)  # the encoder is what latents were made with: to the last bit
    generator = torch.Generator().manual_seed(seed)
    level = learn.noise * torch.rand(len(latents), 1, 1, 1, 1, generator=generator)
    noise = (level * torch.randn(latents.shape, generator=generator)).to(latents)
    with precision.mixed(team.device):
        made = run.model.decode(latents + noise)
    error = (made.float() - frames).square().mean(-1)
    weight = 1 + (learn.attention - 1) * matters
    loss = (error * weight).sum() / weight.sum()
    loss.backward()
    team.average_gradients(run.model)
    torch.nn.utils.clip_grad_norm_(run.model.parameters(), 1.0)
    cosine = 0.5 * (1 + float(np.cos(np.pi * run.step / learn.steps)))
    run.optimizers.step(min(1.0, (run.step + 1) / 50) * (0.02 + 0.98 * cosine))
    run.step += 1
    run.ema.update(run.model, run.step)
    average = loss.detach()[None]
    team.average([average])
    return average.item()


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


def _begin(recipe: Recipe, into: Path, device: str) -> Run:
    model = open_autoencoder(into).train().to(device)
    for name, p in model.named_parameters():
        # A linear encoder stays as solved: latents made with it remain valid while the decoder improves.
        p.requires_grad_(recipe.autoencoder.encoder_depth > 0 or not name.startswith(("still_in", "clip_in")))
    learn = recipe.learn_autoencoder
    run = Run(model=model, ema=Ema(model, decay=0.998), optimizers=adamw(model, rate=learn.rate))
    saved = into / "state.safetensors"
    if saved.exists():
        run.restore(state.load(saved))
    return run
