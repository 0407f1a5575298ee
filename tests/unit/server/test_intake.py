"""What strangers send becomes a clean copy, or is refused with a reason; nothing else ever happens."""

import io
import json
import os
import struct
import subprocess
import sys
import time
import zlib
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from praxino.media import read
from praxino.server import decode, intake
from praxino.server.intake import Limits, Refused, Taken, taken

CODES = {"unsupported_media", "media_too_large", "media_too_long", "broken_media", "media_too_costly"}
TEXTS = {
    "a page": b"<!DOCTYPE html><html><script>alert(1)</script></html>",
    "a drawing": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
    "a playlist": b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n",
    "a list of files": b"ffconcat version 1.0\nfile '/etc/passwd'\n",
    "a path": b"/etc/passwd\n",
    "an address": b"http://127.0.0.1:9/latest/meta-data\n",
}


def picture(width: int = 16, height: int = 12, kind: str = "PNG", **more) -> bytes:
    pixels = np.arange(width * height * 3).reshape(height, width, 3) % 251
    file = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(file, format=kind, **more)
    return file.getvalue()


def clip(width: int = 32, height: int = 16, frames: int = 6, kind: str = "mp4", **options: str) -> bytes:
    with TemporaryDirectory() as name:
        path = Path(name) / "clip"
        with av.open(str(path), "w", format=kind, options=options) as container:
            stream = container.add_stream("libx264", rate=12)
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            stream.options = {"preset": "ultrafast"}
            for k in range(frames):
                pixels = np.full((height, width, 3), 30 * k % 256, np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
            container.mux(stream.encode(None))
        return path.read_bytes()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_that_says(width: int, height: int, rows: bytes = b"") -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)  # 8 bits of grey
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def gif_that_says(data: bytes, side: int) -> bytes:
    return data[:6] + struct.pack("<HH", side, side) + data[10:]


def moving(width: int, height: int, frames: int = 3, kind: str = "GIF") -> bytes:
    file = io.BytesIO()
    pictures = [Image.new("RGB", (width, height), (80 * k, 0, 0)) for k in range(frames)]
    pictures[0].save(file, format=kind, save_all=True, append_images=pictures[1:], duration=100)
    return file.getvalue()


def look(folder: Path, data: bytes, limits: Limits = intake.LIMITS) -> Taken:
    upload = folder / "upload"
    upload.write_bytes(data)
    return taken(upload, folder / "copy", limits=limits)


def refused(folder: Path, data: bytes, limits: Limits = intake.LIMITS) -> str:
    """The code, once it is seen that nothing is left and nothing told of this machine."""
    with pytest.raises(Refused) as no:
        look(folder, data, limits)
    assert left(folder) == ["upload"]
    assert no.value.code in CODES
    assert str(folder) not in str(no.value)
    assert "/" not in str(no.value)
    return no.value.code


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_picture_becomes_a_png_of_ours(tmp_path: Path):
    data = picture(17, 9) + b"what somebody hid behind it"
    found = look(tmp_path, data)
    assert (found.path, found.kind, found.width, found.height) == (tmp_path / "copy.png", "picture", 17, 9)
    assert (found.frames, found.fps, found.seconds) == (1, 30.0, 1 / 30)
    with Image.open(found.path) as made, Image.open(io.BytesIO(data)) as sent:
        assert made.format == "PNG"
        assert made.mode == "RGB"
        assert made.info == {}
        assert np.array_equal(np.asarray(made), np.asarray(sent))
    assert b"hid" not in found.path.read_bytes()
    assert left(tmp_path) == ["copy.png", "upload"]


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_pictures_of_every_kind_are_taken(tmp_path: Path, kind: str):
    found = look(tmp_path, picture(20, 10, kind))
    assert (found.kind, found.width, found.height) == ("picture", 20, 10)


def test_a_picture_comes_out_upright(tmp_path: Path):
    turned = Image.Exif()
    turned[0x0112] = 6
    found = look(tmp_path, picture(20, 10, "JPEG", exif=turned))
    assert (found.width, found.height) == (10, 20)


def test_a_clip_is_encoded_anew(tmp_path: Path):
    data = clip(32, 16, 6)
    found = look(tmp_path, data)
    assert (found.path, found.kind) == (tmp_path / "copy.mp4", "clip")
    assert (found.width, found.height, found.frames, found.fps, found.seconds) == (32, 16, 6, 12.0, 0.5)
    about = read.probe(found.path)
    assert (about.width, about.height, about.frames, about.fps) == (32, 16, 6, 12.0)
    assert left(tmp_path) == ["copy.mp4", "upload"]


@pytest.mark.parametrize("kind", ["matroska", "avi", "mpegts", "flv"])
def test_clips_in_every_container_are_taken(tmp_path: Path, kind: str):
    assert look(tmp_path, clip(kind=kind)).kind == "clip"


@pytest.mark.parametrize("kind", ["GIF", "PNG"])
def test_pictures_that_move_are_clips(tmp_path: Path, kind: str):
    found = look(tmp_path, moving(20, 11, kind=kind))
    assert (found.path.suffix, found.kind, found.width, found.height, found.frames) == (".mp4", "clip", 20, 10, 3)


@pytest.mark.parametrize("name", TEXTS)
def test_text_is_no_media(tmp_path: Path, name: str):
    assert refused(tmp_path, TEXTS[name]) == "unsupported_media"


def test_a_playlist_behind_a_mark_is_not_followed(tmp_path: Path):
    assert refused(tmp_path, b"\0\0\0\x10ftypisom\0\0\0\0" + TEXTS["a playlist"]) in {
        "broken_media",
        "unsupported_media",
    }


def test_heif_is_not_taken_for_a_clip(tmp_path: Path):
    assert refused(tmp_path, b"\0\0\0\x18ftypheic\0\0\0\0mif1heic") == "unsupported_media"


def test_sound_alone_is_refused(tmp_path: Path):
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=8000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        sound.rate = 8000
        container.mux(stream.encode(sound))
        container.mux(stream.encode(None))
    assert refused(tmp_path, file.getvalue()) == "unsupported_media"


BROKEN = {
    "empty": lambda: b"",
    "a PNG cut off": lambda: picture()[:80],
    "a JPEG cut off": lambda: picture(64, 48, "JPEG")[:900],
    "an MP4 without its index": lambda: clip()[:-200],
    "an MP4 without its end": lambda: clip(movflags="faststart")[:-40],
    "an MP4 that says it is a PNG": lambda: b"\x89PNG\r\n\x1a\n" + clip(),
    "a PNG that says it is a JPEG": lambda: b"\xff\xd8\xff" + picture(),
}
HUGE = {
    "a PNG of 3.6 gigapixels": lambda: png_that_says(60_000, 60_000),
    "a PNG of one long row": lambda: png_that_says(16_385, 8),
    "a PNG that grows a thousandfold": lambda: png_that_says(20_000, 20_000, bytes(20_001 * 20_000)),
    "a GIF of one frame": lambda: gif_that_says(moving(8, 8, 1), 65_535),
    "a GIF of three": lambda: gif_that_says(moving(8, 8), 65_535),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_are_refused(tmp_path: Path, name: str):
    assert refused(tmp_path, BROKEN[name]()) == "broken_media"


@pytest.mark.parametrize("name", HUGE)
def test_pictures_that_would_be_huge_are_refused_from_their_header(tmp_path: Path, name: str):
    data = HUGE[name]()
    begun = time.monotonic()
    assert refused(tmp_path, data) == "media_too_large"
    assert time.monotonic() - begun < 5


def test_a_clip_that_would_be_huge_is_refused_from_its_header(tmp_path: Path):
    file = tmp_path / "made.mp4"
    with av.open(str(file), "w") as container:
        stream = container.add_stream("libx264", rate=4)
        stream.width, stream.height, stream.pix_fmt = 8192, 8192, "yuv420p"
        stream.options = {"preset": "ultrafast", "tune": "zerolatency"}
        frame = av.VideoFrame(8192, 8192, "yuv420p")
        for plane in frame.planes:  # what is in new memory may be anything, and large once encoded
            plane.update(bytes(plane.buffer_size))
        container.mux([p for _ in range(4) for p in stream.encode(frame)])
    data = file.read_bytes()
    file.unlink()
    assert len(data) < 2**20
    assert refused(tmp_path, data) == "media_too_large"


@pytest.mark.parametrize(("limits", "code"), [
    ({"upload_bytes": 100}, "media_too_large"),
    ({"side": 30}, "media_too_large"),
    ({"pixels": 500}, "media_too_large"),
    ({"frames": 5}, "media_too_long"),
    ({"seconds": 0.4}, "media_too_long"),
    ({"clip_pixels": 3000}, "media_too_costly"),
    ({"file_bytes": 500}, "media_too_costly"),
    ({"wall_seconds": 0.01}, "media_too_costly"),
])  # fmt: skip
def test_each_limit_holds(tmp_path: Path, limits: dict[str, float], code: str):
    assert refused(tmp_path, clip(), replace(intake.LIMITS, **limits)) == code


def test_a_photo_of_a_phone_is_made_smaller_and_taken(tmp_path: Path):
    data = io.BytesIO()
    tall = Image.linear_gradient("L").resize((6048, 8064)).convert("RGB")  # 48 megapixels
    tall.save(data, "JPEG", exif=_turned(6))
    taken = look(tmp_path, data.getvalue())
    assert (taken.width, taken.height) == (4096, 3072)
    with Image.open(taken.path) as made:
        assert made.size == (4096, 3072)
    small = replace(intake.LIMITS, picture_pixels=1_000_000)
    (tmp_path / "again").mkdir()
    assert refused(tmp_path / "again", data.getvalue(), small) == "media_too_large"


def _turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


@pytest.mark.parametrize("mebibytes", [300, 400])
def test_memory_has_a_limit(tmp_path: Path, mebibytes: int):
    limits = replace(intake.LIMITS, memory_bytes=mebibytes * 2**20)
    assert refused(tmp_path, clip(2560, 1440, 2), limits) == "media_too_costly"


def test_a_decoder_that_spins_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "sitecustomize.py").write_text("while True: pass")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "room").mkdir()
    begun = time.monotonic()
    limits = replace(intake.LIMITS, wall_seconds=0.5)
    assert refused(tmp_path / "room", picture(), limits) == "media_too_costly"
    assert time.monotonic() - begun < 5


def test_a_decoder_that_does_not_start_is_not_the_files_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "av.py").write_text("raise ImportError('no FFmpeg here')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "room").mkdir()
    with pytest.raises(RuntimeError, match="decoder of uploads"):
        look(tmp_path / "room", clip())
    assert left(tmp_path / "room") == ["upload"]


@pytest.mark.parametrize("said", [b"", b"{", b"[]", b"{}", b'{"kind": "clip"}', b'{"kind": "/etc/passwd", "width": 1}'])
def test_what_a_dead_decoder_leaves_unsaid_is_a_broken_file(said: bytes):
    with pytest.raises(Refused) as no:
        intake._about(said)
    assert no.value.code == "broken_media"


def test_a_full_disk_is_not_the_files_fault():
    told = decode._blamed(OSError(28, "No space left on device"))
    with pytest.raises(OSError, match="make room"):
        intake._about(json.dumps(told).encode())


def test_the_decoder_knows_nothing_of_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    seen = tmp_path / "seen"
    (tmp_path / "sitecustomize.py").write_text(
        f"import os, json; json.dump(dict(os.environ), open({str(seen)!r}, 'w'))"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PRAXINO_KEY", "secret")
    look(tmp_path, picture())
    assert "secret" not in seen.read_text()
    assert "HOME" not in json.loads(seen.read_text())


def test_the_door_opens_without_torch_or_decoders():
    code = "import praxino.server.intake, sys; sys.exit(any(x in sys.modules for x in ('torch', 'av', 'PIL', 'numpy')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


SAMPLES = {"png": picture(), "mp4": clip(frames=3)}
CHANGES = st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=12)


@pytest.mark.parametrize("kind", SAMPLES)
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=CHANGES, end=st.none() | st.integers(0, 3000))
def test_whatever_is_sent_is_taken_or_refused(kind: str, changes: list[tuple[int, int]], end: int | None):
    data = bytearray(SAMPLES[kind])
    for where, what in changes:
        data[where % len(data)] = what
    with TemporaryDirectory() as name:
        folder = Path(name)
        try:
            found = look(folder, bytes(data[:end]))
        except Refused as no:
            assert no.code in CODES
            assert name not in str(no)
            assert left(folder) == ["upload"]
        else:
            assert left(folder) == [found.path.name, "upload"]
            about = read.probe(found.path)
            assert (about.kind, about.width, about.height) == (found.kind, found.width, found.height)
    assert not os.path.lexists(folder)
