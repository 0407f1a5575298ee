"""`praxino world footage`: raw footage whose truth is known, for the data engine to be measured on."""

import json
import math
import time
from pathlib import Path
from typing import Annotated

import typer

from praxino import geometry
from praxino.cli.progress import progress


def footage(
    into: Annotated[Path, typer.Option(help="Folder to fill, empty or new.")],
    minutes: Annotated[float, typer.Option(help="How long all files are together, about.")] = 2,
    seed: Annotated[int, typer.Option(help="Same seed, same truth.")] = 0,
    size: Annotated[
        str, typer.Option(help="Width and height in pixels; copies have others.", metavar="WxH")
    ] = "512x288",
    workers: Annotated[int, typer.Option(help="Processes; one for each core is best.")] = 2,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as one line of JSON.")] = False,
) -> None:
    """Make difficult raw footage: joined, marked, spoilt, copied and broken, and truth.json that tells all of it."""
    if not (math.isfinite(minutes) and 0.5 <= minutes <= 6000):
        raise ValueError(f"minutes {minutes} must be from 0.5 to 6000; try 2")
    if not 0 <= seed < 2**31:
        raise ValueError(f"seed {seed} must be from 0 to 2**31; try {abs(seed) % 1000}")
    if not 1 <= workers <= 256:
        raise ValueError(f"workers {workers} must be from 1 to 256; try 2")
    width, height = geometry.parse_size(size)
    if not (min(width, height) >= 128 and max(width, height) <= 2048 and width % 2 == height % 2 == 0):
        raise ValueError(f"size {size} must be even, from 128 to 2048 pixels a side; try 512x288")
    if not 0.5 <= width / height <= 2.2:
        raise ValueError(f"size {size} must be between 1:2 and 2.2:1, for panoramas are wider; try 512x288")
    if into.exists() and not into.is_dir():
        raise ValueError(f"into {into} is a file; name a folder")
    from praxino.world.footage import Order
    from praxino.world.footage import footage as made

    begun = time.perf_counter()
    order = Order(minutes=minutes, seed=seed, width=width, height=height, workers=workers)
    with progress() as report:
        files = made(order, into, report=report)["files"]
    frames = sum(one.get("frames", 0) for one in files.values())
    took = round(time.perf_counter() - begun, 3)
    if as_json:
        typer.echo(json.dumps({"files": len(files), "frames": frames, "seconds": took, "into": str(into)}))
    else:
        typer.echo(
            f"{into}: {len(files)} files, {frames} frames in {took:.1f} s; what is true of them is in truth.json"
        )
