"""`praxino finish`: a draft becomes the film."""

from pathlib import Path
from typing import Annotated

import typer

from praxino.cli import options
from praxino.cli.asked import Asked, asked
from praxino.cli.generate import check_target, tell
from praxino.cli.progress import progress
from praxino.media import labels

app = typer.Typer()


@app.command()
def finish(
    film: Annotated[Path, typer.Argument(help="A film that `praxino generate --draft` made.")],
    output: options.Output,
    as_json: options.AsJson = False,
) -> None:
    """Show the very film of a draft at full size; nothing is drawn anew."""
    wanted = asked(Asked(base=film, others={}))
    options.check_sources(wanted)
    check_target(output, ".mp4")
    recipe = labels.read_recipe(film) or {}
    drafted = recipe.get("draft")
    if drafted is None:
        raise ValueError(f"{film} is no draft; make one with `praxino generate --draft`")
    parts = Path(drafted["parts"])
    if not parts.is_dir():
        raise ValueError(f"{parts}, the parts of {film}, are gone; make it anew with `praxino generate --from {film}`")
    with progress() as report:
        report("opening", 0.0)
        from praxino.generation import film as films  # torch: a second or two

        only = (lambda: True) if "stopped" in recipe else None  # what there is of it
        done = films.make(wanted, output, options=films.Options(journal=parts, enough=only), report=report)
    tell(done, as_json=as_json)
