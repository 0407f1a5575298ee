"""Models whose weights are not all in memory, or not in full: what they compute, what they hold."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests import wan

from praxino import checkpoint, config
from praxino.cli.main import run
from praxino.generation import engine, film, verify, wan_import
from praxino.generation.low_memory import LowMemory
from praxino.generation.parts import open_parts, open_transformer
from praxino.layers.offload import Streamed
from praxino.media import labels
from praxino.request import Request, Shot, from_json
from praxino.text.umt5 import Umt5
from praxino.transformer.cache import Cache
from praxino.transformer.config import TransformerConfig
from praxino.transformer.model import Transformer
from praxino.transformer.wan_import import Terms

WAN = TransformerConfig(
    width=192, depth=5, heads=2, ffn=768, latent_channels=16, text_channels=64, patch=2, chunk=2, sink=1,
    marks_first=False, pools_text=False, preconditioned=False,
)  # fmt: skip


def saved(folder: Path, wanted: TransformerConfig, dtype: torch.dtype) -> Transformer:
    """A model's folder with a random transformer, and that."""
    torch.manual_seed(0)
    model = Transformer(wanted).to(dtype).eval().requires_grad_(False)
    torch.nn.init.normal_(model.patch_out.weight, std=0.05)
    tensors = {f"transformer.{name}": value for name, value in model.state_dict().items()}
    checkpoint.save(folder, tensors, {"format": 1, "name": "random", "transformer": config.to_json(wanted)})
    return model


def said(model: Transformer) -> torch.Tensor:
    """What it says of three chunks, each with the ones before it in memory."""
    torch.manual_seed(1)
    text = torch.randn(1, 7, model.config.text_channels).to(model.dtype)
    latents, time = torch.randn(1, 6, 8, 12, model.config.latent_channels), torch.rand(1, 6)
    with torch.inference_mode():
        heard, cache, made = model.read(text), Cache(), list[torch.Tensor]()
        for start in (0, 2, 4):
            span = slice(start, start + 2)
            made.append(model(latents[:, span], time[:, span], heard, start=start, cache=cache, remember=True))
    return torch.cat(made, 1).float()


def error(got: torch.Tensor, want: torch.Tensor) -> float:
    return float((got - want).norm() / want.norm())


@pytest.mark.parametrize("depth", [1, 2, 5])
@pytest.mark.parametrize(
    ("held", "wanted"), [("bfloat16", "bfloat16"), ("float32", "float32"), ("float32", "bfloat16")]
)
def test_blocks_from_the_file_compute_what_blocks_in_memory_do(
    tmp_path: Path, depth: int, held: str, wanted: str
) -> None:
    whole = saved(tmp_path, TransformerConfig(**WAN.__dict__ | {"depth": depth}), getattr(torch, held))
    dtype = getattr(torch, wanted)
    streamed = open_transformer(tmp_path, dtype=dtype, how="offload")
    assert torch.equal(said(streamed), said(whole.to(dtype)))
    assert torch.equal(said(streamed), said(whole)), "a second time"


def test_a_pass_that_was_broken_off_leaves_nothing_behind(tmp_path: Path) -> None:
    whole = saved(tmp_path, WAN, torch.float32)
    streamed = open_transformer(tmp_path, dtype=torch.float32, how="offload")
    for stop in range(5):
        for number, _ in enumerate(streamed.blocks):
            if number == stop:
                break
        assert torch.equal(said(streamed), said(whole))


def test_a_file_that_loses_its_end_meanwhile_is_told_of(tmp_path: Path) -> None:
    saved(tmp_path, WAN, torch.float32)
    streamed = open_transformer(tmp_path, dtype=torch.float32, how="offload")
    with (tmp_path / checkpoint.WEIGHTS).open("r+b") as file:
        file.truncate(100_000)
    with pytest.raises(OSError, match="ends within transformer.blocks"):
        said(streamed)


def test_a_model_of_another_depth_than_its_file_is_refused(tmp_path: Path) -> None:
    saved(tmp_path, WAN, torch.float32)
    about = json.loads((tmp_path / checkpoint.CONFIG).read_text())
    about["transformer"]["depth"] = 6
    (tmp_path / checkpoint.CONFIG).write_text(json.dumps(about))
    with pytest.raises(ValueError, match=r"lacks transformer.blocks.5.table of the shape \[6, 192\]"):
        open_transformer(tmp_path, dtype=torch.float32, how="offload")


@pytest.mark.parametrize(("kind", "most"), [("int8", 0.02), ("int8-dynamic", 0.04), ("fp8", 0.1)])
def test_eight_bits_are_off_by_so_much(tmp_path: Path, kind: LowMemory, most: float) -> None:
    pytest.importorskip("torchao")
    whole = saved(tmp_path, WAN, torch.float32)
    small = open_transformer(tmp_path, dtype=torch.float32, how=kind)
    assert 1e-4 < error(said(small), said(whole)) < most


@pytest.mark.parametrize(("kind", "most"), [("int8", 0.02), ("int8-dynamic", 0.05)])
def test_pocket_in_eight_bits_is_off_by_so_much(kind: LowMemory, most: float) -> None:
    pytest.importorskip("torchao")
    folder = checkpoint.find("pocket")
    whole = open_transformer(folder, dtype=torch.float32, how="offload")
    small = open_transformer(folder, dtype=torch.float32, how=kind)
    assert 1e-4 < error(said(small), said(whole)) < most


def made(model: Path, path: Path, how: LowMemory | None) -> tuple[str, np.ndarray, dict[str, Any]]:
    """What made a film, its frames before they are compressed, and its recipe."""
    pieces: list[np.ndarray] = []
    shot = Shot(seconds=1, prompt="a red ball")
    request = Request(shots=(shot,), width=64, height=64, seed=5, steps=2, model=str(model))
    options = film.Options(look=pieces.append, opened=partial(engine.opened, how=how))
    told = film.make(request, path, options=options)
    recipe = labels.read_recipe(path)
    assert recipe is not None
    return told["model"], np.concatenate(pieces), recipe


def test_a_film_of_offloaded_blocks_is_the_film(tiny_model: Path, tmp_path: Path) -> None:
    whole, streamed = (made(tiny_model, tmp_path / f"{how}.mp4", how) for how in (None, "offload"))
    assert streamed[0] == whole[0]
    np.testing.assert_array_equal(streamed[1], whole[1])
    assert streamed[2]["model"] == whole[2]["model"]


def test_a_film_of_rounded_weights_says_so(tiny_model: Path, tmp_path: Path) -> None:
    pytest.importorskip("torchao")
    name, frames, recipe = made(tiny_model, tmp_path / "film.mp4", "int8")
    assert name.endswith("-int8")
    assert recipe["model"]["digest"].endswith("-int8")
    assert len(frames) == 30
    again = verify.verify(tmp_path / "film.mp4", from_json(recipe["request"]), report=lambda *_: None)
    assert again.reproduced
    assert not again.other


def test_an_imported_model_streams_its_text_encoder_too(tmp_path: Path) -> None:
    wan_import.bring(wan.folder(tmp_path / "theirs"), tmp_path / "ours", Terms(), wan_import.Whole(size=(64, 64)))
    parts = open_parts(tmp_path / "ours", how="offload")
    assert isinstance(parts.text, Umt5)
    assert isinstance(parts.text.model.encoder.block, Streamed)
    with torch.inference_mode():
        got, want = parts.read("a cat sleeps")[0], open_parts(tmp_path / "ours").read("a cat sleeps")[0]
    assert torch.equal(got, want)


def test_the_environment_asks_for_all(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRAXINO_LOW_MEMORY", "offload")
    opened = engine.opened(str(tiny_model))
    assert isinstance(opened, engine.Own)
    assert isinstance(opened.parts.transformer.blocks, Streamed)
    monkeypatch.setenv("PRAXINO_LOW_MEMORY", "int4")
    with pytest.raises(ValueError, match="PRAXINO_LOW_MEMORY 'int4' must be one of offload, int8, int8-dynamic, fp8"):
        engine.opened(str(tiny_model))


def test_low_memory_is_for_one_device(tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["generate", "a ball", "-o", str(tmp_path / "film.mp4"), "--model", str(tiny_model)]
    assert run([*asked, "--low-memory", "offload", "--devices", "2"]) == 2
    assert "--low-memory offload is for one device; leave --devices out" in capsys.readouterr().err
    assert run([*asked, "--low-memory", "offload", "--seconds", "1", "--steps", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["frames"] == 30
