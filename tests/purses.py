"""Credits on a real database, for tests: what people have, ask for and pay."""

import itertools

from praxino.jobs import credits, ledger, making, queue
from praxino.jobs.credits import Price
from praxino.jobs.database import writing
from praxino.jobs.job import Job
from praxino.jobs.making import Owner
from praxino.jobs.queue import Ask
from praxino.jobs.turns import Database

NAMES = (f"p_{number:016x}" for number in itertools.count())
ABOUT = {"model": "pocket", "seconds": 1, "width": 64, "height": 48}
PRICE = Price(credits=10, chunks=4)


def give(db: Database, tenant: str, amount: int, **more) -> None:
    with writing(db.engine) as connection:
        credits.grant(connection, tenant, amount, "a present", **more)


def ask(db: Database, tenant: str, price: Price | None = PRICE, **more) -> Job:
    return queue.submit(db, Ask(tenant=tenant, work={"verb": "generate"}, about=ABOUT, price=price, **more))


def begun(db: Database, workflow: str = "turn-1") -> Owner:
    """The next job, claimed and begun."""
    name = making.claim(db, workflow)
    assert name is not None
    owner = Owner(job=name, workflow=workflow, worker="w")
    assert making.begin(db, owner) is not None
    return owner


def has(db: Database, tenant: str) -> tuple[int, int]:
    with db.engine.connect() as connection:
        purse = ledger.purse(connection, tenant)
    return purse.balance, purse.held


def cost(db: Database, job: str) -> tuple[int, int, int]:
    with db.engine.connect() as connection:
        found = ledger.cost(connection, job)
    return found["held"], found["captured"], found["released"]


def kinds(db: Database, tenant: str) -> list[tuple[str, int]]:
    with db.engine.connect() as connection:
        found, _ = ledger.page(connection, tenant, after=None, limit=1000)
    return [(entry.kind, entry.amount) for entry in reversed(found)]
