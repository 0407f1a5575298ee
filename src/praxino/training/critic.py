"""Train the critic on stills: which caption goes with which picture, and that a picture is better than it spoiled.

Contrastive learning (Radford et al. 2021), with each picture's own spoiled copy as one more wrong answer: what a young
generator gets wrong, a thing drawn twice or with a lump, no true picture shows.
Shapes: b batch, h rows, w columns, c latent channels, m text tokens.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from praxino import checkpoint, config
from praxino.critic.config import CriticConfig
from praxino.critic.model import Critic
from praxino.generation.parts import open_parts
from praxino.layers import precision
from praxino.training import state
from praxino.training.batches import Shelf, Shelves, draw_shelf, draw_words
from praxino.training.log import Log
from praxino.training.optimizer import Optimizers, adamw
from praxino.training.parallel import Team
from praxino.training.recipes import CriticRecipe, Recipe

COOLDOWN = 0.6
"""Share of the time, the last, over which the learning rate falls."""
SAVE_EVERY = 120.0
"""Seconds."""
GENTLE = 0.25
"""Share of the rate for a critic that begins as another."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """What to train, and where."""

    recipe: Recipe
    std: Tensor  # (c,) of the latents, per channel
    into: Path
    deadline: float  # time.time()
    model: Path | None = None  # whose critic, if it has one, a new run begins as


@dataclass(kw_only=True)
class Run:
    """A run in memory."""

    critic: Critic
    optimizers: Optimizers
    step: int = 0

    def tree(self) -> dict[str, Any]:
        """For `state.save`."""
        return {"critic": self.critic.state_dict(), "optimizers": self.optimizers.state(), "step": self.step}


def work(team: Team, task: Task, stills: Shelves, *, report: Callable[[Run, float], None]) -> None:
    """Train until the deadline, or go on with what ``task.into`` holds; state and critic stay there."""
    run, log, begun = begin(task, team), Log(task.into), time.time()
    saved = begun
    while not team.ends(task.deadline):
        left = (task.deadline - time.time()) / (task.deadline - begun)
        rate = (1.0 if task.model is None else GENTLE) * min(1.0, max(0.02, left / COOLDOWN))
        loss = one_step(team, run, task, stills, rate=rate)
        if team.leads and run.step % 10 == 0:
            log.write(step=run.step, samples=run.step * task.recipe.learn_critic.batch, stage="critic", loss=loss)
            report(run, loss)
        if team.leads and time.time() - saved > SAVE_EVERY:
            saved = time.time()
            state.save(task.into / "state.safetensors", run.tree())
    if team.leads:
        state.save(task.into / "state.safetensors", run.tree())
        keep(run.critic, task.into)
        log.draw()


def keep(critic: Critic, into: Path) -> None:
    """Write the critic as a checkpoint."""
    tensors = {f"critic.{name}": tensor for name, tensor in critic.state_dict().items()}
    checkpoint.save(into, tensors, {"format": 1, "name": "critic", "critic": config.to_json(critic.config)})


def opened(folder: Path) -> Critic:
    """The critic that `keep` wrote."""
    tensors, about = checkpoint.load(folder)
    critic = Critic(config.from_json(CriticConfig, about["critic"]))
    critic.load_state_dict({name.removeprefix("critic."): tensor for name, tensor in tensors.items()})
    return critic


def begin(task: Task, team: Team) -> Run:
    """A new run, which begins as the critic of ``task.model`` if that has one, or the one that ``task.into`` holds."""
    torch.manual_seed(task.recipe.seed)
    critic = Critic(task.recipe.critic)
    if task.model is not None and (theirs := open_parts(task.model).critic) is not None:
        critic.load_state_dict(theirs.state_dict())
    critic.channel_std.copy_(task.std)
    critic.to(team.device)
    run = Run(critic=critic, optimizers=adamw(critic, rate=task.recipe.learn_critic.rate))
    saved = task.into / "state.safetensors"
    if saved.exists():
        tree = state.load(saved)
        critic.load_state_dict(tree["critic"])
        run.optimizers.restore(tree["optimizers"])
        run.step = tree["step"]
    return run


def one_step(team: Team, run: Run, task: Task, stills: Shelves, *, rate: float) -> float:
    """One step; returns the loss, averaged over the team."""
    learn = task.recipe.learn_critic
    seed = (run.step * 64 + team.rank) * 1013 + 11
    shelf = draw_shelf(stills, torch.Generator().manual_seed(seed))
    generator = torch.Generator(shelf.latents.device).manual_seed(seed)
    rows, ids, mask = alike(run.critic, shelf, team.share(learn.batch), learn, generator)
    latents = shelf.latents[rows, 0].float()
    wrong, worse = spoil(latents, shelf.matters[rows, 0], generator)
    shown = blur(torch.cat([latents, wrong]), run.critic.channel_std, learn, generator)
    with precision.mixed(team.device):
        pictures, words = run.critic.picture(shown), run.critic.words(ids, mask)
    loss = contrast(words @ pictures.T * run.critic.sharpness.exp(), worse)
    loss.backward()
    team.average_gradients(run.critic)
    norm = torch.nn.utils.clip_grad_norm_(run.critic.parameters(), 1.0)
    run.optimizers.step(rate * min(1.0, (run.step + 1) / learn.warmup), sound=bool(norm.isfinite()))
    run.step += 1
    average = loss.detach()[None]
    team.average([average])
    return average.item()


@torch.no_grad()
def alike(
    critic: Critic, shelf: Shelf, count: int, learn: CriticRecipe, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Rows, tokens and mask of ``count`` samples whose captions are alike in groups: hard to tell apart."""
    device = shelf.latents.device
    pool = torch.randint(len(shelf), (learn.pool * count,), generator=generator, device=device)
    ids, mask = draw_words(shelf, pool, 0.0, generator)
    said = critic.words(ids, mask)
    groups = max(1, count // learn.group)
    near = (said[:groups] @ said.T).topk(count // groups).indices.flatten()
    return pool[near], ids[near], mask[near]


def contrast(fit: Tensor, worse: Tensor) -> Tensor:
    """The loss of how well each of b captions fits b pictures and, after them, their spoiled copies (b, 2 b): a scalar.

    A copy that is not ``worse`` (b,), for there was nothing to spoil, is no answer.
    """
    b = len(fit)
    right = torch.arange(b, device=fit.device)
    fit = torch.cat([fit[:, :b], fit[:, b:].masked_fill(~worse, -torch.inf)], 1)
    above = F.softplus(fit[:, b:].diag() - fit[:, :b].diag()).mean()
    return F.cross_entropy(fit, right) + F.cross_entropy(fit[:, :b].T, right) + above


def spoil(latents: Tensor, matters: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Pictures (b, h, w, c) with their things (b, h, w) once more: beside the first, or grown together with it.

    Also tells (b,) which of them it spoiled.
    """
    out, (_, h, w) = latents.clone(), matters.shape
    done = torch.zeros(len(latents), dtype=torch.bool, device=latents.device)
    chance = torch.rand((len(latents), 3), generator=generator, device=latents.device).tolist()
    for i, (near, across, down) in enumerate(chance):
        reach = 2 if near < 0.5 else max(2, round(0.6 * w))  # latents to either side
        x = int(1 + across * 2 * reach) - reach - (across < 0.5)
        y = int(down * 4) - 1 if down < 0.75 else 0
        rows, columns = matters[i].nonzero(as_tuple=True)
        if len(columns) and not 0 <= columns.float().mean() + x < w:
            x = -x
        inside = (rows + y >= 0) & (rows + y < h) & (columns + x >= 0) & (columns + x < w)
        if not inside.any():
            continue
        rows, columns = rows[inside], columns[inside]
        out[i, rows + y, columns + x] = latents[i, rows, columns]
        done[i] = True
    return out, done


def blur(latents: Tensor, std: Tensor, learn: CriticRecipe, generator: torch.Generator) -> Tensor:
    """Most of the latents (b, h, w, c) with some noise, so that the critic does not rest on the finest detail."""
    chance = torch.rand((2, len(latents), 1, 1, 1), generator=generator, device=latents.device)
    t = learn.noise * chance[0] * (chance[1] < learn.noisy)
    noise = torch.randn(latents.shape, generator=generator, device=latents.device)
    return ((1 - t) * latents + t * noise * std) * torch.rsqrt(t**2 + (1 - t) ** 2)
