"""Train the upscaler: large frames, and the same made small and passed through the autoencoder.

Shapes: n crops, b batch, f frames, h rows, w columns of small pixels, k the upscaler's factor.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from praxino import checkpoint, config
from praxino.autoencoder.model import Autoencoder
from praxino.layers import precision
from praxino.pixels import unit, whole
from praxino.training import source, state
from praxino.training.log import Log
from praxino.training.optimizer import Optimizers, adamw
from praxino.training.parallel import Team
from praxino.training.recipes import Recipe, UpscalerRecipe
from praxino.upscaler.config import UpscalerConfig
from praxino.upscaler.model import Upscaler

UPSCALER_FROM = 4_000_000_000
"""First seed of the scenes it learns from."""
COOLDOWN = 0.5
"""Share of the time, the last, over which the learning rate falls."""
HELD_OUT = 16
"""Crops, the last ones, that are measured and never learned from; of few, a fifth."""


@dataclass(frozen=True, kw_only=True)
class Crops:
    """What it learns from."""

    small: Tensor  # (n, f, h, w, 3) uint8, as the autoencoder gives them back
    large: Tensor  # (n, f, k h, k w, 3) uint8

    @property
    def held_out(self) -> int:
        """How many, the last ones, are not learned from."""
        return min(HELD_OUT, -(-len(self.small) // 5))

    def batch(self, count: int, *, seed: int) -> tuple[Tensor, Tensor]:
        """Small and large ones in -1..1, some of them mirrored; never the last ones."""
        generator = torch.Generator().manual_seed(seed)
        rows = torch.randint(len(self.small) - self.held_out, (count,), generator=generator)
        small, large = unit(self.small[rows]), unit(self.large[rows])
        if torch.rand((), generator=generator) < 0.5:
            small, large = small.flip(3), large.flip(3)
        return small, large


@dataclass(kw_only=True)
class Run:
    """A run in memory."""

    model: Upscaler
    optimizers: Optimizers
    step: int = 0

    def tree(self) -> dict[str, Any]:
        """For `state.save`."""
        return {"model": self.model.state_dict(), "optimizers": self.optimizers.state(), "step": self.step}


@torch.inference_mode()
def crops(recipe: Recipe, coder: Autoencoder, *, data: Path | None, rank: int = 0, size: int = 1) -> Crops:
    """The crops of every ``size``-th scene from ``rank`` on, each around what matters in it."""
    learn, small, large = recipe.learn_upscaler, list[Tensor](), list[Tensor]()
    k, side, space = recipe.upscaler.factor, learn.crop, coder.config.space
    for sample in islice(_samples(recipe, data), rank, learn.clips, size):
        frames = rearrange(unit(sample.frames), "f h w k -> f k h w")
        little = F.interpolate(frames, scale_factor=1 / k, mode="area")
        again = coder.decode(coder.encode(rearrange(little, "f k h w -> 1 f h w k")))[0].float()
        _, h, w, _ = again.shape
        rows, columns = np.nonzero(sample.matters[0])
        middle = (rows.mean() / k, columns.mean() / k) if len(rows) else (h / 2, w / 2)
        y, x = (
            int(np.clip(round((at - side / 2) / space) * space, 0, length - side))
            for at, length in zip(middle, (h, w), strict=True)
        )
        small.append(whole(again[:, y : y + side, x : x + side]))
        large.append(torch.from_numpy(sample.frames)[:, k * y : k * (y + side), k * x : k * (x + side)].clone())
    return Crops(small=torch.stack(small), large=torch.stack(large))


def work(
    team: Team, recipe: Recipe, held: Crops, *, into: Path, deadline: float, report: Callable[[Run, float], None]
) -> None:
    """Train until ``deadline`` (time.time()), or go on with what ``into`` holds; state and upscaler stay there."""
    run, log, begun = begin(recipe, into, team.device), Log(into), time.time()
    while not team.ends(deadline):
        left = (deadline - time.time()) / (deadline - begun)
        loss = one_step(team, run, recipe.learn_upscaler, held, rate=min(1.0, max(0.02, left / COOLDOWN)))
        if team.leads and run.step % 10 == 0:
            log.write(step=run.step, samples=run.step * recipe.learn_upscaler.batch, stage="upscaler", loss=loss)
            report(run, loss)
    if team.leads:
        state.save(into / "state.safetensors", run.tree())
        keep(run.model, into)
        log.draw()


def begin(recipe: Recipe, into: Path, device: str) -> Run:
    """A new run, or the one that ``into`` holds."""
    torch.manual_seed(recipe.seed)
    model = Upscaler(recipe.upscaler).to(device)
    run = Run(model=model, optimizers=adamw(model, rate=recipe.learn_upscaler.rate))
    saved = into / "state.safetensors"
    if saved.exists():
        tree = state.load(saved)
        model.load_state_dict(tree["model"])
        run.optimizers.restore(tree["optimizers"])
        run.step = tree["step"]
    return run


def one_step(team: Team, run: Run, learn: UpscalerRecipe, held: Crops, *, rate: float) -> float:
    """One step; returns the loss, averaged over the team."""
    crops_now = held.batch(team.share(learn.batch), seed=(run.step * 64 + team.rank) * 1019 + 13)
    small, large = (one.to(team.device) for one in crops_now)
    with precision.mixed(team.device):
        made = torch.stack([run.model(one) for one in small])
    loss = judge(made.float() - large, learn.steady)
    loss.backward()
    team.average_gradients(run.model)
    norm = torch.nn.utils.clip_grad_norm_(run.model.parameters(), 1.0)
    run.optimizers.step(rate * min(1.0, (run.step + 1) / 50), sound=bool(norm.isfinite()))
    run.step += 1
    average = loss.detach()[None]
    team.average([average])
    return average.item()


def judge(error: Tensor, steady: float) -> Tensor:
    """Mean absolute error (b, f, h, w, 3), and of how it changes from frame to frame, which flickers: a scalar."""
    return error.abs().mean() + steady * error.diff(dim=1).abs().mean()


@torch.inference_mode()
def measure(model: Upscaler, held: Crops) -> dict[str, float]:
    """PSNR in dB on the held-out crops: of the upscaler, and of bicubic resampling."""
    plain = Upscaler(model.config)
    figures = {}
    for name, network in (("upscaler", model), ("bicubic", plain)):
        errors = [
            (network(unit(small)).clamp(-1, 1) - unit(large)).square().mean().item() / 4
            for small, large in zip(held.small[-held.held_out :], held.large[-held.held_out :], strict=True)
        ]
        figures[name] = float(-10 * np.log10(np.mean(errors)))
    return figures


def keep(model: Upscaler, into: Path) -> None:
    """Write the upscaler as a checkpoint."""
    tensors = {f"upscaler.{name}": tensor for name, tensor in model.state_dict().items()}
    checkpoint.save(into, tensors, {"format": 1, "name": "upscaler", "upscaler": config.to_json(model.config)})


def opened(folder: Path) -> Upscaler:
    """The upscaler that `keep` wrote."""
    tensors, about = checkpoint.load(folder)
    model = Upscaler(config.from_json(UpscalerConfig, about["upscaler"]))
    model.load_state_dict({name.removeprefix("upscaler."): tensor for name, tensor in tensors.items()})
    return model


def _samples(recipe: Recipe, data: Path | None) -> Iterator[source.Sample]:
    """Clips of the first native size, as many times larger as the upscaler makes them."""
    k, (width, height) = recipe.upscaler.factor, recipe.data.sizes[0]
    size, frames = (k * width, k * height), 1 + recipe.autoencoder.time
    if data is not None:
        yield from source.from_shards(data, size=size, frames=frames)
        return
    seeds = range(UPSCALER_FROM, UPSCALER_FROM + 2 * recipe.learn_upscaler.clips)
    for seed, rung in source.allowed(seeds, recipe.data, size):
        yield source.clip(seed, rung=rung, size=size, frames=frames)
