"""Test media, made on the spot."""

import struct
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame
from numpy.typing import NDArray


def moving(count: int, *, width: int = 96, height: int = 64) -> NDArray[np.uint8]:
    """A bright bar that walks over a soft gradient, (t, h, w, 3); frame k has its bar at column 4k."""
    across, down = np.meshgrid(np.linspace(40, 120, width), np.linspace(0, 60, height))
    ground = np.stack([across, down + 40, across * 0.5 + down], axis=-1)
    frames = np.repeat(ground[None], count, axis=0)
    for k in range(count):
        frames[k, :, 4 * k % width : 4 * k % width + 6] = (230, 220, 90)
    return frames.round().astype(np.uint8)


def bar(frame: NDArray[np.uint8]) -> int:
    """Which frame of `moving` this is."""
    return round(float(np.argmax(frame[..., 0].astype(float).mean(0) > 180)) / 4)


@pytest.fixture
def encode(tmp_path: Path) -> Callable[..., Path]:
    """Writes frames as a file of any container that av knows, at given times in milliseconds."""

    def write(
        frames: NDArray[np.uint8], name: str = "clip.mp4", *, codec: str = "libx264", at: Sequence[int] | None = None
    ) -> Path:
        path = tmp_path / name
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, rate=25)
            stream.height, stream.width = frames.shape[1:3]
            stream.pix_fmt = "yuv444p" if frames.shape[1] % 2 or frames.shape[2] % 2 else "yuv420p"
            stream.codec_context.time_base = Fraction(1, 1000)
            stream.options = {"crf": "4"}
            for k, pixels in enumerate(frames):
                frame = VideoFrame.from_ndarray(pixels, format="rgb24")
                frame.pts, frame.time_base = at[k] if at else 40 * k, Fraction(1, 1000)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path

    return write


@pytest.fixture
def turn() -> Callable[[Path], Path]:
    """Writes into an MP4 that it is to be shown turned a quarter clockwise, as telephones do."""

    def turned(path: Path) -> Path:
        data = bytearray(path.read_bytes())
        at = data.index(b"tkhd") + 4 + 40  # ISO/IEC 14496-12, version 0: the matrix follows 40 bytes of fields
        one = 1 << 16
        data[at : at + 36] = struct.pack(">9i", 0, one, 0, -one, 0, 0, 0, 0, 1 << 30)
        path.write_bytes(data)
        return path

    return turned
