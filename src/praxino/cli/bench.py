"""`praxino bench`: how fast this machine is."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from praxino.cli.progress import Report, progress

if TYPE_CHECKING:
    from praxino.evaluation.bench.figure import Figure

app = typer.Typer()

What = Literal[
    "world",
    "film",
    "products",
    "forward",
    "lengths",
    "peak",
    "films",
    "tokens",
    "honesty",
    "service",
    "cuts",
    "curate",
    "ranks",
    "memory",
    "denoise",
    "together",
]
USUAL: tuple[What, ...] = ("forward", "lengths", "peak", "tokens", "films")
QUICK: tuple[What, ...] = ("forward", "lengths", "peak", "tokens")


@app.command()
def bench(
    what: Annotated[
        What | None,
        typer.Argument(
            help="Rendering the world; a film; the processor's products; a forward against `diffusers`; cost against "
            "length; share of the processor's peak; films of all lengths; tokens a minute; quotes against what films "
            "took; the service under load; cuts against PySceneDetect; curation; two ranks against one; ways to take "
            "less memory; a whole denoise against `diffusers`; films at once against one after another. Default: "
            "forward, lengths, peak, tokens and films."
        ),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Smaller, shorter, and without whole films.")] = False,
    model: Annotated[str, typer.Option(help="A model that ships, or a model's folder.")] = "pocket",
    device: Annotated[
        Literal["cpu", "cuda"] | None,
        typer.Option(help="Where to measure memory and denoise (default: on a GPU, if there is one)."),
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Picture of all ratios to write as well, .png.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON.")] = False,
) -> None:
    """Measure speed, each figure beside its target or its alternative. Leave the machine alone meanwhile."""
    if plot is not None and (plot.suffix != ".png" or not plot.absolute().parent.is_dir()):
        raise ValueError(f"plot {plot} must be a .png file in a folder that exists")
    figures = list["Figure"]()
    with progress() as report:
        for one in (what,) if what else QUICK if quick else USUAL:
            figures += _measured(one, report, model, device=device, quick=quick)
    if plot is not None:
        from praxino.evaluation.bench.plot import draw

        draw(figures, plot)
    rows = [asdict(figure) | {"ratio": round(figure.ratio, 3)} for figure in figures]
    if as_json and what:
        typer.echo(json.dumps(rows))
    elif as_json:
        named = {one.what: round(one.value, 4) for one in figures if one.what.isidentifier()}
        typer.echo(json.dumps(named | {"figures": rows}))
    else:
        for one in figures:
            told = f"{one.what}: {one.value:,.4g} {one.unit}".rstrip()
            typer.echo(f"{told}; {one.against} {one.reference:,.4g}, so {one.ratio:.3g} times that")


def _measured(what: What, report: Report, model: str, *, device: str | None, quick: bool) -> "list[Figure]":
    from praxino.evaluation.bench import (
        basics,
        curate,
        cuts,
        denoise,
        films,
        forward,
        honesty,
        lengths,
        memory,
        peak,
        ranks,
        service,
        together,
    )

    if what in ("lengths", "peak"):
        parts = films.opened(model)
        if what == "peak":
            return peak.peak(report, parts)
        return lengths.lengths(report, lengths.QUICK if quick else lengths.Scale(), parts)
    works: dict[str, Callable[[], list[Figure]]] = {
        "world": lambda: basics.world(report),
        "film": lambda: basics.film(report, model),
        "products": lambda: basics.products(report),
        "forward": lambda: forward.forward(report, forward.QUICK if quick else forward.Scale()),
        "films": lambda: films.films(report, model),
        "tokens": lambda: films.tokens(model),
        "honesty": lambda: honesty.honesty(report, model),
        "service": lambda: service.service(report),
        "cuts": lambda: cuts.cuts(report, quick=quick),
        "curate": lambda: curate.curate(report, quick=quick),
        "ranks": lambda: ranks.ranks(report, quick=quick),
        "memory": lambda: memory.measured(report, device=device, quick=quick),
        "denoise": lambda: denoise.measured(report, device=device, quick=quick),
        "together": lambda: together.together(report, model, quick=quick),
    }
    return works[what]()
