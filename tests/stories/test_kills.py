"""Whatever is killed, and whenever: no job that was acknowledged is lost, and each ends once.

The short form; KILLS=1000 for the long one.
"""

import json
import os
import random
import signal
import time
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from tests.service import Served, Server

from praxino.media import read

KILLS = int(os.environ.get("KILLS", "20"))
ENDS = ("completed", "failed", "cancelled")


def log_of(one: Served, job: str) -> list[tuple[int, str, dict]]:
    """(number, kind, data) of all that happened to a job."""
    text = one.http.get(f"/v1/videos/{job}/events").text
    blocks = [dict(line.split(": ", 1) for line in block.splitlines() if ": " in line) for block in text.split("\n\n")]
    return [(int(block["id"]), block["event"], json.loads(block["data"])) for block in blocks if "id" in block]


def strike(server: Server, what: str) -> None:
    """Kill one of the processes, or all."""
    if what in {"all", "server"}:
        if what == "server":  # its workers hear of it, and end
            assert server.process is not None
            server.process.kill()
            server.process.wait()
        else:
            server.kill()
        server.start(path="/healthz")
        return
    for pid in (server.makers() if what == "maker" else server.workers())[:1]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.slow
def test_no_job_is_lost_whatever_is_killed(tmp_path: Path, tiny_model: Path):
    server, dice = Server(tmp_path, tiny_model), random.Random(7)
    tenants = [server.key(name) for name in ("ann", "bob")]
    asked: list[tuple[Served, str]] = []
    try:
        server.start()
        people = [Served(server.base, key) for key in tenants]
        for number in range(KILLS):
            who = people[number % 2]
            with suppress(httpx.HTTPError):  # not acknowledged
                asked.append((who, who.ask(seconds=1 + number % 2, num_inference_steps=8, seed=number)["id"]))
            time.sleep(dice.uniform(0.2, 2.0))
            strike(server, dice.choice(["maker", "worker", "server", "all"]))
        until = time.monotonic() + 60 + 6 * KILLS
        open_ = dict.fromkeys(asked)
        while open_ and time.monotonic() < until:
            open_ = {(who, job): None for who, job in open_ if who.get({"id": job})["status"] not in ENDS}
            time.sleep(0.3)
        repeated = 0
        for who, job in asked:
            now, entries = who.get({"id": job}), log_of(who, job)
            assert now["status"] == "completed", now
            assert [number for number, _, _ in entries] == list(range(1, len(entries) + 1))
            assert sum(kind in ENDS for _, kind, _ in entries) == 1
            chunks = [data["chunk"] for _, kind, data in entries if kind == "chunk"]
            assert chunks == list(range(len(chunks)))
            assert read.probe(who.film(now, tmp_path)).frames == round(30 * float(now["seconds"]))
            repeated += sum(kind == "crashed" for _, kind, _ in entries)
        assert len(asked) >= KILLS // 2
        print(f"{KILLS} kills, {len(asked)} jobs, {repeated} processes that died under them")
        server.stop()
        assert not server.workers()
        assert not server.makers()
    finally:
        server.kill()
