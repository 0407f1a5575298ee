"""Stages on a cluster of Ray: the same functions, spread by Ray Data.

All machines have to see the footage and the dataset's folder under the same paths, as on a network drive.
"""
# pyright: reportMissingImports=false, reportUnknownMemberType=false, reportUnknownVariableType=false

import os
import pickle
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import ray
import ray.data

from praxino.curation.engine import Job


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """Ray Data on the cluster that RAY_ADDRESS names, or on this machine."""

    workers: int

    def run(self, jobs: Sequence[Job]) -> Generator[tuple[int, Exception | None]]:
        """Run jobs; their numbers as they end."""
        if not jobs:
            return
        if not ray.is_initialized():
            os.environ.setdefault("RAY_AUTH_MODE", "token")  # whoever reaches a cluster without one owns it
            address = os.environ.get("RAY_ADDRESS")
            ray.init(**({"address": address} if address else {"num_cpus": self.workers}), log_to_driver=False)
        rows = [{"number": number, "job": pickle.dumps(job)} for number, job in enumerate(jobs)]
        blocks = ray.data.from_items(rows, override_num_blocks=min(len(rows), 10_000))
        for row in blocks.map(_done).iter_rows():
            yield int(row["number"]), RuntimeError(row["error"]) if row["error"] else None


def _done(row: dict[str, Any]) -> dict[str, Any]:
    function, given = pickle.loads(row["job"])  # noqa: S301 - see above
    try:
        function(*given)
    except (OSError, ValueError, RuntimeError) as error:
        return {"number": row["number"], "error": str(error) or type(error).__name__}
    return {"number": row["number"], "error": ""}
