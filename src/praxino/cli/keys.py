"""`praxino keys`: who may use the service."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Make API keys, list them, take them back.")
Data = Annotated[Path | None, typer.Option(help="The service's folder (default: ~/.local/share/praxino).")]


@app.command()
def create(
    name: Annotated[str, typer.Option(help="Of the tenant whose key it is; several keys may share one.")],
    data: Data = None,
) -> None:
    """Make a key. It is shown this once: the service keeps only its digest."""
    from praxino.jobs import keys, settings, turns

    key = keys.create(turns.opened(settings.settings(data)), name)
    typer.echo(key)
    typer.echo(f"a key for {name}; keep it, it is not shown again", err=True)


@app.command("list")
def list_keys(data: Data = None) -> None:
    """List keys, without what only their owners know."""
    from praxino.jobs import keys, settings, turns

    for key in keys.every(turns.opened(settings.settings(data))):
        made = datetime.fromtimestamp(key.created_at, UTC).isoformat(" ", "minutes")
        typer.echo(f"{key.id}  {key.tenant}  {made}{'  revoked' if key.revoked_at else ''}")


@app.command()
def revoke(
    key: Annotated[str, typer.Argument(help="Its id: the eight digits after px_.")],
    data: Data = None,
) -> None:
    """Take a key back; from now on it opens nothing."""
    from praxino.jobs import keys, settings, turns

    keys.revoke(turns.opened(settings.settings(data)), key)
    typer.echo(f"{key} is revoked")
