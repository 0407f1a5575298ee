"""`praxino serve`: films over HTTP."""

import os
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for the whole network.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 8000,
    data: Annotated[Path | None, typer.Option(help="Folder of the service (default: ~/.local/share/praxino).")] = None,
    workers: Annotated[
        int | None, typer.Option(min=0, help="Workers to run here (default: one a device; none with PostgreSQL).")
    ] = None,
    together: Annotated[
        int | None,
        typer.Option(min=1, max=16, help="Films that a device makes at once (default: PRAXINO_TOGETHER, or 1)."),
    ] = None,
    accounts: Annotated[bool, typer.Option("--accounts", help="Let people apply, and log in.")] = False,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
) -> None:
    """Serve films over HTTP, in the dialect of OpenAI's video API; /docs on it shows all."""
    import uvicorn

    from praxino.generation import low_memory
    from praxino.jobs import keys, presence, settings, turns
    from praxino.media import signing
    from praxino.server import logs, traces
    from praxino.server.app import create_app
    from praxino.worker.supervise import Supervised
    from praxino.worker.work import devices

    if log_level.lower() not in {"debug", "info", "warning", "error"}:
        raise ValueError(f"log level {log_level!r} must be debug, info, warning or error")
    if accounts:
        os.environ["PRAXINO_ACCOUNTS"] = "1"  # for the workers too
    if together is not None:
        os.environ["PRAXINO_TOGETHER"] = str(together)  # as well
    wanted = settings.settings(data)
    # PRAXINO_LOW_MEMORY is for the workers; what is wrong with it is said here.
    low_memory.check(together=wanted.together)
    signing.identity()  # what is wrong with it is better told to the operator than to whoever asks for a film
    db = turns.opened(wanted)
    found = devices()
    count = (len(found) if wanted.database is None else 0) if workers is None else workers
    if count > len(found):
        raise ValueError(f"{count} workers are too many; there are {len(found)} devices ({', '.join(found)})")
    with presence.present(db, f"server:{wanted.data.absolute()}"):
        if not keys.every(db):
            key = keys.create(db, "studio")
            typer.echo(f"the first API key, shown this once: {key}\nthe studio: http://{host}:{port}/studio#key={key}")
        logs.install(level=log_level)
        traces.install()
        staff = [Supervised(device=device, data=wanted.data) for device in found[:count]]
        for worker in staff:
            worker.start()
        try:
            uvicorn.run(
                create_app(wanted, db=db),
                host=host,
                port=port,
                log_config=None,
                timeout_graceful_shutdown=5,
                access_log=False,
            )
        finally:
            for worker in staff:
                worker.stop()
