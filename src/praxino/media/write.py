"""H.264 in MP4, frame by frame: playable while it is written, whole or not at all under its own name."""
# pyright: reportUnknownMemberType=false

import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np
from av.container import OutputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace
from av.video.stream import VideoStream
from numpy.typing import NDArray

from praxino import geometry
from praxino.media import labels, provenance, signing

QUALITY = 17  # x264's constant rate factor: a clip that is written again keeps 40 dB and more
# No macroblock tree: x264's AVX-512 code for it now and then gives other bits for the same frames (docs/log.md).
SAME: dict[str, object] = {"preset": "veryfast", "mbtree": "0"}
BT709 = 1  # the number of ITU-R BT.709 in ITU-T H.273, for matrix, primaries and transfer alike
LIMITED = 1  # of range: FFmpeg's AVCOL_RANGE_MPEG


STREAMED = {
    "movflags": "empty_moov+default_base_moof+use_metadata_tags",
    "frag_duration": "1000000",  # microseconds
    "flush_packets": "1",
}
"""Of the muxer while a film is made: every second is whole on disk, and plays, before the next one."""
WHOLE = {"movflags": "+faststart+use_metadata_tags"}


def part_of(path: Path) -> Path:
    """Where a film is while it is made."""
    return path.with_name(f"{path.stem}.part{path.suffix}")


class Writer:
    """Writes frames (h, w, 3) to an MP4 that plays everywhere: yuv420p, BT.709, index first.

    Use it in a ``with``: the file appears, under its own name, when the block ends well, and not at all where it does
    not. Until then `part_of` its path plays up to the last whole second; what a killed process left there is written
    over. Same frames and metadata, same bytes. One whose metadata has a recipe is signed last of all, and a signature
    is another each time. Raises OSError where the file cannot be written, ValueError where it cannot be signed.
    """

    def __init__(
        self,
        path: Path,
        *,
        width: int,
        height: int,
        fps: float,
        metadata: Mapping[str, str] | None = None,
        quality: int = QUALITY,
    ) -> None:
        if width % 2 or height % 2:
            raise ValueError(f"size {width}x{height} must be even; try {width + width % 2}x{height + height % 2}")
        self.path, self.frames = path, 0
        self._size, self._rate = (width, height), geometry.exact_rate(fps)
        self._metadata, self._quality = dict(metadata or {}), quality
        self._part = part_of(path)
        self._container: OutputContainer | None = None
        self._stream: VideoStream | None = None

    def __enter__(self) -> Self:
        if labels.RECIPE in self._metadata:
            signing.identity()  # what is wrong with it is better told now than when the film is made
        self._container = av.open(str(self._part.absolute()), "w", format="mp4", options=STREAMED)
        self._container.metadata.update(self._metadata)
        stream = self._container.add_stream("libx264", rate=self._rate)
        stream.width, stream.height, stream.pix_fmt = *self._size, "yuv420p"
        stream.options = SAME | {"crf": str(self._quality), "g": str(max(1, round(2 * self._rate)))}
        context = stream.codec_context
        context.thread_count = 2  # x264's output depends on how many, so it must not depend on the machine
        context.colorspace = context.color_primaries = context.color_trc = BT709
        context.color_range = LIMITED
        self._stream = stream
        return self

    def write(self, frame: NDArray[np.uint8]) -> None:
        """Add a frame (h, w, 3)."""
        if self._container is None or self._stream is None:
            raise RuntimeError("a Writer writes inside its with block")
        width, height = self._size
        if frame.shape != (height, width, 3) or frame.dtype != np.uint8:
            raise ValueError(f"frame is {frame.dtype} {frame.shape}; it must be uint8 {(height, width, 3)}")
        rgb = VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
        self._container.mux(self._stream.encode(rgb.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709)))
        self.frames += 1

    def tell(self, metadata: Mapping[str, str]) -> None:
        """What the film says of itself once it is whole, in place of what was said at its beginning."""
        self._metadata = dict(metadata)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None and self._container is not None and self._stream is not None:
                if not self.frames:
                    raise ValueError(f"{self.path} would hold no frames; write at least one")
                self._container.mux(self._stream.encode(None))
                self._container.close()
                self._container = None
                self._settle()
        finally:
            self._discard()

    def _discard(self) -> None:
        """Close what is open and remove what is left; after a whole film that is nothing."""
        container, self._container, self._stream = self._container, None, None
        try:
            if container is not None:
                container.close()
        except (FFmpegError, OSError):  # a broken file closes badly; it is removed anyway
            pass
        finally:
            self._part.unlink(missing_ok=True)

    def _settle(self) -> None:
        """The same packets in one piece, index first, under the film's own name."""
        whole = self.path.with_name(f".{self.path.name}.{os.getpid()}.tmp")
        try:
            with (
                av.open(str(self._part.absolute())) as pieces,
                av.open(str(whole.absolute()), "w", format="mp4", options=WHOLE) as film,
            ):
                film.metadata.update(self._metadata)
                source = pieces.streams.video[0]
                stream = film.add_stream_from_template(source)
                for packet in pieces.demux(source):
                    if packet.dts is not None:
                        packet.stream = stream
                        film.mux(packet)
            self._part.unlink(missing_ok=True)  # a film needs room twice at a time, not three times
            provenance.settle(whole, self.path, self._metadata)
        finally:
            whole.unlink(missing_ok=True)
