"""Pieces of shots as latents: of those that curation kept and of those it dropped, all read from the raw footage alike.

Shapes: n pieces, t latents, h rows, w columns, c channels.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from praxino.autoencoder.model import Autoencoder
from praxino.curation import cutout, ingest, store, study
from praxino.curation.clip import Source
from praxino.media.fit import fit
from praxino.pixels import unit

MOST = 4
"""Pieces of one shot, evenly from all of it: a long shot teaches no more than several short ones."""
CAUSE = re.compile(r"\((\w+) ")
"""Where the reason of a dropped shot names the tag."""


@dataclass(frozen=True, kw_only=True)
class Shot:
    """A row of a dataset's index that has frames."""

    digest: str  # of its source
    begin: int  # first frame of what can be used of it
    end: int
    crop: tuple[int, int, int, int] | None
    kept: bool
    cause: str  # the tag that it was dropped for, or the stage where no tag is to blame; "" where it is kept
    tags: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Pieces:
    """What there is to learn from."""

    latents: Tensor  # (n, t, h, w, c) float16
    shots: tuple[Shot, ...]  # of which each piece is a part: n of them


def shots(dataset: Path, *, frames: int) -> list[Shot]:
    """The shots of a dataset that have so many frames. Raises ValueError where there is no dataset."""
    if not (dataset / store.INDEX).is_file():
        raise ValueError(f"{dataset} holds no {store.INDEX}; `praxino curate FOLDER --into {dataset}` makes one")
    out: list[Shot] = []
    for row in store.read_index(dataset):
        if row["clip_end"] - row["clip_start"] < frames:
            continue
        crop = tuple(row["crop"]) if row["crop"] else None
        tags = {name: value for name, value in row.items() if name not in store.COLUMNS}
        out.append(
            Shot(
                digest=row["digest"],
                begin=row["clip_start"],
                end=row["clip_end"],
                crop=crop,
                kept=row["kept"],
                cause="" if row["kept"] else _cause(row["reason"]),
                tags=tags,
            )
        )
    return out


def found(dataset: Path, footage: Sequence[Path], wanted: Sequence[Shot]) -> dict[str, Source]:
    """The sources of shots, by digest. Raises ValueError where some are not among the footage."""
    held = {source.digest: source for source in ingest.sources(footage)}
    missing = {shot.digest for shot in wanted} - set(held)
    if missing:
        where = ", ".join(map(str, footage)) or "nowhere"
        raise ValueError(
            f"{len(missing)} sources of {dataset} are not in the footage given ({where}); "
            "name the folders it was made of with --footage"
        )
    return {shot.digest: held[shot.digest] for shot in wanted}


def pieces(
    dataset: Path,
    wanted: Sequence[Shot],
    sources: Mapping[str, Source],
    *,
    coder: Autoencoder,
    size: tuple[int, int],
    frames: int,
    report: Callable[[float], None] = lambda _: None,
) -> Pieces:
    """Up to `MOST` pieces of ``frames`` frames of each shot, fitted to ``size`` and encoded."""
    latents: list[Tensor] = []
    owners: list[Shot] = []
    for number, source in enumerate(sources.values()):
        mine = [shot for shot in wanted if shot.digest == source.digest]
        for shot, picture in _read(dataset, source, mine, size=size, frames=frames):
            with torch.inference_mode():
                latents.append(coder.encode(unit(picture)[None])[0].half())
            owners.append(shot)
        report((number + 1) / len(sources))
    return Pieces(latents=torch.stack(latents), shots=tuple(owners))


def _read(
    dataset: Path, source: Source, mine: Sequence[Shot], *, size: tuple[int, int], frames: int
) -> Iterator[tuple[Shot, np.ndarray]]:
    """Each piece (frames, h, w, 3) of the shots of one source, which is decoded once."""
    probe = study.opened(dataset / store.WORK, source.digest).probe
    if probe is None:
        return
    waiting: list[tuple[int, Shot, list[np.ndarray]]] = [
        (begin, shot, []) for shot in mine for begin in _begins(shot, frames)
    ]
    for number, frame in cutout.frames(source):
        near = [one for one in waiting if one[0] <= number < one[0] + frames]
        if not near:
            continue
        whole = cutout.picture(frame, probe)
        for begin, shot, held in near:
            left, top, width, height = shot.crop or (0, 0, whole.shape[1], whole.shape[0])
            part = whole[top : top + height, left : left + width]
            held.append(fit(part[None], width=size[0], height=size[1], mode="crop")[0])
            if number == begin + frames - 1:
                yield shot, np.stack(held)
                held.clear()


def _begins(shot: Shot, frames: int) -> list[int]:
    """First frames of the pieces of a shot."""
    count = min(MOST, (shot.end - shot.begin) // frames)
    return np.linspace(shot.begin, shot.end - frames, count).round().astype(int).tolist()


def _cause(reason: str) -> str:
    named = CAUSE.search(reason)
    stage = reason.split(":", maxsplit=1)[0]
    return named[1] if named and stage != "dedupe" else stage
