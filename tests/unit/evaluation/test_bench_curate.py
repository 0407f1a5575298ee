"""The bench of curation: what is counted as found, and tools that really run."""

import numpy as np
import pytest
from tests import films

from praxino.evaluation.bench import curate, curate_beside
from praxino.evaluation.bench.planted import figures, verdicts


def shot(start: int, end: int, *defects: str) -> dict:
    return {"start": start, "end": end, "defects": [{"kind": kind, "begin": start, "end": end} for kind in defects]}


def row(start: int, end: int, reason: str = "") -> dict:
    return {"source": "a.mp4", "start_frame": start, "end_frame": end, "kept": not reason, "reason": reason}


def test_a_defect_counts_as_found_only_where_a_rule_dropped_it():
    overlays = [{"kind": "logo", "begin": 180, "end": 200}, {"kind": "letterbox", "begin": 0, "end": 200}]
    shots = [shot(0, 40, "blur"), shot(40, 80, "blur"), shot(80, 120), shot(120, 150), shot(150, 180), shot(180, 200)]
    rows = [
        row(0, 41, "picture: blurred"), row(41, 80, "dedupe: looks the same as b.mp4 frame 0"), row(80, 120),
        row(120, 150, "light: too dark"), row(150, 180, "dedupe: a part of b.mp4"), row(180, 200, "overlay: a mark"),
    ]  # fmt: skip
    found = figures({"a.mp4": {"kind": "worn", "overlays": overlays, "shots": shots}}, rows)
    assert {one.what: one.value for one in found} == {
        "blur found of 2": 0.5, "logo found of 1": 1.0, "clean shots lost of 3": pytest.approx(1 / 3),
    }  # fmt: skip


@pytest.mark.parametrize("tool", curate.TOOLS)
def test_each_tool_sees_every_frame(tmp_path, tool):
    path = films.save(tmp_path / "film.mp4", films.film(20, width=256, height=144))
    assert curate._measured(path, tool) == 20


def joined(path):
    """A file of two shots that have nothing in common."""
    shots = [films.film(25, width=256, height=144), 255 - films.film(25, width=256, height=144, seed=9)]
    return films.save(path, np.concatenate(shots))


def test_verdicts_are_those_of_the_index_without_a_dataset_made(tmp_path):
    from praxino.curation.curate import Settings
    from praxino.curation.curate import curate as made
    from praxino.curation.store import read_index

    (tmp_path / "raw").mkdir()
    joined(tmp_path / "raw/a.mp4")
    films.save(tmp_path / "raw/black.mp4", np.zeros((30, 144, 256, 3), np.uint8))
    said = verdicts(tmp_path / "raw", tmp_path / "work", lambda stage, done: None)
    made([tmp_path / "raw"], tmp_path / "set", settings=Settings(workers=2), report=lambda stage, done: None)
    assert said == [{key: row[key] for key in said[0]} for row in read_index(tmp_path / "set")]
    assert [one["kept"] for one in said] == [True, True, False]


def test_a_worker_does_all_that_curation_does_with_a_film(tmp_path):
    assert curate_beside.curated(joined(tmp_path / "a.mp4"), tmp_path / "work") == 2
    assert [path.name for path in sorted((tmp_path / "work/clips").iterdir())] == ["0.mp4", "25.mp4"]
