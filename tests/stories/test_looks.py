"""A person keeps LoRA files beside a model; each makes a model like any other, that needs its base."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.service import Served, Server

from praxino import checkpoint
from praxino.cli.main import run
from praxino.generation import film
from praxino.generation.parts import open_parts, open_transformer
from praxino.media import labels, read
from praxino.request import Request, Shot
from praxino.training.lora import Lora
from praxino.transformer import wan


def learned(base: Path, path: Path, *, seed: int = 1) -> Path:
    """A LoRA of a model, under the Apache licence."""
    torch.manual_seed(seed)
    lora = Lora(open_transformer(base), rank=2)
    for name in lora.names:
        torch.nn.init.normal_(lora.change(name).up, std=0.1)
    path.parent.mkdir(exist_ok=True)
    lora.save(path)
    (path.parent / "README.md").write_text("---\nlicense: apache-2.0\n---\n")
    return path


@pytest.fixture
def place(tiny_model: Path, tmp_path: Path) -> Path:
    """A model, a LoRA of it, and the look that they make."""
    shutil.copytree(tiny_model, tmp_path / "base")
    learned(tmp_path / "base", tmp_path / "files" / "warm.safetensors")
    assert kept(tmp_path, "look", "--strength", "0.5") == 0
    return tmp_path


def kept(place: Path, into: str, *more: str, base: str = "base") -> int:
    command = ["models", "import", str(place / "files" / "warm.safetensors"), "--beside", str(place / base)]
    return run([*command, "--into", str(place / into), *more])


def damaged(model: Path) -> None:
    file = model / checkpoint.WEIGHTS
    save_file({name: value + 1 for name, value in load_file(file).items()}, file)


def test_a_look_is_listed_shown_verified_and_removed_like_any_model(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    look = place / "look"
    assert {file.name for file in look.iterdir()} == {"config.json", "lora.safetensors", "hashes.json"}
    assert (
        sum(file.stat().st_size for file in look.iterdir()) < 0.2 * (place / "base" / checkpoint.WEIGHTS).stat().st_size
    )
    monkeypatch.setenv("PRAXINO_MODELS", os.pathsep.join([str(place / "base"), str(look)]))
    capsys.readouterr()
    assert run(["models", "list"]) == 0
    assert "look of base (warm x 0.5)" in capsys.readouterr().out
    assert run(["models", "show", "look", "--json"]) == 0
    about = json.loads(capsys.readouterr().out)
    assert (about["digest"], about["lacks"]) == (checkpoint.digest(look), [])
    assert about["licence"] == "unknown + apache-2.0", "its base's, and the LoRA's own"
    assert about["look"]["changes"] == [
        {"file": "lora.safetensors", "name": "warm", "licence": "apache-2.0", "strength": 0.5, "part": "transformer"}
    ]
    assert run(["models", "verify", "look"]) == 0
    said = capsys.readouterr().out
    assert "lora.safetensors" in said
    assert f"base: {place / 'base'}" in said
    assert run(["models", "remove", "look", "--yes"]) == 0
    assert not look.exists()
    assert (place / "base" / checkpoint.WEIGHTS).is_file()


def test_a_film_of_a_look_says_which_weights_made_it(place: Path) -> None:
    said = ["generate", "a red ball", "-o", str(place / "film.mp4"), "--model", str(place / "look")]
    assert run([*said, "--seconds", "0.5", "--size", "64x64", "--steps", "1", "--seed", "1"]) == 0
    recipe = labels.read_recipe(place / "film.mp4")
    assert recipe is not None
    assert recipe["model"]["digest"] == checkpoint.digest(place / "look") != checkpoint.digest(place / "base")
    assert kept(place, "stronger", "--strength", "1") == 0
    assert checkpoint.digest(place / "stronger") != checkpoint.digest(place / "look")


def test_what_changed_is_told_of_base_and_lora_and_the_base_s_is_refused(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_file(load_file(place / "look" / "lora.safetensors") | {}, place / "look" / "lora.safetensors")
    capsys.readouterr()
    assert run(["models", "verify", str(place / "look")]) == 1
    assert [line.split()[-1] for line in capsys.readouterr().out.splitlines() if "CHANGED" in line] == [
        "lora.safetensors"
    ]
    damaged(place / "base")
    assert run(["models", "verify", str(place / "look")]) == 1
    assert "CHANGED" in next(line for line in capsys.readouterr().out.splitlines() if "base:" in line)
    assert run(["generate", "a ball", "-o", str(place / "film.mp4"), "--model", str(place / "look")]) == 2
    assert "holds others; put those back, or make the look anew" in capsys.readouterr().err


def test_weights_that_changed_under_a_seal_are_found_when_they_are_opened(place: Path) -> None:
    checkpoint.seal(place / "base")
    damaged(place / "base")
    with pytest.raises(ValueError, match="put the others back, or make the look anew"):
        open_parts(place / "look")


def test_a_base_may_move_beside_its_look_or_be_named(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "elsewhere").mkdir()
    shutil.move(place / "base", tmp_path / "elsewhere" / "base")
    monkeypatch.setenv("PRAXINO_MODELS", str(place / "look"))
    assert place / "look" not in checkpoint.list_models(), "it is not offered"
    for command in (
        ["generate", "a ball", "-o", str(place / "film.mp4"), "--model", "look"],
        ["quote", "a ball", "--model", "look"],
    ):
        assert run(command) == 2
        assert "put it back, or name its folder in PRAXINO_MODELS" in capsys.readouterr().err
    assert run(["models", "list"]) == 0
    assert "cannot make films yet: it has no base 'base' with the weights" in capsys.readouterr().out
    monkeypatch.setenv("PRAXINO_MODELS", str(tmp_path / "elsewhere" / "base"))
    assert open_parts(place / "look").name == "look"
    monkeypatch.delenv("PRAXINO_MODELS")
    shutil.move(place / "look", tmp_path / "elsewhere" / "look")
    assert open_parts(tmp_path / "elsewhere" / "look").name == "look"
    assert checkpoint.looks_of(tmp_path / "elsewhere" / "base") == [tmp_path / "elsewhere" / "look"]


def misshapen(place: Path) -> None:
    held = load_file(place / "files" / "warm.safetensors")
    save_file(
        {name: value[:, :-1].contiguous() if "lora_A" in name else value for name, value in held.items()},
        place / "files" / "warm.safetensors",
    )


@pytest.mark.parametrize(
    ("spoil", "more", "told"),
    [
        (misshapen, (), "in the shape"),
        (lambda _: None, ("--strength", "11"), "strength 11.0 must be from -10 to 10; try 1"),
        (lambda _: None, ("--strength", "1", "--strength", "1"), "said 2 times for 1 LoRA"),
        (lambda _: None, ("--lora-2", "x.safetensors"), "has one transformer; leave --lora-2 out"),
        (lambda _: None, ("--dtype", "bfloat16"), "a LoRA is kept as it is; leave --dtype"),
        (lambda p: (p / "files" / "README.md").unlink(), (), "say that you accept it by --accept-licence"),
        (lambda p: (p / "new").mkdir() or (p / "new" / "diary.txt").write_text("mine"), (), "is not empty"),
    ],
)  # fmt: skip
def test_what_makes_no_look_is_refused_at_the_door(
    place: Path, spoil: Callable[[Path], Any], more: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(place)
    assert kept(place, "new", *more) == 2
    assert told in capsys.readouterr().err
    assert not (place / "new" / checkpoint.CONFIG).exists()


def test_a_look_of_a_look_is_refused_and_a_look_is_not_tuned(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert kept(place, "new", base="look") == 2
    assert "is a look itself; name its base, 'base', and all the changes" in capsys.readouterr().err
    said = ["tune", str(place / "look"), "--data", str(place / "files"), "--minutes", "1", "--into", str(place / "n")]
    assert run(said) == 2
    assert "is a look of 'base', and holds no weights to tune; tune 'base'" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "option"), [("words", "--lora"), ("turns", "--lora-2")])
def test_looks_of_open_weights_are_what_merging_makes_and_keep_their_base(
    kind: str, option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("diffusers")
    from tests import wan as weights

    weights.folder(tmp_path / "weights", kind)
    brought = ["models", "import", str(tmp_path / "weights"), "--size", "64x64", "--dtype", "bfloat16", "--into"]
    assert run([*brought, str(tmp_path / "base")]) == 0
    one, two = (learned(tmp_path / "base", tmp_path / "files" / f"{n}.safetensors", seed=n) for n in (1, 2))
    assert run([*brought, str(tmp_path / "merged"), "--lora", str(one), option, str(two)]) == 0
    beside = ["models", "import", str(one), "--beside", str(tmp_path / "base"), option, str(two), "--into"]
    assert run([*beside, str(tmp_path / "look")]) == 0
    films: list[np.ndarray] = []
    for model in ("look", "merged", "base"):
        said = ["generate", "a cat", "-o", str(tmp_path / "film.mp4"), "--model", str(tmp_path / model), "--seed", "1"]
        assert run([*said, "--size", "64x64", "--fps", "16", "--steps", "2", "--seconds", "0.5"]) == 0
        films.append(np.stack(list(read.stream(tmp_path / "film.mp4"))))
    np.testing.assert_array_equal(films[0], films[1])
    assert not np.array_equal(films[0], films[2])
    assert run(["models", "export", str(tmp_path / "look"), "--into", str(tmp_path / "out")]) == 0
    for part in ["transformer", "transformer_2"][: 2 if kind == "turns" else 1]:
        exported = wan.read(tmp_path / "out" / part).state_dict()
        merged = wan.read(tmp_path / "merged", part=part).state_dict()
        assert all(value.equal(exported[name]) for name, value in merged.items())
    capsys.readouterr()
    assert run(["models", "remove", str(tmp_path / "base"), "--yes"]) == 2
    assert f"has looks that need it; remove these first: {tmp_path / 'look'}" in capsys.readouterr().err
    assert run(["models", "remove", str(tmp_path / "look"), "--yes"]) == 0
    assert run(["models", "remove", str(tmp_path / "base"), "--yes"]) == 0


@pytest.mark.slow
def test_a_service_does_not_know_the_difference(place: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    for name in ("base", "look"):  # what films cost here is known then, and the worker need not try
        known = Request(
            shots=(Shot(seconds=0.5, prompt="a ball"),), width=64, height=64, seed=0, steps=1, model=str(place / name)
        )
        film.make(known, place / "film.mp4")
    server = Server(
        tmp_path_factory.mktemp("service"), Path(os.pathsep.join([str(place / "base"), str(place / "look")]))
    )
    key = server.key("ann")
    try:
        server.start()
        served = Served(server.base, key)
        offered = {one["id"] for one in served.http.get("/v1/models").json()["data"]}
        assert {"base", "look"} <= offered
        video = served.ask(model="look", size="64x64", seconds=0.5, num_inference_steps=1, best_of=None)
        path = served.film(served.until(video, "completed", seconds=120), place)
        recipe = labels.read_recipe(path)
        assert recipe is not None
        assert recipe["model"] == {"name": "look", "digest": checkpoint.digest(place / "look")}
        server.stop()
    finally:
        server.kill()
