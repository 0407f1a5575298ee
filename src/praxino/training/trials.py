"""Many small models that learn from what is prepared in a folder, side by side on one device, for as many steps each.

A stage of `training.prove` that needs no footage and no dataset, only what `keep` has put in the folder, so that it
runs where a GPU is: ``python -m praxino.training.trials FOLDER --device cuda --minutes 8``.
Shapes: r repeats, n held-out clips, p pieces.
"""

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from threading import Barrier
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from praxino import config
from praxino.training.recipes import Recipe
from praxino.training.trial import Trial, asked, learned, pulls

LATENTS, PLAN, LOSSES = "latents.safetensors", "trials.json", "losses.json"
FEWEST, MEASURED = 20, 6  # steps
SHARE = 0.85  # of the time that is planned for
TOGETHER = 300.0  # seconds that processes wait for each other to start

Say = Callable[[str, float], None]  # stage, fraction done of it from 0 to 1


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is tried: who learns from which pieces."""

    recipe: Recipe
    arms: dict[str, tuple[int, ...]]  # numbers of pieces, by name
    aimed: bool = False  # ask of each piece how much it helps, too


@dataclass(frozen=True, kw_only=True)
class Means:
    """With what, and for how long."""

    repeats: int
    steps: int | None = None  # of each trial; None: as many as there is time for
    deadline: float = math.inf  # time.time() at which a repeat that is not done is left out
    workers: int = 2
    device: str = "cpu"


@dataclass(frozen=True, kw_only=True)
class Losses:
    """What was found: `LOSSES` of the folder holds it."""

    steps: int
    device: str
    seconds: float
    losses: Mapping[str, np.ndarray]  # (r, n) of the flow, by arm
    pulls: np.ndarray | None = None  # (p,) how much each piece helps


def keep(folder: Path, plan: Plan, tensors: Mapping[str, torch.Tensor], facts: Mapping[str, Any]) -> None:
    """Prepare a folder: ``tensors`` are pieces (p, t, h, w, c), clean (n, t, h, w, c), aim and std (c,).

    ``facts`` are JSON values that come back from `kept`; a finding that is there is of other trials, and goes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / LOSSES).unlink(missing_ok=True)
    save_file(dict(tensors), folder / LATENTS)
    held = {"format": 1, "plan": config.to_json(plan), "facts": dict(facts)}
    (folder / PLAN).write_text(json.dumps(held, ensure_ascii=False), encoding="utf-8")


def kept(folder: Path) -> tuple[Plan, dict[str, Any]]:
    """The plan of a folder, and the facts. Raises ValueError where none is prepared."""
    if not (folder / PLAN).is_file():
        raise ValueError(f"{folder} holds no {PLAN}; `praxino prove DATASET --footage RAW --trials {folder}` makes it")
    held = json.loads((folder / PLAN).read_bytes())
    return config.from_json(Plan, held["plan"]), held["facts"]


def found(folder: Path) -> Losses | None:
    """What earlier trials of the folder have found; None where they have not run."""
    if not (folder / LOSSES).is_file():
        return None
    held = json.loads((folder / LOSSES).read_bytes())
    pulls = None if held["pulls"] is None else np.array(held["pulls"])
    losses = {name: np.array(one) for name, one in held["losses"].items()}
    return Losses(steps=held["steps"], device=held["device"], seconds=held["seconds"], losses=losses, pulls=pulls)


def run(folder: Path, means: Means, *, report: Say = lambda _stage, _done: None) -> Losses:
    """All trials of a folder, and `LOSSES` in it, written anew after each repeat.

    Where the deadline comes first, the repeats that are done count. Raises ValueError where none is.
    """
    begun, (plan, _) = time.time(), kept(folder)
    check(means.device)
    context, count = get_context("spawn"), min(means.workers, len(plan.arms) * means.repeats)
    rows: list[dict[str, np.ndarray]] = [{} for _ in range(means.repeats)]
    with ProcessPoolExecutor(
        count, mp_context=context, initializer=_begin, initargs=(context.Barrier(count), means.device)
    ) as pool:
        steps = means.steps or _affordable(pool, folder, means, count)
        report("trials", 0.0)
        jobs = {
            pool.submit(_trial, folder, means, steps, repeat, name): (repeat, name)
            for repeat in range(means.repeats)
            for name in plan.arms
        }
        for done, job in enumerate(as_completed(jobs), start=1):
            (repeat, name), answer = jobs[job], job.result()
            report("trials", done / len(jobs))
            if answer is not None:
                rows[repeat][name] = answer
                if len(rows[repeat]) == len(plan.arms):
                    _write(folder, plan, means, rows, {"steps": steps, "seconds": time.time() - begun})
        if not any(len(row) == len(plan.arms) for row in rows):
            raise ValueError(f"no repeat of {steps} steps was done in time; give more --minutes or fewer --steps")
        if plan.aimed:
            pulled = pool.submit(_pulled, folder, means.device, steps).result().tolist()
            _write(folder, plan, means, rows, {"steps": steps, "seconds": time.time() - begun, "pulls": pulled})
    held = found(folder)
    assert held is not None
    return held


def check(device: str) -> None:
    """Raises ValueError where there is no such device."""
    try:
        there = torch.device(device).type == "cpu" or torch.cuda.is_available()
    except RuntimeError:
        raise ValueError(f"device {device} is no device; name cpu, cuda or cuda:N") from None
    if not there:
        raise ValueError(f"device {device} is not there; leave it out for the CPU")


def _write(
    folder: Path, plan: Plan, means: Means, rows: Sequence[Mapping[str, np.ndarray]], said: Mapping[str, Any]
) -> None:
    """The repeats that are whole."""
    whole = [row for row in rows if len(row) == len(plan.arms)]
    losses = {name: [row[name].tolist() for row in whole] for name in plan.arms}
    held = {"format": 1, "device": means.device, "pulls": None, **said, "losses": losses}
    new = folder / f"{LOSSES}.new"
    new.write_text(json.dumps(held), encoding="utf-8")
    new.replace(folder / LOSSES)


_all: list[Barrier] = []  # of a process of the pool: that where all of them meet


def _begin(barrier: Barrier, device: str) -> None:
    _all.append(barrier)
    torch.set_num_threads(1)
    if device.startswith("cuda"):
        torch.set_float32_matmul_precision("high")


def _affordable(pool: ProcessPoolExecutor, folder: Path, means: Means, count: int) -> int:
    """Steps that each trial can have, from how long one takes where all processes work at once."""
    if math.isinf(means.deadline):
        raise ValueError("trials need --steps or --minutes")
    each = max(job.result() for job in [pool.submit(_paced, folder, means.device) for _ in range(count)])
    rounds = math.ceil(len(kept(folder)[0].arms) * means.repeats / count)
    return max(FEWEST, int(SHARE * (means.deadline - time.time()) / rounds / each))


def _paced(folder: Path, device: str) -> float:
    """Seconds of a step."""
    tensors, (plan, _) = load_file(folder / LATENTS, device=device), kept(folder)
    many = MEASURED * (10 if device.startswith("cuda") else 1)
    trial = Trial(recipe=plan.recipe, std=tensors["std"], steps=many, repeat=0)
    asked(learned(trial, tensors["pieces"]), tensors["clean"][:1])  # the first steps of a process are slower
    _all[0].wait(TOGETHER)
    begun = time.time()
    asked(learned(trial, tensors["pieces"]), tensors["clean"][:1])
    return (time.time() - begun) / many


def _trial(folder: Path, means: Means, steps: int, repeat: int, name: str) -> np.ndarray | None:
    """The loss (n,) of each held-out clip; None where the deadline comes first."""

    def watch(_done: float) -> None:
        if time.time() > means.deadline:
            raise TimeoutError

    if time.time() > means.deadline:  # not even begun
        return None
    tensors, (plan, _) = load_file(folder / LATENTS, device=means.device), kept(folder)
    trial = Trial(recipe=plan.recipe, std=tensors["std"], steps=steps, repeat=repeat)
    try:
        student = learned(trial, tensors["pieces"][list(plan.arms[name])], report=watch)
    except TimeoutError:
        return None
    return asked(student, tensors["clean"]).cpu().numpy()


def _pulled(folder: Path, device: str, steps: int) -> np.ndarray:
    """How much each piece helps (p,) a model that has learned from all of them for a third of the steps."""
    tensors, (plan, _) = load_file(folder / LATENTS, device=device), kept(folder)
    trial = Trial(recipe=plan.recipe, std=tensors["std"], steps=max(1, steps // 3), repeat=0)
    return pulls(learned(trial, tensors["pieces"]), tensors["pieces"], tensors["aim"])


def main(words: Sequence[str] | None = None) -> None:
    """The trials of one folder, from the command line of a machine that has only torch."""
    begun, reader = (
        time.time(),
        argparse.ArgumentParser(prog="python -m praxino.training.trials", description=main.__doc__),
    )
    reader.add_argument("folder", type=Path, help="that `praxino prove --trials` has prepared")
    reader.add_argument("--minutes", type=float, default=8, help="how long it may take, start and all")
    reader.add_argument("--repeats", type=int, default=8)
    reader.add_argument("--steps", type=int, help="of each trial, instead of as many as there is time for")
    reader.add_argument("--workers", type=int, default=8, help="processes, each with a trial at a time")
    reader.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    given = reader.parse_args(words)
    means = Means(
        repeats=given.repeats,
        steps=given.steps,
        deadline=begun + 60 * given.minutes,
        workers=given.workers,
        device=given.device,
    )
    held = run(
        given.folder,
        means,
        report=lambda stage, done: _say(f"{time.time() - begun:6.1f} s {stage} {done:.0%}"),
    )
    losses = {name: float(one.mean()) for name, one in held.losses.items()}
    _say(json.dumps({"steps": held.steps, "repeats": len(held.losses["all"]), "loss": losses}))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
