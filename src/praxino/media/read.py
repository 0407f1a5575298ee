"""Pictures and clips from files: probe, read, stream.

Frames come out upright and at a constant rate, whatever the file's own timestamps. Sizes and lengths are checked from
the headers, before anything is decoded. Every failure is a ValueError that names the file and the remedy.
"""

import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path
from statistics import median
from typing import Literal, cast

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from praxino import geometry
from praxino.media import picture
from praxino.media.clip import Clip, Frames
from praxino.media.fit import fit

LARGEST = 4096  # pixels of a side of a clip
LONGEST = 600.0  # seconds
MOST_BYTES = 3 * 2**30  # of frames that `read` holds at once; `stream` has no such limit
PICTURE_FPS = 30.0  # a picture has no rate; it is a clip of one frame at this one
# Containers that hold video themselves. Playlists are not among them: they name other files and addresses.
CONTAINERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,gif,apng,"
    "h264,hevc,ivf,mxf,yuv4mpegpipe,nut,dv,obu,m4v"
)
Frame = NDArray[np.uint8]  # (h, w, 3)


@dataclass(frozen=True, kw_only=True)
class Probe:
    """What a file holds: sizes as shown (upright), and the frames that ``stream`` would give at the file's own rate."""

    kind: Literal["picture", "clip"]
    width: int
    height: int
    frames: int
    fps: float
    seconds: float


@dataclass(frozen=True, kw_only=True)
class _Timing:
    """When each frame of a file is on screen."""

    times: tuple[float, ...]  # seconds from the first frame, rising
    fps: float
    seconds: float

    def steady(self) -> bool:
        """Whether the frames come at a constant rate."""
        return all(abs(time - k / self.fps) < 0.25 / self.fps for k, time in enumerate(self.times))

    def order(self, fps: float | None) -> list[int] | None:
        """Indices of the frames to show at ``fps``; None where every frame is shown once, as it comes."""
        if self.steady() and (fps is None or geometry.exact_rate(fps) == geometry.exact_rate(self.fps)):
            return None
        return geometry.shown_at(self.times, self.seconds, self.fps if fps is None else fps)


def probe(path: Path) -> Probe:
    """What a picture or clip holds; its first frame is decoded, to see that it can be.

    Raises ValueError where the file is missing, broken, too large or too long.
    """
    _exists(path)
    if picture.is_picture(path):
        height, width = picture.read(path).shape[:2]
        return Probe(kind="picture", width=width, height=height, frames=1, fps=PICTURE_FPS, seconds=1 / PICTURE_FPS)
    with _opened(path) as container:
        timing = _timing(container, path)
        first = next(_decoded(container, path), None)
    if first is None:
        raise ValueError(f"{path} holds no frames; choose another file")
    order = timing.order(None)
    count = len(timing.times) if order is None else len(order)
    height, width = first.shape[:2]
    return Probe(kind="clip", width=width, height=height, frames=count, fps=timing.fps, seconds=count / timing.fps)


def stream(path: Path, *, fps: float | None = None) -> Iterator[Frame]:
    """The frames one by one, (h, w, 3) each, at ``fps`` frames a second (None: the file's own rate).

    Memory does not grow with length. Raises ValueError as ``probe`` does.
    """
    _exists(path)
    if picture.is_picture(path):
        yield picture.read(path)
        return
    with _opened(path) as container:
        order = _timing(container, path).order(fps)
        frames = _decoded(container, path)
        yield from frames if order is None else _shown(frames, order)


def read(
    path: Path,
    *,
    fps: float | None = None,
    size: tuple[int, int] | None = None,
    mode: Literal["crop", "pad"] = "crop",
    limit: int | None = None,
) -> Clip:
    """A picture (one frame) or a clip, whole, or its first ``limit`` frames.

    ``fps`` resamples it in time, ``size`` (width, height) fits each frame as it is read.
    Raises ValueError like ``probe``, and where the frames would take more than 3 GiB.
    """
    about = probe(path)
    rate = about.fps if fps is None else fps
    width, height = size or (about.width, about.height)
    wanted = geometry.frames_of_seconds(about.seconds, rate)
    if width * height * 3 * min(wanted, limit or wanted) > MOST_BYTES:
        raise ValueError(
            f"{path} is too long ({about.seconds:.0f} s) at {width}x{height}; cut it, or ask for a smaller size"
        )
    frames = (frame if size is None else _fitted(frame, size, mode) for frame in stream(path, fps=fps))
    held = list(islice(frames, limit))
    if not held:
        raise ValueError(f"{path} holds no frames; choose another file")
    return Clip(frames=np.stack(held), fps=rate)


def _fitted(frame: Frame, size: tuple[int, int], mode: Literal["crop", "pad"]) -> Frame:
    single: Frames = frame[None]
    return fit(single, width=size[0], height=size[1], mode=mode)[0]


def _exists(path: Path) -> None:
    if not path.exists():
        raise ValueError(f"{path} does not exist; give a picture or a clip")
    if not path.is_file():
        raise ValueError(f"{path} is not a file; give a picture or a clip")
    if not os.access(path, os.R_OK):
        raise ValueError(f"{path} may not be read; change its permissions or choose another")


def container_of(path: Path, *, metadata_errors: str = "strict") -> InputContainer:
    """A file, opened as one of `CONTAINERS`; it can name no other file or address. Raises what PyAV raises."""
    options = {"format_whitelist": CONTAINERS, "protocol_whitelist": "file"}
    return av.open(str(path.absolute()), options=options, metadata_errors=metadata_errors)


@contextmanager
def _opened(path: Path) -> Generator[InputContainer]:
    try:
        container = container_of(path)
    except (FFmpegError, OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read as a picture or a clip ({_reason(error)}); choose another") from None
    with container:
        _check(container, path)
        yield container


def _check(container: InputContainer, path: Path) -> None:
    if not container.streams.video:
        raise ValueError(f"{path} holds no video; choose another file")
    video = container.streams.video[0]
    if min(getattr(video, "width", 0), getattr(video, "height", 0)) < 1:  # of an unknown codec, or broken
        raise ValueError(f"{path} holds video without a size; it is broken or not complete")
    if max(video.width, video.height) > LARGEST:
        raise ValueError(f"{path} is too large ({video.width}x{video.height}); use at most {LARGEST} pixels a side")
    if container.duration is not None and container.duration / 1e6 > LONGEST:
        raise ValueError(f"{path} is too long ({container.duration / 1e6:.0f} s); use at most {LONGEST:.0f} s")


def _timing(container: InputContainer, path: Path) -> _Timing:
    """Read the packets, without decoding them, for their timestamps; then go back to the start."""
    video = container.streams.video[0]
    unit, guess = video.time_base or Fraction(1, 90_000), video.guessed_rate or video.average_rate or Fraction(30)
    try:
        packets = [p for p in container.demux(video) if p.size and not p.is_discard]
        container.seek(0)
    except (FFmpegError, OSError) as error:
        raise ValueError(f"{path} is broken ({_reason(error)}); choose another file") from None
    stamps = sorted(float(p.pts * unit) for p in packets if p.pts is not None)
    if len(stamps) < len(packets):  # raw streams carry no times
        stamps = [float(k / guess) for k in range(len(packets))]
    times = tuple(stamp - stamps[0] for stamp in stamps)
    if not times:
        raise ValueError(f"{path} holds no frames; choose another file")
    fps = _rate(times, guess)
    gaps = [after - before for before, after in pairwise(times)]
    seconds = times[-1] + (median(gaps) if gaps else 1 / fps)  # the last frame stays as long as the others
    if seconds > LONGEST:
        raise ValueError(f"{path} is too long ({seconds:.0f} s); use at most {LONGEST:.0f} s")
    return _Timing(times=times, fps=fps, seconds=seconds)


def _rate(times: tuple[float, ...], guess: Fraction) -> float:
    """The guess of the container where the times agree with it, else their average, within 1..60 frames a second."""
    if len(times) < 2 or times[-1] <= 0:
        return float(min(max(guess, Fraction(1)), Fraction(60)))
    average = (len(times) - 1) / times[-1]
    return float(guess) if abs(average / float(guess) - 1) < 0.01 else min(max(average, 1.0), 60.0)


def _decoded(container: InputContainer, path: Path) -> Iterator[Frame]:
    """Every frame, upright, as it comes."""
    video = container.streams.video[0]
    video.thread_type = "AUTO"
    try:
        for frame in container.decode(video):
            if max(frame.width, frame.height) > LARGEST:  # a stream may change its size on the way
                raise ValueError(f"{path} is too large ({frame.width}x{frame.height}); use at most {LARGEST} a side")
            yield _upright(frame, video.sample_aspect_ratio)
    except (FFmpegError, OSError) as error:
        raise ValueError(f"{path} is broken ({_reason(error)}); choose another file") from None


def _upright(frame: VideoFrame, pixel: Fraction | None) -> Frame:
    """The frame as it is shown: turned, and with square pixels where the file's are ``pixel`` times as wide as high."""
    width = frame.width if not pixel else min(LARGEST, max(1, round(frame.width * pixel)))
    pixels = cast("Frame", frame.reformat(width=width, format="rgb24").to_ndarray())
    return np.ascontiguousarray(np.rot90(pixels, k=round(frame.rotation / 90)))


def _shown(frames: Iterator[Frame], order: list[int]) -> Iterator[Frame]:
    """Frames by rising index; the last one there is, where the file ends early."""
    at, current = -1, None
    for wanted in order:
        while at < wanted:
            following = next(frames, None)
            at, current = (wanted, current) if following is None else (at + 1, following)
        if current is None:
            return
        yield current


def _reason(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error).strip() or type(error).__name__
    return str(text).splitlines()[0][:80]
