"""`praxino generate`: a film from words, a picture or a clip."""

import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from praxino.cli import options
from praxino.cli.devices import Spread
from praxino.cli.progress import progress
from praxino.media import picture
from praxino.media import sheet as sheets
from praxino.request import Request

if TYPE_CHECKING:
    from praxino.generation.ranks import Opened

app = typer.Typer()


@app.command()
def generate(
    output: options.Output,
    prompt: options.Prompt = None,
    start: options.Start = None,
    end: options.End = None,
    seconds: options.Seconds = None,
    size: options.Size = None,
    aspect: options.Aspect = None,
    resolution: options.Resolution = None,
    fit: options.Fit = None,
    fps: options.Fps = None,
    seed: options.Seed = None,
    negative: options.Negative = None,
    guidance: options.Guidance = None,
    steps: options.Steps = None,
    best_of: options.BestOf = None,
    shot: options.Shots = None,
    storyboard: options.Storyboard = None,
    model: options.Model = None,
    base: options.Base = None,
    journal: options.Journal = None,
    sheet: options.Sheet = None,
    draft: options.Draft = False,
    visible_label: options.Label = False,
    devices: options.Devices = None,
    decode_apart: options.Apart = False,
    low_memory: options.Frugal = None,
    as_json: options.AsJson = False,
) -> None:
    """Make a film from words, a picture or a clip."""
    spread = Spread(devices=devices, apart=decode_apart, journal=journal, low_memory=low_memory)
    if spread.follows:
        spread.follow()
    wanted = options.wanted(locals())
    if sheet is not None:
        check_target(sheet, ".png")
    check_target(output, ".mp4")
    if draft and journal is None:
        journal = output.with_suffix(".parts")
    if journal is not None:
        _check_folder(journal, "journal")
    about: dict[str, Any] = {"journal": journal, "sheet": sheet, "draft": draft}
    tell(spread.made(lambda opened: _made(wanted, output, opened, about)), as_json=as_json)
    if sheet is not None and not as_json and sys.stdout.isatty():
        typer.echo(sheets.blocks(picture.read(sheet)))
    spread.end()


def _made(wanted: Request, output: Path, opened: "Opened | None", about: dict[str, Any]) -> dict[str, Any]:
    with progress() as report:
        report("opening", 0.0)
        from praxino.generation import film  # torch: a second or two

        options = film.Options(**about) if opened is None else film.Options(**about, opened=opened)
        return film.make(wanted, output, options=options, report=report)


def check_target(path: Path, ending: str) -> None:
    """Raises ValueError where the file could not be written; makes its folder."""
    if path.suffix.lower() != ending:
        raise ValueError(f"{path} must end in {ending}; try {path.name.split('.')[0] or 'film'}{ending}")
    if path.is_dir():
        raise ValueError(f"{path} is a folder; name a file in it")
    _check_folder(path.parent, "folder")


def _check_folder(folder: Path, name: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ValueError(f"{name} {folder} cannot be written to ({error.strerror}); choose another") from None


def tell(summary: dict[str, Any], *, as_json: bool) -> None:
    """Say what was made, and what its makers should know."""
    for warning in summary["warnings"]:
        typer.echo(f"warning: {warning}", err=True)
    if as_json:
        typer.echo(json.dumps(summary, ensure_ascii=False, allow_nan=False))
        return
    took = summary["timings"]["total"]
    typer.echo(
        f"{summary['file']}: {summary['frames']} frames of {summary['width']}x{summary['height']} at"
        f" {summary['fps']:g} fps, seed {summary['seed']}, {summary['model']}, in {took:.1f} s"
    )
