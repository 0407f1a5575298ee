"""A video is decoded once; here is all that the other stages need of it.

One core a file: several files are scanned beside each other. Whatever is wrong with a file ends as ``Unreadable``, or,
where most of it could be read, in the scan's own flags.
Shapes: n frames.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median

import cv2
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from praxino.curation import upright
from praxino.curation.clip import COLUMNS, ROWS, Look, Probe, Scan, Source
from praxino.curation.looks import look
from praxino.curation.motion import Eye
from praxino.curation.sound import Ear
from praxino.media.read import container_of

EVERY = 0.5
"""Seconds from one look to the next."""
SMALLEST, LARGEST = 16, 8192
"""Pixels of a side."""
LONGEST = 4 * 3600.0
"""Seconds of a video; its small pictures are held in memory."""
MOST_FRAMES = 1_000_000
ERRORS = 200
"""Packets that may be broken before a file is given up."""


class Unreadable(ValueError):  # noqa: N818
    """A file that no frames, or far too few, could be had from; ``str`` of it is the reason."""


@dataclass
class _Film:
    """What has been decoded so far."""

    times: list[float] = field(default_factory=list)
    small: list[np.ndarray] = field(default_factory=list)
    moves: list[np.ndarray] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    combed: list[bool] = field(default_factory=list)
    flagged: int = 0  # frames that the decoder says are interlaced
    shape: upright.Shape | None = None
    hdr: bool = False
    broken: int = 0  # packets
    stopped: str = ""  # why the container ended before its end
    eye: Eye = field(default_factory=Eye)
    ear: Ear = field(default_factory=Ear)

    @property
    def interlaced(self) -> bool:
        """Whether its pictures are two fields each."""
        return self.flagged > len(self.times) // 2 or sum(self.combed) > max(1, len(self.combed) // 3)


def scan(source: Source) -> Scan:
    """Decode a video once. Raises Unreadable with the reason."""
    cv2.setNumThreads(1)
    if source.flaw:
        raise Unreadable(source.flaw)
    with opened(source) as container:
        video = best(container)
        film = _Film()
        for frame in _decoded(container, video, film):
            _add(film, frame, video)
        return _told(source, video, film)


@contextmanager
def opened(source: Source) -> Iterator[InputContainer]:
    """The container of a source. Raises Unreadable where there is none."""
    try:
        if source.path.stat().st_size == 0:
            raise Unreadable("the file is empty")
        container = container_of(source.path, metadata_errors="replace")
    except (FFmpegError, OSError, ValueError) as error:
        if isinstance(error, Unreadable):
            raise
        raise Unreadable(f"it cannot be opened as a video: {_reason(error)}") from None
    with container:
        yield container


def best(container: InputContainer) -> VideoStream:
    """The video stream with the most pixels; a cover picture is none. Raises Unreadable."""
    found = [one for one in container.streams.video if not one.disposition & Disposition.attached_pic]
    if not found:
        raise Unreadable("it holds no video" + (", only sound" if container.streams.audio else ""))
    sized = [one for one in found if min(_sides(one)) > 0]
    if not sized:
        raise Unreadable("its video has no size: the codec is unknown or its header is broken")
    video = max(sized, key=lambda one: (_sides(one)[0] * _sides(one)[1], -one.index))
    if min(_sides(video)) < SMALLEST:
        raise Unreadable(f"its video is too small: {video.width}x{video.height}, at least {SMALLEST} a side")
    if max(_sides(video)) > LARGEST:
        raise Unreadable(f"its video is too large: {video.width}x{video.height}, at most {LARGEST} a side")
    seconds = container.duration / 1e6 if container.duration else 0.0
    if seconds > LONGEST:
        raise Unreadable(f"it is too long: {seconds:.0f} s, at most {LONGEST:.0f} s; cut it")
    return video


def _sides(stream: VideoStream) -> tuple[int, int]:
    return getattr(stream, "width", 0) or 0, getattr(stream, "height", 0) or 0


def pulled(
    container: InputContainer, video: VideoStream, *more: AudioStream
) -> Iterator[tuple[Packet, Sequence[object] | None]]:
    """Packets with the frames in them, None for a broken one. Whoever counts pictures counts these.

    Raises FFmpegError or OSError where the container breaks off.
    """
    video.thread_type = "NONE"
    video.codec_context.thread_count = 1
    for packet in container.demux(video, *more):
        try:
            frames = packet.decode()
        except (FFmpegError, OSError, ValueError):
            frames = None
        yield packet, frames


def _decoded(container: InputContainer, video: VideoStream, film: _Film) -> Iterator[VideoFrame]:
    """Pictures in order; sound goes to the film's ear on the way. Broken packets are counted and left out."""
    begin: float | None = None
    waiting = list[AudioFrame]()
    try:
        for packet, frames in pulled(container, video, *container.streams.audio[:1]):
            if frames is None:
                film.broken += packet.stream is video
                if film.broken >= ERRORS:
                    film.stopped = f"more than {ERRORS} broken packets"
                    return
                continue
            for frame in frames:
                if isinstance(frame, VideoFrame):
                    begin = (frame.time or 0.0) if begin is None else begin
                    yield frame
                elif isinstance(frame, AudioFrame):
                    waiting.append(frame)
            if begin is not None or len(waiting) > 500:
                for heard in waiting:
                    _heard(film, heard, begin or 0.0)
                waiting.clear()
    except (FFmpegError, OSError) as error:
        film.stopped = _reason(error)


def _heard(film: _Film, frame: AudioFrame, begin: float) -> None:
    try:
        film.ear.hear(frame, begin)
    except (FFmpegError, ValueError):  # a track that changes its layout on the way
        film.ear.deaf()


def _add(film: _Film, frame: VideoFrame, video: VideoStream) -> None:
    if max(frame.width, frame.height) > LARGEST:
        raise Unreadable(f"its video grows too large: {frame.width}x{frame.height}, at most {LARGEST} a side")
    if len(film.times) >= MOST_FRAMES:
        raise Unreadable(f"it has more than {MOST_FRAMES} frames; cut it")
    if film.shape is None:
        film.shape = upright.Shape.of(frame, video.sample_aspect_ratio)
        film.hdr = upright.hdr(frame)
    film.times.append(_time(film.times, frame, video))
    woven = bool(frame.interlaced_frame)
    film.flagged += woven
    frame = upright.planar(frame)
    luma, *chroma = upright.planes(frame)
    raw, thumb = upright.thumb(frame, luma, film.shape)
    film.small.append(upright.small(frame, raw, (chroma[0], chroma[1]), film.shape))
    film.moves.append(film.eye.move(thumb))
    if not film.looks or film.times[-1] - film.times[film.looks[-1].frame] >= EVERY - 1e-3:
        combed = upright.combed(luma)
        film.combed += [] if combed is None else [combed]
        close = upright.closely(frame, luma, film.shape, one_field=bool(combed) or woven)
        film.looks.append(look(len(film.times) - 1, close, luma, film.small[-1]))


def _time(times: list[float], frame: VideoFrame, video: VideoStream) -> float:
    """When a frame is shown: its own time, or one step after the last where it has none or it goes back."""
    step = float(1 / (video.guessed_rate or video.average_rate or 30))
    if not times:
        return frame.time or 0.0
    return frame.time if frame.time is not None and frame.time > times[-1] else times[-1] + step


def _told(source: Source, video: VideoStream, film: _Film) -> Scan:
    if film.shape is None:
        raise Unreadable(film.stopped or "no frame of it could be decoded")
    times = np.array(film.times) - film.times[0]
    gaps = np.diff(times)
    usual = median(gaps.tolist()) if len(gaps) else float(1 / (video.guessed_rate or 30))
    seconds = float(times[-1]) + usual
    promised = video.frames or 0
    if len(times) < promised / 2:
        raise Unreadable(f"it is truncated: {len(times)} of {promised} frames could be read")
    announced = float(video.duration * video.time_base) if video.duration and video.time_base else 0.0
    early = bool(film.stopped) or film.broken > 0 or len(times) < promised * 0.98 or seconds < announced * 0.95
    levels = film.ear.levels()
    return Scan(
        source=source,
        probe=Probe(
            width=film.shape.width,
            height=film.shape.height,
            fps=float(1 / usual) if len(gaps) < 2 or not _varies(gaps) else float(len(gaps) / times[-1]),
            seconds=seconds,
            codec=video.codec_context.name,
            bytes=source.path.stat().st_size,
            rotation=film.shape.turns * 90,
            interlaced=film.interlaced,
            hdr=film.hdr,
            variable=_varies(gaps),
            sound=levels is not None,
            truncated=early,
        ),
        times=times,
        small=np.stack(film.small).reshape(-1, ROWS, COLUMNS, 3),
        looks=tuple(film.looks),
        moves=np.stack(film.moves),
        sound=levels,
    )


def _varies(gaps: np.ndarray) -> bool:
    """Whether more than one gap in fifty is not the usual one, rounding of the container's clock left aside.

    A few gaps of twice or thrice the usual are frames that are missing from a steady rate.
    """
    if len(gaps) < 2:
        return False
    usual = float(np.median(gaps))
    slack = max(0.0021, 0.1 * usual)
    times = np.maximum(np.round(gaps / usual), 1)
    odd = np.abs(gaps - times * usual) > slack
    return bool(np.mean(odd) > 0.02 or np.mean(times > 1) > 0.1)


def _reason(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error).strip() or type(error).__name__
    return str(text).splitlines()[0][:120]
