"""Open weights come in by the command line, and go."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from praxino import checkpoint
from praxino.cli.main import run
from praxino.transformer import wan
from praxino.transformer.config import TransformerConfig
from praxino.transformer.model import Transformer

APACHE = "                                 Apache License\n                           Version 2.0, January 2004\n"


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A folder of open weights under the Apache licence."""
    config = TransformerConfig(
        width=48, depth=1, heads=2, ffn=64, latent_channels=4, text_channels=32, patch=2, time_channels=64,
        chunk=21, marks_first=False, pools_text=False, preconditioned=False,
    )  # fmt: skip
    wan.write(Transformer(config), tmp_path / "weights")
    (tmp_path / "weights" / "LICENSE.txt").write_text(APACHE)
    return tmp_path / "weights"


def test_weights_are_imported_shown_verified_and_removed(weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture):
    into = tmp_path / "models" / "mine"
    assert run(["models", "import", str(weights), "--into", str(into), "--name", "small", "--chunk", "3"]) == 0
    said = capsys.readouterr().out
    assert "licence apache-2.0" in said
    assert "cannot make films yet: it has no text encoder and no autoencoder" in said
    assert run(["models", "show", str(into), "--json"]) == 0
    about = json.loads(capsys.readouterr().out)
    assert (about["name"], about["licence"], about["lacks"]) == ("small", "apache-2.0", ["text encoder", "autoencoder"])
    assert about["digest"] == checkpoint.digest(into)
    assert about["config"]["transformer"]["chunk"] == 3
    assert (into / "LICENSE.txt").read_text() == APACHE
    assert run(["models", "show", str(into)]) == 0
    assert "cannot make films yet" in capsys.readouterr().out
    assert run(["models", "verify", str(into)]) == 0
    assert "CHANGED" not in capsys.readouterr().out
    assert run(["models", "remove", str(into), "--yes"]) == 0
    assert not into.exists()


def test_an_imported_model_is_written_as_open_weights_again(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture
):
    assert run(["models", "import", str(weights), "--into", str(tmp_path / "m")]) == 0
    for layout in ("diffusers", "original"):
        assert run(["models", "export", str(tmp_path / "m"), "--into", str(tmp_path / layout), "--layout", layout]) == 0
        back, was = wan.read(tmp_path / layout), wan.read(weights)
        assert all(torch.equal(value, back.state_dict()[name]) for name, value in was.state_dict().items())
    assert run(["models", "export", str(tmp_path / "m"), "--into", str(tmp_path / "diffusers")]) == 2
    assert "is there already" in capsys.readouterr().err
    assert run(["models", "import", str(tmp_path / "m"), "--into", str(tmp_path / "n")]) == 2
    assert "is a Praxino model already" in capsys.readouterr().err
    for name in checkpoint.list_models():
        assert run(["models", "export", str(name), "--into", str(tmp_path / "no")]) == 2
        assert "more than Wan" in capsys.readouterr().err


def test_weights_that_changed_are_told(weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture):
    assert run(["models", "import", str(weights), "--into", str(tmp_path / "m"), "--dtype", "bfloat16"]) == 0
    held = load_file(tmp_path / "m" / checkpoint.WEIGHTS)
    assert {value.dtype for value in held.values()} == {torch.bfloat16}
    save_file({name: value + 1 for name, value in held.items()}, tmp_path / "m" / checkpoint.WEIGHTS)
    capsys.readouterr()
    assert run(["models", "verify", str(tmp_path / "m")]) == 1
    changed = [line.split()[-1] for line in capsys.readouterr().out.splitlines() if line.startswith("CHANGED")]
    assert changed == [checkpoint.WEIGHTS]


def test_what_ships_has_a_licence_and_nothing_to_verify_by(capsys: pytest.CaptureFixture):
    assert run(["models", "list", "--json"]) == 0
    assert all(about["licence"] == "apache-2.0" for about in json.loads(capsys.readouterr().out))


@pytest.mark.parametrize(
    ("card", "found"),
    [
        (None, "unknown"),
        ("---\nlicense: other\nlicense_name: tencent-hunyuan-community\n---\n", "tencent-hunyuan-community"),
        ("---\ntags: [video]\nlicense: cc-by-nc-4.0\n---\n", "cc-by-nc-4.0"),
    ],
)
def test_a_licence_that_is_not_permissive_is_accepted_once(
    card: str | None, found: str, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture
):
    (weights / "LICENSE.txt").unlink()
    if card:
        (weights / "README.md").write_text(card)
    command = ["models", "import", str(weights), "--into", str(tmp_path / "m")]
    assert run(command) == 2
    said = capsys.readouterr().err
    assert f"licence of these weights is {found}" in said
    assert "--accept-licence" in said
    assert not (tmp_path / "m").exists()
    assert run([*command, "--accept-licence"]) == 0
    assert run(command) == 0, "once is enough"
    assert run(command) == 0, "and stays enough"
    assert checkpoint.card(tmp_path / "m")["licence"] == {"id": found, "accepted": True}


def test_what_cannot_make_films_is_refused_and_not_offered(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    into = tmp_path / "wan"
    assert run(["models", "import", str(weights), "--into", str(into)]) == 0
    monkeypatch.setenv("PRAXINO_MODELS", str(into))
    assert into not in checkpoint.list_models()
    for name in ("wan", str(into)):
        assert run(["generate", "a ball", "-o", str(tmp_path / "film.mp4"), "--model", name]) == 2
        assert "cannot make films yet: it has no text encoder and no autoencoder" in capsys.readouterr().err
    assert run(["models", "list", "--json"]) == 0
    assert "wan" in [about["name"] for about in json.loads(capsys.readouterr().out)]


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".bin", ".ckpt"])
def test_pickled_weights_are_refused_with_the_command_that_converts_them(
    suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture
):
    (tmp_path / "evil").mkdir()
    torch.save({"a": torch.zeros(1)}, tmp_path / "evil" / f"model{suffix}")
    assert run(["models", "import", str(tmp_path / "evil"), "--into", str(tmp_path / "m")]) == 2
    said = capsys.readouterr().err
    assert f"torch.load('model{suffix}'" in said
    assert "save_file(" in said
    assert not (tmp_path / "m").exists()


def test_the_command_that_converts_pickled_weights_does(weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture):
    import subprocess
    import sys

    state = load_file(weights / "diffusion_pytorch_model.safetensors")
    torch.save({"generator": {}, "generator_ema": {f"model.{k}": v for k, v in state.items()}}, tmp_path / "model.pt")
    assert run(["models", "import", str(tmp_path / "model.pt"), "--into", str(tmp_path / "m")]) == 2
    code = capsys.readouterr().err.split('python -c "')[1].rstrip().removesuffix('"')
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    (tmp_path / "config.json").write_text('{"num_heads": 2}')
    command = ["models", "import", str(tmp_path / "model.safetensors"), "--into", str(tmp_path / "m")]
    assert run([*command, "--accept-licence", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["transformer"]["chunk"] == 3


def test_a_folder_that_holds_something_else_is_left_alone(weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "diary.txt").write_text("mine")
    checkpoint.save(tmp_path / "own", {"a": torch.zeros(1)}, {"format": 1, "name": "own"})
    for into, said in (("full", "is not empty"), ("own", "was not imported"), ("weights", "is where the weights are")):
        assert run(["models", "import", str(weights), "--into", str(tmp_path / into)]) == 2
        assert said in capsys.readouterr().err
    assert run(["models", "remove", str(tmp_path / "own"), "--yes"]) == 2
    assert "was not imported" in capsys.readouterr().err
