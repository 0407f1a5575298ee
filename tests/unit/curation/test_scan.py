from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image
from tests import films

from praxino.curation import tags
from praxino.curation.clip import COLUMNS, ROWS, Source
from praxino.curation.scan import Unreadable, scan


@pytest.fixture(scope="module")
def film():
    return films.film()


def reduced(picture: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(picture).resize((COLUMNS, ROWS), Image.Resampling.BOX))


def test_a_scan_keeps_a_small_picture_and_a_time_of_every_frame(tmp_path, film):
    found = films.scanned(films.save(tmp_path / "film.mp4", film))
    assert found.small.shape == (40, ROWS, COLUMNS, 3)
    assert found.times == pytest.approx(np.arange(40) / 25, abs=1e-3)
    assert np.abs(found.small[7].astype(int) - reduced(film[7])).mean() < 3
    about = found.probe
    assert (about.width, about.height, about.codec, about.sound, about.variable) == (512, 288, "h264", False, False)
    assert about.fps == pytest.approx(25)
    assert about.seconds == pytest.approx(1.6, abs=0.01)
    assert (about.truncated, about.interlaced, about.hdr) == (False, False, False)
    assert [look.frame for look in found.looks] == [0, 13, 26, 39]


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_a_turned_film_is_seen_upright(tmp_path, film, rotation):
    path = films.save(tmp_path / "turned.mp4", film, rotation=rotation)
    with av.open(str(path)) as container:
        degrees = next(container.decode(video=0)).rotation
    found = films.scanned(path)
    upright = np.rot90(film[5], round(degrees / 90))
    assert (found.probe.width, found.probe.height) == (upright.shape[1], upright.shape[0])
    assert found.probe.rotation == degrees % 360
    assert np.abs(found.small[5].astype(int) - reduced(np.ascontiguousarray(upright))).mean() < 3


def test_wide_pixels_are_made_square(tmp_path, film):
    found = films.scanned(films.save(tmp_path / "wide.mp4", film, pixel=Fraction(2)))
    assert (found.probe.width, found.probe.height) == (1024, 288)


def test_a_variable_frame_rate_is_noticed(tmp_path, film):
    gaps = np.where(np.arange(40) % 3, 0.04, 0.075)
    times = np.concatenate([[0], np.cumsum(gaps)[:-1]])
    found = films.scanned(films.save(tmp_path / "varies.mp4", film, times=times.tolist()))
    assert found.probe.variable
    assert found.times == pytest.approx(times, abs=2e-3)
    assert found.probe.fps == pytest.approx(39 / times[-1], rel=0.01)


def test_a_clock_in_milliseconds_does_not_vary(tmp_path, film):
    assert not films.scanned(films.save(tmp_path / "film.mkv", film, fps=30)).probe.variable


def test_a_truncated_file_is_read_as_far_as_it_goes(tmp_path, film):
    whole = films.save(tmp_path / "whole.mp4", films.noisy(film, 8)).read_bytes()
    path = tmp_path / "cut.mp4"
    path.write_bytes(whole[: int(len(whole) * 0.8)])
    found = films.scanned(path)
    assert found.probe.truncated
    assert 24 <= len(found.times) < 40


def test_a_file_that_gives_few_of_its_frames_is_unreadable(tmp_path, film):
    whole = films.save(tmp_path / "whole.mp4", films.noisy(film, 8)).read_bytes()
    path = tmp_path / "cut.mp4"
    path.write_bytes(whole[: int(len(whole) * 0.25)])
    with pytest.raises(Unreadable, match=r"truncated: \d+ of 40 frames"):
        films.scanned(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "empty"), (b"\0\1" * 5000, "cannot be opened"), (b"#EXTM3U\nfile:///etc/passwd\n", "cannot be opened")],
)
def test_what_is_no_video_is_unreadable_with_a_reason(tmp_path, content, reason):
    path = tmp_path / "broken.mp4"
    path.write_bytes(content)
    with pytest.raises(Unreadable, match=reason):
        films.scanned(path)


def test_damage_anywhere_ends_in_a_scan_or_a_reason(tmp_path, film):
    whole = films.save(tmp_path / "whole.mp4", film[:20]).read_bytes()
    rng = np.random.default_rng(3)
    for number in range(12):
        bad = bytearray(whole)
        for at in rng.integers(0, len(bad), 40 if number % 2 else 1000):
            bad[at] = int(rng.integers(0, 256))
        path = tmp_path / f"{number}.mp4"
        path.write_bytes(bad)
        try:
            found = films.scanned(path)
        except Unreadable as reason:
            assert str(reason)
        else:
            assert len(found.times) == len(found.small) >= 10


def test_sound_alone_is_no_video(tmp_path):
    path = tmp_path / "sound.m4a"
    with av.open(str(path), "w", format="mp4") as out:
        track = out.add_stream("aac", rate=16_000, layout="mono")
        heard = av.AudioFrame.from_ndarray(np.zeros((1, 16_000), np.float32), format="fltp", layout="mono")
        heard.sample_rate = 16_000
        out.mux(track.encode(heard))
        out.mux(track.encode(None))
    with pytest.raises(Unreadable, match="only sound"):
        films.scanned(path)


def test_what_could_not_be_had_is_unreadable_for_that_reason(tmp_path):
    with pytest.raises(Unreadable, match="the server answers 404"):
        scan(Source(uri="x", path=tmp_path / "x", digest="0", flaw="the server answers 404"))


def test_the_largest_of_several_streams_is_taken(tmp_path, film):
    path = tmp_path / "two.mkv"
    with av.open(str(path), "w") as out:
        streams = []
        for width, height in ((128, 72), (512, 288)):
            stream = out.add_stream("libx264", rate=25)
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            streams.append(stream)
        for picture in film[:10]:
            for stream in streams:
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                out.mux(stream.encode(frame.reformat(width=stream.width, height=stream.height)))
        for stream in streams:
            out.mux(stream.encode(None))
    found = films.scanned(path)
    assert (found.probe.width, len(found.times)) == (512, 10)


def test_interlaced_pictures_are_noticed_and_looked_at_by_one_field(tmp_path):
    fast = films.film(40, pan=9.0)
    woven = fast[::2].copy()
    woven[:, 1::2] = fast[1::2, 1::2]
    plain = films.scanned(films.save(tmp_path / "plain.mp4", fast[::2]))
    found = films.scanned(films.save(tmp_path / "woven.mp4", woven))
    flagged = films.scanned(
        films.save(tmp_path / "flagged.mp4", woven, options={"x264-params": "tff=1:interlaced=1", "crf": "18"})
    )
    assert found.probe.interlaced
    assert flagged.probe.interlaced
    assert not plain.probe.interlaced
    assert found.looks[1].tags["sharpness"] < 1.5 * plain.looks[1].tags["sharpness"]


def test_high_dynamic_range_is_noticed_and_tone_mapped(tmp_path, film):
    half = np.full_like(film, 148)  # 0.58 of PQ is diffuse white
    path = films.save(tmp_path / "pq.mkv", half, codec="libx265", pixels="yuv420p10le", transfer=16,
                      options={"x265-params": "log-level=none"})  # fmt: skip
    found = films.scanned(path)
    assert found.probe.hdr
    assert 160 < found.small.mean() < 220
    assert not films.scanned(films.save(tmp_path / "plain.mp4", half)).probe.hdr


@pytest.mark.parametrize(
    ("codec", "pixels", "name"),
    [("ffv1", "bgr0", "film.mkv"), ("ffv1", "gray", "film.mkv"), ("ffv1", "yuv422p10le", "film.mkv"),
     ("ffv1", "yuv444p", "film.mkv"), ("gif", "rgb8", "film.gif"), ("mjpeg", "yuvj420p", "film.avi")],
)  # fmt: skip
def test_pictures_of_any_format_come_out_alike(tmp_path, film, codec, pixels, name):
    found = films.scanned(films.save(tmp_path / name, film[:6], codec=codec, pixels=pixels))
    wanted = np.stack([reduced(picture) for picture in film[:6]]).astype(int)
    if pixels == "gray":
        wanted = (wanted @ [0.299, 0.587, 0.114])[..., None]
    assert np.abs(found.small - wanted).mean() < (20 if pixels == "rgb8" else 4)


def test_sound_is_heard_once_and_in_time(tmp_path, film):
    rate = 16_000
    sound = np.zeros(int(1.6 * rate), np.float32)
    sound[rate // 2 : rate] = 0.1 * np.sqrt(2) * np.sin(np.arange(rate // 2) * 2 * np.pi * 440 / rate)
    found = films.scanned(films.save(tmp_path / "loud.mp4", film, sound=sound))
    assert found.probe.sound
    assert found.sound is not None
    assert found.sound[6:9] == pytest.approx(-20, abs=1)
    assert found.sound[1:3].max() < -50


@pytest.mark.parametrize(("height", "width"), [(16, 16), (16, 1000), (1000, 40), (1280, 720)])
def test_pictures_of_any_shape_are_measured(tmp_path, height, width):
    noise = np.random.default_rng(0).integers(0, 255, (3, height, width, 3), np.uint8)
    found = films.scanned(films.save(tmp_path / "film.mkv", noise, codec="ffv1", pixels="bgr0"))
    assert (found.probe.width, found.probe.height) == (width, height)
    assert list(tags.tags(found, 0, 3)) == list(tags.TAGS)
    assert tags.tags(found, 0, 1)["camera"] is None


def test_a_picture_of_a_few_pixels_is_no_video(tmp_path):
    path = films.save(tmp_path / "film.mkv", np.zeros((3, 8, 8, 3), np.uint8), codec="ffv1", pixels="bgr0")
    with pytest.raises(Unreadable, match="too small: 8x8"):
        films.scanned(path)
