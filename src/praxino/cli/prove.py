"""`praxino prove`: whether curation helps a model to learn."""

import json
import math
from pathlib import Path
from typing import Annotated, Any

import typer

from praxino.cli.progress import progress

app = typer.Typer()
Option = typer.Option


@app.command()
def prove(
    dataset: Annotated[Path, typer.Argument(help="Folder that `praxino curate` made.", metavar="DATASET")],
    footage: Annotated[
        list[Path], Option(help="What it was made of; give it again for each folder or file.", metavar="FOLDER")
    ],
    minutes: Annotated[
        float | None,
        Option(help="How long it may take, about; more minutes, more steps.  [8, or no bound with --steps]"),
    ] = None,
    repeats: Annotated[int, Option(help="Times that it is done, each with other weights and noise.")] = 4,
    rules: Annotated[bool, Option("--rules", help="Try what each rule dropped, too, one by one.")] = False,
    suitability: Annotated[
        bool, Option("--suitability", help="Fit a score to what helped: suitability.json, a recipe for `curate`.")
    ] = False,
    model: Annotated[str, Option(help="Model (name or folder) whose autoencoder is taken as it is.")] = "pocket",
    workers: Annotated[int, Option(help="Processes; one for each core is best.")] = 2,
    steps: Annotated[int | None, Option(help="Steps of each training, instead of as many as fit.")] = None,
    device: Annotated[str, Option(help="Where the trainings run: cpu, cuda or cuda:N.")] = "cpu",
    trials: Annotated[
        Path | None,
        Option(
            help="Folder where what is read and found stays: what is there already is not done again.", metavar="FOLDER"
        ),
    ] = None,
    only_prepare: Annotated[
        bool,
        Option(
            "--prepare", help="Only read into --trials: `python -m praxino.training.trials` goes on where a GPU is."
        ),
    ] = False,
    as_json: Annotated[bool, Option("--json", help="Print the figures as one line of JSON.")] = False,
) -> None:
    """Train the same small model on the kept clips of a dataset, and on all of them, and compare the two.

    Both begin with the same weights, learn for as many steps, and are asked about clean clips that neither has seen.
    """
    if minutes is not None and not (math.isfinite(minutes) and 0 < minutes <= 10_000):
        raise ValueError(f"minutes {minutes} must be above 0 and at most 10000; try 8")
    for name, value, most in (("repeats", repeats, 1000), ("workers", workers, 256), ("steps", steps, 1_000_000)):
        if value is not None and not 1 <= value <= most:
            raise ValueError(f"{name} {value} must be from 1 to {most}")
    if only_prepare and trials is None:
        raise ValueError("--prepare needs a folder to read into; give --trials FOLDER")
    from praxino import checkpoint
    from praxino.training.prove import Order, prepared
    from praxino.training.prove import prove as made

    order = Order(
        dataset=dataset,
        footage=tuple(footage),
        minutes=minutes or (8 if steps is None else math.inf),
        repeats=repeats,
        rules=rules,
        suitability=suitability,
        workers=workers,
        steps=steps,
        device=device,
        trials=trials,
        model=checkpoint.find(model),
    )
    if only_prepare and trials is not None:
        with progress() as report:
            counts = prepared(order, trials, report=report)["pieces"]
        typer.echo(
            json.dumps(counts) if as_json else f"{trials}: {counts['kept']} of {counts['all']} pieces were kept."
        )
        return
    with progress() as report:
        figures = made(order, report=report)
    typer.echo(json.dumps(figures, ensure_ascii=False) if as_json else _told(figures))


def _told(figures: dict[str, Any]) -> str:
    base = figures["loss"]["kept"]
    rows = [
        f"{one['rule']:<14} {100 * one['mean'] / base:+7.2f}%  {100 * one['low'] / base:+.2f} to "
        f"{100 * one['high'] / base:+.2f}"
        for one in figures["rules"]
    ]
    head = ["loss where half of what is learned from was dropped for:"] if rows else []
    score = figures.get("suitability")
    last = [f"suitability.json: rank correlation {score['correlation']:.2f} on shots left out"] if score else []
    return "\n".join([figures["line"], *_evenly(figures), *head, *rows, *last])


def _evenly(figures: dict[str, Any]) -> list[str]:
    if (drawn := figures["against_drawn"]) is None:
        return []
    mean, low, high = (-100 * drawn[name] / figures["loss"]["drawn"] for name in ("mean", "high", "low"))
    return [f"Instead of as many drawn from all: {mean:+.2f}% ({low:+.2f} to {high:+.2f})."]
