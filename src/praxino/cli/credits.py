"""`praxino credits`: what people of a service may spend."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Show credits, give some, and make plans.")
Data = Annotated[Path | None, typer.Option(help="The service's folder (default: ~/.local/share/praxino).")]
Tenant = Annotated[str, typer.Argument(help="The person's id: p_ and sixteen digits.")]
Amount = Annotated[int, typer.Argument(min=1, help="Credits.")]


@app.command()
def show(
    tenant: Tenant,
    data: Data = None,
    limit: Annotated[int, typer.Option(min=0, max=1000, help="Entries of the ledger to show, the newest.")] = 20,
) -> None:
    """Show what somebody has, and what became of the rest."""
    from praxino.jobs import ledger, plans, settings, turns

    with turns.opened(settings.settings(data)).engine.connect() as connection:
        purse, plan = ledger.purse(connection, tenant), plans.of(connection, tenant)
        found, more = ledger.page(connection, tenant, after=None, limit=limit)
    typer.echo(f"{purse.balance} to spend, {purse.held} held, plan {plan.name}")
    for entry in found:
        at = datetime.fromtimestamp(entry.at, UTC).isoformat(" ", "seconds")
        what = f"{entry.kind:8}{entry.amount:8}  leaves {entry.balance} and {entry.held} held"
        typer.echo(f"{entry.number:6}  {at}  {what}  {entry.job or ''}  {entry.note}")
    if more:
        typer.echo("and more; --limit shows them")


@app.command()
def grant(
    tenant: Tenant,
    amount: Amount,
    data: Data = None,
    note: Annotated[str, typer.Option(help="Why; its owner reads it.")] = "given by the operator",
    days: Annotated[
        float | None, typer.Option(min=0, help="Days after which what is left goes (default: never).")
    ] = None,
) -> None:
    """Give somebody credits."""
    from praxino.jobs import credits, settings, turns
    from praxino.jobs.database import writing

    if not credits.charged(tenant):
        raise ValueError(f"{tenant!r} is no person's id, and pays nothing; ids of people begin with {credits.PERSON}")
    with writing(turns.opened(settings.settings(data)).engine) as connection:
        entry = credits.grant(connection, tenant, amount, note, days=days)
    typer.echo(f"{tenant} has {entry.balance} to spend")


@app.command()
def expire(
    tenant: Tenant,
    amount: Amount,
    data: Data = None,
    note: Annotated[str, typer.Option(help="Why; its owner reads it.")] = "taken back by the operator",
) -> None:
    """Take credits back, as far as they are there."""
    from praxino.jobs import credits, ledger, settings, turns
    from praxino.jobs.database import writing

    with writing(turns.opened(settings.settings(data)).engine) as connection:
        credits.expire(connection, tenant, amount, note)
        balance = ledger.purse(connection, tenant).balance
    typer.echo(f"{tenant} has {balance} to spend")


@app.command()
def plan(
    name: Annotated[str, typer.Argument(help="Its name.")],
    data: Data = None,
    daily: Annotated[int | None, typer.Option(min=0, help="Credits a day (default: no limit).")] = None,
    monthly: Annotated[int | None, typer.Option(min=0, help="Credits a month (default: no limit).")] = None,
    given: Annotated[int, typer.Option("--grant", min=0, help="Credits on admission.")] = 0,
) -> None:
    """Make a plan, or change one; everybody without another is on "free"."""
    from praxino.jobs import plans, settings, turns
    from praxino.jobs.database import writing

    with writing(turns.opened(settings.settings(data)).engine) as connection:
        plans.put(connection, plans.Plan(name=name, daily=daily, monthly=monthly, grant_on_admission=given))
        for known in plans.every(connection):
            limits = f"{_spelt(known.daily)} a day, {_spelt(known.monthly)} a month"
            typer.echo(f"{known.name}: {limits}, {known.grant_on_admission} on admission")


@app.command()
def assign(
    tenant: Tenant,
    name: Annotated[str, typer.Argument(help="The plan's name.", metavar="PLAN")],
    data: Data = None,
) -> None:
    """Put somebody on a plan."""
    from praxino.jobs import plans, settings, turns
    from praxino.jobs.database import writing

    with writing(turns.opened(settings.settings(data)).engine) as connection:
        plans.assign(connection, tenant, name)
    typer.echo(f"{tenant} is on plan {name}")


def _spelt(limit: int | None) -> str:
    return "any number" if limit is None else str(limit)
