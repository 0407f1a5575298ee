"""`praxino world`: films of the synthetic world that models learn from."""

import json
import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from praxino import geometry
from praxino.cli.footage import footage
from praxino.cli.progress import progress

if TYPE_CHECKING:
    from praxino.world.store import Order

app = typer.Typer(no_args_is_help=True)
Option = typer.Option
Size = Annotated[str, Option(help="Width and height in pixels.", metavar="WxH")]
Seconds = Annotated[float, Option(help="How long each film is.")]
Rate = Annotated[float, Option(help="Frames a second.")]
Rung = Annotated[Literal["one", "all"], Option(help="How much of the world: one thing, or all of it.")]


@app.callback()
def world() -> None:
    """Render the synthetic world that models learn from."""


app.command()(footage)


@app.command()
def render(
    count: Annotated[int, Option(help="How many films.")],
    into: Annotated[Path, Option(help="Folder to fill; what is there already is kept.")],
    seed: Annotated[int, Option(help="Seed of the first film; the next ones count on.")] = 0,
    seconds: Seconds = 4,
    size: Size = "512x288",
    fps: Rate = 30,
    form: Annotated[
        Literal["shards", "mp4"], Option("--as", help="WebDataset shards, or files beside each other.")
    ] = "mp4",
    rung: Rung = "all",
    masks: Annotated[bool, Option("--masks", help="Write which thing each pixel shows as well.")] = False,
    workers: Annotated[int, Option(help="Processes; one for each core is best.")] = 2,
    as_json: Annotated[bool, Option("--json", help="Print the summary as one line of JSON.")] = False,
) -> None:
    """Render films with their captions and everything that is true of them."""
    if not 1 <= count <= 10_000_000:
        raise ValueError(f"count {count} must be from 1 to 10000000; try 100")
    if not 1 <= workers <= 256:
        raise ValueError(f"workers {workers} must be from 1 to 256; try 2")
    if into.exists() and not into.is_dir():
        raise ValueError(f"into {into} is a file; name a folder")
    order = _order(seed, seconds, size, fps, rung)
    from dataclasses import replace

    from praxino.world.store import store

    begun = time.perf_counter()
    with progress() as report:
        order = replace(order, form=form, masks=masks)
        fresh = store(order, into, count=count, workers=workers, report=lambda done: report("rendering", done))
    took = time.perf_counter() - begun
    frames = fresh * order.frames
    if as_json:
        rate = round(frames / took, 2)
        summary = {"count": count, "new": fresh, "frames": frames, "seconds": round(took, 3)}
        typer.echo(json.dumps(summary | {"frames_per_second": rate, "into": str(into)}))
    else:
        typer.echo(f"{into}: {count} films, {fresh} of them new, {frames} frames in {took:.1f} s")


@app.command()
def show(
    output: Annotated[Path, Option("-o", "--output", help="The film to write, .mp4.", metavar="FILM")],
    seed: Annotated[int, Option(help="Which film.")] = 0,
    seconds: Seconds = 4,
    size: Size = "512x288",
    fps: Rate = 30,
    rung: Rung = "all",
    sheet: Annotated[Path | None, Option(help="Contact sheet to write as well, .png.")] = None,
) -> None:
    """Render one film to look at, and print its captions."""
    for path, ending in ((output, ".mp4"), (sheet, ".png")):
        if path is not None and (path.suffix.lower() != ending or not path.parent.is_dir()):
            raise ValueError(f"{path} must be a {ending} in a folder that exists; try {path.stem or 'world'}{ending}")
    order = _order(seed, seconds, size, fps, rung)
    from praxino.media import sheet as sheets
    from praxino.media.write import Writer
    from praxino.world.film import film

    with progress() as report:
        report("rendering", 0.0)
        made = film(
            seed, rung=rung, width=order.width, height=order.height, frames=order.frames, fps=fps
        )  # fmt: skip
        report("rendering", 1.0)
    with Writer(output, width=order.width, height=order.height, fps=fps) as out:
        for frame in made.frames:
            out.write(frame)
    if sheet is not None:
        sheets.save(sheets.sheet(made.frames), sheet)
    for caption in made.captions.values():
        typer.echo(caption)


def _order(seed: int, seconds: float, size: str, fps: float, rung: str) -> "Order":
    """Raises ValueError naming the value and the remedy."""
    if not 0 <= seed < 2**62:
        raise ValueError(f"seed {seed} must be from 0 to 2**62; try {abs(seed) % 1000}")
    if not (math.isfinite(seconds) and 0.1 <= seconds <= 120):
        raise ValueError(f"seconds {seconds} must be from 0.1 to 120; try 4")
    if not (math.isfinite(fps) and 1 <= fps <= 120):
        raise ValueError(f"fps {fps} must be from 1 to 120; try 30")
    width, height = geometry.parse_size(size)
    if not (min(width, height) >= 64 and max(width, height) <= 4096 and width % 2 == height % 2 == 0):
        raise ValueError(f"size {size} must be even, from 64 to 4096 pixels a side; try 512x288")
    if max(width, height) > geometry.MAX_ASPECT * min(width, height):
        raise ValueError(f"size {size} is longer than {geometry.MAX_ASPECT:g}:1; try 512x288")
    from praxino.world.store import Order

    return Order(seed=seed, seconds=seconds, width=width, height=height, fps=fps, rung=rung)
