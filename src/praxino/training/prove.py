"""Whether curation helps: the same small model learns from what was kept, and from all there was, for as many steps.

Both are asked about clean clips of the world that neither has seen. The dropped clips of each rule can be tried alone,
too: so a measurement comes back to the thresholds. Three stages: `prepared` reads the footage into a folder, `trials`
learns from that (where a GPU is, if one likes), `_told` makes the figures.
Shapes: r repeats, n held-out clips.
"""

import hashlib
import json
import math
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch

from praxino import checkpoint, config
from praxino.autoencoder.model import Autoencoder
from praxino.curation import rules, store
from praxino.generation.parts import open_autoencoder
from praxino.pixels import unit
from praxino.training import pieces, source, suitability, trials
from praxino.training.recipes import Recipe, probe
from praxino.world.sampling import sample

HELD_FROM = 9_000_000_000
"""First seed of the clips asked about: scenes that no model is trained on and no footage is made of."""
AIMS_FROM = HELD_FROM + 1_000_000
"""The same of the clips that a score of suitability is fitted by."""
SUITABLE = 0.2
"""Score from which on a shot is kept: about a fifth helps least."""
FEW = 4
"""Pieces that a rule must have dropped to be tried alone."""
DRAWN = "drawn"
WHOLE = ("kept", "all", DRAWN)
"""The trials that are not of one rule alone."""
ROUNDS = 2000
Report = Callable[[str, float], None]  # stage, fraction done of it from 0 to 1


@dataclass(frozen=True, kw_only=True)
class Order:
    """What to prove, and in how long."""

    dataset: Path
    footage: tuple[Path, ...]  # that the dataset was made of
    minutes: float = math.inf  # what is not done by then is left out
    repeats: int = 4
    rules: bool = False  # try what each rule dropped alone, too
    suitability: bool = False  # fit a score of tags to which shots helped
    workers: int = 2
    device: str = "cpu"  # of the trials
    steps: int | None = None  # of each trial; None: as many as the minutes allow
    trials: Path | None = None  # folder in which the trials stay; what is prepared or found there is taken
    recipe: Recipe = field(default_factory=probe)
    model: Path = field(default_factory=lambda: checkpoint.find("pocket"))  # whose autoencoder is taken as it is


def prove(order: Order, *, report: Report = lambda _stage, _done: None) -> dict[str, Any]:
    """Train, ask, compare; the figures, which ``prove.json`` of the dataset and a line of its report hold as well.

    Raises ValueError where there is nothing to compare, or the footage is not the dataset's.
    """
    begun = time.time()
    trials.check(order.device)
    with tempfile.TemporaryDirectory() as passing:
        folder = order.trials or Path(passing)
        facts = prepared(order, folder, report=report)
        found = trials.found(folder)
        if found is None or order.steps not in {None, found.steps}:
            means = trials.Means(
                repeats=order.repeats,
                steps=order.steps,
                deadline=begun + 60 * order.minutes,
                workers=order.workers,
                device=order.device,
            )
            found = trials.run(folder, means, report=report)
    figures = _told(order, facts, found)
    _keep(order.dataset, figures)
    return figures


def prepared(order: Order, folder: Path, *, report: Report = lambda _stage, _done: None) -> dict[str, Any]:
    """Put what the trials learn from into a folder, unless it is there; what is to be known of it for the figures."""
    data = order.recipe.data
    wanted = pieces.shots(order.dataset, frames=data.frames)
    asked_for = {
        "dataset": hashlib.sha256((order.dataset / store.INDEX).read_bytes()).hexdigest(),
        "autoencoder": checkpoint.digest(order.model),
        "recipe": config.to_json(order.recipe),
        "rules": order.rules,
        "suitability": order.suitability,
    }
    if (folder / trials.PLAN).exists() and (facts := trials.kept(folder)[1])["asked"] == asked_for:
        return facts
    _check(order, wanted)
    coder = open_autoencoder(order.model)
    held = pieces.pieces(
        order.dataset,
        wanted,
        pieces.found(order.dataset, order.footage, wanted),
        coder=coder,
        size=data.sizes[0],
        frames=data.frames,
        report=lambda done: report("reading", done),
    )
    with ProcessPoolExecutor(order.workers, mp_context=get_context("spawn"), initializer=_one_thread) as pool:
        clean, actions = _clean(order.recipe, coder, pool, lambda done: report("held out", done))
        aims = replace(order.recipe, data=replace(data, clips=data.clips // 3))
        aim = _clean(aims, coder, pool, lambda f: report("aims", f), seed=AIMS_FROM)[0] if order.suitability else None
    tensors = {"pieces": held.latents, "clean": clean, "std": coder.std} | ({} if aim is None else {"aim": aim})
    arms = _arms(held.shots, each=order.rules)
    facts = {
        "asked": asked_for,
        "actions": actions,
        "pieces": {"kept": len(arms["kept"]), "all": len(arms["all"])},
        "dropped": dict(Counter(one.cause for one in held.shots if not one.kept).most_common()),
        "owners": [[one.digest, one.begin] for one in held.shots],
    }
    trials.keep(folder, trials.Plan(recipe=order.recipe, arms=arms, aimed=order.suitability), tensors, facts)
    return facts


def _check(order: Order, wanted: Sequence[pieces.Shot]) -> None:
    """Raises ValueError where shots are too few for what is asked."""
    frames = order.recipe.data.frames
    for what, some in (("kept", any(one.kept for one in wanted)), ("dropped", any(not one.kept for one in wanted))):
        if not some:
            raise ValueError(f"{order.dataset} has no {what} shots of {frames} frames, so there is no difference")
    if order.suitability and len(wanted) < suitability.FEWEST:
        raise ValueError(f"{len(wanted)} shots are too few to fit a score to; {suitability.FEWEST} are needed")


def _told(order: Order, facts: Mapping[str, Any], found: trials.Losses) -> dict[str, Any]:
    """The figures; where a score is wanted, the dataset's recipe with it is written."""
    data = order.recipe.data
    figures = _figures(found.losses, facts["actions"]) | {
        "format": 1,
        "recipe": order.recipe.name,
        "autoencoder": facts["asked"]["autoencoder"],
        "steps": found.steps,
        "repeats": len(found.losses["all"]),
        "device": found.device,
        "pieces": facts["pieces"],
        "dropped": facts["dropped"],
        "held_out": {
            "clips": len(facts["actions"]),
            "first_seed": HELD_FROM,
            "frames": data.frames,
            "size": list(data.sizes[0]),
        },
        "seconds": round(found.seconds, 1),
    }
    figures["line"] = line(figures)
    if found.pulls is not None:
        owners = {(one.digest, one.begin): one for one in pieces.shots(order.dataset, frames=data.frames)}
        mine = [owners[digest, begin] for digest, begin in facts["owners"]]
        figures["suitability"] = _scored(order.dataset, mine, found.pulls)
    return figures


def interval(differences: np.ndarray) -> dict[str, float]:
    """Mean of (r, n) and its 95% interval, by a bootstrap over repeats and over clips at once."""
    rng, (r, n) = np.random.default_rng(0), differences.shape
    rows, columns = rng.integers(r, size=(ROUNDS, r, 1)), rng.integers(n, size=(ROUNDS, 1, n))
    low, high = np.percentile(differences[rows, columns].mean((1, 2)), (2.5, 97.5))
    return {"mean": float(differences.mean()), "low": float(low), "high": float(high)}


def line(figures: Mapping[str, Any]) -> str:
    """The finding in a sentence."""
    percent, better = figures["percent"], figures["better"]
    verdict = {True: "it helps", False: "it harms", None: "no difference that this can tell"}[better]
    if min(figures["loss"].values()) >= 1:  # knowing each channel's deviation and nothing else gives 1
        verdict = "neither has learned anything yet, so this tells nothing; give more minutes or steps"
    repeats = "1 repeat, so over clips alone" if figures["repeats"] == 1 else f"{figures['repeats']} repeats"
    return (
        f"Learning from the {figures['pieces']['kept']} pieces that were kept instead of all {figures['pieces']['all']}"
        f" makes the flow loss on {figures['held_out']['clips']} clean clips {figures['loss']['kept']:.4f} instead of "
        f"{figures['loss']['all']:.4f}: {-percent['mean']:+.2f}% (95% interval {-percent['high']:+.2f} to "
        f"{-percent['low']:+.2f}; {figures['steps']} steps, {repeats}): {verdict}."
    )


def _arms(owners: Sequence[pieces.Shot], *, each: bool) -> dict[str, tuple[int, ...]]:
    """What is learned from. What one rule dropped is half of its arm, so that rules that drop little compare, too.

    ``drawn`` is as much of all as was kept: what is better than that is the choice, and not the amount.
    """
    kept = [number for number, one in enumerate(owners) if one.kept]
    drawn = sorted(np.random.default_rng(0).choice(len(owners), len(kept), replace=False).tolist())
    arms = {"kept": tuple(kept), "all": tuple(range(len(owners))), DRAWN: tuple(drawn)}
    causes = Counter(one.cause for one in owners if not one.kept)
    for cause in sorted(cause for cause, count in causes.items() if each and count >= FEW):
        mine = [number for number, one in enumerate(owners) if one.cause == cause]
        many = max(len(kept), len(mine))
        arms[cause] = (*np.resize(kept, many).tolist(), *np.resize(mine, many).tolist())
    return arms


def _clean(
    recipe: Recipe,
    coder: Autoencoder,
    pool: ProcessPoolExecutor,
    report: Callable[[float], None],
    *,
    seed: int = HELD_FROM,
) -> tuple[torch.Tensor, list[str]]:
    """Clips that are asked about, as latents (n, t, h, w, c), and what happens in each."""
    data, latents = recipe.data, list[torch.Tensor]()
    seeds = range(seed, seed + data.clips)
    jobs = [pool.submit(_rendered, seed, data.rung, data.sizes[0], data.frames) for seed in seeds]
    for done, job in enumerate(jobs, start=1):
        with torch.inference_mode():
            latents.append(coder.encode(unit(job.result())[None])[0].half())
        report(done / len(jobs))
    aspect = data.sizes[0][0] / data.sizes[0][1]
    return torch.stack(latents), [sample(seed, rung=data.rung, aspect=aspect).story.action for seed in seeds]


def _rendered(seed: int, rung: str, size: tuple[int, int], frames: int) -> np.ndarray:
    return source.clip(seed, rung=rung, size=size, frames=frames).frames


def _scored(dataset: Path, owners: Sequence[pieces.Shot], pulled: np.ndarray) -> dict[str, Any]:
    """Fit a score to what helped, and write the dataset's recipe with it."""
    places: dict[tuple[str, int], list[int]] = {}
    for number, one in enumerate(owners):
        places.setdefault((one.digest, one.begin), []).append(number)
    shots = [owners[mine[0]] for mine in places.values()]
    helps = np.array([pulled[mine].mean() for mine in places.values()])
    score, correlation = suitability.fit(shots, helps)
    held = json.loads((dataset / store.MANIFEST).read_bytes())["recipe"]
    recipe = replace(config.from_json(rules.Recipe, held), suitability=score, suitable=SUITABLE)
    text = json.dumps(config.to_json(recipe), ensure_ascii=False, indent=1)
    (dataset / "suitability.json").write_text(text + "\n", encoding="utf-8")
    kept = np.array([one.kept for one in shots])
    return {
        "shots": len(shots),
        "correlation": correlation,
        "pull": {"kept": float(helps[kept].mean()), "dropped": float(helps[~kept].mean())},
    }


def _figures(losses: Mapping[str, np.ndarray], actions: Sequence[str]) -> dict[str, Any]:
    """Means and differences; positive ones mean that what was kept is better to learn from."""
    kept, base = losses["kept"], float(losses["all"].mean())
    gain = losses["all"] - kept
    difference = interval(gain)
    concepts: dict[str, Any] = {}
    for action in sorted(set(actions)):
        which = [number for number, one in enumerate(actions) if one == action]
        concepts[action] = {"clips": len(which)} | interval(gain[:, which])
    alone = [{"rule": name} | interval(lost - kept) for name, lost in losses.items() if name not in WHOLE]
    return {
        "loss": {name: float(held.mean()) for name, held in losses.items() if name in WHOLE},
        "difference": difference,
        "against_drawn": interval(losses[DRAWN] - kept) if DRAWN in losses else None,
        "by_repeat": gain.mean(1).tolist(),
        "percent": {name: 100 * value / base for name, value in difference.items()},
        "better": True if difference["low"] > 0 else False if difference["high"] < 0 else None,
        "concepts": concepts,
        "rules": sorted(alone, key=lambda one: -float(one["mean"])),
    }


def _keep(dataset: Path, figures: Mapping[str, Any]) -> None:
    """Write ``prove.json``, and the line into the report where there is one; curating anew takes it out again."""
    (dataset / "prove.json").write_text(json.dumps(figures, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    page = dataset / "report.html"
    if page.exists():
        before, mark, after = page.read_text(encoding="utf-8").partition("</h1>")
        opening = '\n<p id="proof">'
        if after.startswith(opening):
            after = after.partition("</p>")[2]
        page.write_text(f"{before}{mark}{opening}{figures['line']}</p>{after}", encoding="utf-8")


def _one_thread() -> None:
    torch.set_num_threads(1)
