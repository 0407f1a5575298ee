"""A look is what its changes, merged into its base, would be: bit for bit, however it is opened."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from praxino import checkpoint, config
from praxino.cli.main import run
from praxino.generation import engine, film
from praxino.generation.low_memory import LowMemory
from praxino.generation.parts import open_parts
from praxino.request import Request, Shot
from praxino.training.lora import Lora
from praxino.transformer import wan_lora
from praxino.transformer.config import TransformerConfig
from praxino.transformer.model import Transformer
from praxino.transformer.wan_names import PREFIX


def changed(transformer: Transformer, path: Path, *, rank: int, seed: int) -> Path:
    """A LoRA of all layers inside its blocks."""
    torch.manual_seed(seed)
    lora = Lora(transformer, rank=rank, seed=seed)
    for name in lora.names:
        torch.nn.init.normal_(lora.change(name).up, std=0.1)
    lora.save(path)
    return path


def merged(base: Path, into: Path, *loras: tuple[Path, float], dtype: torch.dtype | None = None) -> Path:
    """The base as a model of its own, with LoRA files merged one after another; ``dtype`` is the type it is kept in."""
    tensors, about = checkpoint.load(base)
    if dtype:
        tensors = {name: value.to(dtype) for name, value in tensors.items()}
    model = Transformer(config.from_json(TransformerConfig, about["transformer"]))
    mine = {name.removeprefix(PREFIX): value for name, value in tensors.items() if name.startswith(PREFIX)}
    model.load_state_dict(mine, assign=True)
    for path, strength in loras:
        wan_lora.merge(model, path, strength=strength)
    tensors |= {PREFIX + name: value for name, value in model.state_dict().items()}
    checkpoint.save(into, tensors, about, {"tokenizer.json": (base / "tokenizer.json").read_bytes()})
    return into


def beside(base: Path, into: Path, *loras: tuple[Path, float]) -> Path:
    """The look that the command line makes."""
    (first, _), *others = loras
    more = [word for path, _ in others for word in ("--lora", str(path))]
    more += [word for _, strength in loras for word in ("--strength", str(strength))]
    command = ["models", "import", str(first), "--beside", str(base), "--into", str(into), "--accept-licence"]
    assert run([*command, *more]) == 0
    return into


def frames(model: Path, path: Path, how: LowMemory | None = None) -> np.ndarray:
    """A film's frames before they are compressed."""
    pieces: list[np.ndarray] = []
    request = Request(
        shots=(Shot(seconds=0.5, prompt="a red ball"),), width=64, height=64, seed=5, steps=2, model=str(model)
    )
    film.make(request, path, options=film.Options(look=pieces.append, opened=lambda name: engine.opened(name, how=how)))
    return np.concatenate(pieces)


@pytest.fixture
def loras(tiny_model: Path, tmp_path: Path) -> list[tuple[Path, float]]:
    transformer = open_parts(tiny_model).transformer
    return [
        (changed(transformer, tmp_path / "warm.safetensors", rank=4, seed=1), 0.8),
        (changed(transformer, tmp_path / "grainy.safetensors", rank=2, seed=2), -0.5),
    ]


@pytest.mark.parametrize(("how", "against"), [(None, None), ("offload", None), ("int8", "int8")])
def test_the_film_of_a_look_is_that_of_the_merged_model(
    tiny_model: Path,
    loras: list[tuple[Path, float]],
    how: LowMemory | None,
    against: LowMemory | None,
    tmp_path: Path,
) -> None:
    if how == "int8":
        pytest.importorskip("torchao")
    look = frames(beside(tiny_model, tmp_path / "look", *loras), tmp_path / "a.mp4", how)
    whole = frames(merged(tiny_model, tmp_path / "merged", *loras), tmp_path / "b.mp4", against)
    np.testing.assert_array_equal(look, whole)
    assert not np.array_equal(look, frames(tiny_model, tmp_path / "c.mp4"))


@pytest.mark.parametrize("kept", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("wanted", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("how", [None, "offload"])
def test_a_look_has_the_weights_of_the_merged_model_in_every_precision(
    tiny_model: Path,
    loras: list[tuple[Path, float]],
    kept: torch.dtype,
    wanted: torch.dtype,
    how: LowMemory | None,
    tmp_path: Path,
) -> None:
    base = merged(tiny_model, tmp_path / "base", dtype=kept)
    look = open_parts(beside(base, tmp_path / "look", *loras), dtype=wanted, how=how).transformer
    whole = open_parts(merged(base, tmp_path / "whole", *loras), dtype=wanted).transformer
    for mine, theirs in zip(look.blocks, whole.blocks, strict=True):
        assert all(value.equal(theirs.state_dict()[name]) for name, value in mine.state_dict().items())


def test_a_change_of_no_strength_is_the_base_bit_for_bit(
    tiny_model: Path, loras: list[tuple[Path, float]], tmp_path: Path
) -> None:
    look = open_parts(beside(tiny_model, tmp_path / "look", (loras[0][0], 0.0)))
    base = open_parts(tiny_model)
    for part in ("transformer", "text", "autoencoder", "critic"):
        mine, theirs = (getattr(one, part).state_dict() for one in (look, base))
        assert all(value.equal(theirs[name]) for name, value in mine.items())
    np.testing.assert_array_equal(frames(tmp_path / "look", tmp_path / "a.mp4"), frames(tiny_model, tmp_path / "b.mp4"))


def test_what_a_lora_says_beside_it_of_alpha_comes_along(tiny_model: Path, tmp_path: Path) -> None:
    plain = changed(open_parts(tiny_model).transformer, tmp_path / "plain.safetensors", rank=4, seed=1)
    (tmp_path / "folder").mkdir()
    save_file(load_file(plain), tmp_path / "folder" / "adapter_model.safetensors")
    (tmp_path / "folder" / "adapter_config.json").write_text('{"lora_alpha": 2, "r": 4}')
    look = open_parts(beside(tiny_model, tmp_path / "look", (tmp_path / "folder", 1.0))).transformer
    half = open_parts(beside(tiny_model, tmp_path / "half", (plain, 0.5))).transformer
    assert all(value.equal(half.state_dict()[name]) for name, value in look.state_dict().items())


PEAK = """
import sys, torch
from pathlib import Path
from praxino.generation.parts import open_transformer
def held(what):
    return next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith(what))
open_transformer(Path(sys.argv[1]))
before = held("VmRSS")
model = open_transformer(Path(sys.argv[2]))
print((held("VmHWM") - before) / sum(p.nbytes for p in model.parameters()))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's own account of memory")
def test_opening_a_look_takes_hardly_more_memory_than_its_base(tmp_path: Path) -> None:
    sizes = TransformerConfig(
        width=768, depth=8, heads=8, ffn=3072, latent_channels=16, text_channels=64, patch=2, marks_first=False,
        pools_text=False, preconditioned=False,
    )  # fmt: skip
    for name, depth in (("base", sizes.depth), ("small", 1)):
        model = Transformer(replace(sizes, depth=depth))
        tensors = {PREFIX + inner: value for inner, value in model.state_dict().items()}
        about = {"format": 1, "name": name, "transformer": config.to_json(model.config)}
        checkpoint.save(tmp_path / name, tensors, about)
        lora = changed(model, tmp_path / f"{name}.safetensors", rank=8, seed=1)
        beside(tmp_path / name, tmp_path / f"{name}-look", (lora, 1.0))
    assert (tmp_path / "base" / checkpoint.WEIGHTS).stat().st_size > 200e6
    command = [sys.executable, "-c", PEAK, str(tmp_path / "small-look"), str(tmp_path / "base-look")]
    share = float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert share <= 1.1, "the weights are held twice"
