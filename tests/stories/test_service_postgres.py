"""A service on several machines: a real PostgreSQL, a server that makes nothing, and two workers."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.postgres import WHY, Postgres
from tests.service import PRAXINO, Served, Server

from praxino.media import read

LONG = {"seconds": 8, "num_inference_steps": 12}
CHUNKS, FRAMES = 31, 240
RECOVERY = 60  # seconds until a dead worker's job goes on elsewhere
AWAY = 10  # seconds without a database
pytestmark = [pytest.mark.slow, pytest.mark.skipif(WHY is not None, reason=str(WHY))]


class Work:
    """`praxino work` with a folder of its own, in a session of its own: as good as on its own machine."""

    def __init__(self, server: Server, data: Path, device: str) -> None:
        self.data, self.log = data, data / "log"
        data.mkdir()
        command = [*PRAXINO, "work", "--device", device, "--data", str(data)]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                command, env=server.environment, stdout=log, stderr=log, start_new_session=True
            )

    @property
    def alive(self) -> bool:
        command = ["pgrep", "-g", str(self.process.pid), "--runstates", "R,S,D,T"]  # who is only not buried yet is dead
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def kill_inner(self) -> None:
        """The worker, but not what keeps it alive."""
        command = ["pkill", "-KILL", "-P", str(self.process.pid)]
        subprocess.run(command, check=True)

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Seen:
    """Which chunks each worker has made, ever: a thread that looks at their folders, and at the storage's.

    A chunk that is in the storage before a worker has it was fetched, not made.
    """

    def __init__(self, site: "Site", video: dict) -> None:
        self.made: list[set[tuple[str, int]]] = [set() for _ in site.workers]
        self._fetched: list[set[tuple[str, int]]] = [set() for _ in site.workers]
        self._stored = site.media / video["id"] / "parts"
        self._folders = [worker.data / "scratch" / video["id"] / "parts" for worker in site.workers]
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    @property
    def repeated(self) -> int:
        """So many were made that had been made."""
        return sum(map(len, self.made)) - CHUNKS

    def _look(self) -> None:
        stored: set[str] = set()  # a look ago: what was made and stored since then was made
        while not self._over.wait(0.02):
            for folder, made, fetched in zip(self._folders, self.made, self._fetched, strict=True):
                for path in folder.glob("chunk-*.safetensors"):
                    with suppress(OSError):
                        file = (path.name, path.stat().st_ino)
                        if file not in made | fetched:
                            (fetched if path.name in stored else made).add(file)
            stored = {path.name for path in self._stored.glob("chunk-*.safetensors")}

    def stop(self) -> None:
        self._over.set()
        self._thread.join()


class Site:
    """The database, the server, two workers."""

    def __init__(self, folder: Path, model: Path) -> None:
        self.folder, self.postgres = folder, Postgres()
        self.workers: list[Work] = []
        more = {"PRAXINO_DATABASE_URL": self.postgres.url, "PRAXINO_STORAGE_URL": ""}
        (folder / "server").mkdir()
        self.media = folder / "server" / "media"
        self.server = Server(folder / "server", model, "--workers", "0", more=more)

    def open(self) -> None:
        self.postgres.make()
        key = self.server.key("ann")
        self.server.start(path="/healthz")
        self.one = Served(self.server.base, key)
        self.server.environment["PRAXINO_STORAGE_URL"] = self.media.as_uri()  # the workers' way to the server's folder
        # Their names are the host's and the device's: two on one machine need two devices. Where there is no GPU,
        # number 0 is as good a name as cpu, and torch makes do with the CPU.
        self.workers += [Work(self.server, self.folder / f"worker-{device}", device) for device in ("cpu", "0")]

    def who_has(self, video: dict) -> int:
        """The number of the worker that makes a video."""
        end = time.monotonic() + 90
        while time.monotonic() < end:
            for number, worker in enumerate(self.workers):
                if list((worker.data / "scratch" / video["id"] / "parts").glob("chunk-*.safetensors")):
                    return number
            time.sleep(0.05)
        raise AssertionError(self.logs())

    def entries(self, video: dict) -> list[tuple[int, str]]:
        """(number, kind) of all that happened to it."""
        text = self.one.http.get(f"/v1/videos/{video['id']}/events").text
        blocks = [
            dict(line.split(": ", 1) for line in block.splitlines() if ": " in line) for block in text.split("\n\n")
        ]
        return [(int(block["id"]), block["event"]) for block in blocks if "id" in block]

    def waited(self, video: dict) -> float:
        """Seconds until a video is completed; the server may be without its database at first."""
        begun = time.monotonic()
        while (now := self.one.get(video).get("status")) != "completed":
            assert now not in {"failed", "cancelled"}, self.logs()
            assert time.monotonic() - begun < 120, (now, self.logs())
            time.sleep(0.1)
        return time.monotonic() - begun

    def logs(self) -> str:
        return "\n".join(f"--- {path}\n{path.read_text()[-3000:]}" for path in self.folder.glob("*/log"))

    def check(self, video: dict, folder: Path) -> None:
        """It ended once, whole, with a log without gaps."""
        entries = self.entries(video)
        assert [number for number, _ in entries] == list(range(1, len(entries) + 1))
        assert [kind for _, kind in entries if kind in {"completed", "failed", "cancelled"}] == ["completed"]
        assert sum(kind == "chunk" for _, kind in entries) == CHUNKS
        assert len(read.read(self.one.film(video, folder)).frames) == FRAMES

    def close(self) -> None:
        for worker in self.workers:
            worker.kill()
        self.server.kill()
        self.postgres.remove()


@pytest.fixture
def site(tmp_path: Path, tiny_model: Path) -> Iterator[Site]:
    site = Site(tmp_path, tiny_model)
    try:
        site.open()
        yield site
    finally:
        site.close()


def test_a_dead_workers_job_goes_on_with_another_worker(site: Site, tmp_path: Path):
    video = site.one.ask(**LONG)
    seen = Seen(site, video)
    first = site.who_has(video)
    while len(seen.made[first]) < 5:
        time.sleep(0.02)
    site.workers[first].kill()
    died = time.monotonic()
    while not seen.made[1 - first]:
        assert time.monotonic() - died < RECOVERY, site.logs()
        time.sleep(0.02)
    took = time.monotonic() - died
    site.one.until(video, "completed", seconds=120)
    seen.stop()
    print(f"a chunk {took:.1f} s after the death; {seen.repeated} of {CHUNKS} repeated")
    assert not site.workers[first].alive
    assert len(seen.made[first]) < CHUNKS
    assert seen.repeated <= 1
    site.check(video, tmp_path)


def test_a_database_that_is_away_for_ten_seconds_is_waited_for(site: Site, tmp_path: Path):
    video = site.one.ask(**LONG)
    seen = Seen(site, video)
    first = site.who_has(video)
    while len(seen.made[first]) < 3:
        time.sleep(0.02)
    site.postgres.crash()
    time.sleep(AWAY)
    site.postgres.start()
    took = site.waited(video)
    seen.stop()
    each = [len(made) for made in seen.made]
    print(f"completed {took:.1f} s after it was back; made {each}; {seen.repeated} repeated")
    assert seen.repeated <= 1
    site.check(video, tmp_path)
    for number in range(4):  # and both workers still work
        site.one.until(site.one.ask(seed=number), "completed")


def test_workers_that_die_while_the_database_is_away_come_back_with_it(site: Site, tmp_path: Path):
    video = site.one.ask(**LONG)
    site.who_has(video)
    site.postgres.crash()
    for worker in site.workers:
        worker.kill_inner()
    time.sleep(AWAY)
    site.postgres.start()
    print(f"completed {site.waited(video):.1f} s after it was back")
    site.check(video, tmp_path)
