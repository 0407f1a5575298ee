"""Films by pipelines of other families, small and random: asked for, followed, called off, refused as any film is."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tests.pipelines import MADE, saved

from praxino import checkpoint
from praxino.cli.main import run
from praxino.generation import film
from praxino.media import read
from praxino.media.write import Writer
from praxino.request import Request, Shot, from_json, to_json

LARGE = ("ltx", "mochi", "skyreels")
PICTURED = ("ltx", "ltx-condition", "ltx2", "ltx2-condition", "cogvideox-image", "hunyuan-image", "skyreels-forcing")
SIZE = {family: "96x64" for family in MADE if family.startswith(LARGE)}
"""Native, of families that would be too large for a test."""
FRAMES = 8
"""Of a film of `SECONDS` at 30 frames a second."""
SECONDS = 0.25
RED = (200, 30, 30)
NAME = "diffusion_pytorch_model.safetensors"
OTHER = "---\nlicense: other\nlicense_name: ltxv\n---\n"
Model = Callable[[str], Path]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """The folder of an imported model of a family, made when it is first asked for."""
    root = tmp_path_factory.mktemp("pipelines")

    def imported(family: str) -> Path:
        into = root / "models" / family
        if not into.exists():
            source = saved(family, root / family)
            size = ["--size", SIZE[family]] if family in SIZE else []
            assert run(["models", "import", str(source), "--into", str(into), *size]) == 0
        return into

    return imported


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory, gradient: np.ndarray) -> Path:
    """A folder with two pictures and a clip of a square that moves."""
    folder = tmp_path_factory.mktemp("given")
    for name, colour in (("red", RED), ("blue", (30, 30, 200))):
        Image.fromarray(np.full((96, 128, 3), colour, np.uint8)).save(folder / f"{name}.png")
    with Writer(folder / "clip.mp4", width=128, height=96, fps=30) as out:
        for frame in gradient:
            out.write(frame)
    return folder


def asked(folder: Path, **more: Any) -> Request:
    size = {"width": 128, "height": 96, "fps": 30, "seed": 3, "steps": 2}
    return Request(shots=(Shot(seconds=SECONDS, prompt="a red ball"),), model=str(folder), **{**size, **more})


def made(request: Request, path: Path, **more: Any) -> np.ndarray:
    film.make(request, path, **more)
    return read.read(path).frames


@pytest.mark.parametrize("family", MADE)
def test_a_pipeline_is_imported_listed_and_makes_the_film_that_was_asked_for(
    family: str,
    model: Model,
    given: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
):
    folder = model(family)
    monkeypatch.setenv("PRAXINO_MODELS", str(folder))
    capsys.readouterr()
    assert run(["models", "list", "--json"]) == 0
    about = next(one for one in json.loads(capsys.readouterr().out) if one["name"] == family)
    assert (about["engine"], about["licence"], about["digest"]) == (
        "diffusers",
        "apache-2.0",
        checkpoint.digest(folder),
    )
    command = ["generate", "a red ball", "-o", str(tmp_path / "film.mp4"), "--model", family, "--seconds", str(SECONDS)]
    command += ["--size", "128x96", "--seed", "3", "--steps", "2", "--json"]
    start = {} if "words" in about["card"]["takes"] else {"start": str(given / "red.png")}
    assert run([*command, *(part for name, value in start.items() for part in (f"--{name}", value))]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["frames"], told["width"], told["height"], told["model"].split("@")[0]) == (FRAMES, 128, 96, family)
    first = read.read(tmp_path / "film.mp4").frames
    assert first.shape == (FRAMES, 96, 128, 3)
    heard: list[tuple[str, float]] = []
    looks: list[np.ndarray] = []
    again = made(
        asked(folder, **start),
        tmp_path / "again.mp4",
        options=film.Options(look=looks.append),
        report=lambda stage, done: heard.append((stage, done)),
    )
    assert np.array_equal(first, again), "the same seed gives the same film"
    assert [done for stage, done in heard if stage == "sampling"] == [0.5, 1.0]
    assert looks[1].shape == (1, 96, 128, 3), "it can be looked at before it is done"
    other = made(asked(folder, seed=4, **start), tmp_path / "other.mp4")
    assert not np.array_equal(first, other), "another seed gives another film"


@pytest.mark.parametrize(
    "family", ["ltx", "ltx-condition", "ltx2", "ltx2-condition", "cogvideox-image", "hunyuan-image", "skyreels-forcing"]
)
def test_a_film_begins_with_the_picture_that_was_given(family: str, model: Model, given: Path, tmp_path: Path):
    frames = made(asked(model(family), start=str(given / "red.png")), tmp_path / "film.mp4")
    assert len(frames) == FRAMES
    assert np.abs(frames[0].astype(int) - RED).max() < 8
    other = made(asked(model(family), start=str(given / "blue.png")), tmp_path / "other.mp4")
    assert np.abs(frames[2:].astype(int) - other[2:]).mean() > 1, "what is made goes on from it"


@pytest.mark.parametrize("family", ["ltx-condition", "ltx2-condition", "skyreels-forcing"])
def test_a_clip_comes_first_and_the_pipeline_goes_on_from_its_last_frames(
    family: str, model: Model, given: Path, tmp_path: Path
):
    frames = made(asked(model(family), start=str(given / "clip.mp4")), tmp_path / "film.mp4")
    before = read.read(given / "clip.mp4").frames
    assert len(frames) == len(before) + FRAMES
    assert np.abs(frames[: len(before)].astype(int) - before).mean() < 3
    dark = tmp_path / "dark.mp4"
    with Writer(dark, width=128, height=96, fps=30) as out:
        for _ in before:
            out.write(np.full((96, 128, 3), 10, np.uint8))
    other = made(asked(model(family), start=str(dark)), tmp_path / "other.mp4")
    assert np.abs(frames[-FRAMES:].astype(int) - other[-FRAMES:]).mean() > 1


@pytest.mark.parametrize(
    ("family", "start"),
    [
        ("ltx-condition", None),
        ("ltx-condition", "clip.mp4"),
        ("ltx2-condition", "blue.png"),
        ("skyreels-forcing", "blue.png"),
    ],
)
def test_a_film_ends_on_the_picture_that_was_given(
    family: str, start: str | None, model: Model, given: Path, tmp_path: Path
):
    begun = {} if start is None else {"start": str(given / start)}
    frames = made(asked(model(family), end=str(given / "red.png"), **begun), tmp_path / "film.mp4")
    assert np.abs(frames[-1].astype(int) - RED).max() < 8
    other = made(asked(model(family), end=str(given / "blue.png"), **begun), tmp_path / "other.mp4")
    assert np.abs(frames[-6].astype(int) - other[-6]).mean() > 0.5, "the way there is another"


@pytest.mark.parametrize("family", ["cogvideox", "hunyuan"])
def test_a_film_that_is_called_off_ends_at_the_next_step(family: str, model: Model, tmp_path: Path):
    heard: list[float] = []

    class OffError(Exception):
        pass

    def report(stage: str, done: float) -> None:
        if stage == "sampling":
            heard.append(done)
            if len(heard) == 2:
                raise OffError

    with pytest.raises(OffError):
        film.make(asked(model(family), steps=5), tmp_path / "film.mp4", report=report)
    assert heard == [0.2, 0.4]
    assert not any(tmp_path.iterdir())
    assert len(made(asked(model(family)), tmp_path / "film.mp4")) == FRAMES, "and the next film is made"


def test_a_draft_is_finished_without_denoising_again(model: Model, tmp_path: Path):
    request = asked(model("cogvideox"), width=256, height=192)
    small = made(request, tmp_path / "d.mp4", options=film.Options(journal=tmp_path / "parts", draft=True))
    assert small.shape == (FRAMES, 96, 128, 3), "twice the native 64x48, for 48 rows are too few for a film"
    heard: list[str] = []
    whole = made(
        request,
        tmp_path / "film.mp4",
        options=film.Options(journal=tmp_path / "parts"),
        report=lambda stage, _done: heard.append(stage),
    )
    assert "sampling" not in heard
    assert np.array_equal(whole, made(request, tmp_path / "once.mp4"))


def test_words_that_are_not_wanted_change_the_film(model: Model, tmp_path: Path):
    plain = made(asked(model("skyreels")), tmp_path / "plain.mp4")
    assert not np.array_equal(plain, made(asked(model("skyreels"), negative="blurry"), tmp_path / "other.mp4"))
    assert not np.array_equal(plain, made(asked(model("skyreels"), guidance=1), tmp_path / "free.mp4"))


@pytest.mark.parametrize(
    ("family", "more", "said"),
    [
        ("cogvideox", ["--start", "red.png"], "was taught no pictures to begin with"),
        ("cogvideox-image", [], "begins with a picture"),
        ("cogvideox-image", ["--start", "clip.mp4"], "cannot go on from a clip"),
        ("ltx", ["--start", "clip.mp4"], "cannot go on from a clip"),
        ("ltx", ["--end", "red.png"], "no pictures to end on"),
        ("skyreels-forcing", ["--end", "red.png"], "only where it begins with one"),
        ("mochi", ["--shot", "1: a dog", "--shot", "1: a red ball"], "by one prompt"),
        ("mochi", ["--seconds", "5.5"], "at most 163 frames at a time; ask for 5.4"),
        ("ltx-condition", ["--start", "clip.mp4", "--seconds", "10"], "at most 257 frames at a time; ask for 9.2"),
        ("ltx", ["--best-of", "4"], "needs a critic"),
    ],
)
def test_what_a_family_cannot_do_is_refused_with_what_it_can(
    family: str,
    more: list[str],
    said: str,
    model: Model,
    given: Path,
    capsys: pytest.CaptureFixture,
    tmp_path: Path,
):
    more = [str(given / one) if one.endswith((".png", ".mp4")) else one for one in more]
    words = [] if "--shot" in more else ["a ball"]
    command = ["generate", *words, "-o", str(tmp_path / "film.mp4"), "--model", str(model(family)), *more]
    assert run(command) == 2
    assert said in capsys.readouterr().err
    assert not any(tmp_path.iterdir())


def test_what_could_run_code_is_not_taken_over(tmp_path: Path, capsys: pytest.CaptureFixture):
    source, into = saved("ltx", tmp_path / "ltx"), tmp_path / "m"
    (source / "vae" / "evil.py").write_text("raise SystemExit")
    torch.save({}, source / "vae" / "old.bin")
    assert run(["models", "import", str(source), "--into", str(into)]) == 0
    assert not [file for file in into.rglob("*") if file.suffix in {".py", ".bin"}]
    assert run(["models", "verify", str(into)]) == 0
    assert "vae/diffusion_pytorch_model.safetensors" in capsys.readouterr().out
    weights = into / "vae" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    assert run(["models", "verify", str(into)]) == 1
    assert "CHANGED" in capsys.readouterr().out
    assert run(["models", "remove", str(into), "--yes"]) == 0
    assert not into.exists()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda f: torch.save({}, f / "vae" / "model.bin") or (f / "vae" / NAME).unlink(), "is pickled"),
        (lambda f: (f / "vae" / NAME).write_bytes(b"x" * 99), "cannot be read"),
        (lambda f: shutil.rmtree(f / "text_encoder"), "lacks the folder text_encoder"),
        (lambda f: _index(f, "tokenizer", ["os", "system"]), "only diffusers, ltx2, transformers are trusted"),
        (
            lambda f: (f / "README.md").write_text("---\nlicense: other\nlicense_name: ltxv\n---\n"),
            "licence of these weights is ltxv",
        ),
    ],
)
def test_a_pipeline_that_cannot_be_trusted_is_refused(
    spoil: Callable[[Path], Any], said: str, tmp_path: Path, capsys: pytest.CaptureFixture
):
    source = saved("ltx", tmp_path / "ltx")
    spoil(source)
    assert run(["models", "import", str(source), "--into", str(tmp_path / "m")]) == 2
    assert said in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ltx"]


def _index(folder: Path, part: str, value: list[str]) -> None:
    file = folder / "model_index.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {part: value}))


def test_a_native_size_that_the_family_cannot_make_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture):
    source = saved("mochi", tmp_path / "mochi")
    command = ["models", "import", str(source), "--into", str(tmp_path / "m")]
    assert run([*command, "--size", "100x64"]) == 2
    assert "must be of multiples of 16; try 96x64" in capsys.readouterr().err
    assert run([*command, "--chunk", "3"]) == 2
    assert "imported as it is" in capsys.readouterr().err
    assert run([*command, "--size", "96x64"]) == 0
    assert run(["models", "import", str(tmp_path / "m"), "--into", str(tmp_path / "n")]) == 2
    assert "is a Praxino model already" in capsys.readouterr().err
    assert run(["models", "export", str(tmp_path / "m"), "--into", str(tmp_path / "n")]) == 2
    assert "is a pipeline of another kind; its folder is what diffusers opens" in capsys.readouterr().err


def test_a_request_for_such_a_model_is_a_request_as_any(model: Model):
    request = asked(model("mochi"))
    assert from_json(to_json(request)) == request


def test_what_a_film_costs_is_tried_with_a_picture_where_there_has_to_be_one(
    model: Model, given: Path, tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    command = ["quote", "a ball", "--model", str(model("cogvideox-image")), "--start", str(given / "red.png")]
    assert run([*command, "--size", "128x96", "--steps", "2", "--seconds", "1", "--json"]) == 0
    cost = json.loads(capsys.readouterr().out)
    assert (cost["native"], cost["tokens"]) == ([64, 48], 3 * 4 * 3)
    assert cost["seconds_p50"] > 0


def test_what_needs_praxinos_own_parts_says_so(model: Model, tmp_path: Path, capsys: pytest.CaptureFixture):
    assert run(["evaluate", str(model("mochi")), "--into", str(tmp_path / "report")]) == 2
    assert "is a pipeline of another kind; the world suite judges Praxino's own models" in capsys.readouterr().err


def test_later_releases_of_a_family_are_told_by_their_configs(tmp_path: Path, capsys: pytest.CaptureFixture):
    source = saved("cogvideox", tmp_path / "cog")
    file = source / "transformer" / "config.json"
    later = {"patch_size_t": 2, "sample_width": 300, "sample_height": 300, "sample_frames": 81}
    file.write_text(json.dumps(json.loads(file.read_text()) | later))
    for size, native in (([], [1360, 768]), (["--size", "640x480"], [640, 480])):
        into = tmp_path / f"m{len(size)}"
        assert run(["models", "import", str(source), "--into", str(into), *size, "--json"]) == 0
        card = json.loads(capsys.readouterr().out)["card"]
        assert (card["sizes"], card["fps"], card["frames"]) == ([native], 16, 81)
