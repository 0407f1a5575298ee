"""Folders of small Wan models with random weights, as diffusers and transformers write them."""

import json
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanTransformer3DModel
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
from torch import nn
from transformers import CLIPVisionConfig, CLIPVisionModel, PreTrainedTokenizerFast, UMT5Config, UMT5EncoderModel

LATENTS, TEXT, EYES = 4, 32, 24  # channels
SIZE = {
    "num_attention_heads": 2, "attention_head_dim": 24, "in_channels": LATENTS, "out_channels": LATENTS,
    "text_dim": TEXT, "freq_dim": 32, "ffn_dim": 48, "num_layers": 2, "rope_max_seq_len": 64,
}  # fmt: skip
SHOWN = {"in_channels": 2 * LATENTS + 4}
LOOKS = SHOWN | {"image_dim": EYES, "added_kv_proj_dim": 48}
KINDS: dict[str, dict[str, Any]] = {
    "words": {},
    "picture": LOOKS,
    "pictures": LOOKS | {"pos_embed_seq_len": 10},
    "shown": SHOWN,
    "5B": {"in_channels": 48, "out_channels": 48},
    "turns": {},
    "turns, shown": SHOWN,
}
BOUNDARIES = {"turns": 0.875, "turns, shown": 0.9}
"""Of the kinds that have two transformers."""
PLAIN = {"base_dim": 4, "dim_mult": [1, 2, 2, 2], "num_res_blocks": 1}
FINE = PLAIN | {
    "decoder_base_dim": 6, "is_residual": True, "patch_size": 2, "in_channels": 12, "out_channels": 12,
    "scale_factor_spatial": 16,
}  # fmt: skip


def transformer(kind: str, *, second: bool = False) -> WanTransformer3DModel:
    return _random(WanTransformer3DModel(**(SIZE | KINDS[kind])), seed=int(second))


def vae(kind: str) -> AutoencoderKLWan:
    channels = KINDS[kind].get("out_channels", LATENTS)
    mean, std = ([0.3 * (-1) ** i for i in range(channels)], [1.5 + 0.1 * i for i in range(channels)])
    sizes = FINE if kind == "5B" else PLAIN
    return _random(AutoencoderKLWan(z_dim=channels, latents_mean=mean, latents_std=std, **sizes))


def umt5() -> UMT5EncoderModel:
    sizes = {"vocab_size": 80, "d_model": TEXT, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_heads": 4}
    return _random(UMT5EncoderModel(UMT5Config(**sizes)))


def eyes() -> CLIPVisionModel:
    sizes = {"hidden_size": EYES, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    return _random(CLIPVisionModel(CLIPVisionConfig(**sizes, image_size=28, patch_size=14)))


def tokenizer() -> PreTrainedTokenizerFast:
    """Cut into pieces as umT5's is, and learned from three sentences."""
    own = Tokenizer(models.Unigram())
    own.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["<pad>", "</s>", "<unk>"]
    trainer = trainers.UnigramTrainer(vocab_size=60, special_tokens=special, unk_token="<unk>", show_progress=False)
    own.train_from_iterator(["a red ball rolls on the floor", "a cat sleeps", "the sea at night"], trainer)
    own.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(tokenizer_object=own, pad_token="<pad>", eos_token="</s>", unk_token="<unk>")


def unipc(shift: float = 3.0) -> UniPCMultistepScheduler:
    """The sampler as Wan's published folders have it."""
    return UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=shift)


def folder(into: Path, kind: str = "words", *, shift: float = 3.0, by_unipc: bool = False) -> Path:
    """The whole model, under the Apache licence."""
    transformer(kind).save_pretrained(into / "transformer")
    if kind in BOUNDARIES:
        transformer(kind, second=True).save_pretrained(into / "transformer_2")
        index = {"boundary_ratio": BOUNDARIES[kind], "transformer_2": ["diffusers", "WanTransformer3DModel"]}
        (into / "model_index.json").write_text(json.dumps(index))
    vae(kind).save_pretrained(into / "vae")
    umt5().save_pretrained(into / "text_encoder")
    tokenizer().save_pretrained(into / "tokenizer")
    if "image_dim" in KINDS[kind]:
        eyes().save_pretrained(into / "image_encoder")
        file = into / "image_encoder" / "model.safetensors"  # named as in the files that are published
        save_file({f"vision_model.{name}": value for name, value in load_file(file).items()}, file)
    (into / "scheduler").mkdir()
    (into / "scheduler" / "scheduler_config.json").write_text(json.dumps({"flow_shift": shift}))
    if by_unipc:
        unipc(shift).save_pretrained(into / "scheduler")
    (into / "README.md").write_text("---\nlicense: apache-2.0\n---\n")
    return into


def _random(network: nn.Module, *, seed: int = 0) -> Any:
    generator = torch.Generator().manual_seed(len(list(network.parameters())) + 1000 * seed)
    with torch.no_grad():
        for weight in network.parameters():
            spread = 0.1 if weight.ndim < 2 else weight[0].numel() ** -0.5
            norm = weight.ndim == 1 or weight.unique().numel() == 1
            weight.copy_(torch.randn(weight.shape, generator=generator) * spread + (norm and weight.mean() == 1))
    return network.eval().requires_grad_(False)
