"""The queue on a real database: order, fairness, keys that repeat, limits, and what people do to jobs."""

import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.purses import begun

from praxino.jobs import control, log, making, queue, sweep, turns
from praxino.jobs.database import jobs
from praxino.jobs.job import Job
from praxino.jobs.making import Owner
from praxino.jobs.queue import Ask, FullError, OtherBodyError
from praxino.jobs.settings import Settings
from praxino.jobs.storage import Storage
from praxino.jobs.turns import Database

ABOUT = {"model": "pocket", "seconds": 1, "width": 64, "height": 48}


@pytest.fixture
def db(tmp_path: Path) -> Database:
    return turns.opened(Settings(data=tmp_path, tenant_queued=20, queued=30))


def ask(db: Database, tenant: str = "ann", **more) -> Job:
    return queue.submit(db, Ask(tenant=tenant, work={"verb": "generate"}, about=ABOUT, **more))


def order(db: Database) -> list[str]:
    """The ids of all jobs, as workers take them."""
    taken = []
    while (name := making.claim(db, f"turn-{len(taken)}")) is not None:
        taken.append(name)
    return taken


def kinds(db: Database, job: str) -> list[str]:
    return [entry.kind for entry in log.after(db.engine, job)]


def test_jobs_of_one_tenant_are_made_in_the_order_in_which_they_came(db: Database):
    asked = [ask(db).id for _ in range(5)]
    assert order(db) == asked


def test_who_comes_later_with_one_job_does_not_wait_for_all_of_anothers(db: Database):
    many = [ask(db, "ann").id for _ in range(8)]
    one = ask(db, "bob").id
    assert order(db) == [many[0], one, *many[1:]]


def test_five_jobs_behind_many_are_taken_in_turns(db: Database):
    many = [ask(db, "ann").id for _ in range(10)]
    for k in range(3):
        assert making.claim(db, f"first-{k}") == many[k]
    few = [ask(db, "bob").id for _ in range(3)]
    assert order(db)[:6] == [many[3], few[0], many[4], few[1], many[5], few[2]]


def test_priority_orders_ones_own_jobs_and_nobody_elses(db: Database):
    other = ask(db, "bob").id
    late, urgent = ask(db, priority=7).id, ask(db, priority=0).id
    assert order(db) == [other, urgent, late]


def test_a_waiting_job_can_be_moved(db: Database):
    one, two, three = (ask(db) for _ in range(3))
    control.move(db, three, before=one.id)
    assert queue.wait(db, queue.get(db, "ann", three.id)).position == 1
    control.move(db, one, before=None)
    assert order(db) == [three.id, two.id, one.id]


def test_every_job_that_waits_has_a_turn(db: Database):
    asked = [ask(db) for _ in range(3)]
    assert turns.waiting(db) == 3
    control.pause(db, asked[0])
    control.resume(db, asked[0])
    assert turns.waiting(db) == 4  # one finds nothing to do, and ends
    db.client.delete_workflows([turn.workflow_id for turn in db.client.list_workflows(name="turn")])
    sweep.expire(db, Storage(db.settings))
    assert turns.waiting(db) == 3


def test_the_same_key_and_body_are_the_same_job_and_another_body_is_refused(db: Database):
    one = ask(db, key="k", body="a")
    assert ask(db, key="k", body="a").id == one.id
    with pytest.raises(OtherBodyError):
        ask(db, key="k", body="b")
    assert ask(db, "bob", key="k", body="b").id != one.id
    assert control.delete(db, one)
    assert ask(db, key="k", body="a").id != one.id


def test_a_full_queue_says_when_to_come_again(db: Database):
    for _ in range(20):
        ask(db)
    with pytest.raises(FullError, match="20 jobs of yours") as full:
        ask(db)
    assert full.value.seconds >= 1
    for _ in range(10):
        ask(db, "bob")
    with pytest.raises(FullError, match="30 jobs are waiting"):
        ask(db, "eve")


def test_another_tenants_job_is_none(db: Database):
    mine = ask(db)
    assert queue.get(db, "bob", mine.id) is None
    assert queue.page(db, "bob", after=None, limit=5, newest=True) == ([], False)


def test_a_claim_asked_again_gives_the_same_job(db: Database):
    one, _ = ask(db), ask(db)
    assert making.claim(db, "turn") == making.claim(db, "turn") == one.id
    assert kinds(db, one.id) == ["queued", "started"]


def test_what_waits_changes_at_once_and_what_runs_is_told(db: Database):
    waiting, running = ask(db), ask(db, priority=0)
    owner = begun(db)
    assert owner.job == running.id
    assert control.cancel(db, waiting).state == "cancelled"
    told = control.cancel(db, running)
    assert (told.state, told.wanted) == ("in_progress", "cancel")
    assert making.told(db, owner) == "cancel"
    making.end(db, owner, "cancelled")
    assert queue.get(db, "ann", running.id).state == "cancelled"
    with pytest.raises(control.NotNowError):
        control.cancel(db, running)
    again = control.retry(db, running)
    assert (again.state, again.wanted, again.error) == ("queued", None, None)


def test_a_job_ends_once_and_only_by_its_owner(db: Database):
    job = ask(db)
    owner = begun(db)
    other = Owner(job=job.id, workflow="turn-1", worker="another")
    making.end(db, other, "failed", error={"code": "x", "message": "x"})
    assert queue.get(db, "ann", job.id).state == "in_progress"
    assert making.begin(db, other) is not None  # the turn went to another worker
    assert making.told(db, owner) == "lost"
    making.end(db, owner, "completed", result={})
    making.end(db, other, "completed", result={})
    making.end(db, other, "failed")
    assert kinds(db, job.id) == ["queued", "started", "completed"]


def test_crashes_count_until_a_chunk_is_finished(db: Database):
    ask(db)
    owner = begun(db)
    assert [making.crashed(db, owner, "SIGKILL") for _ in range(2)] == [True, True]
    making.chunk(db, owner, 0)
    making.chunk(db, owner, 0)  # told again, after a restart
    assert [making.crashed(db, owner, "SIGKILL") for _ in range(3)] == [True, True, False]
    assert kinds(db, owner.job).count("chunk") == 1


def test_only_what_has_not_begun_can_be_edited(db: Database):
    job = ask(db)
    edited = control.edit(db, job, work={"verb": "generate", "other": True}, about=ABOUT)
    assert edited.work["other"] is True
    begun(db)
    with pytest.raises(control.NotNowError, match="has begun"):
        control.edit(db, job, work={}, about=ABOUT)


def test_a_deleted_job_that_runs_is_gone_at_once_and_its_media_when_it_has_stopped(db: Database):
    job = ask(db)
    owner = begun(db)
    assert not control.delete(db, job)
    assert queue.get(db, "ann", job.id) is None
    assert making.told(db, owner) == "delete"
    assert making.end(db, owner, "cancelled")
    assert kinds(db, job.id) == []


def test_old_films_go_and_nothing_else_grows(db: Database, tmp_path: Path):
    storage = Storage(db.settings)
    job, kept = ask(db), ask(db)
    owner = begun(db)
    (tmp_path / "film").write_bytes(b"film")
    storage.put(f"{job.id}/film.mp4", tmp_path / "film")
    making.end(db, owner, "completed", result={})
    assert sweep.expire(db, storage) == 0
    with db.engine.begin() as connection:
        connection.execute(jobs.update().where(jobs.c.id == job.id).values(ended_at=time.time() - 40 * 86_400))
    assert sweep.expire(db, storage) == 1
    assert queue.get(db, "ann", job.id) is None
    assert not list(storage.names(job.id))
    assert queue.get(db, "ann", kept.id) is not None


def test_what_is_acknowledged_is_on_disk(db: Database):
    with db.engine.connect() as connection:
        assert connection.execute(sa.text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(sa.text("PRAGMA synchronous")).scalar() == 2  # FULL
