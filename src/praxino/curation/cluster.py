"""Stages on a cluster of Ray: the same functions, spread by Ray Data.

All machines have to see the footage and the dataset's folder under the same paths, as on a network drive.
"""
# pyright: reportMissingImports=false

import os
import pickle  # between our own processes; nothing of it is kept
import secrets
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from praxino.curation.engine import Job


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """Ray Data on the cluster that RAY_ADDRESS names, or on this machine. Raises ValueError where Ray is missing."""

    workers: int

    def __post_init__(self) -> None:
        if find_spec("ray") is None:
            raise ValueError("engine ray needs Ray; install it with: pip install 'praxino[cluster]'")

    def run(self, jobs: Sequence[Job]) -> Generator[tuple[int, Exception | None]]:
        """Run jobs; their numbers as they end."""
        if not jobs:
            return
        data = _joined(self.workers)
        rows = [{"number": number, "job": pickle.dumps(job)} for number, job in enumerate(jobs)]
        blocks = data.from_items(rows, override_num_blocks=min(len(rows), 10_000))
        for row in blocks.map(_done).iter_rows():
            yield int(row["number"]), RuntimeError(row["error"]) if row["error"] else None


def _joined(workers: int) -> Any:
    """`ray.data`, of the cluster that is there or of one that ends with this process.

    Whoever reaches a cluster may run programs on it, so a token is asked for unless RAY_AUTH_MODE says otherwise. Ray
    reads it when it is imported.
    """
    address = os.environ.get("RAY_ADDRESS")
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    if not address and os.environ["RAY_AUTH_MODE"] == "token":
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    import ray
    import ray.data

    if not ray.is_initialized():
        size = {} if address else {"num_cpus": workers, "include_dashboard": False}
        ray.init(address=address or "local", log_to_driver=False, **size)
    ray.data.DataContext.get_current().enable_progress_bars = False
    return ray.data


def _done(row: dict[str, Any]) -> dict[str, Any]:
    function, given = pickle.loads(row["job"])  # noqa: S301 - see above
    try:
        function(*given)
    except Exception as error:  # noqa: BLE001 - told, as a process of this machine would
        return {"number": row["number"], "error": f"{type(error).__name__}: {error}"}
    return {"number": row["number"], "error": ""}
