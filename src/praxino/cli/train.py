"""`praxino train`: teach a model, in a time box."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import typer

app = typer.Typer()

What = Literal["autoencoder", "pocket", "pocket_cpu", "pocket_gpu", "tiny", "eye"]


@app.command("train")
def train(
    what: Annotated[
        What,
        typer.Argument(
            help="The recipe; `autoencoder` stops after that of `pocket`; `eye` is what `evaluate` sees with."
        ),
    ],
    into: Annotated[Path, typer.Option(help="Folder of the run: data, state, curves, samples and the model.")],
    minutes: Annotated[float, typer.Option(help="How long to train; data is made within it.")],
    data: Annotated[Path | None, typer.Option(help="Folder of shards to learn from, instead of the world.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in the folder.")] = False,
    parts: Annotated[
        str | None, typer.Option(help="Model (name or folder) whose autoencoder and upscaler are taken as they are.")
    ] = None,
    begin: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="Model (name or folder) whose weights to begin with; with --parts: fine-tuning.",
            metavar="MODEL",
        ),
    ] = None,
    processes: Annotated[
        int,
        typer.Option(
            help="One-thread training processes; one for each core is best. Under torchrun: those that make data."
        ),
    ] = 2,
    fsdp: Annotated[
        bool,
        typer.Option("--fsdp", help="Cut transformer and optimizer over the processes (FSDP2); states in shards."),
    ] = False,
    checkpoint_activations: Annotated[
        bool, typer.Option("--checkpoint-activations", help="Compute blocks twice to need less memory.")
    ] = False,
    accumulate: Annotated[
        int, typer.Option(help="Pieces that a process learns its part of a step in, to need less memory.")
    ] = 1,
    sequence: Annotated[
        int, typer.Option(help="Processes that share the tokens of each clip (Ulysses), for long ones.")
    ] = 1,
    save_every: Annotated[
        float | None, typer.Option(help="Minutes between saves of the transformer's state.", metavar="MINUTES")
    ] = None,
) -> None:
    """Train a model for so many minutes; stop, resume, and get what an unbroken run would have given."""
    import math
    from dataclasses import replace

    if not (math.isfinite(minutes) and 0 < minutes <= 100_000):
        raise ValueError(f"minutes {minutes} must be above 0 and at most 100000; try 30")
    if not 1 <= processes <= 64:
        raise ValueError(f"processes {processes} must be from 1 to 64; try 2")
    if not 1 <= accumulate <= 1024:
        raise ValueError(f"accumulate {accumulate} must be from 1 to 1024; try 4")
    if sequence < 1:
        raise ValueError(f"sequence {sequence} must be 1 or more; 2 has two processes share each clip")
    if save_every is not None and not (math.isfinite(save_every) and save_every > 0):
        raise ValueError(f"save-every {save_every} must be above 0 minutes; try 10")
    if data is not None and not data.is_dir():
        raise ValueError(f"data {data} is no folder; `praxino world render --as shards` makes one")
    if into.exists() and not into.is_dir():
        raise ValueError(f"into {into} is a file; name a folder")

    if what == "eye":
        return _ranked(lambda: _eye(into, minutes, resume=resume, processes=processes))
    from praxino import checkpoint
    from praxino.training import recipes
    from praxino.training.spread import Spread
    from praxino.training.train import Plan
    from praxino.training.train import train as run

    known = {"tiny": recipes.tiny, "pocket_cpu": recipes.pocket_cpu, "pocket_gpu": recipes.pocket_gpu}
    recipe = known.get(what, recipes.pocket)()
    if accumulate > 1:
        recipe = replace(recipe, learn_flow=replace(recipe.learn_flow, accumulate=accumulate))
    plan = Plan(
        recipe=recipe,
        into=into,
        minutes=minutes,
        data=data,
        resume=resume,
        processes=processes,
        parts=None if parts is None else checkpoint.find(parts),
        model=None if begin is None else checkpoint.find(begin),
        spread=Spread(fsdp=fsdp, checkpoint_activations=checkpoint_activations, sequence=sequence),
        save_every=None if save_every is None else 60 * save_every,
    )
    return _ranked(lambda: run(plan, only_autoencoder=what == "autoencoder"))


def _ranked(job: Callable[[], Path]) -> None:
    """Do it and say where it is; among ranks of torchrun the first one alone."""
    from praxino.training import parallel

    try:
        made = parallel.led(job)
    except parallel.LostError as error:
        typer.echo(f"praxino: {error}", err=True)
        raise typer.Exit(1) from None
    if made is not None:
        typer.echo(made)
    parallel.leave()


def _eye(into: Path, minutes: float, *, resume: bool, processes: int) -> Path:
    from praxino.cli.progress import progress
    from praxino.evaluation.eye import open_eye, save_eye
    from praxino.evaluation.teach import teach

    path = into / "eye.safetensors"
    if path.exists() and not resume:
        raise ValueError(f"{into} already holds an eye; add --resume to go on with it, or choose another folder")
    into.mkdir(parents=True, exist_ok=True)
    films = max(40, min(10_000, round(300 * minutes)))
    with progress() as report:
        start = open_eye(path) if resume else None
        save_eye(teach(films=films, minutes=minutes, workers=processes, report=report, start=start), path)
    return path
