"""A real PostgreSQL for tests, and the same settings on it and on SQLite."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from praxino.jobs.settings import Settings

HERE = shutil.which("initdb") or next(
    (str(path) for path in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))), ""
)


def as_whom() -> list[str]:
    """PostgreSQL refuses to run as root."""
    return ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []


def missing() -> str | None:
    """Why there is no PostgreSQL here, or None."""
    if not HERE:
        return "no PostgreSQL: neither initdb nor /usr/lib/postgresql/*/bin; apt-get install postgresql"
    if os.geteuid() == 0 and subprocess.run([*as_whom(), "true"], capture_output=True, check=False).returncode:
        return "PostgreSQL does not run as root, and runuser -u postgres does not work here"
    return None


WHY = missing()


class Postgres:
    """A cluster in a folder of its own, on a socket in it; fsync is on, as it is by default."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="px-pg-", dir="/tmp"))  # short: a socket's path has 107 bytes
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    def make(self) -> None:
        self._run("initdb", "--auth=trust", "--username=praxino", "--encoding=UTF8", "--pgdata", f"{self.folder}/data")
        self.start()
        self._run("createdb", "--host", f"{self.folder}", "--port", f"{self.port}", "--username=praxino", "praxino")

    @property
    def url(self) -> str:
        return f"postgresql://praxino@/praxino?host={self.folder}&port={self.port}"

    def start(self) -> None:
        options = f"-k {self.folder} -p {self.port} -c listen_addresses='' -c max_connections=200"
        self._run("pg_ctl", "start", "-w", "-D", f"{self.folder}/data", "-l", f"{self.folder}/log", "-o", options)

    def crash(self) -> None:
        self._run("pg_ctl", "stop", "-m", "immediate", "-D", f"{self.folder}/data")

    def remove(self) -> None:
        with suppress(AssertionError):
            self.crash()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        command = [*as_whom(), str(Path(HERE).resolve().parent / program), *arguments]
        with tempfile.TemporaryFile("w+") as said:  # no pipe: pg_ctl's server would hold it
            code = subprocess.run(command, stdout=said, stderr=said, cwd="/", check=False).returncode
            said.seek(0)
            assert code == 0, said.read()


@contextmanager
def settled(kind: str, settings: Settings) -> Iterator[Settings]:
    """The settings on "sqlite" or "postgresql", while the context lasts; skips where there is no PostgreSQL."""
    if kind == "sqlite":
        yield settings
        return
    if WHY is not None:
        pytest.skip(WHY)
    postgres = Postgres()
    try:
        postgres.make()
        yield replace(settings, database=postgres.url)
    finally:
        postgres.remove()
