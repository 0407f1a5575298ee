"""Who calls networks, and who makes programs of them: many call at a time, one makes a program, and nobody else then.

While a program is made torch takes the networks that other threads call meanwhile for parts of it.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(kw_only=True)
class Tracing:
    """Who makes a program does not wait for ever: who wants to call then comes after it."""

    _turn: threading.Condition = field(default_factory=threading.Condition)
    _mine: threading.local = field(default_factory=threading.local)  # how deep this thread is in
    _calling: int = 0
    _waiting: int = 0  # to make a program
    _making: bool = False

    @contextmanager
    def calling(self) -> Iterator[None]:
        """Networks are called inside; also inside itself, and inside `making`."""
        deep = getattr(self._mine, "deep", 0)
        if not deep:
            with self._turn:
                self._turn.wait_for(lambda: not self._making and not self._waiting)
                self._calling += 1
        self._mine.deep = deep + 1
        try:
            yield
        finally:
            self._mine.deep = deep
            if not deep:
                with self._turn:
                    self._calling -= 1
                    self._turn.notify_all()

    @contextmanager
    def making(self) -> Iterator[None]:
        """A program is made inside, by this thread alone."""
        with self._turn:
            self._waiting += 1
            self._turn.wait_for(lambda: not self._making and not self._calling)
            self._waiting -= 1
            self._making = True
        self._mine.deep = 1
        try:
            yield
        finally:
            self._mine.deep = 0
            with self._turn:
                self._making = False
                self._turn.notify_all()


TRACING = Tracing()
"""Of this process, whose networks torch knows all."""
