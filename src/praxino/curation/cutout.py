"""The frames of shots, as they go into a dataset: upright, without borders, encoded once.

Frames are counted as a scan counts them. Shapes: h rows and w columns of pixels.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from av.error import FFmpegError
from av.video.frame import VideoFrame
from PIL import Image

from praxino import geometry
from praxino.curation import scan, study, upright
from praxino.curation.clip import Probe, Source
from praxino.media.read import container_of
from praxino.media.write import Writer

VERSION = 1
FASTEST = 60.0  # frames a second of a clip; what is faster loses frames
Wanted = tuple[str, int, int, tuple[int, int, int, int] | None]  # key, start, end, crop


def cutout(source: Source, work: Path, wanted: list[Wanted], into: Path) -> None:
    """Write clips of a source, KEY.mp4 each, into a folder; those that are there stay.

    Raises ValueError where the source no longer holds the frames that it did.
    """
    into.mkdir(parents=True, exist_ok=True)
    missing = sorted((one for one in wanted if not (into / f"{one[0]}.mp4").exists()), key=lambda one: one[1])
    known = study.opened(work, source.digest)
    if not missing or known.probe is None:
        return
    times, probe = study.times(work, source.digest), known.probe
    film = frames(source)
    for key, start, end, crop in missing:
        left, top, width, height = crop or (0, 0, probe.width, probe.height)
        width, height = max(2, width // 2 * 2), max(2, height // 2 * 2)
        fps = min(FASTEST, max(1.0, probe.fps))
        order = None
        if probe.variable or probe.fps > FASTEST:
            step = float(np.median(np.diff(times[start:end]))) if end - start > 1 else 1 / fps
            order = geometry.shown_at(
                (times[start:end] - times[start]).tolist(), times[end - 1] - times[start] + step, fps
            )
        with Writer(into / f"{key}.mp4", width=width, height=height, fps=fps) as out:
            for frame, again in _shown(film, start, end, order):
                part = picture(frame, probe)[top : top + height, left : left + width]
                part = part if part.shape[:2] == (height, width) else _grown(part, width, height)
                for _ in range(again):
                    out.write(part)


def frames(source: Source) -> Iterator[tuple[int, VideoFrame]]:
    """Every frame, with its number."""
    with container_of(source.path, metadata_errors="replace") as container:
        number = 0
        try:
            for _, held in scan.pulled(container, scan.best(container)):
                for frame in held or ():
                    if isinstance(frame, VideoFrame):
                        yield number, frame
                        number += 1
        except (FFmpegError, OSError):  # a scan ends there too
            return


def picture(frame: VideoFrame, probe: Probe) -> np.ndarray:
    """(h, w, 3) uint8 RGB of a frame as it is to be shown."""
    turns = probe.rotation // 90 % 4
    width, height = (probe.width, probe.height) if turns % 2 == 0 else (probe.height, probe.width)
    if upright.hdr(frame):
        frame = _mapped(frame)
    pixels = frame.reformat(format="rgb24").to_ndarray()
    if probe.interlaced:
        pixels = pixels[::2]
    if pixels.shape[:2] != (height, width):
        pixels = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(np.rot90(pixels, turns))


def still(source: Source, probe: Probe, at: float, width: int) -> Image.Image | None:
    """A picture of a source near ``at`` seconds, ``width`` pixels wide; None where it cannot be had."""
    try:
        with container_of(source.path, metadata_errors="replace") as container:
            video = scan.best(container)
            begin = (video.start_time or 0) * float(video.time_base or 1)
            container.seek(max(0, int((at + begin) / float(video.time_base or 1))), stream=video)
            for frame in container.decode(video):
                if frame.time is None or frame.time - begin >= at - 0.02:
                    pixels = picture(frame, probe)
                    size = width, max(1, round(width * pixels.shape[0] / pixels.shape[1]))
                    return Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS)
    except (FFmpegError, OSError, ValueError):
        return None
    return None


def _mapped(frame: VideoFrame) -> VideoFrame:
    """High dynamic range to what a common display shows: luma by the curve that tags are measured with."""
    table = upright.tones(frame)
    deep = frame.reformat(format="yuv420p10le")
    luma, blue, red = upright.planes(deep)
    assert blue is not None
    assert red is not None
    whole = np.concatenate(
        [table[luma].ravel(), (blue >> 2).astype(np.uint8).ravel(), (red >> 2).astype(np.uint8).ravel()]
    )
    return VideoFrame.from_ndarray(whole.reshape(-1, luma.shape[1]), format="yuvj420p")


def _grown(part: np.ndarray, width: int, height: int) -> np.ndarray:
    return np.pad(part, ((0, height - part.shape[0]), (0, width - part.shape[1]), (0, 0)), "edge")


def _shown(
    film: Iterator[tuple[int, VideoFrame]], start: int, end: int, order: list[int] | None
) -> Iterator[tuple[VideoFrame, int]]:
    """Frames [start, end) and how often each is shown: once, or as often as rising indices name it."""
    times = dict.fromkeys(range(end - start), 1) if order is None else Counter(order)
    for number, frame in film:
        if number >= start and times.get(number - start):
            yield frame, times[number - start]
        if number >= end - 1:
            return
