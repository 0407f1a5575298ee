"""The card of imported weights says how the folder's own scheduler walks."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests import wan

from praxino import checkpoint
from praxino.generation import wan_import
from praxino.transformer.wan_import import Terms


def walk(folder: Path, into: Path, **sight: int) -> dict[str, Any]:
    wan_import.bring(folder, into, Terms(sight=tuple(sight.items())), wan_import.Whole(size=(64, 64)))
    return checkpoint.card(into)["card"]["walk"]


@pytest.mark.parametrize(
    ("change", "solver"),
    [
        ({}, "unipc"),
        ({"disable_corrector": [0]}, "euler"),
        ({"solver_order": 3}, "euler"),
        ({"use_flow_sigmas": False}, "euler"),
        ({"_class_name": "FlowMatchEulerDiscreteScheduler"}, "euler"),
    ],
)
def test_films_are_walked_as_the_scheduler_says(change: dict[str, Any], solver: str, tmp_path: Path) -> None:
    file = wan.folder(tmp_path / "theirs", by_unipc=True, shift=7.0) / "scheduler" / "scheduler_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    said = walk(tmp_path / "theirs", tmp_path / "ours")
    assert (said["solver"], said["shift"], said["ticks"]) == (solver, 7.0, 1000 if solver == "unipc" else None)


def test_those_of_few_steps_keep_their_own_walk(tmp_path: Path) -> None:
    said = walk(wan.folder(tmp_path / "theirs", by_unipc=True), tmp_path / "ours", chunk=3)
    assert (said["solver"], said["ticks"], said["churn"]) == ("euler", None, 1.0)
