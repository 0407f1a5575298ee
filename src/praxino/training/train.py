"""Train a model: data, autoencoder, transformer, each stage resumable and all of it within a time box."""

import json
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from safetensors import safe_open

from praxino import checkpoint, config
from praxino.generation.parts import open_autoencoder, open_parts
from praxino.text import vocabulary
from praxino.text.vocabulary import Vocabulary
from praxino.training import autoencoder, latents, parallel, transformer
from praxino.training.log import say
from praxino.training.parallel import Team
from praxino.training.recipes import Recipe
from praxino.training.showing import show
from praxino.training.windows import windows
from praxino.world import describe
from praxino.world.sampling import sample


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to do, where, for how long."""

    recipe: Recipe
    into: Path
    minutes: float
    data: Path | None = None  # a folder of shards; None: the world
    resume: bool = False
    processes: int = 2


def train(plan: Plan, *, only_autoencoder: bool) -> Path:
    """Spend ``plan.minutes`` on the recipe and leave a model (or an autoencoder) in a folder below ``plan.into``.

    Raises ValueError where ``into`` already holds a run and ``resume`` is off, or holds none and it is on.
    """
    deadline = time.time() + 60 * plan.minutes
    into, first = plan.into, plan.into / "autoencoder"
    there = (first / "config.json").exists()
    if there and not plan.resume:
        raise ValueError(f"{into} already holds a run; add --resume to go on with it, or choose another folder")
    if plan.resume and not there:
        raise ValueError(f"{into} holds no run to resume; leave --resume out to start one")
    held = windows(first, plan.recipe, data=plan.data, workers=plan.processes)
    if not there:
        say("components", 0.0, f"of {len(held.frames)} windows")
        autoencoder.keep(autoencoder.start(plan.recipe, held), first)
    share = 1.0 if only_autoencoder else 0.2
    until = time.time() + share * (deadline - time.time())
    if only_autoencoder or not (first / "state.safetensors").exists():
        parallel.run(partial(_autoencoder, plan=plan, deadline=until), processes=plan.processes)
    figures = autoencoder.measure(open_autoencoder(first), held)
    say("autoencoder", 1.0, f"held out: {figures['full']:.2f} dB, where it moves {figures['moving']:.2f} dB")
    if only_autoencoder:
        return first
    todo = latents.jobs(into / "latents", plan.recipe.data, plan.data)
    latents.make(todo, first, workers=plan.processes, report=lambda done: say("latents", done, ""))
    words = _vocabulary(into, plan)
    recipe = replace(plan.recipe, text=replace(plan.recipe.text, vocabulary=words.size))
    parallel.run(partial(_flow, plan=replace(plan, recipe=recipe), deadline=deadline), processes=plan.processes)
    return into / plan.recipe.name


def ship(student: transformer.Student, plan: Plan, step: int) -> Path:
    """Write the whole model, in bfloat16, as one folder."""
    recipe, into = plan.recipe, plan.into / plan.recipe.name
    coder = open_autoencoder(plan.into / "autoencoder")
    tensors = {
        f"{name}.{key}": value.detach().to(torch.bfloat16).contiguous()
        for name, part in (("autoencoder", coder), ("text", student.text), ("transformer", student.transformer))
        for key, value in part.state_dict().items()
    }
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
            "trained": [["steps", str(step)]],
        },
    }
    words = (plan.into / "tokenizer.json").read_bytes()
    checkpoint.save(into, tensors, about, {"tokenizer.json": words})
    return into


def _autoencoder(team: Team, *, plan: Plan, deadline: float) -> None:
    begun = time.time()

    def report(step: int, loss: float) -> None:
        now = time.time()
        say("autoencoder", (now - begun) / (deadline - begun), f"step {step}, loss {loss:.5f}, {_left(deadline)}")

    autoencoder.work(team, recipe=plan.recipe, into=plan.into / "autoencoder", deadline=deadline, report=report)


def _flow(team: Team, *, plan: Plan, deadline: float) -> None:
    coder = open_autoencoder(plan.into / "autoencoder")
    task = transformer.Task(
        recipe=plan.recipe,
        vocabulary=vocabulary.opened(plan.into / "tokenizer.json"),
        std=coder.std,
        latents=plan.into / "latents",
        into=plan.into / "flow",
        deadline=deadline,
    )
    begun = time.time()

    def report(stage: str, run: transformer.Run, loss: float) -> None:
        done = (time.time() - begun) / (deadline - begun)
        say(stage, done, f"step {run.step}, loss {loss:.4f}, {_left(deadline)}")

    def saved(run: transformer.Run) -> None:
        folder = ship(run.ema.model, plan, run.step)
        if team.stop.is_set():  # who stops a run does not want to wait for pictures
            return
        clips = run.step > plan.recipe.learn_flow.still_steps
        show(open_parts(folder), plan.into / f"samples-{run.step:06d}.png", clips=clips)

    transformer.work(team, task, report=report, saved=saved)


def _left(deadline: float) -> str:
    return f"{max(0.0, deadline - time.time()) / 60:.1f} min left"


def _vocabulary(into: Path, plan: Plan) -> Vocabulary:
    path = into / "tokenizer.json"
    if not path.exists():
        captions: list[str] = []
        for file in sorted((into / "latents").glob("*.safetensors"), reverse=True)[:40]:  # stills come last
            with safe_open(file, "pt") as held:
                captions += [one for several in json.loads(held.metadata()["captions"]) for one in several]
        if plan.data is None:
            for seed in range(4000):
                what = sample(seed, rung=plan.recipe.data.rung)
                captions += [describe.describe(what, language=language, seed=seed) for language in ("en", "zh")]
        path.write_bytes(vocabulary.learn(captions, size=plan.recipe.text.vocabulary).to_bytes())
    return vocabulary.opened(path)
