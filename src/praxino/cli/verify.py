"""`praxino verify`: whether this machine makes a film again exactly."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from praxino.cli.asked import Asked, asked
from praxino.cli.options import check_sources
from praxino.cli.progress import progress

app = typer.Typer()


@app.command()
def verify(
    film: Annotated[Path, typer.Argument(help="A film that Praxino made; it is made again, and compared.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON.")] = False,
) -> None:
    """Say whether this machine reproduces a film pixel for pixel; exit code 1 where it does not."""
    wanted = asked(Asked(base=film, others={}))
    check_sources(wanted)
    with progress() as report:
        report("opening", 0.0)
        from praxino.generation.verify import verify as verified  # torch: a second or two

        verdict = verified(film, wanted, report=report)
    if as_json:
        typer.echo(json.dumps(asdict(verdict) | {"reproduced": verdict.reproduced}))
    else:
        typer.echo(f"{film}: {verdict.same} of {verdict.frames} frames come out as they are")
        for what in verdict.other:
            typer.echo(f"not as it was: {what}")
    if not verdict.reproduced:
        raise typer.Exit(1)
