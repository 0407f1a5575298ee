"""`praxino people`: who may come in, and what they may do."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from praxino.jobs.people import Person
    from praxino.jobs.turns import Database

app = typer.Typer(no_args_is_help=True, help="Let people in, invite them, give them roles.")
Data = Annotated[Path | None, typer.Option(help="The service's folder (default: ~/.local/share/praxino).")]
Whom = Annotated[str, typer.Argument(help="A name, or an id.")]


@app.command("list")
def list_people(
    state: Annotated[
        Literal["waiting", "admitted", "suspended"] | None, typer.Option(help="Only those who are.")
    ] = None,
    data: Data = None,
) -> None:
    """List people, in the order in which they applied."""
    from praxino.jobs import people

    for person in people.every(_opened(data), state=state, limit=1_000_000):
        _say(person)


@app.command()
def admit(
    whom: Annotated[str | None, typer.Argument(help="A name, or an id.")] = None,
    count: Annotated[int, typer.Option(min=0, help="Or so many of those who have waited longest.")] = 0,
    data: Data = None,
) -> None:
    """Let people in."""
    from praxino.jobs import people, people_gate

    if (whom is None) == (count == 0):
        raise ValueError("say who is let in, or how many with --count")
    db = _opened(data)
    if whom is None:
        let_in = people_gate.admit(db, count)
    else:
        let_in = [people_gate.admit_one(db, people.looked_up(db, whom).id)]
    for person in let_in:
        _say(person)
    if not let_in:
        typer.echo("nobody waits", err=True)


@app.command()
def gate(
    everybody: Annotated[
        bool | None, typer.Option("--open/--close", help="Let everybody in at once, or let them wait.")
    ] = None,
    per_day: Annotated[float | None, typer.Option(min=0, help="How many are let in a day; 0: none.")] = None,
    invitations: Annotated[int | None, typer.Option(min=0, help="How many people each maker may invite.")] = None,
    inviter_bonus: Annotated[int | None, typer.Option(min=0, help="Credits for a maker, for each who comes.")] = None,
    data: Data = None,
) -> None:
    """Show the gate, or set it."""
    from praxino.jobs import people_gate
    from praxino.jobs.people_gate import Rule

    db = _opened(data)
    rule = Rule(open=everybody, per_day=per_day, invitations=invitations, inviter_bonus=inviter_bonus)
    now = people_gate.gate(db) if rule == Rule() else people_gate.turn(db, rule)
    typer.echo(f"{'open' if now.open else 'closed'}, {now.per_day:g} a day; {people_gate.waiting(db)} wait")
    typer.echo(f"each maker may invite {now.invitations}, for {now.inviter_bonus} credits each")


@app.command()
def invite(
    uses: Annotated[int, typer.Option(min=1, help="How many may come with it.")] = 1,
    days: Annotated[float, typer.Option(min=0.01, max=3660, help="Until it expires.")] = 14,
    bonus: Annotated[int, typer.Option(min=0, help="Credits for each who comes.")] = 0,
    note: Annotated[str, typer.Option(help="For oneself.")] = "",
    data: Data = None,
) -> None:
    """Make a code that lets people in at once. It is shown this once: the service keeps only its digest."""
    from praxino.jobs import people, people_invitations
    from praxino.jobs.people_invitations import Terms

    db = _opened(data)
    terms = Terms(uses=uses, days=days, note=note, bonus=bonus)
    made, code = people_invitations.invite(db, people.who(db, "studio"), terms)
    typer.echo(code)
    typer.echo(f"{made.id}, for {uses}; it is not shown again", err=True)


@app.command()
def role(
    whom: Whom,
    given: Annotated[Literal["maker", "moderator", "operator"], typer.Argument(metavar="ROLE", help="The role.")],
    data: Data = None,
) -> None:
    """Give somebody a role: maker, moderator or operator."""
    from praxino.jobs import people

    db = _opened(data)
    _say(people.give(db, people.looked_up(db, whom).id, given))


@app.command()
def suspend(whom: Whom, data: Data = None) -> None:
    """Let somebody do nothing any more; `admit` takes it back."""
    from praxino.jobs import people

    db = _opened(data)
    _say(people.suspend(db, people.looked_up(db, whom).id))


def _opened(data: Path | None) -> "Database":
    from praxino.jobs import settings, turns

    return turns.opened(settings.settings(data))


def _say(person: "Person") -> None:
    since = datetime.fromtimestamp(person.applied_at, UTC).isoformat(" ", "minutes")
    typer.echo(f"{person.id}  {person.state:9}  {person.role:9}  {since}  {person.name}")
