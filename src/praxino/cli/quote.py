"""`praxino quote`: what a film will cost, before it is made."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from praxino.cli import options
from praxino.cli.progress import progress

app = typer.Typer()


@app.command()
def quote(
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
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Not written.", metavar="FILM")] = None,
    journal: Annotated[Path | None, typer.Option(help="Not written.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON.")] = False,
) -> None:
    """Say what a film will cost here: time, memory, disk, tokens. The first time, a second of it is made to see."""
    wanted = options.wanted(locals())
    with progress() as report:
        report("opening", 0.0)
        from praxino.generation.quote import quote as quoted

        cost = quoted(wanted, report=report)
    if as_json:
        typer.echo(json.dumps(asdict(cost)))
        return
    typer.echo(f"{_spell(cost.seconds_p50)}, in nine of ten runs at most {_spell(cost.seconds_p90)}")
    typer.echo(f"{cost.peak_rss_bytes / 2**30:.2f} GiB of memory, {cost.disk_bytes / 2**20:.0f} MiB of disk")
    made, per_minute = cost.native, cost.tokens * 60 / wanted.seconds
    typer.echo(f"{cost.tokens:,} tokens, {per_minute:,.0f} a minute, made at {made[0]}x{made[1]}")


def _spell(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.1f} min"
