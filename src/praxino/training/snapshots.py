"""The state of a run in shards, written beside the training: each rank writes its own, any number of ranks reads them.

A snapshot is a folder of safetensors files (`torch.distributed.checkpoint`, which knows which piece of which tensor a
file holds) and ``run.json``. It is written under another name and gets its own when all ranks are done.
"""

import json
import os
import shutil
import warnings
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.checkpoint import state_dict_loader, state_dict_saver
from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageReader, HuggingFaceStorageWriter
from torch.distributed.checkpoint.metadata import TensorStorageMetadata

from praxino.training.parallel import Team

KEPT = 2
"""Snapshots that stay: the last one, and the one before it."""


class Snapshots:
    """The snapshots of a run below a folder, as the ranks of a team write them together."""

    def __init__(self, folder: Path, team: Team) -> None:
        self.folder, self.team = folder, team
        # A group of its own: messages of the writing thread must not mix with those of the training.
        group = dist.new_group(backend="gloo") if team.size > 1 else None
        self._group = group if isinstance(group, dist.ProcessGroup) else None
        self._writing: tuple[Path, Future[Any]] | None = None

    def begin(self, tensors: dict[str, Tensor], *, step: int, samples: int) -> None:
        """Copy the tensors and write them while the run goes on; all ranks call this at the same step.

        Waits for the snapshot before it where that is still being written.
        """
        self.settle(wait=True)
        name = f"step-{step:08d}"
        partial = self.folder / f".{name}"
        if self.team.leads:
            shutil.rmtree(partial, ignore_errors=True)  # of a run that was killed
            partial.mkdir(parents=True)
            about = {"step": step, "samples": samples, "ranks": self.team.size}
            (partial / "run.json").write_text(json.dumps(about), encoding="utf-8")
        if self._group is not None:
            dist.barrier(self._group)
        warnings.filterwarnings("ignore", message="torch.distributed is disabled")  # one process alone, on purpose
        future = state_dict_saver.async_save(
            tensors,
            storage_writer=HuggingFaceStorageWriter(str(partial), save_distributed=True),
            process_group=self._group,
            no_dist=self._group is None,
        )
        assert isinstance(future, Future)
        self._writing = (self.folder / name, future)

    def settle(self, *, wait: bool = False) -> None:
        """Give a snapshot its name if all of it is there; ``wait`` until it is. Raises what went wrong in writing."""
        if self._writing is None or not (wait or self._writing[1].done()):
            return
        path, future = self._writing
        self._writing = None
        future.result()  # the leader's ends when all ranks have written
        if self.team.leads:
            _publish(path)


def _publish(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)  # the same step, of a run that was set back
    path.with_name(f".{path.name}").rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
    for old in _all(path.parent)[:-KEPT]:
        shutil.rmtree(old)


def newest(folder: Path) -> Path | None:
    """The last whole snapshot below a folder."""
    found = _all(folder)
    return found[-1] if found else None


def about(snapshot: Path) -> dict[str, int]:
    """Its ``step`` and ``samples``, and the ``ranks`` that wrote it."""
    return json.loads((snapshot / "run.json").read_text(encoding="utf-8"))


def shapes(snapshot: Path) -> dict[str, torch.Size]:
    """The whole size of each tensor, by name."""
    held = HuggingFaceStorageReader(str(snapshot)).read_metadata().state_dict_metadata
    return {name: one.size for name, one in held.items() if isinstance(one, TensorStorageMetadata)}


def load(snapshot: Path, into: Mapping[str, Tensor]) -> None:
    """Fill the tensors, whole or in shards, from what was saved under their names, by however many ranks."""
    # Each rank reads what it needs without a word to the others; their shards may be of any size.
    warnings.filterwarnings("ignore", message="torch.distributed is disabled")
    state_dict_loader.load(dict(into), storage_reader=HuggingFaceStorageReader(str(snapshot)), no_dist=True)


def read(snapshot: Path, prefix: str) -> dict[str, Tensor]:
    """The whole tensors whose names begin with ``prefix``, by the rest of their names."""
    held = {name: torch.empty(size) for name, size in shapes(snapshot).items() if name.startswith(prefix)}
    load(snapshot, held)
    return {name.removeprefix(prefix): tensor for name, tensor in held.items()}


def _all(folder: Path) -> list[Path]:
    return sorted(one for one in folder.glob("step-*") if (one / "run.json").is_file())
