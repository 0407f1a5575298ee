"""Train a model: data, autoencoder, transformer, each stage resumable and all of it within a time box."""

import itertools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import Literal

import torch
from safetensors import safe_open
from torch import Tensor, nn

from praxino import checkpoint, config
from praxino.autoencoder.model import Autoencoder
from praxino.generation.parts import open_autoencoder, open_parts
from praxino.text import vocabulary
from praxino.training import autoencoder, critic, latents, parallel, remake, transformer, upscaler
from praxino.training.batches import Shelves
from praxino.training.feed import Feed, Footage, Supply
from praxino.training.log import say
from praxino.training.parallel import Team
from praxino.training.recipes import Recipe
from praxino.training.showing import show
from praxino.training.source import fitted
from praxino.training.spread import Spread
from praxino.training.windows import Windows, windows
from praxino.upscaler.model import Upscaler
from praxino.world import describe
from praxino.world.sampling import sample

AUTOENCODER = 0.2
"""Share of a run's time that the autoencoder gets."""


CRITIC, FOLDING, DECODER, UPSCALER = 0.05, 0.22, 0.1, 0.05
"""Shares of the rest: in which the critic learns to choose; in which guidance is folded into one pass; in which the
decoder learns from what is made; in which the upscaler learns."""
FED = 0.6
"""Share of a run on a GPU in which the world is rendered; the rest learns from what is there."""
BEST_OF = 8
"""Beginnings that a model with a critic makes by default."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to do, where, for how long."""

    recipe: Recipe
    into: Path
    minutes: float
    data: Path | None = None  # a folder of shards; None: the world
    resume: bool = False
    processes: int = 2
    parts: Path | None = None  # a model whose autoencoder and upscaler are taken as they are
    model: Path | None = None  # whose text encoder, transformer and vocabulary the run begins with
    spread: Spread = field(default_factory=Spread)
    save_every: float | None = None  # seconds between saves of the transformer's state; None: as the device is quick


def train(plan: Plan, *, only_autoencoder: bool) -> Path:
    """Spend ``plan.minutes`` on the recipe and leave a model (or an autoencoder) in a folder below ``plan.into``.

    Ranks of torchrun train it together (`parallel.led`); they learn from data made beforehand, on GPUs too.
    Raises ValueError where ``into`` already holds a run and ``resume`` is off, or holds none and it is on, and where
    the ranks cannot share samples as the plan says.
    """
    plan.spread.check(parallel.ranks(plan.processes))
    deadline = time.time() + 60 * plan.minutes
    into, first = plan.into, plan.into / "autoencoder"
    there = (first / "config.json").exists()
    if there and not (plan.resume or parallel.restarted()):
        raise ValueError(f"{into} already holds a run; add --resume to go on with it, or choose another folder")
    if plan.resume and not there:
        raise ValueError(f"{into} holds no run to resume; leave --resume out to start one")
    if plan.model is not None:
        plan = _begun(plan, plan.model)
    if plan.parts is not None:
        plan = _taken(plan, plan.parts)
    if plan.data is not None:
        coder, data = plan.recipe.autoencoder, plan.recipe.data
        plan = replace(plan, recipe=replace(plan.recipe, data=fitted(data, plan.data, time=coder.time)))
    if torch.cuda.is_available() and plan.data is None and parallel.alone():
        return live(plan, deadline, only_autoencoder=only_autoencoder, device="cuda")
    held = windows(first, plan.recipe, data=plan.data, workers=plan.processes)
    if not there and plan.parts is None:
        say("components", 0.0, f"of {len(held.frames)} windows")
        autoencoder.keep(autoencoder.start(plan.recipe, held), first)
    until = deadline if only_autoencoder else time.time() + AUTOENCODER * (deadline - time.time())
    if only_autoencoder or not (plan.parts or (first / "state.safetensors").exists()):
        parallel.run(partial(_autoencoder, plan=plan, deadline=until), processes=plan.processes)
    figures = autoencoder.measure(open_autoencoder(first), held)
    say("autoencoder", 1.0, f"held out: {figures['full']:.2f} dB, where it moves {figures['moving']:.2f} dB")
    if only_autoencoder:
        return first
    todo = latents.jobs(into / "latents", plan.recipe.data, plan.data)
    latents.make(todo, first, workers=plan.processes, report=lambda done: say("latents", done, ""))
    plan, left = _worded(plan), deadline - time.time()
    shares = itertools.accumulate((0.0 if plan.parts else UPSCALER, DECODER, FOLDING, CRITIC))
    enlarging, finishing, folding, judging = (deadline - share * left for share in shares)
    parallel.run(partial(_flow, plan=plan, deadline=judging), processes=plan.processes)
    parallel.run(partial(_critic, plan=plan, deadline=folding), processes=plan.processes)
    parallel.run(partial(_flow, plan=plan, deadline=finishing, stage="folded"), processes=plan.processes)
    finish(plan, enlarging)
    enlarge(plan, deadline)
    return into / plan.recipe.name


def live(plan: Plan, deadline: float, *, only_autoencoder: bool, device: str) -> Path:
    """Train on a GPU while ``plan.processes`` cores render what it learns from."""
    into, first = plan.into, plan.into / "autoencoder"
    plan = _worded(plan)
    until = time.time() + FED * (deadline - time.time())
    with Feed(into / "feed", plan.recipe.data, workers=plan.processes, until=until) as feed:
        if only_autoencoder or not (plan.parts or (first / "state.safetensors").exists()):
            footage = Footage(feed, plan.recipe, device)
            if not (first / "config.json").exists():
                say("components", 0.0, "of the first clips")
                autoencoder.keep(autoencoder.start(plan.recipe, footage.first(200)), first)
            until = deadline if only_autoencoder else time.time() + AUTOENCODER * (deadline - time.time())
            footage.first(64)
            parallel.run(partial(_autoencoder, plan=plan, deadline=until, live=footage), processes=1)
            del footage
        if only_autoencoder:
            return first
        coder = open_autoencoder(first).to(device)
        words = vocabulary.opened(into / "tokenizer.json")
        with Supply(feed, coder, words, limit=plan.recipe.text.limit, into=into / "latents") as supply:
            left, last = deadline - time.time(), 0.0 if plan.parts else UPSCALER
            enlarging, folding, judging = (
                deadline - share * left for share in itertools.accumulate((last, FOLDING, CRITIC))
            )
            parallel.run(partial(_flow, plan=plan, deadline=judging, stock=supply), processes=1)
            parallel.run(partial(_critic, plan=plan, deadline=folding, stock=supply), processes=1)
            parallel.run(partial(_flow, plan=plan, deadline=enlarging, stage="folded", stock=supply), processes=1)
    enlarge(plan, deadline)
    return into / plan.recipe.name


def finish(plan: Plan, deadline: float) -> None:
    """Let the decoder learn from latents as the trained transformer makes them, and ship it with that."""
    model, into = plan.into / plan.recipe.name, _decoder(plan)
    held = windows(plan.into / "autoencoder", plan.recipe, data=plan.data, workers=plan.processes)
    remake.remade(held, model, into, workers=plan.processes, report=lambda done: say("remade", done, ""))
    if not (into / "config.json").exists():
        autoencoder.keep(open_autoencoder(plan.into / "autoencoder"), into)
    parallel.run(partial(_rehearsed, plan=plan, deadline=deadline), processes=plan.processes)
    _put(plan, "autoencoder", open_autoencoder(into))


def enlarge(plan: Plan, deadline: float) -> None:
    """Teach the upscaler what frames of the model's own size lack, and ship it with the model."""
    if plan.parts is not None and (ready := open_parts(plan.parts).upscaler) is not None:
        _put(plan, "upscaler", ready)
        return
    model, into = plan.into / plan.recipe.name, plan.into / "upscaler"
    processes = 1 if torch.cuda.is_available() else plan.processes
    parallel.run(partial(_upscaler, plan=plan, deadline=deadline, model=model), processes=processes)
    _put(plan, "upscaler", upscaler.opened(into))


def _put(plan: Plan, name: str, part: Autoencoder | Upscaler) -> None:
    """The model with this part, in place of the one that it had."""
    model = plan.into / plan.recipe.name
    tensors, about = checkpoint.load(model)
    others = {key: tensor for key, tensor in tensors.items() if not key.startswith(f"{name}.")}
    words = (model / "tokenizer.json").read_bytes()
    about[name] = config.to_json(part.config)
    checkpoint.save(model, others | _named(name, part), about, {"tokenizer.json": words})


def _taken(plan: Plan, model: Path) -> Plan:
    """The plan with the autoencoder of another model, which is not trained any further."""
    coder, wanted = open_autoencoder(model), plan.recipe.transformer.latent_channels
    if coder.config.channels != wanted:
        raise ValueError(
            f"the latents of {model} have {coder.config.channels} channels, {plan.recipe.name} needs {wanted}; "
            "take the parts of another model, or leave --parts out"
        )
    if not (plan.into / "autoencoder" / "config.json").exists():
        autoencoder.keep(coder, plan.into / "autoencoder")
    return replace(plan, recipe=replace(plan.recipe, autoencoder=coder.config))


def _begun(plan: Plan, model: Path) -> Plan:
    """The plan with another model's vocabulary, and without lessons in stills, which that model had.

    Raises ValueError where its networks have other sizes than the recipe's.
    """
    _, about = checkpoint.load(model)
    words = (model / "tokenizer.json").read_bytes()
    size = vocabulary.opened(words).size
    wanted = {"text": replace(plan.recipe.text, vocabulary=size), "transformer": plan.recipe.transformer}
    for name, sizes in wanted.items():
        theirs, ours = (config.to_json(one) for one in (config.from_json(type(sizes), about[name]), sizes))
        if theirs != ours:
            told = ", ".join(
                f"{key} {theirs[key]} there and {ours[key]} here" for key in ours if theirs[key] != ours[key]
            )
            raise ValueError(
                f"the {name} of {model} has other sizes than {plan.recipe.name}: {told}; "
                "begin with a model of the same recipe, or leave --from out"
            )
    if not plan.resume:
        plan.into.mkdir(parents=True, exist_ok=True)
        (plan.into / "tokenizer.json").write_bytes(words)
    return replace(plan, recipe=replace(plan.recipe, learn_flow=replace(plan.recipe.learn_flow, still_steps=0)))


def ship(run: transformer.Run, weights: dict[str, Tensor], plan: Plan) -> Path:
    """Write the whole model, in bfloat16, as one folder; ``weights`` are those of text encoder and transformer."""
    recipe, into = plan.recipe, plan.into / plan.recipe.name
    finished = (_decoder(plan) / "config.json").exists()
    coder = open_autoencoder(_decoder(plan) if finished else plan.into / "autoencoder")
    tensors = _named("autoencoder", coder) | {name: _shipped(value) for name, value in weights.items()}
    about = {
        "format": 1,
        "name": recipe.name,
        "autoencoder": config.to_json(coder.config),
        "text": config.to_json(recipe.text),
        "transformer": config.to_json(recipe.transformer),
        "card": {
            "sizes": [list(size) for size in recipe.data.sizes],
            "fps": 30,
            "rung": recipe.data.rung,
            "words": sorted(describe.known_words(recipe.data.rung)) if plan.data is None else [],
            "trained": [["steps", str(run.step)]],
        }
        | ({} if run.teacher is None else {"guidance": 1.0}),
    }
    if (plan.into / "critic" / "config.json").exists():
        judge = critic.opened(plan.into / "critic")
        tensors |= _named("critic", judge)
        about["critic"] = config.to_json(judge.config)
        about["card"]["best_of"] = BEST_OF
    words = (plan.into / "tokenizer.json").read_bytes()
    checkpoint.save(into, tensors, about, {"tokenizer.json": words})
    return into


def _decoder(plan: Plan) -> Path:
    """Where the decoder learns from what the transformer makes."""
    return plan.into / "decoder"


def _named(name: str, part: nn.Module) -> dict[str, Tensor]:
    """A network's weights, as a model's folder holds them."""
    return {f"{name}.{key}": _shipped(value) for key, value in part.state_dict().items()}


def _shipped(weight: Tensor) -> Tensor:
    return weight.detach().bfloat16().contiguous()


def _rehearsed(team: Team, *, plan: Plan, deadline: float) -> None:
    held = windows(plan.into / "autoencoder", plan.recipe, data=plan.data, workers=1)
    held = remake.remade(held, plan.into / plan.recipe.name, _decoder(plan), workers=1, report=lambda _: None)
    _autoencoder(team, plan=plan, deadline=deadline, into=_decoder(plan), stage="decoder", live=lambda: held)


def _autoencoder(
    team: Team,
    *,
    plan: Plan,
    deadline: float,
    into: Path | None = None,
    stage: str = "autoencoder",
    live: Callable[[], Windows] | None = None,
) -> None:
    begun = time.time()

    def report(step: int, loss: float) -> None:
        now = time.time()
        say(stage, (now - begun) / (deadline - begun), f"step {step}, loss {loss:.5f}, {_left(deadline)}")

    into = into or plan.into / "autoencoder"
    autoencoder.work(team, recipe=plan.recipe, into=into, deadline=deadline, report=report, live=live)


def _critic(team: Team, *, plan: Plan, deadline: float, stock: transformer.Stock | None = None) -> None:
    coder = open_autoencoder(plan.into / "autoencoder")
    task = critic.Task(
        recipe=plan.recipe, std=coder.std, into=plan.into / "critic", deadline=deadline, model=plan.model
    )
    begun = time.time()

    def report(run: critic.Run, loss: float) -> None:
        done = (time.time() - begun) / (deadline - begun)
        say("critic", done, f"step {run.step}, loss {loss:.4f}, {_left(deadline)}")

    critic.work(team, task, (stock or _stock(plan, team.device))("stills"), report=report)


def _upscaler(team: Team, *, plan: Plan, deadline: float, model: Path) -> None:
    coder, begun = open_autoencoder(model), time.time()
    held = upscaler.crops(plan.recipe, coder, data=plan.data, rank=team.rank, size=team.size)

    def report(run: upscaler.Run, loss: float) -> None:
        done = (time.time() - begun) / (deadline - begun)
        say("upscaler", done, f"step {run.step}, loss {loss:.4f}, {_left(deadline)}")

    upscaler.work(team, plan.recipe, held, into=plan.into / "upscaler", deadline=deadline, report=report)
    if team.leads:
        figures = upscaler.measure(upscaler.opened(plan.into / "upscaler"), held)
        say("upscaler", 1.0, f"held out: {figures['upscaler']:.2f} dB, resampled {figures['bicubic']:.2f} dB")


def _flow(
    team: Team,
    *,
    plan: Plan,
    deadline: float,
    stage: Literal["flow", "folded"] = "flow",
    stock: transformer.Stock | None = None,
) -> None:
    coder = open_autoencoder(plan.into / "autoencoder")
    task = transformer.Task(
        recipe=plan.recipe,
        std=coder.std,
        into=plan.into / stage,
        deadline=deadline,
        model=plan.model,
        teacher=plan.into / "flow" / "state.safetensors" if stage == "folded" else None,
        save_every=plan.save_every or (120.0 if team.device == "cuda" else 600.0),
        spread=plan.spread,
    )
    stock = stock or _stock(plan, team.device)
    begun = time.time()

    def report(what: str, run: transformer.Run, loss: float) -> None:
        done = (time.time() - begun) / (deadline - begun)
        say(what if stage == "flow" else stage, done, f"step {run.step}, loss {loss:.4f}, {_left(deadline)}")

    def saved(run: transformer.Run, weights: dict[str, Tensor]) -> None:
        folder = ship(run, weights, plan)
        if team.stop.is_set() or team.device == "cuda":  # who stops a run, or rents a GPU, does not wait for pictures
            return
        clips = run.teacher is not None or run.step > plan.recipe.learn_flow.still_steps
        show(open_parts(folder), plan.into / f"samples-{stage}-{run.step:06d}.png", clips=clips)

    transformer.work(team, task, stock, report=report, saved=saved)


def _stock(plan: Plan, device: str) -> transformer.Stock:
    """What was encoded beforehand, read when it is first asked for."""
    words = vocabulary.opened(plan.into / "tokenizer.json")

    @cache
    def stock(kind: latents.Kind) -> Shelves:
        found = latents.shelves(plan.into / "latents", kind, words, limit=plan.recipe.text.limit)
        return {size: shelf.to(device) for size, shelf in found.items()}

    return stock


def _left(deadline: float) -> str:
    return f"{max(0.0, deadline - time.time()) / 60:.1f} min left"


def _worded(plan: Plan) -> Plan:
    """The plan with as many tokens as its vocabulary has, which is learned if it is not there yet."""
    path, data = plan.into / "tokenizer.json", plan.recipe.data
    if not path.exists():
        captions: list[str] = []
        for file in sorted((plan.into / "latents").glob("*.safetensors"), reverse=True)[:40]:  # stills come last
            with safe_open(file, "pt") as held:
                captions += [one for several in json.loads(held.metadata()["captions"]) for one in several]
        for seed in range(4000 if plan.data is None else 0):
            what = sample(seed, rung=data.rungs[seed % len(data.rungs)])
            captions += [describe.describe(what, language=language, seed=seed) for language in ("en", "zh")]
        plan.into.mkdir(parents=True, exist_ok=True)
        path.write_bytes(vocabulary.learn(captions, size=plan.recipe.text.vocabulary).to_bytes())
    size = vocabulary.opened(path).size
    recipe = plan.recipe
    recipe = replace(recipe, text=replace(recipe.text, vocabulary=size), critic=replace(recipe.critic, vocabulary=size))
    return replace(plan, recipe=recipe)
