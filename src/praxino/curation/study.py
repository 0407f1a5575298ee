"""One source, decoded once: its shots, their tags and fingerprints, kept so that it need not be decoded again.

What is kept of a source is a folder named after its bytes, there whole or not at all. Thresholds have no part in it.
Shapes: n frames of a source, s shots, m moments of their fingerprints.
"""

import json
import os
import shutil
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from praxino import config
from praxino.curation import fingerprint, palette, words
from praxino.curation.clip import Probe, Source, Tag

VERSION = 2


@dataclass(frozen=True, kw_only=True)
class Shot:
    """A shot of a source, and what was measured on it once and for all."""

    start: int  # what can be used of it: without transitions
    end: int
    shot: tuple[int, int]  # from cut to cut, the middles of transitions
    first: int  # row of its fingerprint
    last: int  # one after its last
    crop: tuple[int, int, int, int] | None = None
    tags: dict[str, Any] = field(default_factory=dict)  # of str: Tag


@dataclass(frozen=True, kw_only=True)
class Study:
    """What is known of a source."""

    versions: dict[str, int]  # of the stages that found it out
    broken: str = ""  # why it cannot be used
    again: bool = False  # that may have been the machine's fault, or ours: it is tried again the next time
    probe: Probe | None = None
    frames: int = 0
    told: dict[str, str] = field(default_factory=dict)  # what the container says of itself: title, description
    shots: tuple[Shot, ...] = ()


def versions() -> dict[str, int]:
    """Of the stages that decode and measure: when one of them is another, sources are studied again."""
    from praxino.curation import cuts, scan, tags

    stages = {"cuts": cuts, "fingerprint": fingerprint, "palette": palette, "scan": scan, "tags": tags}
    return {"study": VERSION} | {name: int(getattr(stage, "VERSION", 1)) for name, stage in stages.items()}


def place(work: Path, digest: str) -> Path:
    """The folder of what is known of the source with this digest."""
    return work / digest[:2] / digest


def known(work: Path, digest: str) -> bool:
    """Whether a source was studied, by the stages as they are."""
    try:
        held = opened(work, digest)
    except (OSError, ValueError):
        return False
    return held.versions == versions() and not held.again


def opened(work: Path, digest: str) -> Study:
    """What is known of a source."""
    return config.from_json(Study, json.loads((place(work, digest) / "study.json").read_bytes()))


def prints(work: Path, digest: str) -> tuple[np.ndarray, np.ndarray]:
    """Hashes (m, 2) uint64 and pictures (m, 864) uint8 of all shots, mapped, not read."""
    folder = place(work, digest)
    return np.load(folder / "hashes.npy"), np.load(folder / "pictures.npy", mmap_mode="r")


def times(work: Path, digest: str) -> np.ndarray:
    """When each frame is shown, (n,) float64 seconds."""
    return np.load(place(work, digest) / "times.npy")


def stills(work: Path, digest: str) -> np.ndarray:
    """A small picture from the middle of each shot, (s, h, w, 3) uint8."""
    return np.load(place(work, digest) / "stills.npy")


def study(source: Source, work: Path) -> None:
    """Find out all there is to know of a source, and keep it; a broken one is a finding too."""
    from praxino.curation.scan import Unreadable, scan

    if source.flaw:
        return _keep(work, source.digest, Study(versions=versions(), broken=source.flaw, again=True), {})
    try:
        held = scan(source)
    except Unreadable as error:
        return _keep(work, source.digest, Study(versions=versions(), broken=str(error)), {})
    from praxino.curation import cuts, tags

    shots: list[Shot] = []
    found: list[fingerprint.Print] = []
    row = 0
    found_cuts = cuts.cuts(held.small, held.times)
    frames = [0, *((cut.begin + cut.end + 1) // 2 for cut in found_cuts), len(held.small)]
    whole = dict(zip([0, *(cut.end for cut in found_cuts)], pairwise(frames), strict=True))
    for start, end in cuts.shots(found_cuts, len(held.small)):
        crop = tags.borders(held, start, end)
        box = _shares(crop, held.probe)
        found.append(fingerprint.fingerprint(held.small[start:end], held.times[start:end], box=box))
        named: dict[str, Tag] = {**tags.tags(held, start, end), "colours": palette.palette(held.small[start:end])}
        named["softness"] = _softness(named["blur"], held.probe)
        rows = len(found[-1].hashes)
        about = {"start": start, "end": end, "shot": whole[start], "first": row, "last": row + rows}
        shots.append(Shot(**about, crop=crop, tags=_plain(named)))
        row += rows
    told = words.inside(source.path)
    known = Study(
        versions=versions(), probe=held.probe, frames=len(held.small), told=told, shots=tuple(shots),
    )  # fmt: skip
    empty = fingerprint.Print(hashes=np.empty((0, 2), np.uint64), pictures=np.empty((0, 864), np.uint8))
    arrays = {
        "hashes": np.concatenate([empty.hashes, *(one.hashes for one in found)]),
        "pictures": np.concatenate([empty.pictures, *(one.pictures for one in found)]),
        "times": held.times.astype(np.float64),
        "stills": np.stack([held.small[(shot.start + shot.end) // 2] for shot in shots] or [held.small[0]]),
    }
    return _keep(work, source.digest, known, arrays)


def broken(source: Source, work: Path, reason: str) -> None:
    """Keep that a source could not be studied, as when it takes the decoder down with it."""
    _keep(work, source.digest, Study(versions=versions(), broken=reason, again=True), {})


def _shares(crop: tuple[int, int, int, int] | None, probe: Probe) -> tuple[float, float, float, float]:
    if crop is None:
        return 0.0, 0.0, 1.0, 1.0
    left, top, width, height = crop
    wide, high = probe.width, probe.height
    return left / wide, top / high, (left + width) / wide, (top + height) / high


def _softness(blur: Tag, probe: Probe) -> Tag:
    """Blur, in pixels of a picture of 720 lines; of one of fewer than 288 lines no more is asked than of one of 288."""
    return blur * min(1.0, min(probe.width, probe.height) / 288) if isinstance(blur, float) else blur


def _plain(named: dict[str, Tag]) -> dict[str, Tag]:
    """Numbers of numpy as Python's own, with so many digits as mean something; what is no number is not known."""
    out: dict[str, Tag] = {}
    for name in sorted(named):
        value: Any = named[name]
        value = value.item() if isinstance(value, np.generic) else value
        if isinstance(value, float):
            value = float(f"{value:.6g}") if np.isfinite(value) else None
        out[name] = value
    return out


def _keep(work: Path, digest: str, known: Study, arrays: dict[str, np.ndarray]) -> None:
    """Write the folder beside its place, then put it there."""
    target = place(work, digest)
    temporary = target.with_name(f".{digest}.{os.getpid()}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        for name, array in arrays.items():
            np.save(temporary / f"{name}.npy", array)
        text = json.dumps(config.to_json(known), ensure_ascii=False, sort_keys=True)
        (temporary / "study.json").write_text(text, encoding="utf-8")
        shutil.rmtree(target, ignore_errors=True)
        temporary.replace(target)
    except OSError:
        if not (target / "study.json").exists():  # else another process has put the same there
            raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
