"""Tune a model to one's own clips: a low-rank change is learned in a time box, merged, and its effect measured.

    INTO/weights.safetensors ...  a whole model: that with its change; a look has none (`praxino.look`)
    INTO/lora.safetensors         the change alone
    INTO/tune.json, sheet.png     what it changed: losses before and after, films side by side
    INTO/tune/                    what `--resume` goes on from: latents, state, curve

It learns one's own clips by flow matching. Of clips of the world it learns to say what the model said before, right or
wrong (learning without forgetting, Li and Hoiem 2016): so whatever the model was taught, guidance too, stays.
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from praxino import checkpoint, config
from praxino.generation import look_import
from praxino.generation.card import Card
from praxino.generation.parts import Parts, open_parts
from praxino.layers import precision
from praxino.layers.unfilled import unfilled
from praxino.look import Change
from praxino.text.encoder import TextEncoder
from praxino.text.words import unknown_words
from praxino.training import parallel, recipes, state, tune_compare
from praxino.training.batches import Shelves
from praxino.training.ema import Ema
from praxino.training.log import Log
from praxino.training.lora import Lora
from praxino.training.optimizer import Optimizers, adamw
from praxino.training.parallel import Team
from praxino.training.transformer import Student
from praxino.training.tune_draw import TuneRecipe, drawn, unknown
from praxino.training.tune_stock import Kept, Stock, stock
from praxino.transformer import wan_lora
from praxino.transformer.config import TransformerConfig
from praxino.transformer.model import Transformer
from praxino.transformer.wan_names import PREFIX

LORA, FIGURES, SHEET, RUN, STATE = "lora.safetensors", "tune.json", "sheet.png", "tune", "state.safetensors"
FEWEST = 10
"""Steps of a new run, even where reading has used up its time."""
FILMED = 3.0
"""Minutes that a run must have for films to be made before and after."""
SAVE_EVERY = 60.0
"""Seconds."""
Report = Callable[[str, float], None]  # stage, fraction done of it from 0 to 1


@dataclass(frozen=True, kw_only=True)
class Order:
    """What to tune, on what, where, for how long."""

    model: Path
    data: Path  # that `praxino curate` made
    into: Path
    minutes: float
    resume: bool = False
    steps: int | None = None  # of the whole run; None: as many as the minutes allow
    strength: float = 1.0  # of the change, where it is merged
    beside: bool = False  # a look of the model is made, which holds the change alone, and no model of its own
    recipe: TuneRecipe = field(default_factory=TuneRecipe)


@dataclass(kw_only=True)
class Run:
    """A run in memory: what `state` saves and restores."""

    student: Student  # as it was, but for what the change adds
    lora: Lora
    ema: Ema[Lora]
    optimizers: Optimizers
    starts: bool  # whether it can be asked to go on from what it is given
    step: int = 0

    def tree(self) -> dict[str, Any]:
        """For `state.save`."""
        held = {"lora": self.lora.state_dict(), "ema": self.ema.model.state_dict()}
        return held | {"optimizers": self.optimizers.state(), "step": self.step}

    def restore(self, tree: dict[str, Any]) -> None:
        """From `state.load`."""
        self.lora.load_state_dict(tree["lora"])
        self.ema.model.load_state_dict(tree["ema"])
        self.optimizers.restore(tree["optimizers"])
        self.step = tree["step"]


def tune(order: Order, *, report: Report = lambda _stage, _done: None) -> dict[str, Any]:
    """Tune, merge, compare; the figures, which ``tune.json`` holds as well.

    Stopped by Ctrl-C or SIGTERM it leaves the model as far as it was tuned, and a run to resume. Raises ValueError for
    a folder that is taken, a model that cannot be tuned, and a dataset with too little in it.
    """
    begun, deadline = time.time(), time.time() + 60 * order.minutes
    _check(order)
    if "transformer" not in checkpoint.card(order.model):
        raise ValueError(f"{order.model} is a pipeline of another kind, and is not tuned here; tune a Praxino model")
    if "transformer_2" in checkpoint.card(order.model):
        raise ValueError(f"{order.model} has two transformers that take turns, and is not tuned yet; tune one of one")
    parts = open_parts(order.model, device=torch.device("cuda" if torch.cuda.is_available() else "cpu"))
    if parts.transformer.config.given_channels:
        raise ValueError(f"{order.model} wants a picture with every clip; tune a model that takes words alone")
    held = stock(order.data, parts, order.into / RUN, report=report)
    prompts = [held.held.captions[0][0], held.world.captions[0][0]]
    since = time.time()
    student = pair(parts)
    before = _asked(student, held, lambda f: report("before", f))
    shown = _films(order, parts, prompts, lambda f: report("films before", f))
    until = deadline - 1.2 * (time.time() - since) - 2.0  # as long again afterwards, and to merge
    for stale in (FIGURES, SHEET, checkpoint.HASHES):
        (order.into / stale).unlink(missing_ok=True)
    parallel.run(partial(learn, order=order, student=student, held=held, until=until, report=report), processes=1)
    tuned = open_parts(order.into, device=student.transformer.patch_in.weight.device)
    after = _asked(pair(tuned), held, lambda f: report("after", f))
    if shown:
        films = _films(order, tuned, prompts, lambda f: report("films after", f))
        tune_compare.sheet(shown, films, order.into / SHEET)
    compared = {name: tune_compare.compared(before[name], after[name]) for name in before}
    figures = _about(order, parts, held) | tune_compare.judged(**compared) | {"prompts": prompts}
    figures["seconds"] = round(time.time() - begun, 1)
    text = json.dumps(figures, ensure_ascii=False, indent=1)
    (order.into / FIGURES).write_text(text + "\n", encoding="utf-8")
    return figures


def pair(parts: Parts) -> Student:
    """A model's text encoder and transformer, as training sees them."""
    with unfilled():  # the networks are there already
        student = Student(replace(recipes.probe(), transformer=parts.transformer.config), parts.transformer.channel_std)
    student.text, student.transformer = cast("TextEncoder", parts.text), parts.transformer
    return student.requires_grad_(False)


def begin(order: Order, student: Student) -> Run:
    """A new run, or the one that ``order.into`` holds; the student computes with its change from now on.

    Raises ValueError where it was begun with another model or rank.
    """
    lora = Lora(student.transformer, rank=order.recipe.rank).to(student.transformer.patch_in.weight.device)
    lora.attach(student.transformer)
    ema, optimizers = Ema(lora, decay=order.recipe.ema), adamw(lora, rate=order.recipe.rate)
    starts = "start" in config.from_json(Card, checkpoint.card(order.model)["card"]).takes
    run = Run(student=student, lora=lora, ema=ema, optimizers=optimizers, starts=starts)
    saved = order.into / RUN / STATE
    if saved.exists():
        tree = state.load(saved)
        now = {"base": checkpoint.digest(order.model), "rank": order.recipe.rank}
        for name, value in now.items():
            if tree[name] != value:
                raise ValueError(f"{order.into} was begun with {name} {tree[name]}, not {value}; choose another folder")
        if tree["lora"].keys() != lora.state_dict().keys():
            raise ValueError(f"{order.into} was begun with other layers to change; choose another folder")
        run.restore(tree)
    return run


def learn(team: Team, *, order: Order, student: Student, held: Stock, until: float, report: Report) -> None:
    """Tune until then, or for so many steps; then save the run and merge what was learned."""
    run, log = begin(order, student), Log(order.into / RUN)
    kinds = [{held.size: one.shelf.to(team.device)} for one in (held.own, held.replay)]
    begun = last = time.time()
    first, fewest = run.step, 0 if order.resume else FEWEST
    while not team.stop.is_set():
        done = (time.time() - begun) / max(1e-6, until - begun)
        if order.steps is not None:
            done = (run.step - first) / max(1, order.steps - first)
        if done >= 1 and (order.steps is not None or run.step >= fewest):
            break
        report("tuning", min(done, 0.999))
        loss = one_step(run, order.recipe, *kinds)
        log.write(step=run.step, samples=run.step * order.recipe.batch, stage="own", loss=loss)
        if time.time() - last > SAVE_EVERY:
            last = time.time()
            _save(run, order)
    _save(run, order)
    log.draw()
    run.ema.model.save(order.into / LORA)
    ship(order, held.own, steps=run.step)
    report("tuning", 1.0)


def one_step(run: Run, recipe: TuneRecipe, own: Shelves, world: Shelves) -> float:
    """One step on some of one's own clips and some of the world's; the loss on the first."""
    losses, device = list[Tensor](), run.student.transformer.patch_in.weight.device
    chunk = run.student.transformer.config.chunk
    for batch, foreign in drawn(run.step, recipe, own, world, chunk=chunk):
        seen = batch if run.starts else unknown(batch, chunk)
        target: Tensor | None = None
        with precision.mixed(device):
            if foreign:
                with run.lora.off(), torch.no_grad():
                    target = run.student.outlook(seen).velocity
            losses.append(run.student(seen, target))
        (losses[-1] * (recipe.trust if foreign else 1.0)).backward()
    norm = nn.utils.clip_grad_norm_(run.lora.parameters(), 1.0)
    run.optimizers.step(recipe.pace(run.step), sound=bool(norm.isfinite()))
    run.step += 1
    run.ema.update(run.lora, run.step)
    return losses[0].item()


def ship(order: Order, own: Kept, *, steps: int) -> None:
    """Write the model with ``order.strength`` times its change, in the base's own precision; or a look, that alone."""
    card, name = _card(order, own, steps), order.into.resolve().name
    if order.beside:
        licence = str(checkpoint.licence(order.model).get("id", "unknown"))
        change = Change(file=LORA, name=name, licence=licence, strength=order.strength)
        look_import.write(order.into, order.model, [change], {}, {"name": name, "card": card})
        return
    tensors, about = checkpoint.load(order.model)
    with unfilled():
        transformer = Transformer(config.from_json(TransformerConfig, about["transformer"]))
    mine = {name.removeprefix(PREFIX): value for name, value in tensors.items() if name.startswith(PREFIX)}
    transformer.load_state_dict(mine, assign=True)
    if order.strength:
        wan_lora.merge(transformer, order.into / LORA, strength=order.strength)
    tensors |= {PREFIX + name: value for name, value in transformer.state_dict().items()}
    about |= {"name": name, "card": card}
    kept = [file for file in order.model.iterdir() if file.name == "tokenizer.json" or file.name.startswith("LICEN")]
    (order.into / checkpoint.HASHES).unlink(missing_ok=True)
    checkpoint.save(order.into, tensors, about, {file.name: file for file in kept})
    checkpoint.seal(order.into)


def _card(order: Order, own: Kept, steps: int) -> dict[str, Any]:
    """The base's, with the words that are known now and what the model has been through."""
    card = dict(checkpoint.card(order.model)["card"])
    if words := card.get("words"):
        captions = {caption for several in own.captions for caption in several}
        card["words"] = sorted({*words, *(w.lower() for one in captions for w in unknown_words(one, words))})
    card["trained"] = [*card.get("trained", []), [f"steps of tuning on {order.data.resolve().name}", str(steps)]]
    return card


def _check(order: Order) -> None:
    there, into = (order.into / RUN / STATE).exists(), order.into
    if (look := checkpoint.look(order.model)) is not None:
        raise ValueError(f"{order.model} is a look of {look.base!r}, and holds no weights to tune; tune {look.base!r}")
    if order.beside:
        look_import.check(order.model)
    if there and not order.resume:
        raise ValueError(f"{into} already holds a run; add --resume to go on with it, or choose another folder")
    if order.resume and not there:
        raise ValueError(f"{into} holds no run to resume; leave --resume out to start one")
    if into.is_file():
        raise ValueError(f"into {into} is a file; name a folder")
    if not there and into.is_dir() and any(one.name != RUN for one in into.iterdir()):
        raise ValueError(f"{into} is not empty; choose another folder")


def _asked(student: Student, held: Stock, report: Callable[[float], None]) -> dict[str, Tensor]:
    """The losses of clips that are not learned from."""
    return {
        "own": tune_compare.asked(student, held.held, report=lambda f: report(0.5 * f)),
        "world": tune_compare.asked(student, held.world, report=lambda f: report(0.5 + 0.5 * f)),
    }


def _films(order: Order, parts: Parts, prompts: Sequence[str], report: Callable[[float], None]) -> list[np.ndarray]:
    return tune_compare.films(parts, prompts, report=report) if order.minutes >= FILMED else []


def _save(run: Run, order: Order) -> None:
    about = {"base": checkpoint.digest(order.model), "rank": order.recipe.rank}
    state.save(order.into / RUN / STATE, run.tree() | about)


def _about(order: Order, parts: Parts, held: Stock) -> dict[str, Any]:
    tree = state.load(order.into / RUN / STATE)
    return {
        "format": 1,
        "base": {"name": parts.name, "digest": parts.digest},
        "data": order.data.resolve().name,
        "clips": {"own": held.own.count, "replay": held.replay.count, "size": list(held.size), "frames": held.frames},
        "recipe": config.to_json(order.recipe),
        "steps": tree["step"],
        "strength": order.strength,
        "parameters": sum(value.numel() for value in tree["lora"].values()),
    }
