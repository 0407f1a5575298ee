"""Files of footage as they come: clean ones, copies of them, and those that are odd or broken.

Shapes: h rows and w columns of pixels.
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

TICKS = 12800
"""A second has these in files whose frame rate varies."""


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How pictures become a file."""

    quality: int = 20  # x264's constant rate factor
    aspect: Fraction = Fraction(1)  # of a pixel
    rotation: int = 0  # degrees, clockwise, that a player has to turn it
    shutter: tuple[int, ...] = ()  # ticks that each frame lasts, where the rate varies


def write(path: Path, pictures: Iterable[np.ndarray], *, fps: int, manner: Manner) -> int:
    """Write pictures (h, w, 3) uint8 as H.264 and return how many there were."""
    count, clock = 0, 0
    with av.open(str(path.absolute()), "w", format="mp4") as container:
        stream: VideoStream | None = None
        for picture in pictures:
            if stream is None:
                stream = _stream(container, picture.shape, fps, manner)
            frame = VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            if manner.shutter:
                frame.pts, frame.time_base = clock, Fraction(1, TICKS)
                clock += manner.shutter[count]
            container.mux(stream.encode(frame))
            count += 1
        if stream is not None:
            container.mux(stream.encode(None))
    if manner.rotation:
        _turn(path, manner.rotation)
    return count


def _stream(container: OutputContainer, shape: tuple[int, ...], fps: int, manner: Manner) -> VideoStream:
    stream = container.add_stream("libx264", rate=fps)
    stream.height, stream.width, stream.pix_fmt = shape[0], shape[1], "yuv420p"
    stream.options = {"preset": "veryfast", "mbtree": "0", "crf": str(manner.quality)}
    context = stream.codec_context
    context.thread_count = 1  # files are written beside each other
    context.sample_aspect_ratio = manner.aspect
    if manner.shutter:
        context.time_base = Fraction(1, TICKS)
    return stream


def _turn(path: Path, degrees: int) -> None:
    """Write the display matrix of an MP4's one track (ISO/IEC 14496-12, 8.3.2)."""
    cos, sin = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees % 360]
    held = bytearray(path.read_bytes())
    at = held.index(b"tkhd") + 4
    at += 40 if held[at] == 0 else 52  # version 1 has wider times
    held[at : at + 36] = struct.pack(">9i", cos << 16, sin << 16, 0, -sin << 16, cos << 16, 0, 0, 0, 1 << 30)
    path.write_bytes(held)


def read(
    path: Path, *, begin: int = 0, end: int | None = None, size: tuple[int, int] | None = None
) -> Iterator[np.ndarray]:
    """Frames [begin, end) of a file, (h, w, 3) uint8, at another width and height if asked."""
    with av.open(str(path.absolute())) as container:
        container.streams.video[0].thread_type = "AUTO"
        for number, frame in enumerate(container.decode(video=0)):
            if end is not None and number >= end:
                return
            if number >= begin:
                width, height = size or (frame.width, frame.height)
                yield frame.to_ndarray(format="rgb24", width=width, height=height)


def resized(pictures: Iterable[np.ndarray], size: tuple[int, int]) -> Iterator[np.ndarray]:
    """Pictures at another width and height."""
    for picture in pictures:
        frame = VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
        yield frame.to_ndarray(format="rgb24", width=size[0], height=size[1])


def shutter(rng: np.random.Generator, frames: int, fps: int) -> tuple[int, ...]:
    """How long each frame lasts where a telephone films as the light allows: between a half and twice the usual."""
    slow = np.repeat(rng.uniform(0.5, 2, frames // 20 + 1), 20)[:frames] * rng.uniform(0.85, 1.15, frames)
    return tuple(max(1, round(TICKS / fps * one)) for one in slow.tolist())
