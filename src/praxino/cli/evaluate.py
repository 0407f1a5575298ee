"""`praxino evaluate`: how good a model is, with floors and intervals."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from praxino.cli.progress import progress

app = typer.Typer()


@app.command("evaluate")
def evaluate(
    model: Annotated[str | None, typer.Argument(help="A model that ships, or a trained folder.")] = None,
    suite: Annotated[Literal["world"], typer.Option(help="What it is judged by.")] = "world",
    into: Annotated[
        Path | None, typer.Option(help="Folder for report.json, report.html and the films; films there are kept.")
    ] = None,
    clips: Annotated[int, typer.Option(help="How many scenes.")] = 24,
    compare: Annotated[
        tuple[Path, Path] | None, typer.Option(help="Compare two reports instead: the folders of both.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as one line of JSON.")] = False,
) -> None:
    """Judge a model: what it shows, how that moves, and whether it lasts, each figure beside what could be had."""
    if compare is not None:
        if model is not None or into is not None:
            raise ValueError("--compare takes two folders of reports and neither a model nor --into")
        return _compare(*compare, as_json=as_json)
    if model is None or into is None:
        raise ValueError("name a model and --into FOLDER, or --compare two folders of reports")
    if not 2 <= clips <= 10_000:
        raise ValueError(f"clips {clips} must be from 2 to 10000; try 24")
    if into.exists() and not into.is_dir():
        raise ValueError(f"into {into} is a file; name a folder")
    from praxino.evaluation import evaluate as judged

    del suite
    with progress() as report:
        figures = judged.evaluate(model, into, clips=clips, report=report)
    if as_json:
        typer.echo(json.dumps({name: asdict(one) for name, one in figures.items()}))
        return None
    for name, one in figures.items():
        if one.value is not None:
            interval = "" if one.low is None else f"[{one.low:.3f}, {one.high:.3f}]"
            floors = ", ".join(f"{kind} {value:.3f}" for kind, value in one.floor.items())
            typer.echo(f"{name:<28} {one.value:8.3f}  {interval:<18} {floors}".rstrip())
    typer.echo(into / "report.html")
    return None


def _compare(one: Path, two: Path, *, as_json: bool) -> None:
    from praxino.evaluation.evaluate import compare

    rows = compare(one, two)
    if as_json:
        keys = ("figure", "one", "two", "change", "low", "high")
        typer.echo(json.dumps([dict(zip(keys, row, strict=True)) for row in rows]))
        return
    for name, before, after, change, low, high in rows:
        sure = "*" if low > 0 or high < 0 else " "
        typer.echo(f"{sure} {name:<40} {before:8.3f} -> {after:8.3f}  {change:+.3f} [{low:+.3f}, {high:+.3f}]")
