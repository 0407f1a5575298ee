"""`praxino work`: a worker of a service, for one device."""

import os
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def work(
    device: Annotated[
        str | None, typer.Option(help="cpu, or the number of a GPU (default: the first there is).")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Folder for what it makes (default: ~/.local/share/praxino).")
    ] = None,
    together: Annotated[
        int | None, typer.Option(min=1, max=16, help="Films to make at once (default: PRAXINO_TOGETHER, or 1).")
    ] = None,
) -> None:
    """Make the films that a service takes on. PRAXINO_DATABASE_URL and PRAXINO_STORAGE_URL say which service."""
    from praxino.generation import low_memory
    from praxino.jobs import settings
    from praxino.media import signing
    from praxino.worker import supervise
    from praxino.worker.work import devices, work

    chosen = device or devices()[0]
    if together is not None:
        os.environ["PRAXINO_TOGETHER"] = str(together)
    wanted = settings.settings(data)
    low_memory.check(together=wanted.together)
    signing.identity()  # what is wrong with it is better told to the operator than to whoever asks for a film
    if os.environ.get("PRAXINO_FOLLOW"):
        supervise.follow()
        work(wanted, device=chosen)
        return
    supervise.forever(chosen, wanted.data)
