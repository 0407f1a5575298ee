"""The service under load: how long people wait, whether it holds when too many come, how soon it is back."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from praxino.evaluation.bench.figure import Figure, Report

SMALL = {"prompt": "a red ball rolls", "seconds": 0.5, "size": "256x144", "num_inference_steps": 2, "best_of": 1}
LONG = SMALL | {"seconds": 60, "num_inference_steps": 20}
CLIENTS, CROWD = 50, 500
SUBMITS = 1000
PRAXINO = (sys.executable, "-m", "praxino.cli.main")


@dataclass(frozen=True, kw_only=True)
class Served:
    """A server of our own, with an API key."""

    process: subprocess.Popen[bytes]
    base: str
    key: str

    def client(self) -> httpx.Client:
        """Someone who uses it."""
        headers = {"authorization": f"Bearer {self.key}"}
        return httpx.Client(base_url=f"{self.base}/v1", headers=headers, timeout=60)

    def memory(self) -> int:
        """Bytes that the server's process holds."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))


@contextmanager
def served(*, workers: int, queued: int) -> Generator[Served]:
    """A server in a folder that goes when it does."""
    with tempfile.TemporaryDirectory() as folder, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        made = subprocess.run(  # noqa: S603 - our own program
            [*PRAXINO, "keys", "create", "--name", "bench", "--data", folder], capture_output=True, check=True
        )
        environment = os.environ | {"PRAXINO_QUEUED": str(queued), "PRAXINO_TENANT_QUEUED": str(queued)}
        command = [
            *PRAXINO,
            "serve",
            "--port",
            str(port),
            "--data",
            folder,
            "--workers",
            str(workers),
            "--log-level",
            "error",
        ]
        process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL, start_new_session=True)  # noqa: S603
        one = Served(process=process, base=f"http://127.0.0.1:{port}", key=made.stdout.decode().strip())
        try:
            _ready(one, worker=workers > 0)
            yield one
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def service(report: Report) -> list[Figure]:
    """All figures, each beside its target."""
    report("service", 0.0)
    with served(workers=0, queued=10**6) as one:
        quiet = _submits(one, CLIENTS, SUBMITS)[1]
    report("service", 0.3)
    with served(workers=0, queued=200) as one:
        _submits(one, CROWD, 2 * SUBMITS)
        before = one.memory()
        statuses, times = _submits(one, CROWD, 4 * SUBMITS)
        grown = one.memory() / before
    report("service", 0.6)
    with served(workers=1, queued=10**6) as one:
        seen, back, stopped = _followed(one)
        busy = _submits(one, CLIENTS, SUBMITS // 2)[1]
    report("service", 1.0)
    odd = sum(count for status, count in statuses.items() if status not in {200, 429})
    rows = [
        ("submit, 50 clients, p50", 1000 * float(np.quantile(quiet, 0.5)), "ms", 200),
        ("submit, 50 clients, p99", 1000 * float(np.quantile(quiet, 0.99)), "ms", 200),
        ("submit beside a worker, 50 clients, p99", 1000 * float(np.quantile(busy, 0.99)), "ms", 200),
        (f"500 clients: answers but 2xx and 429, of {sum(statuses.values())}", odd, "", 1),
        ("500 clients: p99", 1000 * float(np.quantile(times, 0.99)), "ms", 2000),
        ("500 clients: memory afterwards, times before", grown, "", 1.2),
        ("an event is heard, p99", float(np.quantile(seen, 0.99)), "s", 1),
        ("worker killed: until the next chunk", back, "s", 8),
        ("cancel: until it is", stopped, "s", 2),
    ]
    return [
        Figure(what=what, value=value, unit=unit, against="target", reference=mark) for what, value, unit, mark in rows
    ]


def _ready(one: Served, *, worker: bool) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with suppress(httpx.HTTPError):
            if httpx.get(f"{one.base}/{'readyz' if worker else 'healthz'}").status_code == 200:
                return
        time.sleep(0.1)
    raise ValueError("the server does not come up; see `praxino serve`")


def _submits(one: Served, clients: int, count: int) -> tuple[Counter[int], list[float]]:
    """Statuses, and seconds of each request, of so many clients who ask again as soon as they have an answer."""
    statuses, times, body = Counter[int](), list[float](), json.dumps(SMALL)
    share = threading.Semaphore(count)
    headers = {"authorization": f"Bearer {one.key}", "content-type": "application/json"}

    def ask() -> None:
        # The plainest client there is: it shares the cores with the server.
        client = HTTPConnection(one.base.removeprefix("http://"), timeout=60)
        while share.acquire(blocking=False):
            begun = time.perf_counter()
            client.request("POST", "/v1/videos", body=body, headers=headers)
            answer = client.getresponse()
            answer.read()
            times.append(time.perf_counter() - begun)
            statuses[answer.status] += 1
        client.close()

    with ThreadPoolExecutor(clients) as pool:
        for done in [pool.submit(ask) for _ in range(clients)]:
            done.result()
    return statuses, times


def _followed(one: Served) -> tuple[list[float], float, float]:
    """Seconds until events are heard; from a worker's death to the next chunk; from a cancellation to its effect."""
    with one.client() as client:
        video = client.post("/videos", json=LONG | {"seed": secrets.randbelow(1000)}).json()["id"]
        heard = list[tuple[str, float, float]]()
        thread = threading.Thread(target=_listen, args=(one, video, heard))
        thread.start()
        _chunks(heard, 5)
        count, killed = len(heard), time.time()
        worker = subprocess.run(["pgrep", "-g", str(os.getpgid(one.process.pid)), "-f", "cli.main work"],  # noqa: S603, S607
                                capture_output=True, text=True, check=True).stdout.split()[0]  # fmt: skip
        os.kill(int(worker), signal.SIGKILL)
        while not (after := [at for kind, at, _ in heard[count:] if kind == "chunk" and at > killed]):
            time.sleep(0.05)
        back = after[0] - killed
        begun = time.time()
        client.post(f"/videos/{video}/cancel")
        thread.join()
    stopped = heard[-1][1] - begun
    return [now - at for _, at, now in heard], back, stopped


def _chunks(heard: list[tuple[str, float, float]], count: int) -> None:
    until = time.monotonic() + 120
    while sum(kind == "chunk" for kind, _, _ in heard) < count:
        if time.monotonic() > until:
            raise ValueError("the worker makes nothing; see `praxino serve`")
        time.sleep(0.05)


def _listen(one: Served, video: str, heard: list[tuple[str, float, float]]) -> None:
    """(kind, when it was, when it was heard) of all that has a number."""
    with one.client() as client, client.stream("GET", f"/videos/{video}/events") as stream:
        kind = ""
        for line in stream.iter_lines():
            if line.startswith("event: "):
                kind = line[7:]
            elif line.startswith("data: ") and kind != "progress":
                told: dict[str, Any] = json.loads(line[6:])
                heard.append((kind, told["at"], time.time()))
