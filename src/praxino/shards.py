"""A dataset on disk: WebDataset tar shards, and a Parquet index of what is in them.

A sample is a dict of its ``key`` and its parts by file ending: ``{"key": "000017", "mp4": b"...", "json": b"..."}``.
Shards are written whole or not at all and never again, so an interrupted run goes on with the first that is missing.
"""
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# (pyarrow has no types)

import io
import os
import re
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

INDEX = "index.parquet"
Sample = Mapping[str, str | bytes]  # "key": str, every other part: bytes


def write(folder: Path, samples: Iterable[Sample], *, per_shard: int = 64) -> list[Path]:
    """Add samples to a dataset, ``per_shard`` to a file, after those it has; then index it.

    To go on after an interruption, give the samples from ``count(folder)`` on. Returns the new shards.
    Raises ValueError on a sample without a good key.
    """
    if per_shard < 1:
        raise ValueError(f"per_shard {per_shard} must be at least 1; try 64")
    new: list[Path] = []
    remaining = iter(samples)
    number = max((_number(path) for path in shards(folder)), default=-1) + 1
    while batch := list(islice(remaining, per_shard)):
        new.append(write_shard(folder, number, batch))
        number += 1
    index(folder)
    return new


def write_shard(folder: Path, number: int, samples: Iterable[Sample]) -> Path:
    """Write shard ``number``, whole or not at all; one that is there stays, and its samples are not asked for."""
    path = folder / f"shard-{number:06d}.tar"
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{path.name}.{os.getpid()}.tmp"
    try:
        with tarfile.open(temporary, "w", format=tarfile.PAX_FORMAT) as tar:
            for sample in samples:
                _add(tar, sample)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def shards(folder: Path) -> list[Path]:
    """The finished shards, in order."""
    return sorted(folder.glob("shard-*.tar"))


def count(folder: Path) -> int:
    """Samples in the finished shards."""
    return sum(len(_keys(path)) for path in shards(folder))


def count_in(shard: Path) -> int:
    """Samples in one shard. Raises ValueError where it is broken."""
    return len(_keys(shard))


def read(folder: Path) -> Iterator[dict[str, Any]]:
    """Every sample, in the order written: ``key`` (str) and its parts (bytes).

    Raises ValueError where there is no shard, or a shard is broken.
    """
    paths = shards(folder)
    if not paths:
        raise ValueError(f"{folder} holds no shards (shard-000000.tar and so on); render or curate some first")
    for path in paths:
        yield from _samples(path)


def read_shard(path: Path) -> Iterator[dict[str, Any]]:
    """Every sample of one shard. Raises ValueError where it is broken."""
    return _samples(path)


def index(folder: Path) -> Path:
    """Write index.parquet: a row for each sample with its shard, key, parts, bytes, and what its json says.

    Shards that are in it already are not read again. Raises ValueError where a shard is broken, or where the index
    that is there says other things (`praxino curate` writes one of its own).
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    texts = [("shard", pa.string()), ("key", pa.string()), ("json", pa.string())]
    schema = pa.schema([*texts, ("parts", pa.list_(pa.string())), ("bytes", pa.int64())])
    path = folder / INDEX
    if path.exists() and set(pq.read_schema(path).names) != set(schema.names):
        raise ValueError(f"{path} is an index of another kind, of a curated dataset; write to another folder")
    known = pq.read_table(path, schema=schema) if path.exists() else schema.empty_table()
    done = set(known["shard"].to_pylist())
    rows = [_row(shard, sample) for shard in shards(folder) if shard.name not in done for sample in _samples(shard)]
    temporary = folder / f".{INDEX}.{os.getpid()}.tmp"
    try:
        table = pa.concat_tables([known, pa.Table.from_pylist(rows, schema=schema)])
        pq.write_table(table.sort_by("shard"), temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def _row(shard: Path, sample: Mapping[str, Any]) -> dict[str, Any]:
    parts = sorted(name for name in sample if name != "key")
    about = sample["json"].decode() if "json" in sample else None
    size = sum(len(sample[name]) for name in parts)
    return {"shard": shard.name, "key": sample["key"], "json": about, "parts": parts, "bytes": size}


def _add(tar: tarfile.TarFile, sample: Sample) -> None:
    key = sample.get("key")
    if not isinstance(key, str) or not re.fullmatch(r"[\w-]{1,200}", key):
        raise ValueError(f"sample key {key!r} must be letters, digits, - and _; try '000000'")
    for name in sorted(sample):
        data = sample[name]
        if name == "key":
            continue
        if not isinstance(data, bytes) or not re.fullmatch(r"[\w.]{1,40}", name):
            raise ValueError(f"part {name!r} of sample {key} must be bytes under a file ending such as 'json'")
        about = tarfile.TarInfo(f"{key}.{name}")  # of no date and no owner: same samples, same bytes
        about.size = len(data)
        tar.addfile(about, io.BytesIO(data))


def _samples(path: Path) -> Iterator[dict[str, Any]]:
    """Neighbouring members of the same key are one sample."""
    sample: dict[str, Any] = {}
    try:
        with tarfile.open(path) as tar:
            for member in tar:
                held = tar.extractfile(member)
                if held is None:
                    continue
                key, _, name = Path(member.name).name.partition(".")
                if sample and sample["key"] != key:
                    yield sample
                    sample = {}
                sample["key"] = key
                sample[name] = held.read()
    except (tarfile.TarError, OSError, EOFError) as error:
        raise ValueError(f"{path} is a broken shard ({error}); delete it and write it again") from None
    if sample:
        yield sample


def _keys(path: Path) -> list[str]:
    try:
        with tarfile.open(path) as tar:
            return list(dict.fromkeys(Path(name).name.partition(".")[0] for name in tar.getnames()))
    except (tarfile.TarError, OSError, EOFError) as error:
        raise ValueError(f"{path} is a broken shard ({error}); delete it and write it again") from None


def _number(path: Path) -> int:
    return int(path.stem.removeprefix("shard-"))
