"""One film on several devices: those of `--devices`, or the ranks that torchrun started."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeVar

import typer

from praxino.generation.low_memory import LowMemory

if TYPE_CHECKING:
    from praxino.generation.ranks import Opened

Made = TypeVar("Made")


@dataclass(frozen=True, kw_only=True)
class Spread:
    """What a film is made on."""

    devices: int | None = None
    apart: bool = False  # the first one decodes and does not denoise
    journal: Path | None = None
    low_memory: LowMemory | None = None

    @property
    def follows(self) -> bool:
        """Whether this is a rank of torchrun but the first, which reads the options and speaks for all."""
        return int(os.environ.get("RANK", "0")) > 0

    @property
    def several(self) -> bool:
        """Whether there is more than one process, or should be."""
        return (self.devices or 1) > 1 or self.apart or int(os.environ.get("WORLD_SIZE", "1")) > 1

    def made(self, job: "Callable[[Opened | None], Made]") -> Made:
        """What the job makes, given what opens models otherwise than usual: on all devices, in less memory.

        Ends the process with exit code 1 where a rank dies.
        """
        if self.low_memory is not None:
            if self.several:
                raise ValueError(f"--low-memory {self.low_memory} is for one device; leave --devices out")
            from praxino.generation import engine  # torch: a second or two

            return job(partial(engine.opened, how=self.low_memory))
        if not self.several:
            return job(None)
        from praxino.generation import ranks  # torch: a second or two

        try:
            return ranks.led(job, devices=self.devices or 1, apart=self.apart)
        except ranks.LostError as error:
            rest = "what was finished is lost with it, `--journal FOLDER` would keep it"
            if self.journal is not None:
                rest = f"`praxino resume {self.journal}` goes on from what was finished, on one device or several"
            typer.echo(f"praxino: {error}; {rest}", err=True)
            ranks.leave(1)

    def follow(self) -> NoReturn:
        """Do as the first rank says, to the end of the process."""
        from praxino.generation import ranks

        try:
            ranks.follow()
        except ranks.LostError:  # the first rank says so, if it is there
            ranks.leave(1)
        ranks.leave()

    def end(self) -> None:
        """When all is said: the end of the process, where it was one of several."""
        if self.several:
            from praxino.generation import ranks

            ranks.leave()
