"""The fast way from a file to its cuts, against the scan that decodes everything."""

import numpy as np
import pytest
from tests import films

from praxino.curation.boundaries import boundaries, pictures
from praxino.curation.cuts import cuts
from praxino.curation.scan import Unreadable
from praxino.curation.shrink import averaged
from praxino.world.film import film as world


@pytest.fixture(scope="module")
def reel() -> np.ndarray:
    """Three shots with a hard cut at 60 and a dissolve of twelve frames from 110 on."""
    one, two, three = (films.film(62, pan=pan, seed=seed) for seed, pan in ((3, 1.0), (4, -1.0), (5, 0.5)))
    share = (np.arange(1, 13) / 13)[:, None, None, None]
    mixed = (two[50:62] * (1 - share) + three[:12] * share).astype(np.uint8)
    return np.concatenate([one[:60], two[:50], mixed, three[12:]])


@pytest.mark.parametrize("options", [{}, {"bf": "0"}, {"x264-params": "bframes=8:b-adapt=2:scenecut=0"}])
def test_cuts_are_those_of_a_scan(tmp_path, reel, options):
    path = films.save(tmp_path / "reel.mp4", reel, options=options)
    found = boundaries(path)
    assert [(cut.kind, cut.frame) for cut in found] == [
        (cut.kind, cut.frame) for cut in cuts(films.scanned(path).small)
    ]
    assert [cut.frame for cut in found if cut.kind == "hard"] == [60]
    (gradual,) = (cut for cut in found if cut.kind != "hard")
    assert abs(gradual.frame - 116) <= 3


@pytest.mark.parametrize(
    ("name", "codec", "pixels"),
    [("film.mp4", "libx264", "yuv420p"), ("film.mkv", "libx265", "yuv420p10le"), ("film.avi", "mjpeg", "yuvj420p"),
     ("film.mkv", "ffv1", "bgr0"), ("film.ts", "mpeg2video", "yuv420p")],
)  # fmt: skip
def test_every_frame_has_its_picture_whatever_the_codec(tmp_path, reel, name, codec, pixels):
    options = {"x265-params": "log-level=none"} if codec == "libx265" else {"b": "4M"}
    path = films.save(tmp_path / name, reel[40:80], codec=codec, pixels=pixels, options=options)
    whole, spared = films.scanned(path).small.astype(int), pictures(path).astype(int)
    assert spared.shape == whole.shape
    assert np.abs(spared - whole).mean() < 2


def test_a_turned_film_is_seen_upright(tmp_path, reel):
    path = films.save(tmp_path / "turned.mp4", reel[:20], rotation=90)
    assert np.abs(pictures(path).astype(int) - films.scanned(path).small).mean() < 4  # parts begin at whole pixels


def test_a_file_that_breaks_off_has_the_pictures_that_a_scan_has(tmp_path, reel):
    whole = films.save(tmp_path / "whole.mp4", films.noisy(reel[:60], 8)).read_bytes()
    path = tmp_path / "cut.mp4"
    path.write_bytes(whole[: int(len(whole) * 0.8)])
    assert len(pictures(path)) == len(films.scanned(path).small)


def test_what_is_no_video_has_no_cuts_but_a_reason(tmp_path):
    (tmp_path / "noise.mp4").write_bytes(b"\0\1" * 500)
    with pytest.raises(Unreadable, match="cannot be opened"):
        boundaries(tmp_path / "noise.mp4")


@pytest.mark.parametrize(("height", "width"), [(288, 512), (720, 1280), (100, 333), (20, 30), (9000, 64)])
def test_averages_are_those_of_whole_pixels(height, width):
    plane = np.random.default_rng(0).integers(0, 256, (height, width), np.uint8)
    out = np.empty((36, 64), np.float32)
    averaged(plane, out)
    for row, column in ((0, 0), (17, 40), (35, 63)):
        top, left = row * height // 36, column * width // 64
        bottom, right = (
            max(a + 1, b) for a, b in ((top, (row + 1) * height // 36), (left, (column + 1) * width // 64))
        )
        part = plane[top:bottom, left:right]
        assert out[row, column] == pytest.approx(part.mean(), abs=1e-3 if height < 9000 else 12)


def test_a_cut_in_high_dynamic_range_is_found_at_its_frame(tmp_path, reel):
    dim = (reel[30:90] * 0.6).astype(np.uint8)
    path = films.save(tmp_path / "pq.mkv", dim, codec="libx265", pixels="yuv420p10le", transfer=16,
                      options={"x265-params": "log-level=none"})  # fmt: skip
    scanned = films.scanned(path)
    assert scanned.probe.hdr
    for found in (cuts(scanned.small), boundaries(path)):
        assert [(cut.kind, cut.frame) for cut in found] == [("hard", 30)]


def test_a_cut_between_interlaced_pictures_is_found_at_its_frame(tmp_path):
    shots = []
    for seed in (9_500_000_000, 9_500_000_001):
        fast = world(seed, width=256, height=144, frames=60, fps=50).frames
        woven = fast[::2].copy()
        woven[:, 1::2] = fast[1::2, 1::2]
        shots.append(woven)
    options = {"x264-params": "tff=1:interlaced=1", "crf": "18"}
    path = films.save(tmp_path / "woven.mp4", np.concatenate(shots), options=options)
    scanned = films.scanned(path)
    assert scanned.probe.interlaced
    for found in (cuts(scanned.small), boundaries(path)):
        assert [(cut.kind, cut.frame) for cut in found] == [("hard", 30)]
