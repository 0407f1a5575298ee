"""What the stages hand to one another.

A video is decoded once; what all stages need of it is its `Scan`. Shots of it become `Clip`s, whose tags are written
once and whose thresholds are applied later. Shapes: n frames of a video, h rows, w columns of pixels.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

ROWS, COLUMNS = 36, 64
"""Of the small pictures that a scan keeps of every frame, whatever shape the video has."""
Tag = float | int | bool | str | None


@dataclass(frozen=True, kw_only=True)
class Source:
    """A file of raw footage."""

    uri: str  # as the index has it: a path below the folder that was given, or an address
    path: Path  # where its bytes are now
    digest: str  # SHA-256 of them, hexadecimal; of the uri where there is a flaw
    beside: tuple[Path, ...] = ()  # side-cars of the same stem: words, subtitles, facts
    flaw: str = ""  # why its bytes could not be had


@dataclass(frozen=True, kw_only=True)
class Probe:
    """What the container says, put right: as a player would show it."""

    width: int  # pixels, upright and square
    height: int
    fps: float  # average
    seconds: float
    codec: str
    bytes: int
    rotation: int = 0  # degrees that were undone
    interlaced: bool = False
    hdr: bool = False
    variable: bool = False  # frame rate
    sound: bool = False
    truncated: bool = False  # it ends before its header says, and was read as far as it goes


@dataclass(frozen=True, kw_only=True)
class Look:
    """What was measured on one whole picture, now and then."""

    frame: int
    tags: dict[str, float]
    rows: np.ndarray | None = None  # (2, height) of each row: share of pixels that are not black, mean luma up to 64
    columns: np.ndarray | None = None  # (2, width) the same of columns
    strokes: np.ndarray | None = None  # packed bits of where thin light and dark strokes are, see overlays.py
    words: tuple[tuple[float, float, float, float], ...] = ()  # left, top, right, bottom of lines of text, 0..1


@dataclass(frozen=True, kw_only=True)
class Scan:
    """All that is kept of a video after it was decoded once."""

    source: Source
    probe: Probe
    times: np.ndarray  # (n,) float64, seconds
    small: np.ndarray  # (n, ROWS, COLUMNS, 3) uint8 RGB, upright
    looks: tuple[Look, ...] = ()
    moves: np.ndarray | None = None  # (n, 9, 16, 5) float32: from the frame before, by block; see motion.py
    sound: np.ndarray | None = None  # (m,) float32 dBFS of each tenth of a second; None where there is no track


@dataclass(frozen=True, kw_only=True)
class Cut:
    """Where one shot becomes another."""

    frame: int  # first frame of the new shot; the middle of a gradual one
    kind: str  # hard, fade, dissolve, wipe
    begin: int  # first frame that is not wholly of the old shot
    end: int  # first frame that is wholly of the new one


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A shot, or what can be used of it: frames [start, end) of its source."""

    source: str  # uri
    digest: str  # of the source
    start: int
    end: int
    shot: tuple[int, int] | None = None  # the shot from cut to cut, where it is more: with its half of transitions
    tags: dict[str, Tag] = field(default_factory=dict)
    crop: tuple[int, int, int, int] | None = None  # left, top, width, height in upright pixels: without borders
    kept: bool = True
    reason: str = ""  # why it is not kept: the stage, the tag, its value and the threshold
    captions: dict[str, str] = field(default_factory=dict)  # by language and length: en, en_long, zh, zh_long
