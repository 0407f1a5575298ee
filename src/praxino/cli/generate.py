"""`praxino generate`: a film from words, a picture or a clip."""

import json
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from praxino import checkpoint
from praxino.cli.asked import Asked, asked
from praxino.cli.progress import progress
from praxino.media import picture, read
from praxino.media import sheet as sheets
from praxino.request import Request

app = typer.Typer()
Option = typer.Option


@app.command()
def generate(
    output: Annotated[Path, Option("-o", "--output", help="The film to write, .mp4.", metavar="FILM")],
    prompt: Annotated[str | None, typer.Argument(help="What to show, in English or Chinese.")] = None,
    start: Annotated[
        Path | None, Option(help="Picture or clip that the film continues; a clip comes first in it.")
    ] = None,
    end: Annotated[Path | None, Option(help="Picture that the film ends on.")] = None,
    seconds: Annotated[
        float | None, Option(help="How long; of a clip that is continued, how much is added (default: 4).")
    ] = None,
    size: Annotated[str | None, Option(help="Width and height in pixels (default: 512x288).", metavar="WxH")] = None,
    aspect: Annotated[
        str | None, Option(help="Shape of the picture, such as 16:9, 9:16 or 1:1.", metavar="W:H")
    ] = None,
    resolution: Annotated[str | None, Option(help="Short side: 288p, 540p or 1080p.")] = None,
    fit: Annotated[
        Literal["crop", "pad"] | None, Option(help="How pictures and clips of other shapes fit (default: crop).")
    ] = None,
    fps: Annotated[float | None, Option(help="Frames a second (default: 30).")] = None,
    seed: Annotated[int | None, Option(help="Same seed, same film (default: drawn at random, and told).")] = None,
    negative: Annotated[str | None, Option(help="What not to show.")] = None,
    guidance: Annotated[
        float | None, Option(help="How closely to follow the words, 0 to 20 (default: the model's).")
    ] = None,
    steps: Annotated[int | None, Option(help="Steps of the sampler, 1 to 200 (default: the model's).")] = None,
    shot: Annotated[list[str] | None, Option(help='One shot of several, "SECONDS: WORDS"; repeat it.')] = None,
    storyboard: Annotated[
        Path | None, Option(help='JSON file of shots: [{"seconds": 2, "prompt": "..."}, ...].')
    ] = None,
    model: Annotated[str | None, Option(help="A model that ships, or a model's folder (default: pocket).")] = None,
    base: Annotated[
        Path | None, Option("--from", help="Film whose recipe to use; other options change it.", metavar="FILM")
    ] = None,
    journal: Annotated[
        Path | None, Option(help="Folder that keeps finished parts; an interrupted film goes on from it.")
    ] = None,
    sheet: Annotated[Path | None, Option(help="Contact sheet to write as well, .png.")] = None,
    as_json: Annotated[bool, Option("--json", help="Print the summary as one line of JSON.")] = False,
) -> None:
    """Make a film from words, a picture or a clip."""
    others: dict[str, Any] = {
        "start": None if start is None else str(start),
        "end": None if end is None else str(end),
        "fps": fps,
        "seed": seed,
        "negative": negative or None,
        "guidance": guidance,
        "steps": steps,
        "fit": fit,
        "model": model,
    }
    wanted = asked(
        Asked(
            prompt=prompt,
            seconds=seconds,
            shots=tuple(shot or ()),
            storyboard=storyboard,
            size=size,
            aspect=aspect,
            resolution=resolution,
            base=base,
            others=others,
        )
    )
    check_sources(wanted)
    if sheet is not None:
        check_target(sheet, ".png")
    if journal is not None:
        _check_folder(journal, "journal")
    check_target(output, ".mp4")
    tell(_made(wanted, output, journal=journal, sheet=sheet), as_json=as_json)
    if sheet is not None and not as_json and sys.stdout.isatty():
        typer.echo(sheets.blocks(picture.read(sheet)))


def _made(wanted: Request, output: Path, *, journal: Path | None, sheet: Path | None) -> dict[str, Any]:
    with progress() as report:
        report("opening", 0.0)
        from praxino.generation import film  # torch: a second or two

        return film.make(wanted, output, options=film.Options(journal=journal, sheet=sheet), report=report)


def check_sources(wanted: Request) -> None:
    """Raises ValueError where the model, the start or the end cannot be used; reads headers and a first frame."""
    checkpoint.card(checkpoint.find(wanted.model))
    if wanted.start is not None:
        read.probe(Path(wanted.start))
    if wanted.end is not None and read.probe(Path(wanted.end)).kind != "picture":
        raise ValueError(f"{wanted.end} is a clip; --end takes a picture")


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
    took = sum(summary["timings"].values())
    typer.echo(
        f"{summary['file']}: {summary['frames']} frames of {summary['width']}x{summary['height']} at"
        f" {summary['fps']:g} fps, seed {summary['seed']}, {summary['model']}, in {took:.1f} s"
    )
