"""Two transformers that take turns (Wan 2.2 A14B) are one model, in either layout, also for long films."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tests import wan
from tests.laws.test_wan import original
from torch import Tensor

from praxino import checkpoint
from praxino.cli.main import run
from praxino.flow.config import SampleConfig
from praxino.flow.guide import GuidanceConfig
from praxino.generation import wan_import
from praxino.generation.parts import open_parts
from praxino.generation.rollout import Manner, Score, rollout
from praxino.media import read
from praxino.transformer.cache import Cache
from praxino.transformer.config import TransformerConfig
from praxino.transformer.experts import Experts
from praxino.transformer.model import Transformer
from praxino.transformer.wan_import import Terms

SIZES = TransformerConfig(
    width=48, depth=2, heads=2, ffn=64, latent_channels=4, text_channels=32, patch=2, chunk=2, window=1, sink=1,
    marks_first=False, pools_text=False, preconditioned=False,
)  # fmt: skip
WHOLE = wan_import.Whole(size=(64, 64))


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wan.folder(tmp_path_factory.mktemp("weights"), "turns")


@pytest.fixture(scope="module")
def model(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    into = tmp_path_factory.mktemp("models") / "causal"
    wan_import.bring(weights, into, Terms(sight=(("chunk", 3), ("window", 2), ("sink", 1))), WHOLE)
    return into


def pair(boundary: float = 0.875) -> Experts:
    torch.manual_seed(0)
    both = [Transformer(SIZES).eval().requires_grad_(False) for _ in range(2)]
    for one in both:
        torch.nn.init.normal_(one.patch_out.weight, std=0.1)
    return Experts(both[0], both[1], boundary=boundary)


def draws(seed: int) -> Iterator[Tensor]:
    """Latents of a chunk, again and again."""
    generator = torch.Generator().manual_seed(seed)
    while True:
        yield torch.randn(1, 2, 4, 6, 4, generator=generator)


@torch.inference_mode()
def test_each_step_of_a_long_film_is_of_the_expert_of_its_time_with_its_own_memory() -> None:
    both, text = pair(), torch.randn(1, 5, 32)
    heard, cache = both.read(text), Cache()
    alone = [(one, one.read(text), Cache()) for one in (both.high, both.low)]
    assert not torch.equal(both.high.patch_in.weight, both.low.patch_in.weight)
    latents, clean = draws(0), draws(1)
    for start in range(0, 10, 2):
        for when in (1.0, 0.9, 0.875, 0.874, 0.1):
            noisy, time = next(latents), torch.full((1, 2), when)
            expert, said, past = alone[when < 0.875]
            want = expert(noisy, time, said, start=start, cache=past)
            assert torch.equal(both(noisy, time, heard, start=start, cache=cache), want), (start, when)
        done, time = next(clean), torch.zeros(1, 2)
        for expert, said, past in alone:
            expert(done, time, said, start=start, cache=past, remember=True)
        both(done, time, heard, start=start, cache=cache, remember=True)
        assert cache.chunks == alone[0][2].chunks
    assert len(cache.chunks) == 2, "a sink and a window, however long the film is"
    assert len(cache.spans) == 4, "of two blocks of each"


@torch.inference_mode()
def test_samples_of_different_times_may_come_together() -> None:
    both, text = pair(), torch.randn(1, 5, 32)
    latents, time = torch.randn(3, 2, 4, 6, 4), torch.tensor([[0.95, 0.95], [0.5, 0.5], [0.0, 0.9]])
    got = both(latents, time, both.read(text).times(3))
    want = [one(latents, time, one.read(text).times(3)) for one in (both.high, both.low)]
    assert torch.equal(got, torch.stack([want[0][0], want[1][1], want[0][2]]))


@pytest.mark.parametrize("boundary", [0.875, 0.9, 0.35])
@torch.inference_mode()
def test_the_boundary_itself_is_of_the_first(boundary: float) -> None:
    both, latents, text = pair(boundary), torch.randn(1, 2, 4, 6, 4), torch.randn(1, 5, 32)
    time = torch.full((1, 2), boundary)
    assert torch.equal(both(latents, time, text), both.high(latents, time, text))


def test_two_of_other_sizes_take_no_turns() -> None:
    other = Transformer(TransformerConfig(**{**vars(SIZES), "ffn": 80}))
    with pytest.raises(ValueError, match="of the same sizes"):
        Experts(pair().high, other, boundary=0.9)


def test_the_folders_of_wans_own_code_are_the_same_model(weights: Path, tmp_path: Path) -> None:
    for name, second in (("high_noise_model", False), ("low_noise_model", True)):
        (tmp_path / "theirs" / name).mkdir(parents=True)
        state = {key: value.contiguous() for key, value in original(wan.transformer("turns", second=second)).items()}
        save_file(state, tmp_path / "theirs" / name / "diffusion_pytorch_model.safetensors")
        (tmp_path / "theirs" / name / "config.json").write_text(json.dumps({"num_heads": 2, "_class_name": "WanModel"}))
    shutil.copy(weights / "README.md", tmp_path / "theirs")
    wan_import.bring(weights, tmp_path / "diffusers", Terms(), WHOLE)
    whole = wan_import.Whole(size=(64, 64), parts=weights)
    about = wan_import.bring(tmp_path / "theirs", tmp_path / "original", Terms(), whole)
    assert checkpoint.digest(tmp_path / "original") == checkpoint.digest(tmp_path / "diffusers")
    walk = about["card"]["walk"]
    assert (walk["boundary"], about["card"]["guidance"], walk["guidance_low"]) == (0.875, 4.0, 3.0)


def test_one_of_the_two_alone_is_refused(weights: Path, tmp_path: Path) -> None:
    shutil.copytree(weights, tmp_path / "half")
    shutil.rmtree(tmp_path / "half" / "transformer_2")
    with pytest.raises(ValueError, match="lacks transformer_2, which takes turns with transformer; get it again"):
        wan_import.bring(tmp_path / "half", tmp_path / "m", Terms(), WHOLE)
    wan_import.bring(tmp_path / "half" / "transformer", tmp_path / "m", Terms(), wan_import.Whole())
    assert "transformer_2" not in checkpoint.card(tmp_path / "m"), "by its own name it is a model"


def test_each_of_the_two_may_have_a_lora_of_its_own(weights: Path, tmp_path: Path, capsys: Any) -> None:
    layer = "blocks.1.attn1.to_q"
    change = {f"{layer}.lora_A.weight": torch.ones(2, 48), f"{layer}.lora_B.weight": torch.ones(48, 2)}
    save_file(change, tmp_path / "low.safetensors")
    command = ["models", "import", str(weights), "--size", "64x64", "--into"]
    assert run([*command, str(tmp_path / "plain")]) == 0
    assert run([*command, str(tmp_path / "lora"), "--lora-2", str(tmp_path / "low.safetensors")]) == 0
    before, after = (checkpoint.load(tmp_path / name)[0] for name in ("plain", "lora"))
    changed = [name for name, value in before.items() if not torch.equal(value, after[name])]
    assert changed == ["transformer_2.blocks.1.self_attention.to_q.weight"]
    command[2] = str(weights / "transformer")
    asked = [*command, str(tmp_path / "one"), "--accept-licence", "--lora-2", str(tmp_path / "low.safetensors")]
    assert run(asked) == 2
    assert "holds one transformer; give its LoRA to --lora" in capsys.readouterr().err


def film(model: Path, into: Path, *more: str) -> np.ndarray:
    asked = ["generate", "a red ball", "-o", str(into), "--model", str(model), "--steps", "3", "--fps", "16", "--seed"]
    assert run([*asked, "1", "--size", "64x64", *more]) == 0
    return np.stack(list(read.stream(into)))


def test_a_long_film_is_made_of_both_and_with_less_memory_it_is_the_same(model: Path, tmp_path: Path) -> None:
    frames = film(model, tmp_path / "film.mp4", "--seconds", "3")
    assert frames.shape == (48, 64, 64, 3)
    lean = film(model, tmp_path / "lean.mp4", "--seconds", "3", "--low-memory", "offload")
    assert np.array_equal(frames, lean)
    for part in ("transformer.", "transformer_2."):
        tensors, about = checkpoint.load(model)
        changed = {name: value * 0 if name.startswith(part) else value for name, value in tensors.items()}
        checkpoint.save(tmp_path / part, changed, about, {"tokenizer.json": (model / "tokenizer.json").read_bytes()})
        assert not np.array_equal(frames, film(tmp_path / part, tmp_path / "other.mp4", "--seconds", "3")), part


def test_two_that_take_turns_are_not_tuned(weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wan_import.bring(weights, tmp_path / "m", Terms(), WHOLE)
    (tmp_path / "data").mkdir()
    asked = ["tune", str(tmp_path / "m"), "--data", str(tmp_path / "data"), "--into", str(tmp_path / "t")]
    assert run([*asked, "--minutes", "1"]) == 2
    assert "has two transformers that take turns, and is not tuned yet" in capsys.readouterr().err


@torch.inference_mode()
def test_a_long_film_by_unipc_keeps_what_is_known_and_goes_on_where_it_was_broken_off(model: Path) -> None:
    parts = open_parts(model)
    known = torch.zeros(11, dtype=torch.bool)
    known[:4] = True
    clean = torch.randn(1, 11, 8, 8, 4, generator=torch.Generator().manual_seed(0))
    score = Score(known=known, clean=clean, words=("a red ball",) * 4, negative="the sea", seed=5)
    walk = SampleConfig(steps=4, shift=3.0, churn=0.0, solver="unipc", ticks=1000)
    manner = Manner(sampling=walk, guidance=GuidanceConfig(projected=False), floor=0.0, anchor=0.0)
    whole = dict(rollout(score, parts, manner=manner, done={}, step=lambda: None))
    assert torch.equal(torch.cat(list(whole.values()), 1)[:, :4], clean[:, :4])
    assert not torch.equal(whole[3], clean[:, 9:])
    done = {number: made for number, made in whole.items() if number < 2}
    again = dict(rollout(score, parts, manner=manner, done=done, step=lambda: None))
    assert all(torch.equal(again[number], made) for number, made in whole.items())
