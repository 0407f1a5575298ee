"""`praxino retake`: some seconds of a film, made again."""

import json
import secrets
from pathlib import Path
from typing import Annotated

import typer

from praxino.cli import options
from praxino.cli.asked import Asked, asked
from praxino.cli.generate import check_target
from praxino.cli.progress import progress

app = typer.Typer()


@app.command()
def retake(
    film: Annotated[Path, typer.Argument(help="A film that Praxino made.")],
    begin: Annotated[float, typer.Option("--from", help="Second of the film to begin at.")],
    end: Annotated[float, typer.Option("--to", help="Second of the film to end at.")],
    output: options.Output,
    prompt: Annotated[str | None, typer.Argument(help="New words (default: what was said there).")] = None,
    seed: options.Seed = None,
    as_json: options.AsJson = False,
) -> None:
    """Make a part of a film again, between what comes before it and what comes after; the rest stays as it is."""
    options.check_sources(asked(Asked(base=film, others={})))
    check_target(output, ".mp4")
    if output.exists() and output.samefile(film):
        raise ValueError(f"{output} is the film itself; name another file")
    with progress() as report:
        report("opening", 0.0)
        from praxino.generation.generate import Around  # torch: a second or two
        from praxino.generation.retake import Take
        from praxino.generation.retake import retake as retaken

        take = Take(begin=begin, end=end, seed=secrets.randbelow(2**31) if seed is None else seed, prompt=prompt)
        done = retaken(film, take, output, around=Around(report=report))
    if as_json:
        typer.echo(json.dumps(done, ensure_ascii=False))
        return
    typer.echo(f"{done['file']}: {done['from']:g} to {done['to']:g} s made again with seed {done['seed']}")
