"""A worker makes a job: it has its process do it, keeps what is made, and tells the database."""

import hashlib
import logging
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import tenacity
from sqlalchemy import exc

from praxino.eta import Eta
from praxino.jobs import making
from praxino.jobs.job import Job
from praxino.jobs.making import Owner
from praxino.jobs.storage import Storage
from praxino.jobs.turns import Database
from praxino.media.write import part_of
from praxino.worker import files
from praxino.worker.child import Child

LOOK = 0.1
"""Seconds between looks at what is wanted."""
HARD = 10.0
"""Seconds that the process has to stop, at most, when it is told to."""
SOFT = 1.0
"""Seconds that it has beyond twice the time between two of its steps: it may be making a program, and hear nothing."""
TELL = 0.4
"""Seconds between reports to the database."""
KEPT = {"film": files.FILM, "thumbnail": files.THUMBNAIL, "spritesheet": files.SHEET}
CALLED_OFF = {"cancel": "cancelled", "delete": "cancelled", "pause": "paused"}
T = TypeVar("T")
logger = logging.getLogger("praxino.worker")


def patiently(action: Callable[[], T]) -> T:
    """What ``action`` gives, as soon as the database is there and has room; raises after ten minutes without."""
    away = (exc.OperationalError, exc.InterfaceError, exc.TimeoutError)
    return tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(away),
        wait=tenacity.wait_exponential(multiplier=0.2, max=2),
        stop=tenacity.stop_after_delay(600),
        reraise=True,
    )(action)


@dataclass(kw_only=True)
class Making:
    """One job in the making."""

    db: Database
    storage: Storage
    child: Child
    owner: Owner
    job: Job
    begun: float = field(default_factory=time.time)
    eta: Eta = field(default_factory=Eta)
    started: bool = False
    ordered: bool = False  # whether its process has it
    suspect: bool = False  # whether it was there when a process died that had others too
    told: str | None = None
    told_at: float = 0.0
    reported: float = 0.0
    heard: float = 0.0  # when its last step was
    step: float = 0.0  # seconds between two steps, at most so far
    stored: set[str] = field(default_factory=set)
    previewed: float = 0.0
    resting: float = 5.0
    end: dict[str, Any] | None = None

    @property
    def folder(self) -> Path:
        """Where its process works."""
        return self.db.settings.scratch.absolute() / self.owner.job

    def start(self) -> None:
        """Fetch what it needs, and have the process begin."""
        self.started = True
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, key in self.job.work.get("files", {}).items():
            if not (self.folder / name).exists():
                self.storage.get(key, self.folder / name)
        (self.folder / files.PARTS).mkdir(exist_ok=True)
        for source in (self.job.work.get("parts"), self.owner.job):
            self._fetch_parts(source)

    def _order(self) -> None:
        """Give it to its process, where that has room for it."""
        order = {"folder": str(self.folder), "work": self.job.work, "shared": self.db.settings.together > 1}
        self.ordered = self.child.offer(self.owner.job, order, alone=self.suspect)
        if self.ordered and self.told is not None:
            self.child.want(self.owner.job, self.told)

    def _fetch_parts(self, source: str | None) -> None:
        """Chunks that another worker, or another job, has finished."""
        for key in self.storage.names(f"{source}/{files.PARTS}") if source else ():
            here = self.folder / files.PARTS / key.rpartition("/")[2]
            if source == self.owner.job:
                self.stored.add(here.name)
            if not here.exists():
                self.storage.get(key, here.with_suffix(".tmp"))
                here.with_suffix(".tmp").replace(here)

    def chunk(self, number: int) -> dict[str, Any]:
        """Wait for a chunk, and keep it: {"key", "sha256"}; or, where there is none any more, {"end": ...}."""
        if not self.started and self.end is None:
            self.start()
        while True:
            finished = sorted((self.folder / files.PARTS).glob("chunk-*.safetensors"))
            if number < len(finished) and self.told not in {"lost", "cancel", "delete"}:
                return self._kept(finished[number], number)
            if self.end is not None:
                return {"end": self.end}
            self._hear()

    def _kept(self, file: Path, number: int) -> dict[str, Any]:
        key = f"{self.owner.job}/{files.PARTS}/{file.name}"
        if file.name not in self.stored:
            self.storage.put(key, file)
            self.stored.add(file.name)
        patiently(lambda: making.chunk(self.db, self.owner, number))
        return {"key": key, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}

    def _hear(self) -> None:
        """A moment of listening to both sides."""
        if not self.ordered:
            self._order()
        for said in self.child.news(self.owner.job, LOOK):
            if "end" in said:
                self.end = self._ended(said["end"])
            elif "died" in said:
                self._died(said)
            elif "preview" in said:
                self._preview()
            else:
                self._report(said["stage"], said["done"])
        if self.told is None and self.end is None:
            self.told = patiently(lambda: making.told(self.db, self.owner))
            if self.told is not None:
                self.told_at = time.monotonic()
                self.child.want(self.owner.job, self.told)
        elif self.told not in {None, "stop"} and self.end is None and (not self.ordered or self._deaf()):
            if self.ordered:
                self.child.kill()  # what else it has goes on from its journal
            self.end = {"stopped": self.told}

    def _deaf(self) -> bool:
        """Whether it has had the time to do what it was told. What it holds is in its journal, so it may be killed."""
        return time.monotonic() - self.told_at > min(HARD, SOFT + 2 * self.step)

    def _died(self, said: Mapping[str, Any]) -> None:
        """Its process died: it goes on with another one, unless it seems to be what kills them.

        Of several that a process had nobody knows which one that was: each then has a process to itself.
        """
        if self.end is not None:
            return
        self.ordered = False
        if self.told not in {None, "stop"}:
            self.end = {"stopped": self.told}
        if self.end is not None or said["ours"]:
            return
        how = said["died"]
        logger.warning("process died", extra={"job": self.owner.job, "how": how, "beside": said["beside"]})
        if said["beside"]:
            self.suspect = True
        elif not patiently(lambda: making.crashed(self.db, self.owner, how)):
            message = (
                f"its process died {making.CRASHES} times ({how}) without finishing anything; it is not tried again"
            )
            self.end = {"error": {"code": "crashed", "message": message}}

    def _report(self, stage: str, done: float) -> None:
        now = time.time()
        if stage == "sampling":
            self.step = max(self.step, now - self.heard) if self.heard else self.step
            self.heard = now
        # The first chunk is made several times over and says little of the others.
        left = self.eta.left(now, done) if stage == "sampling" and self.stored else None
        if now - self.reported < TELL:
            return
        self.reported = now
        ends = {"low": now + left.low, "likely": now + left.likely, "high": now + left.high} if left else self._quoted()
        fraction = done if stage == "sampling" else 0.0
        patiently(lambda: making.progress(self.db, self.owner, stage=stage, done=fraction, left=ends))

    def _quoted(self) -> dict[str, float] | None:
        """When it ends by its quote, for as long as there is nothing better."""
        quote = self.job.quote
        if not quote or self.job.chunks:
            return None
        return {
            "low": self.begun + quote["seconds_p50"] * 0.8 / self.db.settings.together,  # it may be alone
            "likely": self.begun + quote["seconds_p50"],
            "high": self.begun + quote["seconds_p90"],
        }

    def _preview(self) -> None:
        """Keep the last frame, and now and then the film so far: a tenth of the time at most goes into that."""
        self._put(files.PREVIEW)
        part = part_of(self.folder / files.FILM)
        begun = time.monotonic()
        if begun - self.previewed > self.resting and part.exists():
            self.storage.put(f"{self.owner.job}/{files.SO_FAR}", part)
            self.previewed = time.monotonic()
            self.resting = max(2.0, 10 * (self.previewed - begun))

    def _put(self, name: str) -> None:
        if (self.folder / name).exists():
            self.storage.put(f"{self.owner.job}/{name}", self.folder / name)

    def _ended(self, end: dict[str, Any]) -> dict[str, Any]:
        """Keep the film, where there is one."""
        if "result" in end:
            try:
                for name in KEPT.values():
                    self._put(name)
            except OSError as error:
                message = f"the film cannot be kept ({error.strerror}); retry when there is room"
                return {"error": {"code": "storage_failed", "message": message}}
        return end

    def close(self, end: Mapping[str, Any]) -> str:
        """Tell the database how it ended, and tidy up. Says which state it is in; "" where it is nobody's any more."""
        self.child.forget(self.owner.job)
        state: Any = CALLED_OFF.get(end.get("stopped", ""), "")
        if "stopped" not in end:
            state = "completed" if "result" in end else "failed"
        if not state:  # lost to another worker, which goes on with it
            return ""
        arguments = {"error": end.get("error"), "result": end.get("result")}
        forgotten = patiently(lambda: making.end(self.db, self.owner, state, **arguments))
        if state != "paused":
            shutil.rmtree(self.folder, ignore_errors=True)
        if forgotten:
            self.storage.remove(self.owner.job)
        elif state == "completed":
            self._tidy()
        return "" if forgotten else state

    def _tidy(self) -> None:
        self.storage.remove(f"{self.owner.job}/{files.SO_FAR}")
        if not self.job.work.get("draft"):
            self.storage.remove(f"{self.owner.job}/{files.PARTS}")
