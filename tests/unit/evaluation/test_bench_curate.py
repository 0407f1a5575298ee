"""The bench of curation: what is counted as found, and tools that really run."""

import pytest
from tests import films

from praxino.evaluation.bench import curate
from praxino.evaluation.bench.planted import figures


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
