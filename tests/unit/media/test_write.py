"""Writing films: whole or not at all, the same bytes for the same frames, and what they say of themselves."""

import json
from pathlib import Path

import av
import numpy as np
import pytest
from tests.marks import unsigned

from praxino.media import labels, read
from praxino.media.write import Writer, part_of

from .conftest import bar, moving

RECIPE = {
    "request": {"seed": 7, "shots": [{"seconds": 4, "prompt": '一个红色的球; "a=b"\n#'}]},
    "versions": {"praxino": "0"},
}


def film(path: Path, frames: np.ndarray, fps: float = 30) -> Path:
    with Writer(path, width=frames.shape[2], height=frames.shape[1], fps=fps, metadata=labels.metadata(RECIPE)) as out:
        for frame in frames:
            out.write(frame)
    return path


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.mean((a.astype(float) - b) ** 2)))


@pytest.mark.parametrize("count", [1, 2, 31])
def test_a_film_has_exactly_the_frames_written(tmp_path: Path, count: int):
    with av.open(str(film(tmp_path / "f.mp4", moving(count)))) as container:
        assert sum(1 for _ in container.decode(video=0)) == count
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert stream.average_rate == 30


def test_frames_come_back_as_they_were_up_to_encoding(tmp_path: Path):
    once = read.read(film(tmp_path / "a.mp4", moving(20))).frames
    twice = read.read(film(tmp_path / "b.mp4", once)).frames
    assert [bar(frame) for frame in twice] == list(range(20))
    assert np.median([psnr(a, b) for a, b in zip(once, twice, strict=True)]) > 38


def test_saturated_colours_survive(tmp_path: Path):
    frames = np.zeros((4, 64, 96, 3), np.uint8)
    frames[:, :, :32], frames[:, :, 32:64], frames[:, :, 64:] = (220, 20, 20), (20, 200, 30), (30, 40, 230)
    back = read.read(film(tmp_path / "a.mp4", frames)).frames
    assert np.abs(back[:, 8:-8, 8:24].astype(int) - (220, 20, 20)).max() < 12
    assert np.abs(back[:, 8:-8, 72:88].astype(int) - (30, 40, 230)).max() < 12


def test_same_frames_same_bytes(tmp_path: Path):
    made: set[bytes] = set()
    held: list[np.ndarray] = []
    for size in range(1, 25):
        held[:] = [np.full(size * 7001 * k, size, np.uint8) for k in range(1, 7)]  # memory moves about, see docs/log.md
        made.add(unsigned(film(tmp_path / "f.mp4", moving(20))))
    assert len(made) == 1


@pytest.mark.parametrize("fps", [1, 12.5, 23.976, 24, 25, 29.97, 59.94, 60])
def test_any_rate_is_kept(tmp_path: Path, fps: float):
    assert read.probe(film(tmp_path / "a.mp4", moving(5), fps)).fps == pytest.approx(fps, abs=0.001)


def test_what_is_written_so_far_plays_and_goes_when_the_film_is_whole(tmp_path: Path):
    path, frames = tmp_path / "f.mp4", moving(150)
    with Writer(path, width=96, height=64, fps=30, metadata=labels.metadata(RECIPE)) as out:
        for frame in frames:
            out.write(frame)
        copy = tmp_path / "so-far.mp4"
        copy.write_bytes(part_of(path).read_bytes())
        assert not path.exists()
    assert not part_of(path).exists()
    so_far = read.read(copy).frames
    assert len(so_far) >= 90, "all but what the encoder holds back and the second in hand"
    assert np.array_equal(so_far, read.read(path).frames[: len(so_far)])
    assert labels.read_recipe(copy) == RECIPE


def test_the_index_comes_first(tmp_path: Path):
    data = film(tmp_path / "a.mp4", moving(5)).read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


@pytest.mark.parametrize("error", [ValueError("bad"), KeyboardInterrupt(), SystemExit(143)])
def test_a_film_that_is_not_finished_leaves_nothing_and_the_old_film_in_place(tmp_path: Path, error: BaseException):
    path = tmp_path / "f.mp4"
    path.write_bytes(b"old")
    with pytest.raises(type(error)), Writer(path, width=96, height=64, fps=30) as out:
        out.write(moving(1)[0])
        raise error
    assert [p.name for p in tmp_path.iterdir()] == ["f.mp4"]
    assert path.read_bytes() == b"old"


def test_a_film_appears_only_when_it_is_whole(tmp_path: Path):
    with Writer(tmp_path / "f.mp4", width=96, height=64, fps=30) as out:
        out.write(moving(1)[0])
        assert not (tmp_path / "f.mp4").exists()
    assert [p.name for p in tmp_path.iterdir()] == ["f.mp4"]


def test_a_film_without_frames_is_refused(tmp_path: Path):
    with (
        pytest.raises(ValueError, match="would hold no frames"),
        Writer(tmp_path / "f.mp4", width=96, height=64, fps=30),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_frame_of_another_size_is_refused(tmp_path: Path):
    with (
        pytest.raises(ValueError, match="must be uint8"),
        Writer(tmp_path / "f.mp4", width=64, height=64, fps=30) as out,
    ):
        out.write(moving(1)[0])


def test_an_odd_size_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="must be even; try 64x64"):
        Writer(tmp_path / "f.mp4", width=63, height=64, fps=30)


def test_a_place_that_cannot_be_written_is_an_oserror(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError), Writer(tmp_path / "file" / "f.mp4", width=64, height=64, fps=30):  # noqa: PT011
        pass


def test_a_film_carries_its_recipe(tmp_path: Path):
    assert labels.read_recipe(film(tmp_path / "a.mp4", moving(2))) == RECIPE


def test_a_film_carries_the_implicit_label_of_gb_45438(tmp_path: Path):
    path = film(tmp_path / "a.mp4", moving(2))
    with av.open(str(path)) as container:
        label = json.loads(container.metadata["AIGC"])
    assert list(label) == [
        "Label",
        "ContentProducer",
        "ProduceID",
        "ReservedCode1",
        "ContentPropagator",
        "PropagateID",
        "ReservedCode2",
    ]
    assert label["Label"] == "1"
    assert label["ContentProducer"].startswith("Praxino")
    assert labels.read_label(path) == label


def test_equal_recipes_have_equal_numbers_and_others_have_others():
    one, same, other = (labels.metadata(r)["AIGC"] for r in (RECIPE, dict(RECIPE), RECIPE | {"seed": 8}))
    assert one == same != other


def test_a_long_recipe_survives(tmp_path: Path):
    recipe = {"request": {"shots": [{"seconds": 1, "prompt": "词" * 2000}] * 100}}
    with Writer(tmp_path / "f.mp4", width=96, height=64, fps=30, metadata=labels.metadata(recipe)) as out:
        out.write(moving(1)[0])
    assert labels.read_recipe(tmp_path / "f.mp4") == recipe


def test_a_film_of_someone_else_has_no_recipe(tmp_path: Path):
    with Writer(tmp_path / "f.mp4", width=96, height=64, fps=30, metadata={"comment": "[1, 2]"}) as out:
        out.write(moving(1)[0])
    assert labels.read_recipe(tmp_path / "f.mp4") is None
    assert labels.read_label(tmp_path / "f.mp4") is None


def test_what_is_no_film_is_refused(tmp_path: Path):
    (tmp_path / "x.mp4").write_bytes(b"\0" * 100)
    with pytest.raises(ValueError, match="cannot be read as a film"):
        labels.read_recipe(tmp_path / "x.mp4")
    with pytest.raises(ValueError, match="does not exist"):
        labels.read_recipe(tmp_path / "none.mp4")
