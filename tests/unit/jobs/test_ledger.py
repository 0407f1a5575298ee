"""What films cost people, on SQLite and PostgreSQL: held for, paid, given back; and what the database refuses."""

import threading
import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import exc
from tests.purses import ABOUT, ask, begun, cost, give, has, kinds

from praxino.jobs import control, credits, ledger, making, plans, queue, sweep
from praxino.jobs.credits import Price, QuotaError, ShortError
from praxino.jobs.database import writing
from praxino.jobs.ledger import entries
from praxino.jobs.plans import Plan
from praxino.jobs.storage import Storage
from praxino.jobs.turns import Database


def test_a_film_is_held_for_when_it_is_asked_for_and_paid_when_it_is_there(db: Database, ann: str):
    give(db, ann, 25)
    job = ask(db, ann)
    assert has(db, ann) == (15, 10)
    owner = begun(db)
    making.end(db, owner, "completed", result={})
    making.end(db, owner, "completed", result={})
    assert has(db, ann) == (15, 0)
    assert cost(db, job.id) == (0, 10, 0)
    assert kinds(db, ann) == [("grant", 25), ("hold", 10), ("capture", 10)]


def test_who_stops_a_film_pays_for_the_part_that_is_made(db: Database, ann: str):
    give(db, ann, 25)
    job, owner = ask(db, ann), begun(db)
    making.chunk(db, owner, 0)
    control.stop(db, job)
    making.end(db, owner, "completed", result={"stopped": {"frames": 8, "of": 30}})
    assert cost(db, job.id) == (0, 2, 8)
    assert has(db, ann) == (23, 0)


@pytest.mark.parametrize(
    "how", ["fails", "is cancelled while it runs", "is cancelled", "is deleted", "is deleted late"]
)
def test_what_is_not_made_comes_back(db: Database, ann: str, how: str):
    give(db, ann, 10)
    job = ask(db, ann)
    owner = begun(db) if how in {"fails", "is cancelled while it runs", "is deleted late"} else None
    if owner is None:
        (control.cancel if how == "is cancelled" else control.delete)(db, job)
    else:
        if how == "is deleted late":
            assert not control.delete(db, job)
            assert has(db, ann) == (0, 10)
        making.end(db, owner, "failed" if how == "fails" else "cancelled", error={"code": "x", "message": "y"})
    assert has(db, ann) == (10, 0)
    assert cost(db, job.id) == (0, 0, 10)


def test_a_job_that_pauses_moves_crashes_and_goes_on_has_one_hold(db: Database, ann: str):
    give(db, ann, 30)
    job, other = ask(db, ann), ask(db, ann)
    control.move(db, other, before=job.id)
    control.move(db, job, before=other.id)
    control.resume(db, control.pause(db, job))
    owner = begun(db)
    assert making.crashed(db, owner, "SIGKILL")
    again = replace(owner, worker="v")
    assert making.begin(db, again) is not None
    making.end(db, owner, "failed")  # it is not that worker's any more
    making.end(db, again, "paused")
    control.resume(db, queue.get(db, ann, job.id))
    assert cost(db, job.id) == (10, 0, 0)
    assert [kind for kind, _ in kinds(db, ann)] == ["grant", "hold", "hold"]


def test_a_retry_is_held_for_anew_and_refused_where_there_is_too_little(db: Database, ann: str):
    give(db, ann, 10)
    job = control.cancel(db, ask(db, ann))
    other = ask(db, ann)
    with pytest.raises(ShortError, match="costs 10 credits and you have 0"):
        control.retry(db, job)
    assert queue.get(db, ann, job.id).state == "cancelled"
    control.cancel(db, other)
    assert control.retry(db, job).state == "queued"
    assert cost(db, job.id) == (10, 0, 10)


def test_an_edited_job_has_the_hold_of_what_it_has_become(db: Database, ann: str):
    give(db, ann, 20)
    job = ask(db, ann)
    quote = {"tokens": 7, "seconds_p50": 1.0, "seconds_p90": 2.0}
    with pytest.raises(ShortError):
        control.edit(db, job, work={"x": 1}, about=ABOUT, quote=quote, price=Price(credits=21, chunks=9))
    assert queue.get(db, ann, job.id).work == job.work
    assert has(db, ann) == (10, 10)
    changed = control.edit(db, job, work={"x": 1}, about=ABOUT, quote=quote, price=Price(credits=20, chunks=9))
    assert (changed.quote, has(db, ann)) == (quote, (0, 20))


def test_a_request_that_comes_twice_is_held_for_once(db: Database, ann: str):
    give(db, ann, 20)
    assert ask(db, ann, key="k", body="a").id == ask(db, ann, key="k", body="a").id
    assert has(db, ann) == (10, 10)


def test_who_asks_at_once_with_credits_for_one_gets_one(db: Database, ann: str):
    give(db, ann, 19)
    ready, got = threading.Barrier(8), []

    def one() -> None:
        ready.wait()
        try:
            got.append(ask(db, ann).id)
        except ShortError:
            got.append(None)

    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(name is None for name in got) == [False] + 7 * [True]
    assert has(db, ann) == (9, 10)


def test_writers_without_the_lock_cannot_both_spend(db: Database, ann: str):
    give(db, ann, 10)
    with db.engine.connect() as one, db.engine.connect() as two:
        for connection in (one, two):
            assert ledger.purse(connection, ann).balance == 10
        values = {
            "tenant": ann,
            "number": 2,
            "kind": "hold",
            "amount": 10,
            "balance": 0,
            "held": 10,
            "note": "",
            "at": 0,
        }
        one.execute(entries.insert().values(**values))
        one.commit()
        two.rollback()
        with pytest.raises(exc.IntegrityError):
            two.execute(entries.insert().values(**values))
    assert has(db, ann) == (0, 10)


def test_the_database_refuses_what_a_ledger_must_not_say(db: Database, ann: str):
    give(db, ann, 25)
    making.end(db, (ask(db, ann), begun(db))[1], "completed", result={})
    ask(db, ann)
    line = {"tenant": ann, "number": 5, "note": "", "at": 0.0, "settles": None, "hold": None}
    wrong = [
        {"kind": "hold", "amount": 6, "balance": -1, "held": 16},
        {"kind": "release", "amount": 20, "balance": 25, "held": -10, "hold": 4, "settles": 4},
        {"kind": "release", "amount": 10, "balance": 25, "held": 0, "hold": 2, "settles": 2},  # settled: captured
        {"kind": "capture", "amount": 10, "balance": 5, "held": 0, "hold": 2},  # a second capture
        {"kind": "capture", "amount": 10, "balance": 5, "held": 0},
        {"kind": "release", "amount": 10, "balance": 15, "held": 0, "hold": 9, "settles": 9},  # no such hold
        {"kind": "gift", "amount": 1, "balance": 6, "held": 10},
        {"kind": "grant", "amount": 0, "balance": 5, "held": 10},
        {"kind": "grant", "amount": 1, "balance": 6, "held": 10, "number": 4},
    ]
    for values in wrong:
        with pytest.raises(exc.IntegrityError), db.engine.begin() as connection:
            connection.execute(entries.insert().values(**line | values))
    for change in (entries.update().values(amount=1), entries.delete()):
        with pytest.raises(exc.DBAPIError, match="never changed"), db.engine.begin() as connection:
            connection.execute(change.where(entries.c.tenant == ann))
    assert has(db, ann) == (5, 10)


def test_with_accounts_off_and_for_operators_nothing_is_held(db: Database, ann: str):
    off = Database(engine=db.engine, client=db.client, settings=replace(db.settings, accounts=False))
    for where, tenant in ((off, ann), (db, "studio")):
        job = ask(where, tenant)
        control.retry(where, control.cancel(where, job))
        making.end(where, begun(where), "completed", result={})
        assert kinds(db, tenant) == []


def test_what_ended_while_accounts_were_off_is_settled_when_they_are_on(db: Database, ann: str):
    off = Database(engine=db.engine, client=db.client, settings=replace(db.settings, accounts=False))
    give(db, ann, 100)
    paid, waits, gone, back = (ask(db, ann) for _ in range(4))
    making.end(off, begun(off), "completed", result={})
    control.delete(off, gone)
    control.cancel(off, back)
    assert has(db, ann) == (60, 40)
    sweep.expire(db, Storage(db.settings))
    sweep.expire(db, Storage(db.settings))
    assert has(db, ann) == (80, 10)
    assert [cost(db, job.id) for job in (paid, waits, gone, back)] == [(0, 10, 0), (10, 0, 0), (0, 0, 10), (0, 0, 10)]


def test_a_days_and_a_months_credits_are_counted_by_what_was_asked_for_and_did_not_come_back(
    db: Database, ann: str, monkeypatch: pytest.MonkeyPatch
):
    noon = 1_795_953_600.0  # 2026-11-29 12:00 UTC
    monkeypatch.setattr(time, "time", lambda: noon)
    with writing(db.engine) as connection:
        plans.put(connection, Plan(name="tight", daily=20, monthly=30))
        plans.assign(connection, ann, "tight")
    give(db, ann, 1000)
    control.cancel(db, ask(db, ann))
    ask(db, ann), ask(db, ann)
    with pytest.raises(QuotaError, match="0 of the 20 that plan tight has for a day") as full:
        ask(db, ann)
    assert full.value.seconds == 12 * 3600
    monkeypatch.setattr(time, "time", lambda: noon + 86_400)
    ask(db, ann)
    with pytest.raises(QuotaError, match="0 of the 30 that plan tight has for a month") as full:
        ask(db, ann)
    assert full.value.seconds == 12 * 3600
    monkeypatch.setattr(time, "time", lambda: noon + 2 * 86_400)
    ask(db, ann)
    assert has(db, ann) == (960, 40)


def test_months_end_when_they_do():
    for begin, end in (("2027-12-01", "2028-01-01"), ("2028-02-01", "2028-03-01"), ("2026-11-01", "2026-12-01")):
        first, next_one = (datetime.fromisoformat(date).replace(tzinfo=UTC).timestamp() for date in (begin, end))
        for moment in (first, next_one - 1):
            period = plans.month(moment)
            assert (period.begin, period.end) == (first, next_one)


def test_what_was_given_for_a_time_goes_and_what_was_spent_of_it_stays(
    db: Database, ann: str, monkeypatch: pytest.MonkeyPatch
):
    give(db, ann, 5)
    give(db, ann, 30, days=1)
    making.end(db, (ask(db, ann), begun(db))[1], "completed", result={})
    held = ask(db, ann)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 90_000)
    sweep.expire(db, Storage(db.settings))
    assert has(db, ann) == (5, 10)  # of 30: 10 spent, 10 held
    control.cancel(db, held)
    sweep.expire(db, Storage(db.settings))
    assert has(db, ann) == (5, 0)


def test_a_welcome_is_given_once(db: Database, ann: str):
    for _ in range(2):
        with writing(db.engine) as connection:
            credits.welcome(connection, ann)
    assert has(db, ann) == (plans.FREE.grant_on_admission, 0)
    for amount in (0, -5, credits.MOST + 1):
        with pytest.raises(ValueError, match="must be from 1"):
            give(db, ann, amount)
