"""`praxino inspect`: what a film says of itself."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from praxino.media import labels, read

app = typer.Typer()


@app.command()
def inspect(
    film: Annotated[Path, typer.Argument(help="A film that Praxino made.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON.")] = False,
) -> None:
    """Show the recipe and the label that a film carries."""
    about = asdict(read.probe(film))
    recipe, label = labels.read_recipe(film), labels.read_label(film)
    if recipe is None:
        marked = " (though it is labelled as made by AI)" if label else ""
        raise ValueError(f"{film} carries no recipe{marked}; give a film that Praxino made, whose metadata was kept")
    found = {"file": str(film), **about, "recipe": recipe, "label": label}
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    typer.echo(f"{film}: {about['frames']} frames of {about['width']}x{about['height']} at {about['fps']:g} fps")
    _show(recipe)
    typer.echo(f"AIGC label: {json.dumps(label, ensure_ascii=False) if label else 'none'}")


def _show(recipe: dict[str, Any]) -> None:
    for part, value in recipe.items():
        if not isinstance(value, dict):
            typer.echo(f"{part}: {value}")
            continue
        typer.echo(f"{part}:")
        for name, held in cast("dict[str, Any]", value).items():
            if held is not None:
                typer.echo(f"  {name}: {json.dumps(held, ensure_ascii=False)}")
