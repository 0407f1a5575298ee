"""Train text encoder and transformer together by flow matching: stills first, then clips with stills mixed in.

Shapes: b batch, t latents, h rows, w columns, c channels.
"""

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict

from praxino.flow import path as flow
from praxino.flow.guide import GuidanceConfig, guide
from praxino.flow.loss import loss as flow_loss
from praxino.flow.loss import novelty, residual_scale
from praxino.generation.parts import open_parts
from praxino.generation.program import able
from praxino.layers import precision
from praxino.text.encoder import TextEncoder
from praxino.training import snapshots, spread, state
from praxino.training.batches import Batch, Shelves, draw_batch
from praxino.training.ema import Ema
from praxino.training.latents import Kind
from praxino.training.log import Log
from praxino.training.optimizer import Optimizers, muon
from praxino.training.parallel import Team, missed
from praxino.training.recipes import FlowRecipe, Recipe
from praxino.training.snapshots import Snapshots
from praxino.training.spread import Spread
from praxino.transformer.model import Outlook, Transformer

NOVELTY = 0.02
"""Weight of `novelty` beside the flow loss."""
MADE = 0.8
"""Latents with less noise than this a student sees as its teacher makes them, where they are past."""
WHOLE, STATES = "state.safetensors", "states"
"""Where a run keeps its state: in one file, or in snapshots where it is told to shard."""
PAYS = 600.0
"""Seconds that a run has to last for compiling, a minute on a CPU, to pay."""


class Student(nn.Module):
    """The two networks that learn together."""

    def __init__(self, recipe: Recipe, std: Tensor) -> None:
        super().__init__()
        torch.manual_seed(recipe.seed)
        self.text, self.transformer = TextEncoder(recipe.text), Transformer(recipe.transformer)
        nn.init.zeros_(
            self.transformer.time_shift.weight
        )  # every block begins as nearly the identity (Peebles & Xie 2023)
        nn.init.zeros_(self.transformer.time_shift.bias)
        self.transformer.channel_std.copy_(std)

    def forward(self, batch: Batch, target: Tensor | None = None) -> Tensor:
        """The loss of a batch: a scalar. ``target`` is the velocity to predict, if it is not that of the path."""
        made, std = self.outlook(batch), self.transformer.channel_std
        target = flow.velocity(batch.latents, batch.noise) if target is None else target
        scale = residual_scale(batch.time, std)
        loss = flow_loss(made.velocity, target, known=batch.known, weight=batch.weight, scale=scale) * batch.judged
        if made.past is None or made.open is None:
            return loss
        strange = novelty(batch.latents, made.past, made.open, known=batch.known, std=std)
        return loss + NOVELTY * strange * batch.unknown

    def outlook(self, batch: Batch) -> Outlook:
        """What the networks say of a batch."""
        shown, text = batch.shown, self.text(batch.ids, batch.mask)
        if shown.shape[1] > self.transformer.config.chunk:
            return self.transformer.taught(shown, batch.time, text, past=(batch.past, batch.when))
        return self.transformer.outlook(shown, batch.time, text)


@dataclass(frozen=True, kw_only=True)
class Teacher:
    """A trained pair whose guidance a student learns to give in one pass (Meng et al. 2023, stage one)."""

    pair: Student
    guidance: GuidanceConfig
    trust: float  # 0..1: share of the target that is the teacher's own prediction; the rest is the path's

    @torch.no_grad()
    def lesson(self, batch: Batch) -> tuple[Batch, Tensor]:
        """What the student sees, and the guided velocity (b, t, h, w, c) that it is to say.

        What guidance adds is the teacher's alone; what it adds to is in part the path itself, which is right on
        average where the teacher is not, so that the student still learns from the data. In a film the past is made,
        not true: the student sees some of it as the teacher makes it, and learns to go on from there to the truth.
        """
        wanted = self.pair.outlook(batch).velocity
        unwanted = self.pair.outlook(batch.wordless()).velocity
        guided = guide(wanted, unwanted, batch.shown, batch.time, scale=self.guidance.scale)
        inside = (batch.time >= self.guidance.since) & (batch.time <= self.guidance.until)
        added = torch.where(inside[:, :, None, None, None], guided - wanted, 0)
        path = flow.velocity(batch.latents, batch.noise)
        clean, _ = flow.ends(batch.shown, wanted, batch.time)
        wrong = (1 - batch.when)[:, :, None, None, None] * (clean - batch.latents)
        made = (batch.time < MADE)[:, :, None, None, None]
        shown = replace(batch, past=batch.past + torch.where(made, wrong, 0))
        return shown, self.trust * wanted + (1 - self.trust) * path + added


@dataclass(kw_only=True)
class Run:
    """A run in memory: what `state` saves and restores."""

    student: Student
    ema: Ema[Student]
    optimizers: Optimizers
    teacher: Teacher | None = None
    sharded: bool = False  # over the ranks of the team
    sequence: int = 1  # ranks that share each sample
    step: int = 0
    samples: int = 0

    def tree(self) -> dict[str, Any]:
        """For `state.save`, where nothing is sharded."""
        return {
            "student": self.student.state_dict(),
            "ema": self.ema.model.state_dict(),
            "optimizers": self.optimizers.state(),
            "step": self.step,
            "samples": self.samples,
        }

    def restore(self, tree: dict[str, Any]) -> None:
        """From `state.load`."""
        self.student.load_state_dict(tree["student"])
        self.ema.model.load_state_dict(tree["ema"])
        self.optimizers.restore(tree["optimizers"])
        self.step, self.samples = tree["step"], tree["samples"]

    def tensors(self) -> dict[str, Tensor]:
        """All there is to save, whole or in shards, as this process holds it: no copy. For `Snapshots`."""
        parts = {
            "student": self.student.state_dict(),
            "ema": self.ema.model.state_dict(),
            "optimizer": self.optimizers.named(self.student),
        }
        return {f"{part}.{name}": tensor for part, held in parts.items() for name, tensor in held.items()}

    def resume(self, snapshot: Path) -> None:
        """From a folder of `Snapshots`, by however many ranks it was written."""
        held = {name.removeprefix("optimizer."): shape for name, shape in snapshots.shapes(snapshot).items()}
        self.optimizers.make_room(self.student, held)
        snapshots.load(snapshot, self.tensors())
        about = snapshots.about(snapshot)
        self.step, self.samples = about["step"], about["samples"]

    def cut(self, tree: dict[str, Any]) -> None:
        """From `state.load`, each rank its shards."""
        told = self.optimizers.told(tree["optimizers"], self.student)
        self.optimizers.make_room(self.student, {name: tensor.shape for name, tensor in told.items()})
        parts = {"student": tree["student"], "ema": tree["ema"], "optimizer": told}
        held = {f"{part}.{name}": tensor for part, each in parts.items() for name, tensor in each.items()}
        mine = self.tensors()
        spread.fill([mine[name] for name in held], held.values())
        self.step, self.samples = tree["step"], tree["samples"]

    def averaged(self) -> dict[str, Tensor]:
        """The weights to ship, by name, whole. Where they are in shards all ranks ask, and the leader alone gets."""
        if not self.sharded:
            return self.ema.model.state_dict()
        options = StateDictOptions(full_state_dict=True, cpu_offload=True)
        held = get_model_state_dict(self.ema.model, options=options)
        return {name: tensor for name, tensor in held.items() if isinstance(tensor, Tensor)}


@dataclass(frozen=True, kw_only=True)
class Task:
    """What to train, and where."""

    recipe: Recipe
    std: Tensor  # (c,) of the latents, per channel
    into: Path
    deadline: float  # time.time()
    save_every: float = 600.0  # seconds
    teacher: Path | None = None  # state of the run whose guidance is to be folded in
    spread: Spread = field(default_factory=Spread)
    model: Path | None = None  # whose weights a new run without a teacher begins as; it has this recipe's sizes


Stock = Callable[[Kind], Shelves]
"""What there is to learn from just now, on the device that learns."""
Saved = Callable[[Run, dict[str, Tensor]], None]
"""Given a run whose state was saved, and its averaged weights by name, whole."""


def begin(task: Task, team: Team) -> Run:
    """A new run (one with a teacher begins as it), or the one that ``task.into`` holds."""
    learn, sharded, teacher = task.recipe.learn_flow, task.spread.shards(team), None
    whole = _whole(task) if team.leads or not sharded else None  # once in a machine's memory, however many ranks
    if sharded or whole is None:
        with torch.device("meta"):
            student = Student(task.recipe, task.std)
    else:
        student = whole
    if task.teacher is not None:
        pair = copy.deepcopy(student).eval().requires_grad_(False)
        teacher = Teacher(pair=pair, guidance=GuidanceConfig(), trust=learn.trust)
    ema = Ema(student, decay=learn.ema)
    if task.spread.checkpoint_activations:
        spread.forget_activations(student.transformer)
    pairs = [student, *([teacher.pair] if teacher else [])]
    group = task.spread.group(team)
    if group is not None:
        for pair in pairs:
            pair.transformer.mesh = group
    quick = able(team.device) and (team.device == "cuda" or task.deadline - time.time() > PAYS)
    if quick and task.spread == Spread():  # a block that sends messages, or is computed twice, was not tried compiled
        for pair in pairs:
            _compile(pair)
    for pair in (*pairs, ema.model):
        if sharded:
            spread.shard(pair, pair.transformer, device=team.device)
            spread.deal(pair, whole, device=team.device)
        else:
            pair.to(team.device)
    optimizers = muon(student, muon_rate=learn.muon_rate, adam_rate=learn.adam_rate, team=team)
    run = Run(
        student=student,
        ema=ema,
        optimizers=optimizers,
        teacher=teacher,
        sharded=sharded,
        sequence=task.spread.sequence,
    )
    _go_on(run, task.into / WHOLE)
    return run


def _whole(task: Task) -> Student:
    """What a new run begins with."""
    student = Student(task.recipe, task.std)
    if task.teacher is not None:
        student.load_state_dict(_averages(task.teacher))
    elif task.model is not None:
        parts = open_parts(task.model)
        student.text.load_state_dict(parts.text.state_dict())
        student.transformer.load_state_dict(parts.transformer.state_dict() | {"channel_std": task.std})
    return student


def _go_on(run: Run, saved: Path) -> None:
    """From what was saved last, in whichever form, if anything was."""
    if (snapshot := _later(saved)) is not None:
        run.resume(snapshot)
    elif saved.exists():
        tree = state.load(saved)
        (run.cut if run.sharded else run.restore)(tree)


def _averages(saved: Path) -> dict[str, Tensor]:
    """The averaged weights of the run that saves its state in this file, or in snapshots beside it."""
    snapshot = _later(saved)
    return state.load(saved)["ema"] if snapshot is None else snapshots.read(snapshot, "ema.")


def _later(saved: Path) -> Path | None:
    """The last snapshot beside a file of state, where the run went on with it."""
    snapshot = snapshots.newest(saved.parent / STATES)
    if snapshot is None or (saved.exists() and snapshots.about(snapshot)["step"] <= state.glance(saved)["step"]):
        return None
    return snapshot


def _compile(pair: Student) -> None:
    """Fuse what the blocks do between their products: half of a step on a CPU (docs/log.md, 2026-11-27)."""
    torch._dynamo.config.automatic_dynamic_shapes = False  # noqa: SLF001 - stills, openings and clips: a graph each
    torch._dynamo.config.recompile_limit = 64  # noqa: SLF001 - with and without gradients, in each number they come in
    for block in pair.transformer.blocks:
        block.compile()


def work(
    team: Team,
    task: Task,
    stock: Stock,
    *,
    report: Callable[[str, Run, float], None],
    saved: Saved,
) -> None:
    """Train until the deadline; the leader calls ``saved`` after each save, or the last one of a run in shards."""
    run, recipe, log = begin(task, team), task.recipe, Log(task.into)
    kept = Snapshots(task.into / STATES, team) if task.spread.fsdp else None
    if run.teacher is not None:  # it begins where a cooldown ended
        recipe = replace(recipe, learn_flow=replace(recipe.learn_flow, cooldown=1.0))
    begun = last = time.time()
    with missed():
        while not team.ends(task.deadline):
            in_clips = run.teacher is not None or run.step >= recipe.learn_flow.still_steps
            left = (task.deadline - time.time()) / (task.deadline - begun)
            loss = one_step(team, run, recipe, stock("stills"), stock("clips") if in_clips else None, left=left)
            stage = "clips" if in_clips else "stills"
            if team.leads and run.step % 5 == 0:
                log.write(step=run.step, samples=run.samples, stage=stage, loss=loss)
                report(stage, run, loss)
            if kept is not None:
                kept.settle()
            if team.agree(time.time() - last > task.save_every):
                last = time.time()
                if kept is not None:
                    kept.begin(run.tensors(), step=run.step, samples=run.samples)
                elif team.leads:
                    _save(run, task, log, saved)
        if kept is not None:
            kept.begin(run.tensors(), step=run.step, samples=run.samples)
            weights = run.averaged()
            kept.settle(wait=True)
            if team.leads:
                log.draw()
                saved(run, weights)
        elif team.leads:
            _save(run, task, log, saved)


def one_step(
    team: Team, run: Run, recipe: Recipe, stills: Shelves, clips: Shelves | None, *, left: float = 1.0
) -> float:
    """One step on stills, or on clips with a few stills; returns the loss, averaged over the team.

    ``left`` is the share of the time that remains. What is drawn and what is learned of it do not depend on how many
    processes there are: all draw the same batch, and each, or each group that shares samples, takes its part of it, in
    ``accumulate`` pieces.
    """
    learn, losses = recipe.learn_flow, []
    draws = [(stills, learn.still_batch)]
    if clips is not None:
        draws = [opened(clips, learn, run.step), (stills, learn.mixed_stills)]
    for k, (shelf, count) in enumerate(draws):
        seed = (run.step * 128 + k) * 1009 + 7
        batch = draw_batch(shelf, count, learn=learn, chunk=recipe.transformer.chunk, seed=seed)
        losses.append(_learned(team, run, batch, pieces=learn.accumulate, weight=learn.mixed_weight if k else 1.0))
        run.samples += count
    if not run.sharded:  # else they were sent on the way back
        team.average_gradients(run.student)
    norm = spread.whole(nn.utils.clip_grad_norm_(run.student.parameters(), 1.0))
    run.optimizers.step(rate(run.step, learn, left=left), sound=bool(norm.isfinite()))
    run.step += 1
    run.ema.update(run.student, run.step)
    average = losses[0][None]
    team.average([average])
    return average.item()


def _learned(team: Team, run: Run, batch: Batch, *, pieces: int, weight: float) -> Tensor:
    """The loss of this process's part of a batch, whose gradients are added to what is there."""
    total = torch.zeros((), device=team.device)
    groups = team.size // run.sequence
    for piece in range(pieces):
        mine, share = batch.part(team.rank // run.sequence + groups * piece, groups * pieces), weight / pieces
        if not len(mine.latents):  # more processes than samples
            if not run.sharded:
                continue
            mine, share = batch.part(0, groups * pieces), 0.0  # the others wait for this rank's shards
        with precision.mixed(team.device):
            shown, target = (mine, None) if run.teacher is None else run.teacher.lesson(mine)
            loss = run.student(shown, target) * share
        loss.backward()
        total += loss.detach()
    return total


def opened(clips: Shelves, learn: FlowRecipe, step: int) -> tuple[Shelves, int]:
    """The clips of a step and how many of them: whole ones, or the openings of so many more that it costs the same.

    Where a thing goes, the words decide once, in the first latent that moves; what follows only continues it. Whole
    clips alone hold one such latent in twelve, and the direction is not learned (docs/log.md, 2026-11-26).
    """
    if step % 3 == 0:
        return clips, learn.clip_batch
    whole = max(shelf.latents.shape[1] for shelf in clips.values())
    openings = {size: shelf.first(learn.opening) for size, shelf in clips.items()}
    return openings, max(1, round(learn.clip_batch * whole / min(learn.opening, whole)))


def rate(step: int, learn: FlowRecipe, *, left: float) -> float:
    """Share of the full learning rate: a linear start, a plateau, and in the last of the time linearly to a twentieth.

    So every time box ends with weights that can be shown, and a run that goes on starts again from the plateau.
    """
    return min(1.0, (step + 1) / learn.warmup) * min(1.0, max(0.05, left / learn.cooldown))


def _save(run: Run, task: Task, log: Log, saved: Saved) -> None:
    state.save(task.into / WHOLE, run.tree())
    log.draw()
    saved(run, run.averaged())
