"""Shot boundaries of a file and nothing else, several times faster than a scan.

A frame that no other needs is decoded only where something may happen: the packets near it are as large as usual, and
the pictures on both sides of it came out alike; else it is taken for their mix. Where those two differ after all, that
part is decoded again, whole.
Shapes: n frames.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, pairwise
from pathlib import Path
from typing import Literal

import numba as nb
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from praxino.curation import scan, upright
from praxino.curation.clip import COLUMNS, ROWS, Cut, Source
from praxino.curation.cuts import cuts
from praxino.curation.shrink import coloured

AHEAD = 16
"""Packets that are read before one is decoded."""
LEAPING = 2.5
"""Times the usual size of larger packets, from which on one may hold a new shot."""
ALIKE = 8.0
"""Levels that the small pictures on both sides of frames that were left out may differ by."""
SUDDEN = 3.0
"""Times the usual change of a frame, from which on what lies between is decoded after all."""
LONGEST = 8
"""Frames in a row that may be left out."""
PLAIN = frozenset({"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p"})


@dataclass
class _Seen:
    """Small pictures by the time stamps of their frames."""

    small: dict[int, np.ndarray] = field(default_factory=dict)
    asked: list[int] = field(default_factory=list)  # time stamps of all packets
    needed: set[int] = field(default_factory=set)  # of those that were to be decoded for sure
    last: int | None = None  # time stamp of the last frame that those after it in the file are shown before
    spare: bool = False  # whether those are left out
    shape: upright.Shape | None = None
    busy: bool = True  # the last two pictures differ


def boundaries(path: Path) -> list[Cut]:
    """Where shots of a video begin. Raises Unreadable where nothing can be decoded."""
    return cuts(pictures(path))


def pictures(path: Path, *, sparing: bool = True) -> np.ndarray:
    """Small pictures (n, 36, 64, 3) uint8 RGB of all frames, mixed from their neighbours where nothing happens.

    ``sparing``: leave out frames that are not needed.
    """
    source = Source(uri=path.name, path=path, digest="")
    if sparing:
        found = _sparing(source)
        if found is not None:
            return found
    small, shape = list[np.ndarray](), None
    with scan.opened(source) as container:
        video = scan.best(container)
        try:
            for _, frames in scan.pulled(container, video):
                for frame in frames or ():
                    if isinstance(frame, VideoFrame):
                        shape = shape or upright.Shape.of(frame, video.sample_aspect_ratio)
                        small.append(_small(frame, shape))
        except (FFmpegError, OSError):  # a scan ends there, too
            pass
    if not small:
        raise scan.Unreadable("no frame of it could be decoded")
    return np.stack(small)


def _sparing(source: Source) -> np.ndarray | None:
    """The same, decoding less; None where frames cannot be told by their time stamps."""
    seen = _Seen()
    try:
        with scan.opened(source) as container:
            video = scan.best(container)
            _ready(video)
            less = "BIDIR" if video.codec_context.name == "h264" else "NONREF"
            for packet, around in _watched(container, video):
                if packet.pts is None:
                    return None
                _decode(packet, seen, around=around, less=less)
            for frame in video.codec_context.decode(None):
                _take(frame, seen)
            order = sorted(seen.asked)
            if len(set(order)) < len(order) or not seen.needed <= seen.small.keys() <= set(order):
                return None
            for begin, end in _leaps(order, seen.small):
                _again(container, video, seen, (begin, end))
    except (FFmpegError, OSError, ValueError):
        return None
    return _filled(order, seen.small)


def _ready(video: VideoStream) -> None:
    """One thread, and no smoothing of blocks: a small picture does not show them."""
    video.thread_type = "NONE"
    video.codec_context.thread_count = 1
    video.codec_context.options = {"skip_loop_filter": "all", "flags2": "+fast"}


def _watched(container: InputContainer, video: VideoStream) -> Iterator[tuple[Packet, tuple[Packet, ...]]]:
    """Packets, each with those before and after it in the file."""
    waiting, before = deque[Packet](), deque[Packet](maxlen=AHEAD)
    for packet in chain(container.demux(video), [None] * AHEAD):
        if packet is not None and packet.size:
            waiting.append(packet)
        if waiting and (packet is None or len(waiting) > AHEAD):
            yield waiting[0], (*before, *waiting)
            before.append(waiting.popleft())


def _calm(packet: Packet, around: tuple[Packet, ...]) -> bool:
    """Whether all packets that are shown around the same time are as large as usual."""
    if packet.is_keyframe or packet.pts is None or len(around) < AHEAD:
        return False
    limit = LEAPING * sorted(one.size for one in around)[len(around) * 3 // 4]
    first, last = packet.pts - 4 * (packet.duration or 0), packet.pts + 4 * (packet.duration or 0)
    odd = [one.pts for one in around if one.is_keyframe or one.size > limit]
    return not any(at is not None and first <= at <= last for at in odd)


def _decode(packet: Packet, seen: _Seen, *, around: tuple[Packet, ...], less: Literal["BIDIR", "NONREF"]) -> None:
    """Decode a packet, or leave it out. What lies between two others may need one another, so it shares its lot."""
    assert packet.pts is not None
    if seen.last is None or packet.pts > seen.last:
        seen.last = packet.pts
        seen.spare = not seen.busy and _calm(packet, around)
    seen.asked.append(packet.pts)
    if not seen.spare:
        seen.needed.add(packet.pts)
    packet.stream.codec_context.skip_frame = less if seen.spare else "DEFAULT"
    for frame in packet.decode():
        _take(frame, seen)


def _take(frame: object, seen: _Seen) -> None:
    if isinstance(frame, VideoFrame) and frame.pts is not None:
        seen.shape = seen.shape or upright.Shape.of(frame, None)
        now = _small(frame, seen.shape)
        if seen.small:
            seen.busy = bool(_apart(next(reversed(seen.small.values())), now) > ALIKE / 2)
        seen.small[frame.pts] = now


def _leaps(order: list[int], small: dict[int, np.ndarray]) -> Iterator[tuple[int, int]]:
    """Time stamps around frames that were left out although something happens there, or too many of them."""
    known = [n for n, stamp in enumerate(order) if stamp in small]
    steps = list(pairwise(known))
    change = np.array([_apart(small[order[a]], small[order[b]]) for a, b in steps])
    each = change / np.array([b - a for a, b in steps])
    for k, (a, b) in enumerate(steps):
        usual = float(np.median(each[max(0, k - 3) : k + 4]))
        if b - a > LONGEST + 1 or (b - a > 1 and change[k] > ALIKE and each[k] > SUDDEN * usual):
            yield order[a], order[b]


def _again(container: InputContainer, video: VideoStream, seen: _Seen, span: tuple[int, int]) -> None:
    """Decode all frames between two time stamps."""
    container.seek(span[0], stream=video)
    video.codec_context.skip_frame = "DEFAULT"
    assert seen.shape is not None
    for frame in container.decode(video):
        if frame.pts is None or frame.pts >= span[1]:
            return
        if frame.pts > span[0] and frame.pts not in seen.small:
            seen.small[frame.pts] = _small(frame, seen.shape)


def _filled(order: list[int], small: dict[int, np.ndarray]) -> np.ndarray:
    """All pictures; those that are not there are mixed from the two beside them."""
    known = np.array([n for n, stamp in enumerate(order) if stamp in small])
    out = np.empty((len(order), ROWS, COLUMNS, 3), np.uint8)
    for n in known:
        out[n] = small[order[n]]
    for a, b in pairwise(known.tolist()):
        for n in range(a + 1, b):
            share = (n - a) / (b - a)
            out[n] = (out[a] * (1 - share) + out[b] * share + 0.5).astype(np.uint8)
    out[known[-1] + 1 :] = out[known[-1]]
    out[: known[0]] = out[known[0]]
    return out


def _small(frame: VideoFrame, shape: upright.Shape) -> np.ndarray:
    """(36, 64, 3) uint8 RGB, upright."""
    if frame.format.name not in PLAIN or upright.hdr(frame):
        flat = upright.planar(frame)
        luma, *chroma = upright.planes(flat)
        return upright.small(flat, luma, (chroma[0], chroma[1]), shape)
    luma, blue, red = upright.planes(frame)
    sides = (ROWS, COLUMNS) if shape.turns % 2 == 0 else (COLUMNS, ROWS)
    out = np.empty((*sides, 3), np.uint8)
    coloured(luma, blue, red, upright.matrix(frame), out)
    return np.rot90(out, shape.turns) if shape.turns else out


@nb.njit(cache=True, nogil=True, fastmath=True)
def _apart(a: np.ndarray, b: np.ndarray) -> float:
    """Mean absolute difference."""
    x, y, total = a.ravel(), b.ravel(), 0
    for p in range(x.size):
        total += abs(np.int32(x[p]) - np.int32(y[p]))
    return total / x.size
