"""Models whose weights are not all in memory, or not in full: what they compute, what they hold."""

import json
from pathlib import Path

import pytest
import torch

from praxino import checkpoint, config
from praxino.transformer import offload, quantized
from praxino.transformer.cache import Cache
from praxino.transformer.config import TransformerConfig
from praxino.transformer.model import Transformer

CPU = torch.device("cpu")
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


def film(model: Transformer) -> torch.Tensor:
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
    streamed = offload.opened(tmp_path, device=CPU, dtype=dtype)
    assert torch.equal(film(streamed), film(whole.to(dtype)))
    assert torch.equal(film(streamed), film(whole)), "a second time"


def test_a_pass_that_was_broken_off_leaves_nothing_behind(tmp_path: Path) -> None:
    whole = saved(tmp_path, WAN, torch.float32)
    streamed = offload.opened(tmp_path, device=CPU, dtype=torch.float32)
    for stop in range(5):
        for number, _ in enumerate(streamed.blocks):
            if number == stop:
                break
        assert torch.equal(film(streamed), film(whole))


def test_a_file_that_loses_its_end_meanwhile_is_told_of(tmp_path: Path) -> None:
    saved(tmp_path, WAN, torch.float32)
    streamed = offload.opened(tmp_path, device=CPU, dtype=torch.float32)
    with (tmp_path / checkpoint.WEIGHTS).open("r+b") as file:
        file.truncate(100_000)
    with pytest.raises(OSError, match="ends within transformer.blocks"):
        film(streamed)


def test_a_model_of_another_depth_than_its_file_is_refused(tmp_path: Path) -> None:
    saved(tmp_path, WAN, torch.float32)
    about = json.loads((tmp_path / checkpoint.CONFIG).read_text())
    about["transformer"]["depth"] = 6
    (tmp_path / checkpoint.CONFIG).write_text(json.dumps(about))
    with pytest.raises(ValueError, match=r"lacks transformer.blocks.5.table of the shape \[6, 192\]"):
        offload.opened(tmp_path, device=CPU, dtype=torch.float32)


@pytest.mark.parametrize(("kind", "most"), [("int8", 0.02), ("int8-dynamic", 0.04), ("fp8", 0.1)])
def test_eight_bits_are_off_by_so_much(tmp_path: Path, kind: quantized.Kind, most: float) -> None:
    pytest.importorskip("torchao")
    whole = saved(tmp_path, WAN, torch.float32)
    small = quantized.opened(tmp_path, kind=kind, device=CPU, dtype=torch.float32)
    assert 1e-4 < error(film(small), film(whole)) < most


@pytest.mark.parametrize(("kind", "most"), [("int8", 0.02), ("int8-dynamic", 0.05)])
def test_pocket_in_eight_bits_is_off_by_so_much(kind: quantized.Kind, most: float) -> None:
    pytest.importorskip("torchao")
    folder = checkpoint.find("pocket")
    whole = offload.opened(folder, device=CPU, dtype=torch.float32)
    small = quantized.opened(folder, kind=kind, device=CPU, dtype=torch.float32)
    assert 1e-4 < error(film(small), film(whole)) < most
