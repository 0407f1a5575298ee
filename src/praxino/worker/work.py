"""`praxino work`: take turns, make the jobs whose turn it is, until told to stop."""

import contextlib
import logging
import os
import platform
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from dbos import DBOS

from praxino import checkpoint
from praxino.generation import speed
from praxino.jobs import letters, making, presence, sweep, turns
from praxino.jobs.making import Owner
from praxino.jobs.settings import Settings
from praxino.jobs.storage import Storage
from praxino.jobs.turns import LETTER, POLL, QUEUES, TURN, Database
from praxino.jobs.webhooks import Undelivered
from praxino.request import Request, Shot, to_json
from praxino.worker.child import Child
from praxino.worker.making import Making, patiently

ROUND = 2.0
"""Seconds between looks after the service."""
GRACE = 20.0
"""Seconds that a chunk in hand has when the worker is told to stop."""
FAILED = 70
"""Exit code of a worker that begins anew: whoever supervises it starts it again, and it goes on where it was."""
logger = logging.getLogger("praxino.worker")


def devices() -> list[str]:
    """What films are made on here: the numbers of the GPUs, or "cpu"."""
    found = sorted(path.name[6:] for path in Path("/dev").glob("nvidia[0-9]*"))
    return found or ["cpu"]


def work(settings: Settings, *, device: str) -> None:
    """Work until SIGTERM. Raises ValueError where another worker has the device, or the database cannot be used."""
    db, storage = turns.opened(settings), Storage(settings)
    worker = Worker(db=db, storage=storage, name=f"{platform.node()}:{device}", child=Child(device=device))
    with presence.present(db, worker.name) as keep:
        worker.child.start()  # it loads while we do
        _calibrate(worker)
        DBOS(config=turns.config(db, worker.name))
        _register(worker)
        DBOS.launch()
        DBOS.register_queue(QUEUES[TURN], worker_concurrency=settings.together, polling_interval_sec=POLL)
        DBOS.register_queue(QUEUES[LETTER], worker_concurrency=8, polling_interval_sec=1.0)
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, worker.stop)
        worker.watch(keep)


@dataclass(kw_only=True)
class Worker:
    """One device's worker."""

    db: Database
    storage: Storage
    name: str
    child: Child
    stopping: threading.Event = field(default_factory=threading.Event)
    busy: set[str] = field(default_factory=set[str])  # turns that make something, and do not wait for the end
    device: threading.Semaphore = field(init=False)  # how many films more it has room for

    def __post_init__(self) -> None:
        self.device = threading.Semaphore(self.db.settings.together)

    def turn(self) -> str:
        """The workflow: one job, from where it is to its end or to a pause."""
        try:
            # Turns that DBOS brings back after a crash may come beside new ones; the device has room for so many.
            with self.device:
                workflow = DBOS.workflow_id
                assert workflow is not None
                self.busy.add(workflow)
                try:
                    return self._turn(workflow)
                finally:
                    self.busy.discard(workflow)
        except Exception:
            logger.exception("turn failed")
            logging.shutdown()
            os._exit(FAILED)

    def _turn(self, workflow: str) -> str:
        name: str | None = DBOS.run_step({"name": "claim"}, patiently, lambda: making.claim(self.db, workflow))
        if name is None:
            return "nothing to do"
        owner, job = Owner(job=name, workflow=workflow, worker=self.name), None
        job = patiently(lambda: making.begin(self.db, owner))
        if job is None:
            return "not to be made any more"
        made = Making(db=self.db, storage=self.storage, child=self.child, owner=owner, job=job)
        if job.starts > making.STARTS:
            message = f"its workers died {making.STARTS} times without finishing anything; it is not tried again"
            made.end = {"error": {"code": "crashed", "message": message}}
        number, end = 0, None
        while end is None:
            outcome: dict[str, Any] = DBOS.run_step({"name": "chunk"}, self._chunk, made, number)
            number, end = number + 1, outcome.get("end")
        state: str = DBOS.run_step({"name": "close"}, made.close, end)
        if state in {"completed", "failed", "cancelled"}:
            self._tell(name, f"video.{state}")
        return state

    def _chunk(self, made: Making, number: int) -> dict[str, Any]:
        if self.stopping.is_set():
            self.busy.discard(made.owner.workflow)
            threading.Event().wait()  # the process ends, and the next one goes on here
        return made.chunk(number)

    def _tell(self, job: str, kind: str) -> None:
        at = int(time.time())
        told: list[Any] = DBOS.run_step({"name": "readers"}, lambda: [letters.readers(self.db, job, kind), at])
        for endpoint in told[0]:
            DBOS.enqueue_workflow_with_options(turns.options(LETTER), endpoint, kind, job, told[1])

    def letter(self, endpoint: str, kind: str, job: str, at: int) -> str:
        """The workflow: tell an endpoint, again and again for hours if need be."""
        options = {"name": "send", "retries_allowed": True, "max_attempts": 8, "interval_seconds": 5, "backoff_rate": 4}
        try:
            return DBOS.run_step(options, letters.send, self.db, endpoint, kind, job, at)  # type: ignore[arg-type]
        except Undelivered as error:
            return str(error)

    def watch(self, keep: Callable[[], None]) -> None:
        """Look after the service until it is time to stop."""
        expired, absent = 0.0, dict[str, float]()
        while not self.stopping.wait(ROUND):
            try:
                keep()
                making.seen(self.db, self.name, self.child.device)
                sweep.sweep(self.db, absent)
                if time.monotonic() - expired > 60:
                    expired = time.monotonic()
                    sweep.expire(self.db, self.storage)
            except Exception:  # noqa: BLE001 - the database is away; the next round may find it
                absent.clear()
        until = time.monotonic() + GRACE
        while self.busy and time.monotonic() < until:
            time.sleep(0.05)
        self.child.kill()
        with contextlib.suppress(Exception):
            making.gone(self.db, self.name)
        logging.shutdown()
        os._exit(0)

    def stop(self, _signal: int, _frame: FrameType | None) -> None:
        """No more chunks after this one."""
        self.stopping.set()


def _register(worker: Worker) -> None:
    """What DBOS may ask of it."""

    @DBOS.workflow(name=TURN, max_recovery_attempts=10**6)  # `making` counts for itself
    def turn() -> str:
        return worker.turn()

    @DBOS.workflow(name=LETTER, max_recovery_attempts=10**6)
    def letter(endpoint: str, kind: str, job: str, at: int) -> str:
        return worker.letter(endpoint, kind, job, at)


def _calibrate(worker: Worker) -> None:
    """Where nobody knows yet what films cost, make a second of one to see: without that there are no quotes."""
    for folder in checkpoint.list_models():
        digest = checkpoint.digest(folder)
        if making.remembered(worker.db, digest):
            continue
        if not speed.runs(digest):
            asked = Request(shots=(Shot(seconds=1, prompt="a ball"),), seed=0, model=folder.name)
            work = {"verb": "calibrate", "request": to_json(asked)}
            worker.child.offer("calibration", {"folder": str(worker.db.settings.scratch / "calibration"), "work": work})
            while not any(said.keys() & {"end", "died"} for said in worker.child.news("calibration", 1.0)):
                pass
            worker.child.forget("calibration")
        for run in speed.runs(digest):
            making.remember(worker.db, digest, asdict(run))
