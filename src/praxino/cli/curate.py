"""`praxino curate`: from raw footage to a dataset that a model can learn from."""

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from praxino.cli.progress import progress

if TYPE_CHECKING:
    from praxino.curation.curate import Settings

app = typer.Typer()
Option = typer.Option


@app.command()
def curate(
    footage: Annotated[
        list[Path],
        typer.Argument(help="Folders, videos, tar shards, or .txt files of addresses.", metavar="FOLDER..."),
    ],
    into: Annotated[Path, Option(help="Folder of the dataset; what is done there already is kept.", metavar="DATASET")],
    engine: Annotated[
        Literal["local", "ray"], Option(help="Processes of this machine, or Ray Data (extra `cluster`).")
    ] = "local",
    recipe: Annotated[
        Path | None, Option(help="Thresholds: a .py file that sets `recipe`, or a .json file.", metavar="FILE")
    ] = None,
    captioner: Annotated[
        Path | None,
        Option(help="A vision-language model of transformers, to say what kept shots show.", metavar="FOLDER"),
    ] = None,
    device: Annotated[str, Option(help="Where the captioner runs: cpu, cuda or cuda:N.")] = "cpu",
    workers: Annotated[int, Option(help="Processes; one for each core is best.")] = 2,
    watch: Annotated[bool, Option("--watch", help="Stay, and take in new files as they come.")] = False,
    resume: Annotated[bool, Option("--resume", help="Go on where it stopped, only if it was begun.")] = False,
    as_json: Annotated[bool, Option("--json", help="Print the summary as one line of JSON.")] = False,
) -> None:
    """Cut raw footage into shots, tag, filter, deduplicate and caption them, and store what is worth learning from.

    Run it again after an interruption, with more footage or with another recipe: only what is new is done.
    """
    if not 1 <= workers <= 256:
        raise ValueError(f"workers {workers} must be from 1 to 256; try 2")
    if resume and not (into / ".work").is_dir():
        raise ValueError(f"into {into} holds nothing to go on with; leave out --resume")
    from praxino.curation import rules
    from praxino.curation.curate import Settings

    chosen = rules.default() if recipe is None else rules.read(recipe)
    settings = Settings(recipe=chosen, engine=engine, workers=workers)
    if captioner is not None:
        from praxino.curation.vision import Vision

        settings = replace(settings, captioner=Vision(captioner, device=device))
    if watch:
        return _watch(footage, into, settings, as_json=as_json)
    _tell(_made(footage, into, settings), as_json=as_json)
    return None


def _made(footage: list[Path], into: Path, settings: "Settings") -> dict[str, Any]:
    from praxino.curation.curate import curate

    begun = time.perf_counter()
    with progress() as report:
        summary = curate(footage, into, settings=settings, report=report)
    return summary | {"took": round(time.perf_counter() - begun, 2)}


def _watch(footage: list[Path], into: Path, settings: "Settings", *, as_json: bool) -> None:
    """Curate now, and again whenever files have come and have stopped growing."""
    from praxino.curation import ingest

    _tell(_made(footage, into, settings), as_json=as_json)
    known = {source.uri: source.digest for source in ingest.sources(footage)}
    for source in ingest.watch(footage, 2.0):
        if known.get(source.uri) != source.digest:
            known[source.uri] = source.digest
            _tell(_made(footage, into, settings), as_json=as_json)


def _tell(summary: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(summary, ensure_ascii=False))
        return
    for row in summary["survival"]:
        typer.echo(f"{row['stage']:<12} {row['in']:>8}  -{row['dropped']:<8} {row['kept']:>8}")
    if told := summary.get("captions"):
        wrong = sum(told["disproved"].values())
        typer.echo(
            f"captions: {told['seen']} shots seen, {told['unread']} answers unread, {wrong} fields disproved by tags"
        )
    typer.echo(
        f"{summary['into']}: {summary['kept']} of {summary['shots']} shots of {summary['sources']} files kept,"
        f" {summary['seconds_kept']:.0f} of {summary['seconds']:.0f} s, in {summary['took']:.1f} s"
    )
