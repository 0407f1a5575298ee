"""`praxino resume`: a film that was interrupted, from its journal to its end."""

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from praxino.cli import options
from praxino.cli.devices import Spread
from praxino.cli.generate import check_target, tell
from praxino.cli.progress import progress

if TYPE_CHECKING:
    from praxino.generation.ranks import Opened

app = typer.Typer()


@app.command()
def resume(
    journal: Annotated[Path, typer.Argument(help="Folder that `praxino generate --journal` kept.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The film (default: where it was to go).", metavar="FILM")
    ] = None,
    devices: options.Devices = None,
    decode_apart: options.Apart = False,
    low_memory: options.Frugal = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as one line of JSON.")] = False,
) -> None:
    """Finish an interrupted film; its frames are those of an unbroken run, bit for bit."""
    journal = journal.absolute()
    spread = Spread(devices=devices, apart=decode_apart, journal=journal, low_memory=low_memory)
    if spread.follows:
        spread.follow()
    tell(spread.made(lambda opened: _made(journal, output, opened)), as_json=as_json)
    spread.end()


def _made(journal: Path, output: Path | None, opened: "Opened | None") -> dict[str, Any]:
    with progress() as report:
        report("opening", 0.0)
        from praxino.generation import film  # torch: a second or two
        from praxino.generation.journal import asked

        wanted, place = asked(journal)
        output = Path(place.output) if output is None else output.absolute()
        check_target(output, ".mp4")
        about: dict[str, Any] = {"journal": journal, "sheet": None if place.sheet is None else Path(place.sheet)}
        options = film.Options(**about) if opened is None else film.Options(**about, opened=opened)
        if not Path(place.folder).is_dir():
            raise ValueError(f"{place.folder}, where the film was asked for, is gone; make the film anew")
        with contextlib.chdir(place.folder):
            return film.make(wanted, output, options=options, report=report)
