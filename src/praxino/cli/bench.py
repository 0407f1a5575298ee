"""`praxino bench`: how fast this machine is."""

import json
from dataclasses import asdict
from typing import Annotated, Literal

import typer

from praxino.cli.progress import progress

app = typer.Typer()


@app.command()
def bench(
    what: Annotated[
        Literal["world", "film", "products"],
        typer.Argument(help="Rendering the world; a film from a prompt; the processor's matrix products."),
    ],
    model: Annotated[str, typer.Option(help="For `film`: a model that ships, or a model's folder.")] = "pocket",
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON.")] = False,
) -> None:
    """Measure speed, each figure beside its target or its alternative. Leave the machine alone meanwhile."""
    from praxino.evaluation import bench

    with progress() as report:
        if what == "film":
            figures = bench.film(report, model)
        else:
            figures = (bench.world if what == "world" else bench.products)(report)
    if as_json:
        typer.echo(json.dumps([asdict(figure) | {"ratio": round(figure.ratio, 3)} for figure in figures]))
        return
    for one in figures:
        told = f"{one.what}: {one.value:.1f} {one.unit}"
        typer.echo(f"{told}; {one.against} {one.reference:.1f}, so {one.ratio:.2f} times that")
