"""Keep a worker's process alive: whatever kills it, another one goes on where it was."""

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from praxino.worker.work import FAILED, GRACE

STEADY = 30.0
"""Seconds after which a worker counts as having come up."""
LONGEST = 10.0
"""Seconds between two tries at most."""


@dataclass(kw_only=True)
class Supervised:
    """A worker that is started again when it dies."""

    device: str
    data: Path
    stopping: threading.Event = field(default_factory=threading.Event)
    code: int = 0  # with which it ended, where it did not want to be started again
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> threading.Thread:
        """From now on there is one."""
        thread = threading.Thread(target=self._keep, daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        """Ask it to end, and make it, when it has not after a while."""
        self.stopping.set()
        process = self._process
        if process is None:
            return
        process.terminate()
        try:
            process.wait(GRACE + 5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _keep(self) -> None:
        pause, first = 0.1, True
        command = [sys.executable, "-m", "praxino.cli.main", "work"]
        command += ["--device", self.device, "--data", str(self.data)]
        while not self.stopping.is_set():
            begun = time.monotonic()
            environment = os.environ | {"PRAXINO_FOLLOW": "1"}
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, env=environment)  # noqa: S603 - our own
            self.code = self._process.wait()
            if self.code == 0 or (first and 0 < self.code < FAILED):  # it said why it cannot work
                return
            first = False
            pause = 0.1 if time.monotonic() - begun > STEADY else min(LONGEST, 2 * pause)
            self.stopping.wait(pause)


def forever(device: str, data: Path) -> None:
    """Have a worker until a signal says to stop."""
    worker = Supervised(device=device, data=data)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        threading.Thread(target=worker.stop).start()

    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, stop)
    thread = worker.start()
    while thread.is_alive():
        thread.join(1.0)
    if worker.code > 0:
        raise SystemExit(worker.code)


def follow() -> None:
    """End when stdin does: whoever started this is gone."""

    def wait() -> None:
        while os.read(0, 4096):  # not sys.stdin: its lock makes an interpreter that ends abort
            pass
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()
