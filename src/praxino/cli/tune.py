"""`praxino tune`: teach a model one's own clips, and show what that changed."""

import json
import math
from pathlib import Path
from typing import Annotated, Any

import typer

from praxino.cli.progress import progress

app = typer.Typer()
Option = typer.Option


@app.command()
def tune(
    model: Annotated[str, typer.Argument(help="Model to begin with: a name or a folder.", metavar="MODEL")],
    data: Annotated[Path, Option(help="Folder of one's own clips, that `praxino curate` made.", metavar="DATASET")],
    minutes: Annotated[float, Option(help="How long it may take, all in all.")],
    into: Annotated[
        Path | None, Option(help="Folder of the tuned model; MODEL-DATASET here, where none is said.", metavar="DIR")
    ] = None,
    resume: Annotated[bool, Option("--resume", help="Go on with the run in the folder.")] = False,
    replay: Annotated[float, Option(help="Share of clips of the world, by which nothing is forgotten.")] = 0.34,
    trust: Annotated[
        float, Option(help="Weight of what it said of the world before: less of it learns sooner, and forgets more.")
    ] = 10.0,
    rank: Annotated[int, Option(help="Of what is learned: more can learn more, and forget more.")] = 16,
    strength: Annotated[float, Option(help="How much of what was learned is merged; 0 is the model as it was.")] = 1.0,
    beside: Annotated[
        bool,
        Option("--beside", help="Make a look: what was learned alone, a small folder that MODEL has to be kept for."),
    ] = False,
    steps: Annotated[int | None, Option(help="Steps of the whole run, instead of as many as fit.")] = None,
    as_json: Annotated[bool, Option("--json", help="Print the figures as one line of JSON.")] = False,
) -> None:
    """Tune a model to one's own clips, twenty or so, and show what that changed and what it did not.

    DIR is a whole model, with what was learned beside it (lora.safetensors), figures (tune.json) and films of before
    and after (sheet.png). With --beside it holds no weights but what was learned, and is a model all the same.
    """
    if not (math.isfinite(minutes) and (0 if resume else 0.01) <= minutes <= 100_000):
        raise ValueError(f"minutes {minutes} must be above 0 and at most 100000; try 10")
    if not 0 <= replay <= 0.9:
        raise ValueError(f"replay {replay} must be from 0 to 0.9; try 0.34")
    if not 0 <= trust <= 1000:
        raise ValueError(f"trust {trust} must be from 0 to 1000; try 10")
    if not -4 <= strength <= 4:
        raise ValueError(f"strength {strength} must be from -4 to 4; try 1")
    for name, value, most in (("rank", rank, 1024), ("steps", steps, 1_000_000)):
        if value is not None and not 1 <= value <= most:
            raise ValueError(f"{name} {value} must be from 1 to {most}")
    if not data.is_dir():
        raise ValueError(f"data {data} is no folder; `praxino curate FOLDER --into {data}` makes one")
    from praxino import checkpoint
    from praxino.training.tune import Order, TuneRecipe
    from praxino.training.tune import tune as made

    folder = checkpoint.find(model)
    order = Order(
        model=folder,
        data=data,
        into=into or Path(f"{folder.resolve().name}-{data.resolve().name}"),
        minutes=minutes,
        resume=resume,
        steps=steps,
        strength=strength,
        beside=beside,
        recipe=TuneRecipe(rank=rank, replay=replay, trust=trust),
    )
    with progress() as report:
        figures = made(order, report=report)
    typer.echo(json.dumps(figures, ensure_ascii=False) if as_json else _told(figures, order.into))


def _told(figures: dict[str, Any], into: Path) -> str:
    own, world = figures["own"], figures["world"]
    verdicts = (
        "learned" if own["learned"] else "not surely learned: give it more minutes or more clips",
        f"kept (at most {world['bound']:+g}%)"
        if world["kept"]
        else f"more than {world['bound']:+g}%: more minutes, or more --replay",
    )
    rows = [f"{'flow loss, held-out clips':<26} {'before':>8} {'after':>8} {'change':>8}  95% interval"]
    for name, one, verdict in zip(("your own", "the world"), (own, world), verdicts, strict=True):
        percent = one["percent"]
        rows.append(
            f"{name + ' (' + str(one['clips']) + ')':<26} {one['before']:>8.4f} {one['after']:>8.4f}"
            f" {percent['mean']:>+7.2f}%  {percent['low']:+.2f} to {percent['high']:+.2f}  {verdict}"
        )
    rows.append(f"{into}: {figures['steps']} steps in {figures['seconds']:.0f} s; films before and after: sheet.png")
    return "\n".join(rows)
