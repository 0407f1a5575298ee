"""A dataset on disk."""

import contextlib
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from praxino import shards
from praxino.curation import store, study
from praxino.curation.clip import Clip, Source
from praxino.curation.rules import default
from praxino.media.write import Writer


def film(path: Path, shade: int) -> None:
    with Writer(path, width=64, height=36, fps=25) as out:
        for k in range(30):
            out.write(np.full((36, 64, 3), (shade + k) % 256, np.uint8))


def clips(many: int) -> list[Clip]:
    out = []
    for k in range(many):
        digest = hashlib.sha256(f"{k}".encode()).hexdigest()
        captions = {"en": f"shot {k}", "zh": f"画面{k}", "en_long": f"shot {k}, long", "zh_long": f"画面{k}，长"}
        tags = {"seconds": 1.2, "fps": 25.0, "logo": None, "sound": bool(k % 2), "camera": "still", "width": 64}
        out.append(Clip(source=f"{k:03d}.mp4", digest=digest, start=0, end=30, tags=tags, captions=captions))
    return out


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "PER_SHARD", 4)


def stored(into: Path, held: list[Clip], encoded: list[str] | None = None) -> None:
    """What `curate` does once shots are judged."""
    waiting = into / store.WORK / store.CLIPS
    waiting.mkdir(parents=True, exist_ok=True)
    for clip in store.missing(into, held):
        film(waiting / f"{store.key(clip)}.mp4", 7 * int(clip.source[:3]))
        if encoded is not None:
            encoded.append(clip.source)
    store.pack(into, held)
    sources = [Source(uri=clip.source, path=into / clip.source, digest=clip.digest) for clip in held]
    store.finish(into, held, sources, default())


def bytes_of(into: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in into.iterdir() if path.is_file()}


def test_a_dataset_has_shards_an_index_of_every_shot_and_a_manifest(tmp_path: Path, small: None):
    held = clips(6)
    held[2] = replace(held[2], kept=False, reason="light: too dark (brightness 3 < 24)")
    stored(tmp_path, held)
    rows = pq.read_table(tmp_path / "index.parquet").to_pylist()
    assert len(rows) == 6
    assert [row["kept"] for row in rows] == [True, True, False, True, True, True]
    assert rows[2]["reason"].startswith("light")
    assert rows[2]["shard"] is None
    assert (rows[0]["caption_zh"], rows[1]["sound"], rows[0]["logo"]) == ("画面0", True, None)
    samples = {(name, sample["key"]): sample for name in ("shard-000000.tar", "shard-000001.tar")
               for sample in shards.read_shard(tmp_path / name)}  # fmt: skip
    assert {(row["shard"], row["key"]) for row in rows if row["kept"]} == set(samples)
    about = json.loads(samples[rows[0]["shard"], rows[0]["key"]]["json"])
    assert about["captions"]["en"] == "shot 0"
    assert about["source"]["sha256"] == held[0].digest
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["kept"] == 5
    assert manifest["sources"]["003.mp4"] == held[3].digest
    assert manifest["recipe"]["name"] == "default"
    assert manifest["stages"] == study.versions() | dict.fromkeys(("caption", "cutout", "dedupe", "judge", "rules"), 1)
    assert manifest["index"] == hashlib.sha256((tmp_path / "index.parquet").read_bytes()).hexdigest()


def test_a_model_can_learn_from_it(tmp_path: Path):
    from praxino.training.source import from_shards

    stored(tmp_path, clips(3))
    found = list(from_shards(tmp_path, size=(64, 32), frames=10))
    assert len(found) == 9
    assert found[0].captions == ("shot 0", "shot 0, long", "画面0", "画面0，长")


def test_once_more_changes_not_even_a_date(tmp_path: Path, small: None):
    stored(tmp_path, clips(6))
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir() if path.is_file()}
    encoded: list[str] = []
    stored(tmp_path, clips(6), encoded)
    assert encoded == []
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir() if path.is_file()} == before


def test_what_is_kept_otherwise_is_packed_anew_without_being_encoded_anew(tmp_path: Path, small: None):
    held = clips(9)
    stored(tmp_path / "a", held)
    fewer = [replace(clip, kept=False, reason="filter: no") if i in {0, 5} else clip for i, clip in enumerate(held)]
    encoded: list[str] = []
    stored(tmp_path / "a", fewer, encoded)
    assert encoded == []
    stored(tmp_path / "b", fewer)
    assert bytes_of(tmp_path / "a") == bytes_of(tmp_path / "b")
    told = [replace(clip, captions=clip.captions | {"en": "other words"}) for clip in fewer]
    stored(tmp_path / "a", told, encoded)
    assert encoded == []
    assert json.loads(next(shards.read(tmp_path / "a"))["json"])["captions"]["en"] == "other words"


def test_stopped_anywhere_while_packing_it_becomes_the_same(
    tmp_path: Path, small: None, monkeypatch: pytest.MonkeyPatch
):
    held = clips(10)
    fewer = [replace(clip, kept=i % 3 != 0, reason="" if i % 3 else "filter: no") for i, clip in enumerate(held)]
    stored(tmp_path / "whole", fewer)
    for stop in range(1, 12):
        into = tmp_path / f"{stop}"
        stored(into, held)
        with monkeypatch.context() as patched:
            patched.setattr(Path, "replace", _killed_at(stop))
            with contextlib.suppress(KeyboardInterrupt):
                stored(into, fewer)
        stored(into, fewer)
        assert bytes_of(into) == bytes_of(tmp_path / "whole")


def _killed_at(step: int) -> Callable[[Path, Path], Path]:
    """What moves a file to its place, and at the given time is cut off before it does."""
    steps, replaced = count(1), Path.replace

    def move(path: Path, target: Path) -> Path:
        if next(steps) == step:
            raise KeyboardInterrupt
        return replaced(path, target)

    return move


def test_a_broken_shard_is_written_again(tmp_path: Path, small: None):
    stored(tmp_path, clips(6))
    whole = bytes_of(tmp_path)
    path = tmp_path / "shard-000000.tar"
    for broken, again in ((b"broken" * 100, 4), (whole[path.name][: len(whole[path.name]) // 2], 2)):
        path.write_bytes(broken)
        encoded: list[str] = []
        stored(tmp_path, clips(6), encoded)
        assert again <= len(encoded) <= 4
        assert bytes_of(tmp_path) == whole


def test_the_index_is_not_overwritten_by_that_of_plain_shards(tmp_path: Path):
    stored(tmp_path, clips(2))
    with pytest.raises(ValueError, match="index of another kind"):
        shards.index(tmp_path)
