"""Whatever people and workers do to jobs, and whatever dies on the way, the ledger says what a plain model says."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import hypothesis
import pytest
import sqlalchemy as sa
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import event
from tests.purses import ABOUT, NAMES, cost, give, has

from praxino.jobs import control, ledger, making, plans, queue, sweep
from praxino.jobs.credits import Price, ShortError
from praxino.jobs.database import jobs, writing
from praxino.jobs.job import ENDED, Job
from praxino.jobs.making import Owner
from praxino.jobs.plans import Plan
from praxino.jobs.queue import Ask
from praxino.jobs.turns import Database


class KilledError(Exception):
    """The process died."""


@contextmanager
def dying(engine: sa.Engine, after: int | None) -> Iterator[None]:
    """Die at a statement, as if by SIGKILL: what is not committed is undone."""
    count = itertools.count()

    def die(*_: object) -> None:
        if next(count) == after:
            raise KilledError

    event.listen(engine, "before_cursor_execute", die)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", die)


@dataclass
class Film:
    """A job as the model has it."""

    tenant: str
    price: Price
    state: str = "queued"
    chunks: int = 0
    held: bool = True
    wanted: str | None = None
    owner: Owner | None = None
    begun: bool = False


def some(*states: str) -> Callable[[Callable], Callable]:
    """A rule for when there is a film in one of these states."""
    return precondition(lambda books: any(film.state in states for film in books.films.values()))


class Books(RuleBasedStateMachine):
    """People and workers do what they do, and processes die, against a dictionary."""

    def __init__(self, db: Database) -> None:
        super().__init__()
        self.db = db
        with writing(db.engine) as connection:
            connection.execute(jobs.delete())
            plans.put(connection, Plan(name="free"))
        self.balance = {next(NAMES): 0, next(NAMES): 0}
        self.given = dict(self.balance)
        self.paid = dict(self.balance)
        self.films: dict[str, Film] = {}
        self.workflow = itertools.count()

    def lives(self, action: Callable[[], object], dies: int | None) -> bool:
        """Whether it was done; where the process died on the way, nothing was."""
        try:
            with dying(self.db.engine, dies):
                action()
        except KilledError:
            return False
        return True

    def pick(self, number: int, *states: str) -> tuple[str, Film]:
        """One of the films in these states."""
        found = [(name, film) for name, film in self.films.items() if film.state in states]
        return found[number % len(found)]

    def job(self, name: str) -> Job:
        found = queue.get(self.db, self.films[name].tenant, name)
        assert found is not None
        return found

    def settle(self, film: Film, paid: int) -> None:
        assert film.held
        film.held = False
        self.balance[film.tenant] += film.price.credits - paid
        self.paid[film.tenant] += paid

    dies = st.sampled_from([None] * 12 + list(range(12)))
    which = st.integers(0, 30)
    prices = st.builds(Price, credits=st.integers(1, 12), chunks=st.integers(1, 5))

    @initialize(amount=st.integers(10, 60))
    def begin(self, amount: int) -> None:
        for who in range(2):
            self.grant(who, amount, None)

    @rule(who=st.integers(0, 1), amount=st.integers(1, 20), dies=dies)
    def grant(self, who: int, amount: int, dies: int | None) -> None:
        tenant = list(self.balance)[who]
        if self.lives(lambda: give(self.db, tenant, amount), dies):
            self.balance[tenant] += amount
            self.given[tenant] += amount

    @rule(who=st.integers(0, 1), price=prices, dies=dies)
    def submit(self, who: int, price: Price, dies: int | None) -> None:
        tenant = list(self.balance)[who]
        asked = Ask(tenant=tenant, work={}, about=ABOUT, price=price)
        try:
            lived = self.lives(lambda: queue.submit(self.db, asked), dies)
        except ShortError:
            assert self.balance[tenant] < price.credits
            lived = False
        if lived:
            self.balance[tenant] -= price.credits
            self.films[asked.id] = Film(tenant=tenant, price=price)
        else:
            assert queue.get(self.db, tenant, asked.id) is None

    @some("queued", "paused")
    @rule(number=which, price=prices, dies=dies)
    def edit(self, number: int, price: Price, dies: int | None) -> None:
        found = self.pick(number, "queued", "paused")
        name, film = found
        change = lambda: control.edit(self.db, self.job(name), work={}, about=ABOUT, price=price)  # noqa: E731
        has = self.balance[film.tenant] + film.price.credits
        try:
            if self.lives(change, dies):
                self.balance[film.tenant] = has - price.credits
                film.price = price
        except control.NotNowError:
            assert film.begun
        except ShortError:
            assert has < price.credits

    @some("queued", "paused", "in_progress")
    @rule(number=which, what=st.sampled_from(["cancel", "pause", "delete", "stop"]), dies=dies)
    def tell(self, number: int, what: str, dies: int | None) -> None:
        found = self.pick(number, "queued", "paused", "in_progress")
        name, film = found
        if film.wanted == "delete":
            return  # nobody sees it any more
        if film.state != "in_progress" and what == "stop":
            with pytest.raises(control.NotNowError):
                control.stop(self.db, self.job(name))
            return
        job = self.job(name)
        if not self.lives(lambda: getattr(control, what)(self.db, job), dies):
            return
        if film.state == "in_progress":
            film.wanted = what
        elif what == "pause":
            film.state = "paused"
        else:
            self.settle(film, 0)
            film.state = "cancelled"
            if what == "delete":
                del self.films[name]

    @some("paused")
    @rule(number=which, dies=dies)
    def resume(self, number: int, dies: int | None) -> None:
        found = self.pick(number, "paused")
        if self.lives(lambda: control.resume(self.db, self.job(found[0])), dies):
            found[1].state = "queued"

    @some("failed", "cancelled")
    @rule(number=which, dies=dies)
    def retry(self, number: int, dies: int | None) -> None:
        found = self.pick(number, "failed", "cancelled")
        name, film = found
        try:
            lived = self.lives(lambda: control.retry(self.db, self.job(name)), dies)
        except ShortError:
            assert self.balance[film.tenant] < film.price.credits
            return
        if lived:
            self.balance[film.tenant] -= film.price.credits
            film.held, film.state, film.wanted = True, "queued", None

    @some(*ENDED)
    @rule(number=which, dies=dies)
    def forget(self, number: int, dies: int | None) -> None:
        found = self.pick(number, *ENDED)
        if self.lives(lambda: control.delete(self.db, self.job(found[0])), dies):
            del self.films[found[0]]

    @some("queued")
    @rule(dies=dies)
    def claim(self, dies: int | None) -> None:
        workflow = f"turn-{next(self.workflow)}"
        self.lives(lambda: making.claim(self.db, workflow), dies)
        name = making.claim(self.db, workflow)  # DBOS asks again after a crash
        assert name is not None
        owner = Owner(job=name, workflow=workflow, worker="w0")
        assert making.begin(self.db, owner) is not None
        film = self.films[name]
        film.state, film.owner, film.wanted, film.begun = "in_progress", owner, None, True

    @some("in_progress")
    @rule(number=which, dies=dies)
    def chunk(self, number: int, dies: int | None) -> None:
        found = self.pick(number, "in_progress")
        if found[1].chunks >= found[1].price.chunks:
            return
        film = found[1]
        assert film.owner is not None
        if self.lives(lambda: making.chunk(self.db, film.owner, film.chunks), dies):
            film.chunks += 1

    @some("in_progress")
    @rule(number=which)
    def worker_dies(self, number: int) -> None:
        found = self.pick(number, "in_progress")
        film = found[1]
        assert film.owner is not None
        old, film.owner = film.owner, replace(film.owner, worker=f"{film.owner.worker}'")
        assert making.begin(self.db, film.owner) is not None
        making.end(self.db, old, "completed", result={})  # from the dead

    @some("in_progress")
    @rule(
        number=which,
        how=st.sampled_from(["completed", "failed"]),
        told=st.sampled_from([None, None, "cancel", "pause", "delete", "stop"]),
        twice=st.booleans(),
        dies=dies,
    )
    def end(self, number: int, how: str, told: str | None, twice: bool, dies: int | None) -> None:
        name, film = self.pick(number, "in_progress")
        if told is not None and film.wanted is None:
            getattr(control, told)(self.db, self.job(name))
            film.wanted = told
        state = {"cancel": "cancelled", "delete": "cancelled", "pause": "paused"}.get(film.wanted or "", how)
        result = {"stopped": {"frames": 1}} if film.wanted == "stop" else {}
        finish = lambda: making.end(self.db, film.owner, state, result=result)  # noqa: E731
        if not self.lives(finish, dies):
            return
        if twice:
            assert not finish()
        if film.wanted == "delete":
            self.settle(film, 0)
            del self.films[name]
            return
        film.state = state
        if state == "completed":
            whole, part = film.price.credits, film.price.credits * min(film.chunks, film.price.chunks)
            self.settle(film, max(1, part // film.price.chunks) if film.wanted == "stop" else whole)
        elif state != "paused":
            self.settle(film, 0)
        film.wanted = None

    @some("in_progress")
    @rule(number=which, dies=dies)
    def stop_and_keep(self, number: int, dies: int | None) -> None:
        self.chunk(number, None)
        self.end(number, "completed", "stop", twice=False, dies=dies)

    @rule()
    def sweep(self) -> None:
        sweep._settle(self.db)

    @invariant()
    def the_books_are_right(self) -> None:
        for tenant, balance in self.balance.items():
            mine = [film for film in self.films.values() if film.tenant == tenant]
            held = sum(film.price.credits for film in mine if film.held)
            assert has(self.db, tenant) == (balance, held)
            assert balance >= 0
            assert self.given[tenant] == balance + held + self.paid[tenant]
            self._check_lines(tenant)
        for name, film in self.films.items():
            assert cost(self.db, name)[0] == film.held * film.price.credits

    def _check_lines(self, tenant: str) -> None:
        with self.db.engine.connect() as connection:
            lines = list(reversed(ledger.page(connection, tenant, after=None, limit=10_000)[0]))
        balance = held = 0
        settled: dict[int, int] = {}
        for number, line in enumerate(lines, 1):
            balance += ledger.KINDS[line.kind][0] * line.amount
            held += ledger.KINDS[line.kind][1] * line.amount
            assert (line.number, line.balance, line.held) == (number, balance, held)
            if line.hold is not None:
                settled[line.hold] = settled.get(line.hold, 0) + line.amount
        for hold, amount in settled.items():
            assert lines[hold - 1].amount == amount

    def teardown(self) -> None:
        with writing(self.db.engine) as connection:
            connection.execute(plans.plans.delete())


@pytest.mark.slow
def test_the_books_are_right_whatever_happens(db: Database):
    short = db.engine.dialect.name != "sqlite"
    run_state_machine_as_test(
        lambda: Books(db),
        settings=hypothesis.settings(
            max_examples=8 if short else 30,
            stateful_step_count=50,
            deadline=None,
            database=None,
            suppress_health_check=list(hypothesis.HealthCheck),
        ),
    )
