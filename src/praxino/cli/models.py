"""`praxino models`: what ships, what a model knows, and open weights."""

import json
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from praxino import checkpoint
from praxino.cli import models_import
from praxino.look import KEY, Look

app = typer.Typer(no_args_is_help=True, help="List, show, import, check and remove models.")
app.command("import")(models_import.import_)
app.command()(models_import.export)
Json = Annotated[bool, typer.Option("--json", help="Print one line of JSON.")]
Model = Annotated[str, typer.Argument(help="A model that ships, or a model's folder.")]


@app.command("list")
def list_models(as_json: Json = False) -> None:
    """List the models that ship, and those of PRAXINO_MODELS."""
    found = [_about(folder) for folder in checkpoint.list_models(partial=True)]
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    if not found:
        typer.echo("no model ships with this installation; train one, and give its folder to --model")
    for about in found:
        typer.echo(f"{_line(about)}  {_use(about)}")


@app.command()
def show(model: Model = "pocket", as_json: Json = False) -> None:
    """Show what a model is and which words it knows."""
    folder = checkpoint.find(model, partial=True)
    about = _about(folder) | {"config": checkpoint.card(folder)}
    if as_json:
        typer.echo(json.dumps(about, ensure_ascii=False))
        return
    typer.echo(f"{_line(about)}  {folder}")
    if about["lacks"]:
        typer.echo(f"  {_use(about)}")
    known = about["card"] or {name: about["config"].get(name) for name in ("origin", "transformer")}
    for name, value in cast("dict[str, Any]", known).items():
        words = " ".join(cast("list[str]", value)) if name == "words" else json.dumps(value, ensure_ascii=False)
        typer.echo(f"  {name}: {words}")


@app.command()
def verify(model: Model = "pocket") -> None:
    """Say whether a model's files are as they were when it was imported; exit 1 where not."""
    folder = checkpoint.find(model, partial=True)
    known = checkpoint.hashes(folder)
    look = checkpoint.look(folder)
    if not known and look is None:
        typer.echo(f"{folder}: nothing is written down to compare with; its weights are {checkpoint.digest(folder)}")
        return
    damaged = checkpoint.damage(folder)
    for name, value in known.items():
        typer.echo(f"{'CHANGED' if name in damaged else 'whole  '}  {value}  {name}")
    same = look is None or _same(folder, look)
    if damaged or not same:
        raise typer.Exit(1)


def _same(folder: Path, look: Look) -> bool:
    """Whether the base of a look has the weights that it is a look of, all of which are read; told."""
    try:
        home = checkpoint.base(folder)
        same = checkpoint.digest(home) == look.digest
    except ValueError as error:
        typer.echo(f"CHANGED  {look.digest}  base: {error}")
        return False
    typer.echo(f"{'whole  ' if same else 'CHANGED'}  {look.digest}  base: {home}")
    return same


@app.command()
def remove(
    model: Annotated[str, typer.Argument(help="The folder of a model that was imported.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove a model that was imported."""
    folder = checkpoint.find(model, partial=True)
    if not {"origin", KEY} & checkpoint.card(folder).keys():
        raise ValueError(f"model {model!r} was not imported; remove its folder yourself: {folder}")
    if needed := checkpoint.looks_of(folder):
        raise ValueError(f"model {model!r} has looks that need it; remove these first: {', '.join(map(str, needed))}")
    about = _about(folder)
    if not yes:
        typer.confirm(f"remove {about['name']} ({about['megabytes']:.1f} MB, {folder})?", abort=True)
    known = {checkpoint.WEIGHTS, checkpoint.HASHES, *checkpoint.hashes(folder)} - {checkpoint.CONFIG}
    for file in (folder / name for name in known if ".." not in Path(name).parts and not Path(name).is_absolute()):
        file.unlink(missing_ok=True)
        if file.parent != folder and file.parent.is_dir() and not any(file.parent.iterdir()):
            file.parent.rmdir()
    (folder / checkpoint.CONFIG).unlink()  # last: until then it can be removed again
    if not any(folder.iterdir()):
        folder.rmdir()
    typer.echo(f"removed {about['name']}")


def _about(folder: Path) -> dict[str, Any]:
    about = checkpoint.card(folder)
    sealed, missing = checkpoint.hashes(folder).get(checkpoint.WEIGHTS), _missing(folder)
    return {
        "name": about.get("name", folder.name),
        "folder": str(folder),
        "megabytes": round(sum(file.stat().st_size for file in checkpoint.weights(folder)) / 1e6, 1),
        "digest": sealed[:16] if sealed else "unknown" if missing else checkpoint.digest(folder),
        "licence": checkpoint.licence(folder).get("id", "unknown"),
        "lacks": checkpoint.lacks(about) + missing,
        "card": about.get("card", {}),
        **{name: about[name] for name in ("engine", "family", KEY) if name in about},
    }


def _missing(folder: Path) -> list[str]:
    """The base of a look, where it is not here as the look needs it."""
    look = checkpoint.look(folder)
    try:
        checkpoint.base(folder)
    except ValueError:
        return [] if look is None else [f"base {look.base!r} with the weights {look.digest}"]
    return []


def _line(about: dict[str, Any]) -> str:
    line = f"{about['name']}  {about['megabytes']:.1f} MB  {about['digest']}  licence {about['licence']}"
    if KEY not in about:
        return line
    changes = ", ".join(f"{change['name']} x {change['strength']:g}" for change in about[KEY]["changes"])
    return f"{line}  look of {about[KEY]['base']} ({changes})"


def _use(about: dict[str, Any]) -> str:
    if about["lacks"]:
        return f"cannot make films yet: it has no {' and no '.join(about['lacks'])}"
    sizes = ", ".join(f"{width}x{height}" for width, height in about["card"].get("sizes", []))
    if "family" in about:
        return f"{about['family']}: {', '.join(about['card']['takes'])}; {about['card']['frames']} frames of {sizes}"
    return f"native {sizes}  rung {about['card'].get('rung', '?')}"
