"""A folder of Wan's weights becomes a model that makes the films that it was taught, and says which it was not."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from tests import wan

from praxino import checkpoint
from praxino.cli.main import run
from praxino.media import read
from praxino.media.write import Writer

SIZE = ("--size", "64x64")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a text and of an image model, the models made of them, a picture and a clip."""
    from PIL import Image

    place = tmp_path_factory.mktemp("open")
    for kind in ("words", "picture", "5B"):
        wan.folder(place / "weights" / kind, kind, by_unipc=kind != "words")
        assert imported(place, kind, kind) == 0
    assert imported(place, "words", "causal", "--chunk", "3", "--window", "2", "--sink", "1") == 0
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (64, 64, 3), np.uint8)).save(place / "picture.png")
    with Writer(place / "clip.mp4", width=64, height=64, fps=16) as out:
        for number in range(20):
            out.write(np.full((64, 64, 3), 10 * number, np.uint8))
    return place


def imported(place: Path, kind: str, into: str, *more: str) -> int:
    return run(["models", "import", str(place / "weights" / kind), "--into", str(place / into), *SIZE, *more])


def film(place: Path, model: str, *more: str) -> list[str]:
    return ["generate", "-o", str(place / "film.mp4"), "--model", str(place / model), "--steps", "2", "--fps", "16",
            "--seed", "1", "--json", *SIZE, *more]  # fmt: skip


def made(place: Path, capsys: Any, model: str, *more: str) -> tuple[dict[str, Any], np.ndarray]:
    """What is said of a film, and its frames."""
    capsys.readouterr()
    assert run(film(place, model, *more)) == 0
    return json.loads(capsys.readouterr().out), np.stack(list(read.stream(place / "film.mp4")))


def test_an_imported_model_says_what_it_can_and_lacks_nothing(place: Path, capsys: Any, monkeypatch: Any) -> None:
    capsys.readouterr()
    assert run(["models", "show", str(place / "words"), "--json"]) == 0
    about = json.loads(capsys.readouterr().out)
    assert about["lacks"] == []
    assert (about["card"]["sizes"], about["card"]["fps"], about["card"]["frames"]) == ([[64, 64]], 16, 81)
    assert about["card"]["takes"] == ["words", "negative"]
    assert about["card"]["walk"]["shift"] == 3.0
    monkeypatch.setenv("PRAXINO_MODELS", str(place / "words"))
    assert place / "words" in checkpoint.list_models()
    assert run(["models", "verify", str(place / "words")]) == 0


def test_words_become_a_film_of_any_words(place: Path, capsys: Any) -> None:
    said, frames = made(place, capsys, "words", "a zeppelin over 北京", "--seconds", "1")
    assert said["warnings"] == []
    assert frames.shape == (16, 64, 64, 3)
    assert said["tokens"] == 5 * 16


@pytest.mark.parametrize("model", ["picture", "5B", "causal"])
def test_a_picture_begins_a_film_and_a_clip_goes_on(place: Path, model: str, capsys: Any) -> None:
    _, frames = made(place, capsys, model, "a cat", "--seconds", "0.5", "--start", str(place / "picture.png"))
    assert len(frames) == 8
    _, other = made(place, capsys, model, "a cat", "--seconds", "0.5", "--start", str(place / "clip.mp4"))
    assert len(other) == 20 + 8
    assert other[:20].mean((1, 2, 3)) == pytest.approx(np.arange(20) * 10, abs=3), "what was given comes first"
    assert np.abs(other[20:].astype(float) - frames.astype(float)).mean() > 1, "and what is made goes on from it"


def test_a_storyboard_turns_where_its_shots_do_and_a_long_film_begins_as_a_short_one(place: Path, capsys: Any) -> None:
    shots = ("--shot", "3:a red ball", "--shot", "3:the sea at night")
    _, turned = made(place, capsys, "causal", *shots)
    _, long = made(place, capsys, "causal", "a red ball", "--seconds", "6")
    _, short = made(place, capsys, "causal", "a red ball", "--seconds", "2", "--journal", str(place / "short"))
    assert len(turned) == len(long) == 96, "many times what it sees at once"
    assert np.abs(turned[:40].astype(float) - long[:40]).max() <= 4, "the same words, the same film"
    assert np.abs(turned[60:].astype(float) - long[60:]).mean() > 0.3
    assert np.abs(short[:24].astype(float) - long[:24]).max() <= 4


@pytest.mark.parametrize(
    ("model", "more", "said"),
    [
        ("words", ("a cat", "--seconds", "6"), "at most 81 frames at a time; ask for 5"),
        ("words", ("a cat", "--start", "picture.png"), "was taught no pictures to begin with"),
        ("words", ("--shot", "1:a cat", "--shot", "1:the sea"), "makes its whole clip by one prompt"),
        ("picture", ("a cat",), "begins with a picture; give one with --start"),
        ("picture", ("a cat", "--start", "picture.png", "--end", "picture.png"), "no pictures to end on"),
        ("causal", ("a cat", "--negative", "rain"), "is not guided"),
    ],
)
def test_what_a_model_was_not_taught_is_refused_with_the_remedy(
    place: Path, model: str, more: tuple[str, ...], said: str, capsys: Any
) -> None:
    more = tuple(str(place / one) if one.endswith(".png") else one for one in more)
    assert run(film(place, model, *more)) == 2
    assert said in capsys.readouterr().err


def test_parts_may_come_from_another_folder(place: Path, tmp_path: Path, capsys: Any) -> None:
    shutil.copytree(place / "weights" / "words" / "transformer", tmp_path / "alone")
    shutil.copy(place / "weights" / "words" / "README.md", tmp_path / "alone")
    weights = tmp_path / "alone" / "diffusion_pytorch_model.safetensors"
    save_file({f"model.{name}": value for name, value in load_file(weights).items()}, weights)
    command = ["models", "import", str(tmp_path / "alone"), "--into", str(tmp_path / "m"), *SIZE]
    assert run(command) == 0
    assert "it has no text encoder and no autoencoder; --parts says where they are" in capsys.readouterr().out
    assert run([*command, "--parts", str(place / "weights" / "words")]) == 0
    assert "cannot" not in capsys.readouterr().out
    card = checkpoint.card(tmp_path / "m")["card"]
    assert (card["steps"], card["guidance"], card["frames"], card["walk"]["churn"]) == (4, 1.0, None, 1.0)
    assert run([*command, "--parts", str(tmp_path)]) == 2
    assert "holds no vae" in capsys.readouterr().err


def test_a_part_that_is_not_whole_or_of_another_model_is_refused(place: Path, tmp_path: Path, capsys: Any) -> None:
    folder = tmp_path / "weights"
    shutil.copytree(place / "weights" / "words", folder)
    command = ["models", "import", str(folder), "--into", str(tmp_path / "m")]

    def refused(part: str, said: str) -> None:
        assert run(command) == 2
        assert said in capsys.readouterr().err
        assert not (tmp_path / "m").exists()
        shutil.rmtree(folder / part)
        shutil.copytree(place / "weights" / "words" / part, folder / part)

    file = folder / "vae" / "diffusion_pytorch_model.safetensors"
    held = load_file(file)
    held.pop("quant_conv.bias")
    save_file(held, file)
    refused("vae", "vae lacks 1 of its weights, the first vae.quant_conv.bias")
    wan.vae("5B").save_pretrained(folder / "vae")
    refused("vae", "has 48 channels, and the transformer takes 4")
    (folder / "tokenizer" / "tokenizer.json").unlink()
    refused("tokenizer", "lacks tokenizer/tokenizer.json")
    (folder / "text_encoder" / "config.json").write_text('{"model_type": "t5"}')
    refused("text_encoder", "the text encoder is 't5'; Wan's is 'umt5'")
    assert run([*command, "--size", "100x64"]) == 2
    assert "size 100x64 must be of multiples of 16; try 96x64" in capsys.readouterr().err


@pytest.mark.parametrize("library", ["diffusers", "transformers"])
def test_without_the_libraries_it_is_said_what_to_install(
    place: Path, library: str, capsys: Any, monkeypatch: Any
) -> None:
    monkeypatch.setitem(__import__("sys").modules, library, None)
    if library == "diffusers":
        monkeypatch.setitem(__import__("sys").modules, "diffusers.models.autoencoders.autoencoder_kl_wan", None)
    assert run(film(place, "words", "a cat")) == 2
    assert "pip install 'praxino[open-weights]'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("model", "part", "said"),
    [
        ("words", ("0.3", "0.6"), "no later part of its films can be made again; make the film anew with another"),
        ("words", ("0", "0.5"), "cannot lead to what comes after; make the film anew"),
        ("5B", ("0.2", "0.6"), "cannot lead to what comes after; make again all that comes: --to the end"),
        ("5B", ("0.5", "1"), ""),
    ],
)
def test_a_part_is_made_again_where_the_model_can_and_refused_in_its_own_words_where_not(
    place: Path, model: str, part: tuple[str, str], said: str, tmp_path: Path, capsys: Any
) -> None:
    if not (whole := place / f"{model}-whole.mp4").exists():
        made(place, capsys, model, "a cat", "--seconds", "1")
        shutil.copy(place / "film.mp4", whole)
    asked = ["retake", str(whole), "--from", part[0], "--to", part[1], "-o", str(tmp_path / "b.mp4"), "--seed", "2"]
    assert run(asked) == (2 if said else 0)
    assert said in capsys.readouterr().err
    if not said:
        before, after = (np.stack(list(read.stream(file))).astype(int) for file in (whole, tmp_path / "b.mp4"))
        changed = np.abs(after - before).mean((1, 2, 3))
        assert changed[:7].max() < changed[12:].min() / 3, "what was kept is written once more, and no more than that"


@pytest.mark.parametrize("model", ["words", "5B"])
def test_what_makes_single_clips_is_not_judged_by_minutes(place: Path, model: str, tmp_path: Path, capsys: Any) -> None:
    assert run(["evaluate", str(place / model), "--into", str(tmp_path / "report"), "--clips", "2"]) == 2
    assert "makes single clips; the world suite" in capsys.readouterr().err
    assert not (tmp_path / "report").exists()


def test_a_text_encoder_whose_table_has_only_its_other_name_is_the_same(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place / "weights" / "words", tmp_path / "weights")
    file = tmp_path / "weights" / "text_encoder" / "model.safetensors"
    weights = load_file(file)
    assert "encoder.embed_tokens.weight" not in weights
    save_file({"encoder.embed_tokens.weight": weights.pop("shared.weight"), **weights}, file)
    assert run(["models", "import", str(tmp_path / "weights"), "--into", str(tmp_path / "m"), *SIZE]) == 0
    assert checkpoint.digest(tmp_path / "m") == checkpoint.digest(place / "words")
