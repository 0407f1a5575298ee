"""`praxino inspect`: what a film says of itself."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from praxino.media import labels, provenance, read
from praxino.media.provenance import Manifest

app = typer.Typer()


@app.command()
def inspect(
    film: Annotated[Path, typer.Argument(help="A film that Praxino made.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON.")] = False,
) -> None:
    """Show the recipe, the label and the signed manifest that a film carries."""
    about = asdict(read.probe(film))
    written = labels.read_metadata(film)
    label, manifest = labels.label_in(written), provenance.read_manifest(film)
    recipe = labels.recipe_in(written) or (manifest.recipe if manifest else None)
    if recipe is None and label is None and manifest is None:
        raise ValueError(f"{film} carries no recipe; give a film that Praxino made, whose metadata was kept")
    if as_json:
        told = {name: value for name, value in asdict(manifest).items() if name != "recipe"} if manifest else None
        found = {"file": str(film), **about, "recipe": recipe, "label": label, "manifest": told}
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    typer.echo(f"{film}: {about['frames']} frames of {about['width']}x{about['height']} at {about['fps']:g} fps")
    if recipe is None:
        typer.echo("recipe: none")
    else:
        _show(recipe)
    typer.echo(f"AIGC label: {json.dumps(label, ensure_ascii=False) if label else 'none'}")
    typer.echo(f"C2PA manifest: {_said(manifest)}")


def _said(manifest: Manifest | None) -> str:
    if manifest is None:
        return "none"
    if not manifest.valid:
        return "not valid; the film was changed after it was signed, or the signature is broken"
    what = "made by AI" if manifest.ai_made else "not said to be made by AI"
    where = "here" if manifest.made_here else "elsewhere"
    return f"valid, signed {where} by {manifest.issuer or 'nobody named'}; {what}"


def _show(recipe: dict[str, Any]) -> None:
    for part, value in recipe.items():
        if not isinstance(value, dict):
            typer.echo(f"{part}: {value}")
            continue
        typer.echo(f"{part}:")
        for name, held in cast("dict[str, Any]", value).items():
            if held is not None:
                typer.echo(f"  {name}: {json.dumps(held, ensure_ascii=False)}")
