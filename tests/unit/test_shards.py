"""A dataset on disk."""

import json
import tarfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from praxino import shards


def samples(count: int) -> Iterator[dict[str, str | bytes]]:
    for i in range(count):
        about = json.dumps({"captions": {"en": f"ball {i}", "zh": f"球 {i}"}}).encode()
        yield {"key": f"{i:06d}", "mp4": bytes([i]) * 10, "json": about}


def test_samples_come_back_in_order_as_they_were_written(tmp_path: Path):
    new = shards.write(tmp_path, samples(7), per_shard=3)
    assert [path.name for path in new] == ["shard-000000.tar", "shard-000001.tar", "shard-000002.tar"]
    assert list(shards.read(tmp_path)) == list(samples(7))
    assert shards.count(tmp_path) == 7


def test_an_interrupted_dataset_goes_on_where_it_stopped_and_never_rewrites(tmp_path: Path):
    def broken() -> Iterator[dict[str, str | bytes]]:
        yield from samples(5)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shards.write(tmp_path / "a", broken(), per_shard=2)
    written = [path.stat().st_mtime_ns for path in shards.shards(tmp_path / "a")]
    assert shards.count(tmp_path / "a") == 4
    shards.write(tmp_path / "a", islice(samples(7), shards.count(tmp_path / "a"), None), per_shard=2)
    shards.write(tmp_path / "b", samples(7), per_shard=2)
    assert [path.stat().st_mtime_ns for path in shards.shards(tmp_path / "a")[:2]] == written
    for a, b in zip(shards.shards(tmp_path / "a"), shards.shards(tmp_path / "b"), strict=True):
        assert a.read_bytes() == b.read_bytes()


def test_a_finished_shard_does_not_ask_for_its_samples(tmp_path: Path):
    def never() -> Iterator[dict[str, str | bytes]]:
        raise AssertionError
        yield {}

    path = shards.write_shard(tmp_path, 3, samples(2))
    assert shards.write_shard(tmp_path, 3, never()) == path


def test_a_shard_that_fails_leaves_nothing(tmp_path: Path):
    with pytest.raises(ValueError, match="sample key 'a.b' must be letters"):
        shards.write_shard(tmp_path, 0, [{"key": "fine", "json": b""}, {"key": "a.b", "json": b""}])
    assert list(tmp_path.iterdir()) == []


def test_a_part_that_is_not_bytes_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="part 'json' of sample a must be bytes"):
        shards.write_shard(tmp_path, 0, [{"key": "a", "json": "text"}])


def test_the_index_has_a_row_for_every_sample(tmp_path: Path):
    shards.write(tmp_path, samples(3), per_shard=2)
    shards.write(tmp_path, islice(samples(5), 3, None), per_shard=2)
    table = pq.read_table(tmp_path / "index.parquet").to_pydict()
    assert table["key"] == [f"{i:06d}" for i in range(5)]
    assert table["shard"][-1] == "shard-000002.tar"
    assert table["parts"][0] == ["json", "mp4"]
    assert json.loads(table["json"][4])["captions"]["zh"] == "球 4"


def test_shards_are_webdataset_tars(tmp_path: Path):
    shards.write(tmp_path, samples(1))
    with tarfile.open(tmp_path / "shard-000000.tar") as tar:
        assert tar.getnames() == ["000000.json", "000000.mp4"]


def test_a_broken_shard_is_named(tmp_path: Path):
    (tmp_path / "shard-000000.tar").write_bytes(b"junk" * 300)
    with pytest.raises(ValueError, match=r"shard-000000\.tar is a broken shard"):
        list(shards.read(tmp_path))


def test_a_folder_without_shards_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="holds no shards"):
        list(shards.read(tmp_path))
