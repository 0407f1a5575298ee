"""Reading pictures and clips."""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from praxino.media import read

from .conftest import bar, moving

Encode = Callable[..., Path]


def test_a_clip_is_probed_and_read_whole(encode: Encode):
    path = encode(moving(20))
    about = read.probe(path)
    assert (about.kind, about.width, about.height, about.frames) == ("clip", 96, 64, 20)
    assert about.fps == pytest.approx(25)
    assert about.seconds == pytest.approx(0.8)
    clip = read.read(path)
    assert clip.frames.shape == (20, 64, 96, 3)
    assert np.abs(clip.frames.astype(int) - moving(20)).mean() < 4
    assert [bar(frame) for frame in clip.frames] == list(range(20))


def test_a_clip_is_streamed_frame_by_frame_as_it_is_read(encode: Encode):
    path = encode(moving(12))
    assert np.array_equal(np.stack(list(read.stream(path))), read.read(path).frames)


def test_a_clip_can_be_read_at_another_rate_and_size(encode: Encode):
    path = encode(moving(20))
    clip = read.read(path, fps=50, size=(48, 48), limit=30)
    assert clip.frames.shape == (30, 48, 48, 3)
    assert [bar(frame) for frame in read.read(path, fps=50).frames][:6] == [0, 0, 1, 1, 2, 2]
    assert [bar(frame) for frame in read.read(path, fps=12.5).frames] == list(range(0, 20, 2))


def test_frames_with_uneven_times_are_shown_when_their_moment_comes(encode: Encode):
    path = encode(moving(5), at=[0, 40, 200, 240, 280])
    assert [bar(frame) for frame in read.stream(path, fps=25)] == [0, 1, 1, 1, 1, 2, 3, 4]


@pytest.mark.parametrize("name", ["clip.mkv", "clip.webm", "clip.avi", "clip.mov", "clip.ts"])
def test_common_containers_are_read(encode: Encode, name: str):
    codec = {"clip.webm": "libvpx-vp9", "clip.avi": "mpeg4"}.get(name, "libx264")
    path = encode(moving(6), name, codec=codec)
    assert [bar(frame) for frame in read.stream(path, fps=25)] == list(range(6))


def test_a_clip_that_is_to_be_turned_is_turned(encode: Encode, turn: Callable[[Path], Path]):
    path = turn(encode(moving(4)))
    about = read.probe(path)
    assert (about.width, about.height) == (64, 96)
    frame = next(read.stream(path))
    assert bar(np.rot90(frame)) == 0  # a quarter clockwise, and back


def test_a_clip_of_odd_size_is_read(encode: Encode):
    assert read.read(encode(moving(3, width=95, height=63), "odd.mkv")).frames.shape == (3, 63, 95, 3)


def test_a_picture_is_a_clip_of_one_frame(tmp_path: Path):
    Image.fromarray(moving(1)[0]).save(tmp_path / "p.png")
    about = read.probe(tmp_path / "p.png")
    assert (about.kind, about.width, about.height, about.frames) == ("picture", 96, 64, 1)
    assert np.array_equal(read.read(tmp_path / "p.png").frames, moving(1))


def test_a_picture_that_a_camera_turned_is_upright(tmp_path: Path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn a quarter clockwise
    Image.fromarray(moving(1)[0]).save(tmp_path / "p.png", exif=exif)
    frame = read.read(tmp_path / "p.png").frames[0]
    assert frame.shape == (96, 64, 3)
    assert np.array_equal(frame, np.rot90(moving(1)[0], k=-1))


def _red(mode: str) -> Image.Image:
    return Image.new("RGB", (8, 8), (255, 0, 0)).convert(mode)


@pytest.mark.parametrize(
    ("image", "name", "colour"),
    [
        (_red("P"), "p.png", (255, 0, 0)),
        (_red("P"), "p.gif", (255, 0, 0)),
        (_red("CMYK"), "p.jpg", (254, 0, 0)),
        (Image.new("RGBA", (8, 8), (255, 0, 0, 0)), "clear.png", (0, 0, 0)),
        (Image.new("RGBA", (8, 8), (255, 0, 0, 51)), "faint.png", (51, 0, 0)),
        (Image.new("L", (8, 8), 128), "grey.png", (128, 128, 128)),
        (Image.new("LA", (8, 8), (200, 0)), "clear grey.png", (0, 0, 0)),
        (Image.new("1", (8, 8), 1), "bits.png", (255, 255, 255)),
        (Image.fromarray(np.full((8, 8), 32896, np.uint16)), "deep.png", (128, 128, 128)),
        (_red("RGB"), "p.webp", (255, 0, 0)),
        (_red("RGB"), "p.bmp", (255, 0, 0)),
        (_red("RGB"), "p.tiff", (255, 0, 0)),
    ],
)
def test_a_picture_of_any_kind_becomes_rgb_and_what_is_clear_is_black(
    tmp_path: Path, image: Image.Image, name: str, colour: tuple[int, int, int]
):
    image.save(tmp_path / name)
    pixel = read.read(tmp_path / name).frames[0, 4, 4]
    assert np.abs(pixel.astype(int) - colour).max() <= 6


def test_a_moving_gif_is_a_clip(tmp_path: Path):
    pages = [Image.fromarray(frame) for frame in moving(4)]
    pages[0].save(tmp_path / "m.gif", save_all=True, append_images=pages[1:], duration=40)
    about = read.probe(tmp_path / "m.gif")
    assert (about.kind, about.frames, about.width) == ("clip", 4, 96)
    assert [bar(frame) for frame in read.stream(tmp_path / "m.gif")] == [0, 1, 2, 3]


def _bomb(path: Path, side: int) -> Path:
    """A PNG that says it is side x side, in a hundred bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0")))
    return path


@pytest.mark.parametrize("side", [9_000, 12_000, 60_000])
def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(tmp_path: Path, side: int):
    with pytest.raises(ValueError, match="too many pixels"):
        read.probe(_bomb(tmp_path / "bomb.png", side))


def test_a_clip_that_is_too_large_is_refused(encode: Encode):
    with pytest.raises(ValueError, match="too large .5000x16.; use at most 4096"):
        read.probe(encode(moving(1, width=5000, height=16), "wide.mkv", codec="ffv1"))


def test_a_clip_that_would_fill_the_memory_is_refused_before_it_is_decoded(encode: Encode):
    path = encode(moving(2), at=[0, 250_000])
    with pytest.raises(ValueError, match="too long .* at 1920x1080; cut it"):
        read.read(path, fps=30, size=(1920, 1080))


def test_a_clip_that_is_too_long_is_refused(encode: Encode):
    path = encode(moving(2), at=[0, 700_000])
    with pytest.raises(ValueError, match="too long .7.. s.; use at most 600 s"):
        read.probe(path)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("broken.png", b"\x89PNG\r\n\x1a\nnot really"),
        ("broken.mp4", b"\0" * 4096),
        ("empty.mp4", b""),
        ("text.txt", b"hello there"),
        ("list.mp4", b"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"),
        ("cut.jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF"),
    ],
)
def test_what_is_broken_or_no_video_is_refused(tmp_path: Path, name: str, data: bytes):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ValueError, match=name):
        read.probe(tmp_path / name)


def test_a_picture_that_is_cut_short_is_refused(tmp_path: Path):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "whole.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "whole.png").read_bytes()[:4000])
    with pytest.raises(ValueError, match=r"cut\.png is a broken picture"):
        read.probe(tmp_path / "cut.png")


def test_a_clip_that_is_cut_short_is_refused(encode: Encode, tmp_path: Path):
    (tmp_path / "cut.mp4").write_bytes(encode(moving(30)).read_bytes()[:3000])
    with pytest.raises(ValueError, match=r"cut\.mp4"):
        read.probe(tmp_path / "cut.mp4")


def test_what_does_not_exist_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="does not exist; give a picture or a clip"):
        read.probe(tmp_path / "none.png")
    with pytest.raises(ValueError, match="is not a file"):
        read.probe(tmp_path)


@pytest.mark.parametrize("name", ["p.png", "p.jpg", "p.gif", "p.bmp", "p.webp", "p.tiff", "moving.gif", "clip.mp4"])
def test_a_damaged_file_is_read_or_refused_but_nothing_else(encode: Encode, tmp_path: Path, name: str):
    path = tmp_path / name
    pages = [Image.fromarray(frame) for frame in moving(3, width=48, height=32)]
    if name == "clip.mp4":
        encode(moving(5), name)
    else:
        pages[0].save(path, **({"save_all": True, "append_images": pages[1:]} if name == "moving.gif" else {}))
    whole, chance = path.read_bytes(), np.random.default_rng(0)
    for _ in range(25):
        damaged = bytearray(whole)
        for at in chance.integers(0, min(len(whole), 400), size=3):
            damaged[at] = chance.integers(0, 256)
        path.write_bytes(damaged[: None if chance.random() < 0.7 else chance.integers(0, len(whole))])
        try:
            assert read.probe(path).frames >= 1
            assert read.read(path, limit=3).frames.ndim == 4
        except ValueError as error:
            assert name in str(error)
