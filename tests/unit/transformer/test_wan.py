"""What is read as open weights, and what is refused."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from praxino.transformer import config, wan, wan_lora
from praxino.transformer.config import TransformerConfig
from praxino.transformer.model import Transformer


def written(folder: Path) -> Path:
    """A folder of open weights of two small blocks."""
    sizes = TransformerConfig(
        width=48, depth=2, heads=2, ffn=80, latent_channels=4, text_channels=32, patch=2, time_channels=64,
        chunk=21, marks_first=False, pools_text=False, preconditioned=False,
    )  # fmt: skip
    wan.write(Transformer(sizes), folder)
    return folder


def spoiled(what: str, folder: Path) -> None:
    file = written(folder) / "diffusion_pytorch_model.safetensors"
    state = load_file(file)
    if what == "unknown":
        state |= {"vace_blocks.0.proj_in.weight": torch.ones(2)}
    elif what == "lacking":
        del state["blocks.1.ffn.net.2.bias"]
    elif what == "shape":
        state["blocks.1.ffn.net.2.bias"] = torch.ones(3)
    elif what == "far block":
        state["blocks.99999999999.ffn.net.2.bias"] = torch.ones(48)
    elif what == "strange":
        state["blocks.1.attn2.add_k_proj.weight"] = torch.ones(48, 48)
    save_file(state, file)
    if what == "cut":
        file.write_bytes(file.read_bytes()[:-100])
    elif what == "index":
        index = {"weight_map": {"a": "../diffusion_pytorch_model.safetensors"}}
        (folder / "diffusion_pytorch_model.safetensors.index.json").write_text(json.dumps(index))
    elif what == "other block":
        (folder / "config.json").write_text(json.dumps({"num_attention_heads": 2, "cross_attn_norm": False}))
        return
    (folder / "config.json").write_text(json.dumps({"num_attention_heads": 2} if what != "heads" else {}))


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("unknown", "the first vace_blocks.0.proj_in.weight"),
        ("lacking", "lack 1 of a Wan transformer's tensors, the first blocks.1.ffn.net.2.bias"),
        ("shape", r"blocks.1.ffn.net.2.bias has the shape \[3\], not \[48\]"),
        ("far block", "lacks blocks between 0 and 99999999999"),
        ("strange", "1 tensors that fit no place, the first blocks.1.attn2.add_k_proj"),
        ("cut", "cannot be read"),
        ("index", "is no safetensors file beside it"),
        ("other block", "differs from Wan's block: cross_attn_norm False"),
        ("heads", "does not say its number of heads"),
    ],
)
def test_what_is_no_whole_wan_is_refused(what: str, said: str, tmp_path: Path) -> None:
    spoiled(what, tmp_path)
    with pytest.raises(ValueError, match=said):
        wan.read(tmp_path)


def test_pickles_are_never_opened(tmp_path: Path) -> None:
    (tmp_path / "model.pt").write_bytes(b"not even a pickle")
    for place in (tmp_path, tmp_path / "model.pt"):
        with pytest.raises(ValueError, match="only safetensors are read.*weights_only=True"):
            wan.read(place)


def test_a_pipeline_is_read_by_its_transformer(tmp_path: Path) -> None:
    written(tmp_path / "transformer")
    (tmp_path / "model_index.json").write_text("{}")
    assert wan.read(tmp_path).config.width == 48
    written(tmp_path / "transformer_2")
    with pytest.raises(ValueError, match="two transformers that take turns; name one"):
        wan.read(tmp_path)


def test_what_does_more_than_wan_is_not_written_as_one(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="more than Wan"):
        wan.write(Transformer(config.tiny()), tmp_path)


def test_a_picture_for_a_model_without_is_refused(tmp_path: Path) -> None:
    model = wan.read(written(tmp_path))
    with pytest.raises(ValueError, match="knows no pictures"):
        model.read(torch.randn(1, 7, 32), picture=torch.randn(1, 5, 40))


def test_a_lora_of_something_else_is_refused(tmp_path: Path) -> None:
    model = wan.read(written(tmp_path / "base"))
    save_file(
        {"unet.x.lora_A.weight": torch.ones(4, 48), "unet.x.lora_B.weight": torch.ones(48, 4)},
        tmp_path / "l.safetensors",
    )
    with pytest.raises(ValueError, match="changes unet.x, which this transformer does not have"):
        wan_lora.merge(model, tmp_path / "l.safetensors")
