"""A real server with a real worker, for tests: it offers a tiny model."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import httpx

BALL = "a red ball rolls"
SMALL = {"size": "128x96", "num_inference_steps": 2, "best_of": 1, "model": "tiny"}
PRAXINO = (sys.executable, "-m", "praxino.cli.main")


class Served:
    """A server, and what one does with it."""

    def __init__(self, base: str, key: str) -> None:
        self.http = httpx.Client(base_url=base, headers={"authorization": f"Bearer {key}"}, timeout=30)

    def post(self, path: str, **body: object) -> dict:
        answer = self.http.post(f"/v1/videos{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ask(self, **body: object) -> dict:
        return self.post("", **{"prompt": BALL, "seconds": 0.5, "seed": 3} | SMALL | body)

    def get(self, video: dict) -> dict:
        return self.http.get(f"/v1/videos/{video['id']}").json()

    def until(self, video: dict, *states: str, seconds: float = 60) -> dict:
        end = time.monotonic() + seconds
        while (now := self.get(video))["status"] not in states:
            assert time.monotonic() < end, now
            assert now["status"] not in {"failed", "cancelled"}, now
            time.sleep(0.1)
        return now

    def film(self, video: dict, folder: Path) -> Path:
        path = folder / f"{video['id']}.mp4"
        answer = self.http.get(f"/v1/videos/{video['id']}/content")
        assert answer.status_code == 200, answer.text
        path.write_bytes(answer.content)
        return path


class Server:
    """`praxino serve` in a folder, in a session of its own; it can be killed and started again."""

    def __init__(self, data: Path, model: Path, *arguments: str, more: Mapping[str, str] | None = None) -> None:
        self.data, self.arguments = data, arguments
        self.environment = os.environ | {"PRAXINO_MODELS": str(model), "OMP_NUM_THREADS": "1"} | dict(more or {})
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.base, self.log = f"http://127.0.0.1:{self.port}", data / "log"
        self.process: subprocess.Popen[bytes] | None = None

    def key(self, name: str) -> str:
        """A new one, of a tenant."""
        command = [*PRAXINO, "keys", "create", "--name", name, "--data", str(self.data)]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=True).stdout.strip()

    def start(self, *, path: str = "/readyz") -> None:
        """Come up."""
        command = [*PRAXINO, "serve", "--port", str(self.port), "--data", str(self.data), *self.arguments]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                command, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        for _ in range(900):
            with suppress(httpx.HTTPError):
                if httpx.get(self.base + path, timeout=5).status_code == 200:
                    return
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.1)
        raise AssertionError(self.log.read_text()[-3000:])

    def workers(self) -> list[int]:
        """Process numbers of its workers."""
        return self._pids("cli.main work")

    def makers(self) -> list[int]:
        """Process numbers of what makes films."""
        return self._pids("praxino.worker.make")

    def _pids(self, what: str) -> list[int]:
        assert self.process is not None
        command = ["pgrep", "-g", str(self.process.pid), "-f", what]
        return [
            int(line) for line in subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
        ]

    def kill(self) -> None:
        """Everything, at once, without a word."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def stop(self) -> None:
        """As one should."""
        assert self.process is not None
        self.process.terminate()
        assert self.process.wait(40) in {0, -signal.SIGTERM, 143}, self.log.read_text()[-2000:]
