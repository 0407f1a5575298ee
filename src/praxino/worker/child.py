"""The other end of `make`: start the process, give it orders, hear it, kill it."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

COMMAND = (sys.executable, "-m", "praxino.worker.make")


@dataclass(kw_only=True)
class Child:
    """A process that makes films. It dies with this one: its stdin ends."""

    device: str  # "cpu", or the number of a GPU
    command: Sequence[str] = COMMAND
    _process: subprocess.Popen[str] | None = None
    _news: "queue.Queue[dict[str, Any]]" = field(default_factory=queue.Queue)

    def start(self) -> None:
        """Start it, where it does not run."""
        if self._process is not None and self._process.poll() is None:
            return
        environment = os.environ | {"PYTHONUNBUFFERED": "1"}
        environment["CUDA_VISIBLE_DEVICES"] = "" if self.device == "cpu" else self.device
        self._news = queue.Queue()
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True, encoding="utf-8"
        )
        assert self._process.stdout is not None
        threading.Thread(target=self._hear, args=(self._process, self._process.stdout, self._news), daemon=True).start()

    def order(self, order: Mapping[str, Any]) -> None:
        """Give it something to do."""
        self.start()
        self._say(order)

    def want(self, what: str) -> None:
        """Tell it what is wanted of its order: cancel, pause, stop."""
        self._say({"want": what})

    def news(self, seconds: float) -> list[dict[str, Any]]:
        """What it has said; waits a moment for something. ``{"died": how}`` is the last thing of all."""
        said: list[dict[str, Any]] = []
        try:
            said.append(self._news.get(timeout=seconds))
            while True:
                said.append(self._news.get_nowait())
        except queue.Empty:
            return said

    def kill(self) -> None:
        """End it now; whatever it was doing is undone or in its journal."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _say(self, what: Mapping[str, Any]) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(what) + "\n")
            self._process.stdin.flush()
        except OSError:
            return  # it is dead, and the news say so

    @staticmethod
    def _hear(process: "subprocess.Popen[str]", lines: IO[str], news: "queue.Queue[dict[str, Any]]") -> None:
        for line in lines:
            news.put(json.loads(line))
        code = process.wait()
        news.put({"died": signal.Signals(-code).name if code < 0 else f"exit code {code}"})
