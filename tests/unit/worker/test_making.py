"""A worker and a process that behaves badly."""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from praxino.jobs import control, making, queue, turns
from praxino.jobs.making import Owner
from praxino.jobs.queue import Ask
from praxino.jobs.settings import Settings
from praxino.jobs.storage import Storage
from praxino.worker.child import Child
from praxino.worker.making import Making

BEGIN = """
import json, os, pathlib, signal, sys, threading, time
order = json.loads(sys.stdin.readline())
folder = pathlib.Path(order["folder"])
def say(**what): print(json.dumps({"order": order["order"]} | what), flush=True)
def chunk(n):
    (folder / "parts" / f"chunk-{n:05d}.tmp").write_bytes(b"latents" + bytes([n]))
    (folder / "parts" / f"chunk-{n:05d}.tmp").rename(folder / "parts" / f"chunk-{n:05d}.safetensors")
def film():
    for name in ("film.mp4", "thumbnail.webp", "spritesheet.jpg"): (folder / name).write_bytes(b"film")
    say(end={"result": {"frames": 1}})
"""


def made(tmp_path: Path, behaviour: str) -> Making:
    """A job in the making by a process that does what is written."""
    db = turns.opened(Settings(data=tmp_path))
    about = {"model": "pocket", "seconds": 1, "width": 64, "height": 48}
    queue.submit(db, Ask(tenant="ann", work={"verb": "generate"}, about=about))
    name = making.claim(db, "turn")
    assert name is not None
    owner = Owner(job=name, workflow="turn", worker="w")
    job = making.begin(db, owner)
    assert job is not None
    child = Child(device="cpu", command=[sys.executable, "-c", BEGIN + behaviour])
    return Making(db=db, storage=Storage(db.settings), child=child, owner=owner, job=job)


def ended(one: Making) -> tuple[str, int]:
    """The state in which it ends, and how many chunks it had."""
    number = 0
    while "end" not in (outcome := one.chunk(number)):
        number += 1
    one.close(outcome["end"])
    one.child.kill()
    job = queue.get(one.db, "ann", one.owner.job)
    return (job.state if job else "gone"), number


def test_chunks_are_kept_as_they_come_and_the_film_at_the_end(tmp_path: Path):
    one = made(tmp_path, "chunk(0); say(stage='sampling', done=0.5); chunk(1); film()")
    first = one.chunk(0)
    assert first["key"].endswith("parts/chunk-00000.safetensors")
    assert one.storage.has(first["key"])
    assert ended(one) == ("completed", 2)
    assert sorted(name.rpartition("/")[2] for name in one.storage.names(one.owner.job)) == [
        "film.mp4",
        "spritesheet.jpg",
        "thumbnail.webp",
    ]
    assert not one.folder.exists()


def test_a_process_that_dies_is_started_again_and_goes_on(tmp_path: Path):
    one = made(
        tmp_path, "n = len(list((folder / 'parts').glob('*')))\nif n < 3: chunk(n); os.kill(os.getpid(), 9)\nfilm()"
    )
    assert ended(one) == ("completed", 3)


def test_a_job_that_kills_its_process_three_times_is_parked(tmp_path: Path):
    one = made(tmp_path, "os.kill(os.getpid(), 9)")
    assert ended(one) == ("failed", 0)
    job = queue.get(one.db, "ann", one.owner.job)
    assert job is not None
    assert job.error is not None
    assert job.error["code"] == "crashed"
    assert "SIGKILL" in job.error["message"]


@pytest.mark.parametrize("code", ["out_of_memory", "disk_full", "internal_error"])
def test_a_typed_error_ends_the_job_and_is_told(tmp_path: Path, code: str):
    one = made(tmp_path, f"say(end={{'error': {{'code': {code!r}, 'message': 'so'}}}}); time.sleep(9)")
    assert ended(one)[0] == "failed"
    job = queue.get(one.db, "ann", one.owner.job)
    assert job is not None
    assert job.error == {"code": code, "message": "so"}


def test_a_cancelled_job_takes_no_chunk_more_and_a_deaf_process_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("praxino.worker.making.HARD", 0.5)
    one = made(tmp_path, "chunk(0); time.sleep(60)")
    one.chunk(0)
    control.cancel(one.db, one.job)
    begun = time.monotonic()
    assert one.chunk(1) == {"end": {"stopped": "cancel"}}
    assert one.close({"stopped": "cancel"}) == "cancelled"
    assert time.monotonic() - begun < 5


def test_a_paused_job_keeps_what_is_made(tmp_path: Path):
    one = made(
        tmp_path, "chunk(0)\nwant = json.loads(sys.stdin.readline())['want']\nsay(end={'stopped': want})\ntime.sleep(9)"
    )
    one.chunk(0)
    control.pause(one.db, one.job)
    assert one.chunk(1) == {"end": {"stopped": "pause"}}
    one.close({"stopped": "pause"})
    one.child.kill()
    assert queue.get(one.db, "ann", one.owner.job).state == "paused"
    assert one.storage.has(f"{one.owner.job}/parts/chunk-00000.safetensors")


def test_a_job_that_went_to_another_worker_is_let_go_of(tmp_path: Path):
    one = made(tmp_path, "want = json.loads(sys.stdin.readline())['want']\nsay(end={'stopped': want})\ntime.sleep(9)")
    making.begin(one.db, Owner(job=one.owner.job, workflow="turn", worker="another"))
    assert ended(one) == ("in_progress", 0)


def test_a_deleted_job_leaves_nothing(tmp_path: Path):
    one = made(
        tmp_path, "chunk(0)\nwant = json.loads(sys.stdin.readline())['want']\nsay(end={'stopped': want})\ntime.sleep(9)"
    )
    one.chunk(0)
    control.delete(one.db, one.job)
    assert ended(one)[0] == "gone"
    assert not list(one.storage.names(one.owner.job))
    assert not one.folder.exists()


SEVERAL = """
import json, os, pathlib, sys, threading, time
def film(order):
    folder = pathlib.Path(order["folder"])
    time.sleep(1)
    for name in ("film.mp4", "thumbnail.webp", "spritesheet.jpg"): (folder / name).write_bytes(b"film")
    print(json.dumps({"order": order["order"], "end": {"result": {"frames": 1}}}), flush=True)
for line in sys.stdin:
    order = json.loads(line)
    if order.get("want") or order["work"]["verb"] == "deaf":
        continue
    if order["work"]["verb"] == "kill":
        time.sleep(0.3)
        os.kill(os.getpid(), 9)
    threading.Thread(target=film, args=(order,)).start()
"""


def pair_of(tmp_path: Path, *verbs: str) -> list[Making]:
    """Jobs in the making by one process."""
    db = turns.opened(Settings(data=tmp_path, together=2))
    child = Child(device="cpu", command=[sys.executable, "-c", SEVERAL])
    about = {"model": "pocket", "seconds": 1, "width": 64, "height": 48}
    made = []
    for verb in verbs:
        queue.submit(db, Ask(tenant="ann", work={"verb": verb}, about=about))
        owner = Owner(job=str(making.claim(db, verb)), workflow=verb, worker="w")
        job = making.begin(db, owner)
        assert job is not None
        made.append(Making(db=db, storage=Storage(db.settings), child=child, owner=owner, job=job))
    return made


def test_of_two_jobs_the_one_that_kills_their_process_is_parked_and_the_other_made(tmp_path: Path):
    pair = pair_of(tmp_path, "generate", "kill")
    with ThreadPoolExecutor() as pool:
        states = [pool.submit(lambda one=one: one.close(one.chunk(0)["end"])) for one in pair]
        assert [state.result(timeout=60) for state in states] == ["completed", "failed"]
    pair[0].child.kill()
    good, bad = (queue.get(one.db, "ann", one.owner.job) for one in pair)
    assert good is not None
    assert bad is not None
    assert (good.crashes, bad.crashes, bad.error and bad.error["code"]) == (0, 3, "crashed")


def test_a_deaf_process_is_killed_for_one_job_and_its_other_one_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("praxino.worker.making.HARD", 0.3)
    deaf, good = pair_of(tmp_path, "deaf", "generate")
    control.cancel(deaf.db, deaf.job)
    with ThreadPoolExecutor() as pool:
        states = [pool.submit(lambda one=one: one.close(one.chunk(0)["end"])) for one in (deaf, good)]
        assert [state.result(timeout=60) for state in states] == ["cancelled", "completed"]
    good.child.kill()
    job = queue.get(good.db, "ann", good.owner.job)
    assert job is not None
    assert (job.crashes, good.suspect) == (0, False)
