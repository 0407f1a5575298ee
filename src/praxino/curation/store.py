"""A dataset on disk: WebDataset shards of what is kept, and an index and a manifest of everything.

    DATASET/shard-000000.tar ...   an mp4 and a json (captions, fields, tags, origin) for each kept clip
    DATASET/index.parquet          a row a shot, dropped ones too, and one a file that could not be read
    DATASET/manifest.json          what it was made of, by which stages, with which recipe
    DATASET/.work/                 what is known of each source, so that it need not be decoded again

What is in them follows from the sources and the recipe alone, so whatever was interrupted becomes the same by running
it again. The index is this module's, not that of `shards`: it holds what that one does (shard, key) and more.
"""
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# (pyarrow has no types)

import contextlib
import hashlib
import json
import os
import shutil
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import praxino
from praxino import config, shards
from praxino.curation import caption, cutout, dedupe, judge, rules, study
from praxino.curation.clip import Clip, Source
from praxino.curation.rules import Recipe

PER_SHARD = 64
INDEX, MANIFEST, WORK, CLIPS = "index.parquet", "manifest.json", ".work", "clips"
FORMAT = 1
COLUMNS = (
    "source", "digest", "start_frame", "end_frame", "clip_start", "clip_end", "kept", "reason", "caption_en",
    "caption_zh", "caption_en_long", "caption_zh_long", "crop", "shard", "key",
)  # fmt: skip
"""Of the index, before those of tags."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a kept clip is."""

    shard: str
    key: str


def key(clip: Clip) -> str:
    """The name of a kept clip's sample: of what its bytes follow from."""
    about = hashlib.sha256(f"{clip.digest} {clip.crop} {cutout.VERSION}".encode()).hexdigest()[:6]
    return f"{clip.digest[:16]}-{clip.start:07d}-{clip.end:07d}-{about}"


def places(clips: Iterable[Clip]) -> dict[str, Place]:
    """Where each kept clip goes, by key."""
    keys = [key(clip) for clip in clips if clip.kept]
    return {name: Place(shard=f"shard-{i // PER_SHARD:06d}.tar", key=name) for i, name in enumerate(keys)}


def about(clip: Clip) -> bytes:
    """The json of a kept clip."""
    held = {
        "captions": clip.captions,
        "fields": caption.facts(clip.tags).to_json(),
        "tags": clip.tags,
        "source": {"uri": clip.source, "sha256": clip.digest, "start_frame": clip.start, "end_frame": clip.end},
    }
    return json.dumps(held, ensure_ascii=False, sort_keys=True).encode()


def missing(into: Path, clips: Sequence[Clip]) -> list[Clip]:
    """Kept clips that are not encoded: neither in a shard nor waiting for one."""
    there = {path.stem for path in (into / WORK / CLIPS).glob("*.mp4")} | set(_held(into))
    return [clip for clip in clips if clip.kept and key(clip) not in there]


def pack(into: Path, clips: Sequence[Clip], *, report: Callable[[float], None] = lambda _: None) -> int:
    """Put kept clips, all of them encoded, into shards; the shards that had to be written."""
    kept = {key(clip): about(clip) for clip in clips if clip.kept}
    names = list(kept)
    parts = [names[i : i + PER_SHARD] for i in range(0, len(names), PER_SHARD)]
    wanted = {f"shard-{i:06d}.tar": {name: kept[name] for name in part} for i, part in enumerate(parts)}
    stale = [name for name, samples in wanted.items() if not _holds(into / name, samples)]
    gone = [path for path in shards.shards(into) if path.name not in wanted]
    waiting = into / WORK / CLIPS
    waiting.mkdir(parents=True, exist_ok=True)
    _salvage([*(into / name for name in stale), *gone], {name for shard in stale for name in wanted[shard]}, waiting)
    for count, name in enumerate(stale):
        samples = (
            {"key": k, "json": text, "mp4": (waiting / f"{k}.mp4").read_bytes()} for k, text in wanted[name].items()
        )
        fresh = into / WORK / "packing"
        shutil.rmtree(fresh, ignore_errors=True)
        shards.write_shard(fresh, int(name[6:12]), samples).replace(into / name)
        report((count + 1) / len(stale))
    for path in gone:
        path.unlink()
    return len(stale)


def finish(into: Path, clips: Sequence[Clip], sources: Sequence[Source], recipe: Recipe) -> None:
    """Write index and manifest, and clear away what only waited for them."""
    rows = _rows(clips)
    _put(into / INDEX, lambda path: _write_index(path, rows))
    text = json.dumps(_manifest(into, clips, sources, recipe), ensure_ascii=False, indent=1, sort_keys=True)
    _put(into / MANIFEST, lambda path: path.write_text(text + "\n", encoding="utf-8"))
    for name in (CLIPS, "packing"):
        shutil.rmtree(into / WORK / name, ignore_errors=True)


def read_index(into: Path) -> list[dict[str, Any]]:
    """The rows of the index."""
    import pyarrow.parquet as pq

    return pq.read_table(into / INDEX).to_pylist()


def _rows(clips: Sequence[Clip]) -> list[dict[str, Any]]:
    at, tags = places(clips), sorted({name for clip in clips for name in clip.tags} - set(COLUMNS))
    rows: list[dict[str, Any]] = []
    for clip in clips:
        place = at.get(key(clip)) if clip.kept else None
        fixed = (
            clip.source, clip.digest, *(clip.shot or (clip.start, clip.end)), clip.start, clip.end, clip.kept,
            clip.reason, clip.captions.get("en", ""),
            clip.captions.get("zh", ""), clip.captions.get("en_long", ""), clip.captions.get("zh_long", ""),
            list(clip.crop) if clip.crop else None, place.shard if place else None, place.key if place else None,
        )  # fmt: skip
        rows.append(dict(zip(COLUMNS, fixed, strict=True)) | {name: clip.tags.get(name) for name in tags})
    return rows


def _write_index(path: Path, rows: list[dict[str, Any]]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    text, number = pa.string(), pa.int64()
    kinds: dict[str, Any] = dict.fromkeys(COLUMNS, text)
    kinds |= dict.fromkeys(("start_frame", "end_frame", "clip_start", "clip_end"), number)
    kinds |= {"kept": pa.bool_(), "crop": pa.list_(number)}
    names = [*COLUMNS, *(name for name in (rows[0] if rows else {}) if name not in kinds)]
    for name in names[len(COLUMNS) :]:
        types = {type(row[name]) for row in rows if row[name] is not None}
        single = {bool: pa.bool_(), int: number, str: text}.get(next(iter(types))) if len(types) == 1 else None
        kinds[name] = single or (text if str in types or not types else pa.float64())
        if kinds[name] == text:
            rows = [row | {name: None if row[name] is None else str(row[name])} for row in rows]
        elif kinds[name] == pa.float64():
            rows = [row | {name: None if row[name] is None else float(row[name])} for row in rows]
    schema = pa.schema([(name, kinds[name]) for name in names])
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)


def _manifest(into: Path, clips: Sequence[Clip], sources: Sequence[Source], recipe: Recipe) -> dict[str, Any]:
    stages = {"caption": caption, "cutout": cutout, "dedupe": dedupe, "judge": judge, "rules": rules}
    return {
        "format": FORMAT,
        "praxino": praxino.__version__,
        "sources": {source.uri: source.digest for source in sorted(sources, key=lambda source: source.uri)},
        "stages": study.versions() | {name: int(stage.VERSION) for name, stage in stages.items()},
        "recipe": config.to_json(recipe),
        "shots": len(clips),
        "kept": sum(clip.kept for clip in clips),
        "shards": {path.name: path.stat().st_size for path in shards.shards(into)},
        "index": hashlib.sha256((into / INDEX).read_bytes()).hexdigest(),
    }


def _put(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file whole or not at all; one that is the same already stays as it is."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        write(temporary)
        if path.exists() and path.read_bytes() == temporary.read_bytes():
            return
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _held(into: Path) -> dict[str, Path]:
    """Keys of what is in finished shards."""
    found: dict[str, Path] = {}
    for path in shards.shards(into):
        for name, _ in _members(path):
            found[name.partition(".")[0]] = path
    return found


def _members(path: Path) -> Iterator[tuple[str, bytes | None]]:
    """Names in a shard, and what those that end in .json hold. A broken shard ends early."""
    try:
        with tarfile.open(path) as tar:
            for member in tar:
                if member.offset_data + member.size > path.stat().st_size:
                    return
                held = tar.extractfile(member) if member.name.endswith(".json") else None
                yield member.name, held.read() if held else None
    except (tarfile.TarError, OSError, EOFError):
        return


def _holds(path: Path, samples: Mapping[str, bytes]) -> bool:
    """Whether a shard has just these samples, in this order, with these words."""
    expected = list(chain.from_iterable(((f"{k}.json", text), (f"{k}.mp4", None)) for k, text in samples.items()))
    return path.exists() and list(_members(path)) == expected


def _salvage(paths: Sequence[Path], wanted: set[str], waiting: Path) -> None:
    """Take films that are wanted elsewhere out of shards that are about to go."""
    for path in filter(Path.exists, paths):
        with contextlib.suppress(ValueError):  # a broken one gives what comes before it breaks
            for sample in shards.read_shard(path):
                target = waiting / f"{sample['key']}.mp4"
                if sample["key"] in wanted and "mp4" in sample and not target.exists():
                    _put(target, lambda temporary, film=sample["mp4"]: temporary.write_bytes(film))
