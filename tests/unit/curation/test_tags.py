from pathlib import Path

import numpy as np
import pytest
from tests import films

from praxino.curation.reference import reference
from praxino.curation.tags import TAGS, borders, tags

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def film():
    return films.film(50)


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """The tags of a film that is written and scanned."""
    folder = tmp_path_factory.mktemp("films")

    def tell(pictures, **manner):
        found = films.scanned(films.save(folder / "film.mp4", pictures, options={"crf": "20"}, **manner))
        return tags(found, 0, len(found.times))

    return tell


@pytest.fixture(scope="module")
def clean(told, film):
    return told(film)


def test_every_tag_is_told_and_in_the_docs(clean):
    assert list(clean) == list(TAGS)
    page = (ROOT / "docs" / "curation-tags.md").read_text(encoding="utf-8")
    assert page == reference(), "run python -m praxino.curation.reference > docs/curation-tags.md"


def test_a_clean_film_is_not_accused(clean):
    assert clean["blur"] < 4
    assert clean["noise"] < 3
    assert clean["blockiness"] < 2
    assert clean["contrast"] > 15
    assert (clean["dark_share"], clean["black"], clean["text_area"], clean["border_area"]) == (0, 0, 0, 0)
    assert (clean["logo"], clean["border"], clean["sound"], clean["loudness"]) == (None, None, False, None)
    assert (clean["static"], clean["freeze"], clean["duplicated"], clean["dropped"]) == (0, 0, 0, 0)


def test_blur_and_noise_are_told_apart(told, film, clean):
    blurred, noisy = told(films.blurred(film)), told(films.noisy(film))
    assert blurred["blur"] > 6
    assert blurred["sharpness"] < clean["sharpness"] / 3
    assert blurred["noise"] < 3
    assert noisy["noise"] > 8
    assert noisy["blur"] < 6


def test_noise_is_measured_in_levels(tmp_path, film):
    noisy = films.noisy(np.full_like(film[:2], 120), 10)
    found = films.scanned(films.save(tmp_path / "film.mkv", noisy, codec="ffv1", pixels="bgr0"))
    sigma = 10 * np.hypot(0.299, np.hypot(0.587, 0.114))  # of luma, where each channel has its own
    assert tags(found, 0, 2)["noise"] == pytest.approx(sigma, rel=0.15)


def test_dark_bright_flat_and_black_films_are_known(told, film):
    dark = told((film * 0.1).astype(np.uint8))
    bright = told(np.clip(film * 2.2 + 60.0, 0, 255).astype(np.uint8))
    flat = told((118 + (film - 118.0) * 0.1).astype(np.uint8))
    black = told(film * 0)
    assert dark["brightness"] < 30
    assert bright["blown_share"] > 0.12
    assert flat["contrast"] < 8
    assert flat["brightness"] > 90
    assert black["black"] == 1
    assert black["static"] == 1
    assert black["border"] is None


def test_blocks_of_a_codec_are_seen(told, film):
    import io

    from PIL import Image

    def worn(image):
        held = io.BytesIO()
        image.save(held, "JPEG", quality=6)
        return Image.open(held)

    assert told(films.each(film[:20], worn))["blockiness"] > 2


@pytest.mark.parametrize(("top", "left"), [(48, 0), (0, 70), (30, 44), (6, 0)])
def test_bars_are_found_to_two_pixels(tmp_path, film, top, left):
    pictures = film[:20, : 384 - 2 * top, : 512 - 2 * left]
    pictures = np.pad(pictures, ((0, 0), (0, 384 - 2 * top - pictures.shape[1]), (0, 0), (0, 0)), "symmetric")
    found = films.scanned(films.save(tmp_path / "film.mp4", films.boxed(pictures, top=top, left=left)))
    crop = borders(found, 0, 20)
    assert crop == pytest.approx((left, top, 512 - 2 * left, 384 - 2 * top), abs=2)
    told = tags(found, 0, 20)
    assert (
        told["border"]
        == {(True, True): "both", (True, False): "letterbox", (False, True): "pillarbox"}[top > 0, left > 0]
    )
    assert told["brightness"] == pytest.approx(tags_of(tmp_path, pictures)["brightness"], abs=4)


def tags_of(folder, pictures):
    found = films.scanned(films.save(folder / "plain.mp4", pictures))
    return tags(found, 0, len(found.times))


def test_a_night_sky_is_no_bar(told, film):
    night = film.copy()
    night[:, :80] = (night[:, :80] * np.linspace(0, 0.3, 80)[None, :, None, None]).astype(np.uint8)
    assert told(night)["border"] is None


def test_subtitles_are_found_with_their_place(told, film):
    found = told(films.written(film, "Where did it come from?", (130, 250), 22))
    assert 0.01 < found["text_area"] < 0.1
    assert 0.83 < found["text_top"] < found["text_bottom"] < 1


def test_a_logo_is_found_with_its_corner(told, film):
    found = told(films.written(films.film(80), "TV 5", (430, 14), 26))
    assert found["logo"] == "top_right"
    assert found["logo_area"] < 0.03


def test_strokes_all_over_a_picture_that_rests_are_no_mark(told):
    wall = films.film(60, pan=0)
    one = films.written(wall, "TV 5", (430, 14), 26)
    assert told(one)["logo"] == "top_right"
    for at in ((30, 14), (230, 60), (60, 230), (300, 200), (200, 130)):
        one = films.written(one, "TV 5", at, 26)
    assert told(one)["logo"] is None


def test_one_full_channel_is_no_overexposure(told, film):
    red = film.copy()
    red[..., 0] = 255
    assert told(red)["bright_share"] < 0.01
    assert told(np.clip(film * 2.2 + 60.0, 0, 255).astype(np.uint8))["bright_share"] > 0.25


def test_a_freeze_a_stammer_and_gaps_are_told_apart(told):
    film = films.film(90)
    order = np.arange(60)
    frozen, stammering = order.copy(), order.copy()
    frozen[20:35] = 20
    frozen[35:] -= 14
    stammering[3::4] -= 1
    leaps = np.cumsum(np.where(np.arange(40) % 7 == 6, 3, 1)) - 1
    still = told(film[:1].repeat(40, 0))
    frozen, stammering, gapped = told(film[frozen]), told(film[stammering]), told(film[leaps])
    assert frozen["freeze"] == pytest.approx(14 / 25, abs=0.05)
    assert stammering["duplicated"] == pytest.approx(15 / 60, abs=0.05)
    assert gapped["dropped"] == pytest.approx(5 / 40, abs=0.03)
    assert (still["static"], still["freeze"], still["camera"]) == (1, 0, "still")
    assert still["motion"] < 0.001
    assert frozen["duplicated"] == gapped["duplicated"] == 0


def test_frames_that_the_clock_leaves_out_are_dropped(told, film):
    times = np.delete(np.arange(50) / 25, [11, 12, 30])
    assert told(np.delete(film, [11, 12, 30], 0), times=times.tolist())["dropped"] >= 3 / 47 - 1e-6


@pytest.mark.parametrize(
    ("way", "kind"),
    [((3, 0), "pan_right"), ((-3, 0), "pan_left"), ((0, 2), "tilt_down"), ((0, -2), "tilt_up"), ((0, 0), "still")],
)
def test_what_the_camera_does_is_told(told, way, kind):
    wall = films.film(1, width=800, height=500, pan=0)[0]
    at = [(150 + way[0] * n, 100 + way[1] * n) for n in range(40)]
    found = told(np.stack([wall[y : y + 288, x : x + 512] for x, y in at]))
    assert found["camera"] == kind
    assert found["camera_motion"] == pytest.approx(np.hypot(*way) * 25 / 512, rel=0.1, abs=0.005)
    assert found["object_motion"] < 0.03
    assert found["shake"] < 0.5


@pytest.mark.parametrize(("rate", "kind"), [(1.01, "zoom_in"), (1 / 1.01, "zoom_out")])
def test_a_zoom_is_told(told, rate, kind):
    from PIL import Image

    wall = Image.fromarray(films.film(1, width=800, height=500, pan=0)[0])
    boxes = []
    for n in range(40):
        half = np.array([256, 144]) * (rate**-n if rate > 1 else rate**-n * 0.7)
        boxes.append((400 - half[0], 250 - half[1], 400 + half[0], 250 + half[1]))
    pictures = [np.asarray(wall.resize((512, 288), Image.Resampling.BILINEAR, box=box)) for box in boxes]
    assert told(np.stack(pictures))["camera"] == kind


def test_a_shaken_camera_is_no_pan(told):
    wall = films.film(1, width=800, height=500, pan=0)[0]
    rng = np.random.default_rng(5)
    at = np.clip(rng.normal(0, 4, (50, 2)), -12, 12).astype(int) + np.array([100, 150])
    found = told(np.stack([wall[y : y + 288, x : x + 512] for y, x in at]))
    assert found["shake"] > 3
    assert found["camera"] == "shake"
    assert found["dropped"] == 0  # what leaps is the hand


def test_a_ball_that_turns_back_repeats_no_frame(told):
    wall = films.film(1, pan=0)[0]
    across = [round(200 + 90 * np.cos(2 * np.pi * (n + 0.5) / 18)) for n in range(54)]  # it slows down before it does
    pictures = np.stack([wall] * 54)
    for picture, x in zip(pictures, across, strict=True):
        picture[120:170, x : x + 50] = (220, 60, 40)
    assert told(pictures)["duplicated"] == 0


def test_things_move_while_the_camera_stands(told):
    found = told(films.film(50, pan=0))
    assert found["camera"] == "still"
    assert found["object_motion"] > 3 * found["camera_motion"]


def test_loudness_is_of_the_part(tmp_path, film):
    sound = np.zeros(32_000, np.float32)
    sound[16_000:] = 0.1 * np.sin(np.arange(16_000) / 5)
    found = films.scanned(films.save(tmp_path / "film.mp4", film, sound=sound))
    quiet, loud = tags(found, 0, 20), tags(found, 30, 50)
    assert (quiet["sound"], quiet["sound_share"]) == (False, 0)
    assert loud["sound"]
    assert loud["loudness"] == pytest.approx(-23, abs=1)


def test_a_scorer_writes_its_own_tag(tmp_path, film):
    class Faces:
        name = "faces"

        def score(self, scan, begin, end):
            return float(end - begin)

    found = films.scanned(films.save(tmp_path / "film.mp4", film[:10]))
    assert tags(found, 2, 8, scorers=(Faces(),))["faces"] == 6


def test_a_part_that_is_none_is_refused(tmp_path, film):
    found = films.scanned(films.save(tmp_path / "film.mp4", film[:10]))
    with pytest.raises(ValueError, match="not a part of 10 frames"):
        tags(found, 5, 11)
    assert tags(found, 9, 10)["motion"] is None
