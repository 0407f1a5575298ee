"""`praxino generate`: what is asked for, and what is refused."""

import json
import os
from pathlib import Path

import pytest
from PIL import Image

from praxino.cli.main import run

from .conftest import Maker


@pytest.fixture
def ask(maker: Maker, model: str, tmp_path: Path):
    """Run `praxino generate` with a model that is there, to film.mp4."""

    def asking(*args: object, output: Path | None = None) -> int:
        return run(["generate", *map(str, args), "-o", str(output or tmp_path / "film.mp4"), "--model", model])

    return asking


def test_a_prompt_becomes_a_request_with_a_seed_drawn_at_random(ask, maker: Maker, tmp_path: Path):
    assert ask("一个红色的球") == 0
    assert ask("一个红色的球") == 0
    one, two = maker.asked
    assert (one.shots[0].prompt, one.seconds, one.width, one.height, one.fps) == ("一个红色的球", 4, 512, 288, 30)
    assert one.seed != two.seed
    assert (tmp_path / "film.mp4").exists()


def test_every_option_arrives(ask, maker: Maker, tmp_path: Path):
    Image.new("RGB", (20, 20)).save(tmp_path / "a.png")
    picture, sheet, journal = tmp_path / "a.png", tmp_path / "deep" / "s.png", tmp_path / "journal"
    args = ["--start", picture, "--end", picture, "--seconds", 2, "--size", "64x64", "--fps", 24, "--seed", 7]
    args += [
        "--negative",
        "cats",
        "--guidance",
        3,
        "--steps",
        9,
        "--fit",
        "pad",
        "--sheet",
        sheet,
        "--journal",
        journal,
    ]
    assert ask("a ball", *args) == 0
    made, options = maker.asked[0], maker.options[0]
    assert (made.start, made.end, made.seconds, made.width, made.height) == (str(picture), str(picture), 2, 64, 64)
    assert (made.fps, made.seed, made.negative, made.guidance, made.steps, made.fit) == (24, 7, "cats", 3, 9, "pad")
    assert (options.sheet, options.journal) == (sheet, journal)


def test_the_summary_is_the_last_line_of_stdout_and_progress_is_not_on_it(ask, capsys: pytest.CaptureFixture[str]):
    assert ask("a ball", "--json", "--seed", 5) == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 1
    assert json.loads(out)["seed"] == 5
    assert "sampling: 50%" in err or "opening" in err
    assert "warning: odd" in err


def test_people_are_told_the_seed(ask, capsys: pytest.CaptureFixture[str]):
    assert ask("a ball", "--seed", 5) == 0
    assert "seed 5" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("args", "size"),
    [
        (["--aspect", "9:16"], (288, 512)),
        (["--resolution", "540p"], (960, 540)),
        (["--aspect", "1:1", "--resolution", "540p"], (540, 540)),
    ],
)
def test_an_aspect_and_a_resolution_make_the_size(ask, maker: Maker, args: list[str], size: tuple[int, int]):
    assert ask("a ball", *args) == 0
    assert (maker.asked[0].width, maker.asked[0].height) == size


def test_shots_and_storyboards_are_the_same(ask, maker: Maker, tmp_path: Path):
    board = tmp_path / "shots.json"
    board.write_text(json.dumps([{"seconds": 2, "prompt": "a ball"}, {"seconds": 1.5, "prompt": "a cube: blue"}]))
    assert ask("--storyboard", board) == 0
    assert ask("--shot", "2: a ball", "--shot", "1.5:a cube: blue") == 0
    assert maker.asked[0].shots == maker.asked[1].shots
    assert maker.asked[0].seconds == 3.5


def test_a_film_can_be_made_from_the_recipe_of_another(ask, maker: Maker, tmp_path: Path):
    other = tmp_path / "other.mp4"
    assert ask("a ball", "--seconds", 3, "--seed", 9, "--size", "128x64", "--fit", "pad", output=other) == 0
    assert ask("--from", other) == 0
    assert maker.asked[1] == maker.asked[0]
    assert ask("a cube", "--from", other, "--seed", 10, "--seconds", 2, "--aspect", "1:1") == 0
    changed = maker.asked[2]
    assert (changed.shots[0].prompt, changed.seconds, changed.seed) == ("a cube", 2, 10)
    assert (changed.width, changed.height, changed.fit) == (288, 288, "pad")


def test_the_words_of_a_recipe_can_get_other_seconds(ask, maker: Maker, tmp_path: Path):
    other = tmp_path / "other.mp4"
    assert ask("a ball", output=other) == 0
    assert ask("--from", other, "--seconds", 2) == 0
    assert (maker.asked[1].shots[0].prompt, maker.asked[1].seconds) == ("a ball", 2)


BAD = {
    "no words": ([""], "has no words"),
    "nothing at all": ([], "there is no prompt"),
    "negative seconds": (["a ball", "--seconds", -3], "seconds -3 must be from 0.1 to 120"),
    "a million seconds": (["a ball", "--seconds", 1e6], "seconds 1e+06"),
    "not a number": (["a ball", "--seconds", "nan"], "seconds nan is not a number"),
    "words for a number": (["a ball", "--seconds", "long"], "--seconds"),
    "a tiny size": (["a ball", "--size", "7x7"], "width 7"),
    "a huge size": (["a ball", "--size", "100000x100000"], "width 100000"),
    "a bad size": (["a ball", "--size", "big"], "size 'big' is not a size"),
    "a bad aspect": (["a ball", "--aspect", "0:9"], "aspect '0:9' makes no sense"),
    "a bad resolution": (["a ball", "--resolution", "8k"], "resolution '8k' is not known"),
    "two sizes": (["a ball", "--size", "64x64", "--aspect", "1:1"], "--size excludes --aspect"),
    "no such picture": (["a ball", "--start", "none.png"], "none.png does not exist"),
    "no such end": (["a ball", "--end", "none.png"], "none.png does not exist"),
    "zero steps": (["a ball", "--steps", 0], "steps 0 must be from 1"),
    "a negative seed": (["a ball", "--seed", -1], "seed -1"),
    "guidance that is no number": (["a ball", "--guidance", "inf"], "guidance inf is not a number"),
    "an unknown fit": (["a ball", "--fit", "zoom"], "--fit"),
    "an unknown option": (["a ball", "--quality", "high"], "--quality"),
    "too many words": (["a", "ball"], "ball"),
    "a shot without words": (["--shot", "2:"], "has no words"),
    "a shot without seconds": (["--shot", "a ball"], "SECONDS: WORDS"),
    "a shot of nan": (["--shot", "nan: a ball"], "seconds nan is not a number"),
    "a prompt and shots": (["a ball", "--shot", "2: a"], "exclude one another"),
    "seconds and shots": (["--seconds", 2, "--shot", "2: a"], "each shot has its seconds"),
    "no such storyboard": (["--storyboard", "none.json"], "none.json cannot be read"),
    "no such recipe": (["--from", "none.mp4"], "none.mp4 does not exist"),
    "a sheet that is no picture": (["a ball", "--sheet", "sheet.txt"], "must end in .png"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_one_clear_line_and_no_file(
    ask, maker: Maker, capsys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
):
    monkeypatch.chdir(tmp_path)
    args, words = BAD[what]
    assert ask(*args) == 2
    out, err = capsys.readouterr()
    assert words in err
    assert len(err.strip().splitlines()) == 1
    assert out == ""
    assert not maker.asked
    assert not (tmp_path / "film.mp4").exists()


@pytest.mark.parametrize(
    "text", ["{", "{}", "[]", "[1]", '[{"seconds": 2}]', '[{"seconds": 2, "prompt": "a", "x": 1}]']
)
def test_a_bad_storyboard_is_refused(ask, capsys, tmp_path: Path, text: str):
    (tmp_path / "s.json").write_text(text)
    assert ask("--storyboard", tmp_path / "s.json") == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


@pytest.mark.parametrize(("name", "data"), [("b.png", b"\x89PNG\r\n\x1a\nnot really"), ("b.mp4", b"\0" * 4096)])
def test_a_broken_start_is_refused(ask, capsys, tmp_path: Path, name: str, data: bytes):
    (tmp_path / name).write_bytes(data)
    assert ask("a ball", "--start", tmp_path / name) == 2
    assert name in capsys.readouterr().err


def test_an_end_that_is_a_clip_is_refused(ask, capsys, tmp_path: Path):
    assert ask("a ball", output=tmp_path / "clip.mp4") == 0
    assert ask("a ball", "--end", tmp_path / "clip.mp4") == 2
    assert "--end takes a picture" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["film.avi", "film", "folder.mp4", "file/film.mp4"])
def test_an_output_that_cannot_be_is_refused(ask, maker: Maker, capsys, tmp_path: Path, name: str):
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "file").write_text("")
    assert ask("a ball", output=tmp_path / name) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert not maker.asked


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_refused(ask, tmp_path: Path):
    (tmp_path / "locked").mkdir(mode=0o500)
    assert ask("a ball", output=tmp_path / "locked" / "film.mp4") == 2


def test_a_place_where_nothing_can_be_written_is_refused_before_any_work(ask, maker: Maker):
    assert ask("a ball", output=Path("/dev/null/film.mp4")) == 2
    assert ask("a ball", output=Path("/proc/film.mp4")) == 2
    assert not maker.asked


def test_missing_folders_are_made(ask, tmp_path: Path):
    assert ask("a ball", output=tmp_path / "new" / "films" / "film.mp4") == 0


def test_an_unknown_model_is_refused(capsys, tmp_path: Path):
    assert run(["generate", "a ball", "-o", str(tmp_path / "f.mp4"), "--model", "nothing-like-it"]) == 2
    assert "model 'nothing-like-it' does not exist" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (ValueError("width 3 is wrong"), 2, "width 3 is wrong"),
        (OSError(28, "No space left on device", "/x/film.mp4"), 2, "/x/film.mp4: No space left on device"),
        (KeyboardInterrupt(), 130, "stopped"),
    ],
)
def test_what_goes_wrong_on_the_way_leaves_nothing(
    ask, maker: Maker, capsys, tmp_path: Path, error: BaseException, code: int, words: str
):
    maker.fails = error
    before = set(tmp_path.iterdir())
    assert ask("a ball", "--seconds", 1) == code
    assert words in capsys.readouterr().err
    assert set(tmp_path.iterdir()) == before
