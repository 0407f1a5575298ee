"""Open weights of the Wan family compute here what they compute elsewhere."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import WanTransformer3DModel
from safetensors.torch import load_file, save_file
from torch import Tensor

from praxino.transformer import config, wan, wan_lora, wan_names
from praxino.transformer.cache import Cache
from praxino.transformer.model import Transformer

SIZE = {
    "num_attention_heads": 2, "attention_head_dim": 24, "in_channels": 4, "out_channels": 4, "text_dim": 32,
    "freq_dim": 64, "ffn_dim": 80, "num_layers": 2, "rope_max_seq_len": 32,
}  # fmt: skip
IMAGE = {"in_channels": 12, "image_dim": 40, "added_kv_proj_dim": 48}
FAMILIES: dict[str, dict[str, Any]] = {
    "text 2.1": {},
    "image 2.1": IMAGE,
    "first and last image 2.1": IMAGE | {"pos_embed_seq_len": 10},
    "image 2.2": {"in_channels": 12},  # the picture only as what is given with each latent
    "5B 2.2": {"in_channels": 48, "out_channels": 48},
}
BOUND = 1e-4


def error(got: Tensor, want: Tensor) -> float:
    """Largest difference, relative to the largest value."""
    return float((got - want).abs().max() / want.abs().max())


def made(family: str, **changes: Any) -> WanTransformer3DModel:
    """A `diffusers` model with random weights in every place."""
    torch.manual_seed(0)
    theirs = WanTransformer3DModel(**(SIZE | FAMILIES[family] | changes)).eval().requires_grad_(False)
    for p in theirs.parameters():
        p.copy_(torch.randn_like(p) * 0.1 + (p.ndim == 1 and p.mean() == 1))  # norms stay about one
    return theirs


def saved(theirs: WanTransformer3DModel, folder: Path) -> Path:
    theirs.save_pretrained(folder)
    return folder


def opened(folder: Path) -> WanTransformer3DModel:
    """What `diffusers` makes of a folder, every weight in its place."""
    settings = json.loads((folder / "config.json").read_text())
    theirs = WanTransformer3DModel.from_config(settings).eval()
    state: dict[str, Tensor] = {}
    for file in folder.glob("*.safetensors"):
        state |= load_file(file)
    theirs.load_state_dict(state, strict=True)
    return theirs


def asked(family: str, frames: int = 3) -> tuple[Tensor, Tensor, Tensor | None]:
    """Latents (b, t, h, w, c), text and a picture's tokens."""
    generator = torch.Generator().manual_seed(1)
    sizes = SIZE | FAMILIES[family]
    latents = torch.randn(2, frames, 6, 8, sizes["in_channels"], generator=generator)
    words = torch.randn(2, 512 if "image_dim" in sizes else 7, 32, generator=generator)  # they count pictures from 512
    pictures = sizes.get("pos_embed_seq_len", 5)
    picture = torch.randn(2, pictures, 40, generator=generator) if "image_dim" in sizes else None
    return latents, words, picture


def theirs_of(theirs: WanTransformer3DModel, latents: Tensor, time: Tensor, words: Tensor, picture: Tensor | None):
    """What they say of latents, in our order of axes; ``time`` is (b,), or (b, tokens)."""
    if picture is not None and theirs.config["pos_embed_seq_len"]:
        picture = picture.unflatten(1, (2, -1)).flatten(0, 1)  # each picture as a sample of its own
    said = theirs(latents.permute(0, 4, 1, 2, 3), 1000 * time, words, picture, return_dict=False)[0]
    return said.permute(0, 2, 3, 4, 1)


def ours_of(model: Transformer, latents: Tensor, time: Tensor, words: Tensor, picture: Tensor | None) -> Tensor:
    return model(latents, time, model.read(words, picture=picture), causal=False)


@pytest.mark.parametrize("family", FAMILIES)
@torch.inference_mode()
def test_every_family_computes_what_diffusers_computes(family: str, tmp_path: Path) -> None:
    theirs, given = made(family), asked(family)
    model = wan.read(saved(theirs, tmp_path))
    got = ours_of(model, given[0], torch.full((2, 3), 0.7), *given[1:])
    assert error(got, theirs_of(theirs, given[0], torch.tensor([0.7, 0.7]), *given[1:])) <= BOUND


@torch.inference_mode()
def test_a_time_of_its_own_for_each_frame_is_that_of_wan_2_2(tmp_path: Path) -> None:
    theirs, (latents, words, _) = made("5B 2.2"), asked("5B 2.2")
    time = torch.tensor([[0.0, 0.4, 0.9], [0.0, 0.8, 0.8]])
    want = theirs_of(theirs, latents, time.repeat_interleave(12, 1), words, None)
    assert error(wan.read(saved(theirs, tmp_path))(latents, time, words, causal=False), want) <= BOUND


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("shard", [wan.SHARD, 40_000])
@torch.inference_mode()
def test_what_is_written_is_what_was_read(family: str, shard: int, tmp_path: Path) -> None:
    theirs = made(family)
    model = wan.read(saved(theirs, tmp_path / "theirs"))
    wan.write(model, tmp_path / "back", shard=shard)
    assert (len(list((tmp_path / "back").glob("*.safetensors"))) > 1) == (shard < wan.SHARD)
    back = opened(tmp_path / "back")
    assert {k: v for k, v in back.config.items() if k in SIZE and k != "rope_max_seq_len"} == {
        k: v for k, v in theirs.config.items() if k in SIZE and k != "rope_max_seq_len"
    }
    for name, value in theirs.state_dict().items():
        assert torch.equal(back.state_dict()[name], value), name
    again = wan.read(tmp_path / "back")
    assert again.config == model.config
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in model.state_dict().items())


@torch.inference_mode()
def test_diffusers_opens_what_is_written(tmp_path: Path) -> None:
    pytest.importorskip("accelerate")  # from_pretrained asks for it
    theirs, given = made("text 2.1"), asked("text 2.1")
    wan.write(wan.read(saved(theirs, tmp_path / "theirs")), tmp_path / "back", shard=40_000)
    back = WanTransformer3DModel.from_pretrained(tmp_path / "back").eval()
    time = torch.tensor([0.3, 0.3])
    assert error(theirs_of(back, given[0], time, *given[1:]), theirs_of(theirs, given[0], time, *given[1:])) == 0


ORIGINAL = (  # diffusers, original: written down apart from the table that is under test
    ("condition_embedder.time_embedder.linear_1", "time_embedding.0"),
    ("condition_embedder.time_embedder.linear_2", "time_embedding.2"),
    ("condition_embedder.text_embedder.linear_1", "text_embedding.0"),
    ("condition_embedder.text_embedder.linear_2", "text_embedding.2"),
    ("condition_embedder.time_proj", "time_projection.1"),
    ("condition_embedder.image_embedder.norm1", "img_emb.proj.0"),
    ("condition_embedder.image_embedder.norm2", "img_emb.proj.4"),
    ("condition_embedder.image_embedder.ff.net.0.proj", "img_emb.proj.1"),
    ("condition_embedder.image_embedder.ff.net.2", "img_emb.proj.3"),
    ("condition_embedder.image_embedder.pos_embed", "img_emb.emb_pos"),
    ("ffn.net.0.proj", "ffn.0"), ("ffn.net.2", "ffn.2"), ("norm2", "norm3"),
    ("attn1", "self_attn"), ("attn2", "cross_attn"), ("to_out.0", "o"), ("to_q", "q"), ("to_k", "k"), ("to_v", "v"),
    ("add_k_proj", "k_img"), ("add_v_proj", "v_img"), ("norm_added_k", "norm_k_img"), ("proj_out", "head.head"),
)  # fmt: skip


def original(theirs: WanTransformer3DModel) -> dict[str, Tensor]:
    """Its weights under the names of Wan's own code."""
    out: dict[str, Tensor] = {}
    for name, value in theirs.state_dict().items():
        mine = name.replace("scale_shift_table", "modulation" if name.startswith("blocks.") else "head.modulation")
        for was, is_ in ORIGINAL:
            mine = mine.replace(was, is_)
        out[mine] = value.contiguous()
    return out


@pytest.mark.parametrize("family", FAMILIES)
def test_the_original_names_mean_the_same_weights(family: str, tmp_path: Path) -> None:
    theirs = made(family)
    (tmp_path / "own").mkdir()
    save_file(original(theirs), tmp_path / "own" / "diffusion_pytorch_model.safetensors")
    (tmp_path / "own" / "config.json").write_text(json.dumps({"_class_name": "WanModel", "num_heads": 2, "eps": 1e-6}))
    model, same = wan.read(tmp_path / "own"), wan.read(saved(theirs, tmp_path / "theirs"))
    assert model.config == same.config
    assert all(torch.equal(value, same.state_dict()[name]) for name, value in model.state_dict().items())
    wan.write(model, tmp_path / "written", layout="original")
    assert load_file(tmp_path / "written" / "diffusion_pytorch_model.safetensors").keys() == original(theirs).keys()
    assert wan.read(tmp_path / "written").config == model.config


@pytest.mark.parametrize("prefix", ["model.", "generator.model.", "generator_ema.model._fsdp_wrapped_module."])
def test_causal_descendants_are_read_and_see_three_frames_at_a_time(prefix: str, tmp_path: Path) -> None:
    theirs = made("text 2.1", attention_head_dim=128)  # without a config.json the number of heads follows from that
    weights = {f"{prefix}{name}": value for name, value in original(theirs).items()}
    if "ema" in prefix:
        weights |= {f"generator.model.{name}": value * 0 for name, value in original(theirs).items()}
    save_file(weights, tmp_path / "model.safetensors")
    model, same = wan.read(tmp_path), wan.read(saved(theirs, tmp_path / "theirs"))
    assert (model.config.chunk, model.config.window, model.config.heads) == (3, 6, 2)
    assert all(torch.equal(value, same.state_dict()[name]) for name, value in model.state_dict().items())


def masked(theirs: WanTransformer3DModel, allowed: Tensor) -> None:
    """Let its video tokens see only what ``allowed`` (n, n) says."""

    def bound(attention: Callable[..., Tensor]) -> Callable[..., Tensor]:
        return lambda x, context, _mask, turn: attention(x, context, allowed, turn)

    for block in theirs.blocks:
        block.attn1.forward = bound(block.attn1.forward)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("chunk", "window", "sink"), [(1, 8, 0), (2, 1, 1), (3, 1, 0)])
@torch.inference_mode()
def test_a_cached_roll_out_is_the_masked_whole_of_diffusers(
    family: str, chunk: int, window: int, sink: int, tmp_path: Path
) -> None:
    theirs, (latents, words, picture) = made(family), asked(family, frames=7)
    model = wan.read(saved(theirs, tmp_path))
    model = again(model, chunk=chunk, window=window, sink=sink)
    time = torch.linspace(0, 1, 7).expand(2, -1)
    chunks = (torch.arange(7) // chunk).repeat_interleave(12)
    ahead = chunks[:, None] - chunks[None]  # of a token (row), how far back a chunk (column) lies
    masked(theirs, (ahead >= 0) & ((ahead <= window) | (chunks[None] < sink)))
    want = theirs_of(theirs, latents, time.repeat_interleave(12, 1), words, picture)
    cache, pieces, heard = Cache(), [], model.read(words, picture=picture)
    for start in range(0, 7, chunk):
        span = slice(start, start + chunk)
        pieces.append(model(latents[:, span], time[:, span], heard, start=start, cache=cache, remember=True))
    assert error(torch.cat(pieces, 1), want) <= BOUND
    assert error(model(latents, time, heard), want) <= BOUND


def again(model: Transformer, **changes: int) -> Transformer:
    """The same weights, looking at other frames."""
    other = Transformer(replace(model.config, **changes))
    other.load_state_dict(model.state_dict())
    return other.eval()


@torch.inference_mode()
def test_weights_take_the_type_that_is_asked_for(tmp_path: Path) -> None:
    folder = saved(made("text 2.1").bfloat16(), tmp_path)
    assert wan.read(folder).dtype == torch.bfloat16
    assert {p.dtype for p in wan.read(folder, dtype=torch.float32).parameters()} == {torch.float32}


LARGE = {"text_dim": 4096, "freq_dim": 256, "attention_head_dim": 128, "rope_max_seq_len": 1024}
FULL = {  # as Wan's own configurations have them
    "1.3B": ({"num_attention_heads": 12, "num_layers": 30, "ffn_dim": 8960}, config.wan_1_3b(), 1.42),
    "14B": ({"num_attention_heads": 40, "num_layers": 40, "ffn_dim": 13824}, config.wan_14b(), 14.29),
    "14B, image": (
        {"num_attention_heads": 40, "num_layers": 40, "ffn_dim": 13824, "in_channels": 36, "image_dim": 1280}
        | {"added_kv_proj_dim": 5120},
        replace(config.wan_14b(), given_channels=20, picture_channels=1280),
        16.40,
    ),
    "A14B, image, one of two": (
        {"num_attention_heads": 40, "num_layers": 40, "ffn_dim": 13824, "in_channels": 36},
        replace(config.wan_14b(), given_channels=20),
        14.29,
    ),
    "5B": (
        {"num_attention_heads": 24, "num_layers": 30, "ffn_dim": 14336, "in_channels": 48, "out_channels": 48},
        config.wan_2_2_5b(),
        5.00,
    ),
}


@pytest.mark.parametrize("name", FULL)
def test_full_sizes_fit_every_place(name: str) -> None:
    changes, expected, billions = FULL[name]
    with torch.device("meta"):
        theirs = WanTransformer3DModel(**(SIZE | LARGE | {"in_channels": 16, "out_channels": 16} | changes))
        ours = Transformer(expected).state_dict()
    state = theirs.state_dict()
    shapes = {str(wan_names.ours(key, "diffusers")): tuple(value.shape) for key, value in state.items()}
    assert wan._config(shapes, dict(theirs.config), Path(name)) == expected
    assert {key: value.shape for key, value in wan.from_diffusers(state).items()} == {
        key: value.shape for key, value in ours.items()
    }
    assert sum(p.numel() for p in theirs.parameters()) / 1e9 == pytest.approx(billions, abs=0.01)


@pytest.mark.parametrize(("form", "alpha"), [("peft", None), ("peft", 8.0), ("original", 2.0)])
@torch.inference_mode()
def test_a_merged_lora_is_the_base_and_its_scaled_product(form: str, alpha: float | None, tmp_path: Path) -> None:
    theirs, given = made("text 2.1"), asked("text 2.1")
    model, changes = wan.read(saved(theirs, tmp_path / "base")), {}
    for block, (layer, own) in enumerate([("attn1.to_q", "self_attn.q"), ("ffn.net.2", "ffn.2")]):
        weight = theirs.get_parameter(f"blocks.{block}.{layer}.weight")
        down, up = torch.randn(4, weight.shape[1]) * 0.3, torch.randn(weight.shape[0], 4) * 0.3
        weight += (1.0 if alpha is None else alpha / 4) * up @ down
        if form == "peft":
            changes |= {f"transformer.blocks.{block}.{layer}.lora_A.weight": down}
            changes |= {f"transformer.blocks.{block}.{layer}.lora_B.weight": up}
        else:
            changes |= {f"diffusion_model.blocks.{block}.{own}.lora_down.weight": down}
            changes |= {f"diffusion_model.blocks.{block}.{own}.lora_up.weight": up}
            changes |= {f"diffusion_model.blocks.{block}.{own}.alpha": torch.tensor(alpha)}
    save_file(changes, tmp_path / "lora.safetensors")
    if form == "peft" and alpha is not None:
        (tmp_path / "adapter_config.json").write_text(json.dumps({"lora_alpha": alpha, "r": 4}))
    plain = ours_of(model, given[0], torch.full((2, 3), 0.7), *given[1:])
    assert wan_lora.merge(model, tmp_path / "lora.safetensors") == 2
    want = theirs_of(theirs, given[0], torch.tensor([0.7, 0.7]), *given[1:])
    assert error(ours_of(model, given[0], torch.full((2, 3), 0.7), *given[1:]), want) <= BOUND
    assert error(plain, want) > 100 * BOUND
    wan_lora.merge(model, tmp_path / "lora.safetensors", strength=-1.0)
    assert error(ours_of(model, given[0], torch.full((2, 3), 0.7), *given[1:]), plain) <= BOUND


PEAK = """
import sys, torch
from praxino.transformer import wan
def peak():
    return next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmHWM"))
small = wan.read(sys.argv[1])
before = peak()
model = wan.read(sys.argv[2])
size = sum(p.nbytes for p in model.parameters())
assert model(torch.randn(1, 1, 2, 2, 4), torch.ones(1, 1), torch.randn(1, 3, 32)).isfinite().all()
print((peak() - before) / size, size)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's own account of memory")
def test_reading_weights_takes_hardly_more_memory_than_they_do(tmp_path: Path) -> None:
    small = saved(made("text 2.1"), tmp_path / "small")
    large = {"num_attention_heads": 8, "attention_head_dim": 96, "ffn_dim": 3072, "num_layers": 6}
    wan.write(wan.read(saved(made("text 2.1", **large), tmp_path / "theirs")), tmp_path / "large", shard=50_000_000)
    for folder in (tmp_path / "theirs", tmp_path / "large"):
        command = [sys.executable, "-c", PEAK, str(small), str(folder)]
        share, size = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        assert int(size) > 200e6
        assert float(share) <= 1.1, "the weights are held twice"
