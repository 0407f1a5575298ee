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
from typing import IO, Any, cast

COMMAND = (sys.executable, "-m", "praxino.worker.make")


@dataclass(kw_only=True)
class Life:
    """One process, from its start to its end."""

    process: "subprocess.Popen[str]"
    hands: dict[str, bool] = field(default_factory=dict[str, bool])  # orders that it has: whether one wants to be alone
    killed: bool = False  # by us


@dataclass(kw_only=True)
class Child:
    """A process that makes films, several at once if it is given several. It dies with this one: its stdin ends."""

    device: str  # "cpu", or the number of a GPU
    command: Sequence[str] = COMMAND
    _life: Life | None = None
    _news: "dict[str, queue.Queue[dict[str, Any]]]" = field(default_factory=dict)
    _waiting: set[str] = field(default_factory=set[str])  # orders that want to be alone
    _turn: threading.RLock = field(default_factory=threading.RLock)

    def start(self) -> Life:
        """Start it, where it does not run."""
        with self._turn:
            if self._life is not None and self._life.process.poll() is None:
                return self._life
            environment = os.environ | {"PYTHONUNBUFFERED": "1"}
            environment["CUDA_VISIBLE_DEVICES"] = "" if self.device == "cpu" else self.device
            process = subprocess.Popen(  # noqa: S603 - our own program
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=environment,
                text=True,
                encoding="utf-8",
            )
            life = self._life = Life(process=process)
            threading.Thread(target=self._hear, args=(life,), daemon=True).start()
            return life

    def offer(self, name: str, order: Mapping[str, Any], *, alone: bool = False) -> bool:
        """Give it something to do, under a name. False where that must wait: one of them is, or wants to be, alone."""
        with self._turn:
            life = self.start()
            others = self._waiting - {name}
            if any(life.hands.values()) or others or (alone and life.hands):
                if alone and not others:
                    self._waiting.add(name)
                return False
            self._waiting.discard(name)
            self._news[name] = queue.Queue()
            life.hands[name] = alone
            self._say({"order": name, **order})
            return True

    def want(self, name: str, what: str) -> None:
        """Tell it what is wanted of one of its orders: cancel, pause, stop."""
        with self._turn:
            if self._life is not None and name in self._life.hands:
                self._say({"order": name, "want": what})

    def news(self, name: str, seconds: float) -> list[dict[str, Any]]:
        """What it has said of an order; waits a moment for something.

        ``{"end": ...}`` is the last thing, or ``{"died": how, "beside": others that it had, "ours": we killed it}``.
        """
        said: list[dict[str, Any]] = []
        with self._turn:
            heard = self._news.setdefault(name, queue.Queue())
        try:
            said.append(heard.get(timeout=seconds))
            while True:
                said.append(heard.get_nowait())
        except queue.Empty:
            return said

    def forget(self, name: str) -> None:
        """Nobody asks for this order any more."""
        with self._turn:
            self._waiting.discard(name)
            self._news.pop(name, None)

    def kill(self) -> None:
        """End it now; whatever it was doing is undone or in its journal."""
        with self._turn:
            life, self._life = self._life, None
            if life is not None:
                life.killed = True
        if life is not None:
            life.process.kill()
            life.process.wait()

    def _say(self, what: Mapping[str, Any]) -> None:
        assert self._life is not None
        lines = cast("IO[str]", self._life.process.stdin)
        try:
            lines.write(json.dumps(what) + "\n")
            lines.flush()
        except OSError:
            return  # it is dead, and the news say so

    def _hear(self, life: Life) -> None:
        for line in cast("IO[str]", life.process.stdout):
            said = json.loads(line)
            name = said.pop("order")
            with self._turn:
                if name in life.hands and name in self._news:
                    self._news[name].put(said)
                if "end" in said:
                    life.hands.pop(name, None)
        code = life.process.wait()
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        with self._turn:
            for name in life.hands:
                if name in self._news:
                    self._news[name].put({"died": how, "beside": len(life.hands) - 1, "ours": life.killed})
            life.hands.clear()
