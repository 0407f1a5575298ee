"""Progress on stderr: a bar for people, a line a second for logs."""

import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

from praxino.eta import Eta

Report = Callable[[str, float], None]  # stage, fraction done of it from 0 to 1


@contextmanager
def progress() -> Generator[Report]:
    """Where a command reports how far it is: stage, percent and time left."""
    if sys.stderr.isatty():
        with _bar() as report:
            yield report
    else:
        yield _lines()


@contextmanager
def _bar() -> Generator[Report]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskID,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
    )

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description:<10}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[left]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as shown:
        tasks: dict[str, TaskID] = {}
        etas: dict[str, Eta] = {}

        def report(stage: str, fraction: float) -> None:
            if stage not in tasks:
                tasks[stage], etas[stage] = shown.add_task(stage, total=1.0, left=""), Eta()
            left = etas[stage].left(time.monotonic(), fraction) if fraction < 1 else None
            shown.update(tasks[stage], completed=min(1.0, fraction), left=left or "")

        yield report


def _lines() -> Report:
    """At most a line a second, and one when a stage ends."""
    etas: dict[str, Eta] = {}
    spoken = 0.0

    def report(stage: str, fraction: float) -> None:
        nonlocal spoken
        now = time.monotonic()
        left = etas.setdefault(stage, Eta()).left(now, fraction)
        if now - spoken < 1.0:
            return
        spoken = now
        rest = f", {left}" if left and fraction < 1 else ""
        print(f"{stage}: {100 * min(1.0, fraction):.0f}%{rest}", file=sys.stderr, flush=True)  # noqa: T201 - a log

    return report
