"""`praxino models`: what ships, and what a model knows."""

import json
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from praxino import checkpoint

app = typer.Typer(no_args_is_help=True, help="List the models that ship, and show what one knows.")
Json = Annotated[bool, typer.Option("--json", help="Print one line of JSON.")]


@app.command("list")
def list_models(as_json: Json = False) -> None:
    """List the models that ship."""
    found = [_about(folder) for folder in checkpoint.list_models()]
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    if not found:
        typer.echo("no model ships with this installation; train one, and give its folder to --model")
    for about in found:
        known = cast("dict[str, Any]", about["card"])
        sizes = ", ".join(f"{width}x{height}" for width, height in known.get("sizes", []))
        typer.echo(f"{about['name']}  {about['megabytes']:.1f} MB  native {sizes}  rung {known.get('rung', '?')}")


@app.command()
def show(
    model: Annotated[str, typer.Argument(help="A model that ships, or a model's folder.")] = "pocket",
    as_json: Json = False,
) -> None:
    """Show what a model is and which words it knows."""
    folder = checkpoint.find(model)
    about = _about(folder) | {"digest": checkpoint.digest(folder), "config": checkpoint.card(folder)}
    if as_json:
        typer.echo(json.dumps(about, ensure_ascii=False))
        return
    typer.echo(f"{about['name']}  {about['megabytes']:.1f} MB  {about['digest']}  {folder}")
    for name, value in cast("dict[str, Any]", about["card"]).items():
        words = " ".join(cast("list[str]", value)) if name == "words" else json.dumps(value, ensure_ascii=False)
        typer.echo(f"  {name}: {words}")


def _about(folder: Path) -> dict[str, Any]:
    about = checkpoint.card(folder)
    size = (folder / checkpoint.WEIGHTS).stat().st_size
    return {
        "name": about.get("name", folder.name),
        "folder": str(folder),
        "megabytes": round(size / 1e6, 1),
        "card": about.get("card", {}),
    }
