"""Pipelines of diffusers of every family, small and random, as folders that look like the released ones."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

WORDS = ["a red ball rolls on the grass", "a dog", "blurry"]
APACHE = "---\nlicense: apache-2.0\n---\n"


def saved(family: str, folder: Path) -> Path:
    """The folder of a new one; ``family`` is a key of `MADE`."""
    torch.manual_seed(0)
    MADE[family]().save_pretrained(folder)
    (folder / "README.md").write_text(APACHE)
    return folder


def _words(**more: str) -> Any:
    """A tokenizer that knows `WORDS`, letter by letter where it must."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer, bpe.decoder = pre_tokenizers.ByteLevel(), decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    bpe.train_from_iterator(
        WORDS,
        trainers.BpeTrainer(vocab_size=300, initial_alphabet=alphabet, special_tokens=["<pad>", "</s>", "<unk>"]),
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", model_max_length=64, **more
    )


def _t5(width: int = 32) -> Any:
    from transformers import T5Config, T5EncoderModel

    return T5EncoderModel(T5Config(vocab_size=400, d_model=width, d_ff=32, d_kv=8, num_layers=1, num_heads=2)).eval()


def _ltx(kind: str) -> Any:
    import diffusers

    scaling = (True, True, True, False)
    vae = diffusers.AutoencoderKLLTXVideo(
        latent_channels=8, block_out_channels=(8,) * 4, decoder_block_out_channels=(8,) * 4,
        layers_per_block=(1,) * 5, decoder_layers_per_block=(1,) * 5, spatio_temporal_scaling=scaling,
        decoder_spatio_temporal_scaling=scaling, decoder_inject_noise=(False,) * 5, upsample_residual=(False,) * 4,
        upsample_factor=(1,) * 4, patch_size=4, patch_size_t=1,
    )  # fmt: skip
    transformer = diffusers.LTXVideoTransformer3DModel(
        in_channels=8, out_channels=8, num_attention_heads=2, attention_head_dim=16, cross_attention_dim=32,
        num_layers=1, caption_channels=32,
    )  # fmt: skip
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler()
    return getattr(diffusers, kind)(
        vae=vae, transformer=transformer, scheduler=scheduler, text_encoder=_t5(), tokenizer=_words()
    )


def _ltx2(kind: str) -> Any:
    import diffusers
    from diffusers.pipelines.ltx2 import LTX2TextConnectors, LTX2Vocoder
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration

    words = {"vocab_size": 400, "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2, "head_dim": 8}
    words |= {"num_attention_heads": 2, "num_key_value_heads": 1}
    sight = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    sight |= {"image_size": 32, "patch_size": 8}
    text = Gemma3ForConditionalGeneration(Gemma3Config(text_config=words, vision_config=sight, mm_tokens_per_image=4))
    vae = diffusers.AutoencoderKLLTX2Video(
        latent_channels=8, block_out_channels=(8, 16, 32, 64), decoder_block_out_channels=(8, 16, 32),
        layers_per_block=(1,) * 5, decoder_layers_per_block=(1,) * 4, spatial_compression_ratio=32,
        temporal_compression_ratio=8,
    )  # fmt: skip
    rope: dict[str, Any] = {"rope_double_precision": False, "rope_type": "split"}
    transformer = diffusers.LTX2VideoTransformer3DModel(
        in_channels=8, out_channels=8, num_attention_heads=2, attention_head_dim=8, cross_attention_dim=16,
        audio_in_channels=4, audio_out_channels=4, audio_num_attention_heads=2, audio_attention_head_dim=4,
        audio_cross_attention_dim=8, num_layers=2, caption_channels=16, **rope,
    )  # fmt: skip
    connectors = LTX2TextConnectors(
        caption_channels=16, text_proj_in_factor=3, video_connector_num_attention_heads=2,
        video_connector_attention_head_dim=8, video_connector_num_layers=1,
        video_connector_num_learnable_registers=None, audio_connector_num_attention_heads=2,
        audio_connector_attention_head_dim=8, audio_connector_num_layers=1,
        audio_connector_num_learnable_registers=None, **rope,
    )  # fmt: skip
    audio = diffusers.AutoencoderKLLTX2Audio(
        base_channels=4, ch_mult=(1,), num_res_blocks=1, resolution=32, latent_channels=2, mel_bins=8
    )
    vocoder = LTX2Vocoder(
        in_channels=16, hidden_channels=32, upsample_kernel_sizes=[4, 4], upsample_factors=[2, 2],
        resnet_kernel_sizes=[3], resnet_dilations=[[1, 3, 5]], output_sampling_rate=16000,
    )  # fmt: skip
    return getattr(diffusers, kind)(
        vae=vae,
        audio_vae=audio,
        text_encoder=text.eval(),
        tokenizer=_words(),
        connectors=connectors,
        transformer=transformer,
        vocoder=vocoder,
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(),
    )


def _cogvideox(*, image: bool) -> Any:
    import diffusers

    vae = diffusers.AutoencoderKLCogVideoX(
        latent_channels=4, block_out_channels=(8,) * 4, layers_per_block=1, norm_num_groups=2,
        down_block_types=("CogVideoXDownBlock3D",) * 4, up_block_types=("CogVideoXUpBlock3D",) * 4,
    )  # fmt: skip
    transformer = diffusers.CogVideoXTransformer3DModel(
        num_attention_heads=2, attention_head_dim=16, in_channels=8 if image else 4, out_channels=4, time_embed_dim=2,
        text_embed_dim=32, num_layers=1, sample_width=8, sample_height=6, sample_frames=17, max_text_seq_length=226,
        use_rotary_positional_embeddings=True, use_learned_positional_embeddings=image,
    )  # fmt: skip
    kind = diffusers.CogVideoXImageToVideoPipeline if image else diffusers.CogVideoXPipeline
    scheduler = diffusers.CogVideoXDDIMScheduler()
    return kind(vae=vae, transformer=transformer, scheduler=scheduler, text_encoder=_t5(), tokenizer=_words())


def _hunyuan(*, image: bool) -> Any:
    import diffusers
    from transformers import ByT5Tokenizer, Qwen2_5_VLTextConfig, Qwen2_5_VLTextModel

    vae = diffusers.AutoencoderKLHunyuanVideo15(
        latent_channels=4, block_out_channels=(8, 8, 8, 8, 8), layers_per_block=1,
        downsample_match_channel=False, upsample_match_channel=False,
    )  # fmt: skip
    transformer = diffusers.HunyuanVideo15Transformer3DModel(
        in_channels=9, out_channels=4, num_attention_heads=2, attention_head_dim=8, num_layers=1,
        num_refiner_layers=1, mlp_ratio=2.0, text_embed_dim=16, text_embed_2_dim=32, image_embed_dim=12,
        rope_axes_dim=(2, 2, 4), target_size=64, task_type="i2v" if image else "t2v",
    )  # fmt: skip
    sizes = Qwen2_5_VLTextConfig(
        vocab_size=400, hidden_size=16, intermediate_size=16, num_hidden_layers=3, num_attention_heads=2,
        num_key_value_heads=2, rope_scaling={"mrope_section": [1, 1, 2], "rope_type": "default", "type": "default"},
    )  # fmt: skip
    chat = "{% for m in messages %}{{ m['role'] }}{{ m['content'] }}{% endfor %}"
    parts: dict[str, Any] = {
        "vae": vae,
        "transformer": transformer,
        "scheduler": diffusers.FlowMatchEulerDiscreteScheduler(shift=7.0),
        "text_encoder": Qwen2_5_VLTextModel(sizes).eval(),
        "tokenizer": _words(chat_template=chat),
        "text_encoder_2": _t5(),
        "tokenizer_2": ByT5Tokenizer(),
        "guider": diffusers.ClassifierFreeGuidance(guidance_scale=6.0),
    }
    if not image:
        return diffusers.HunyuanVideo15Pipeline(**parts)
    from transformers import SiglipImageProcessor, SiglipVisionConfig, SiglipVisionModel

    sight = SiglipVisionConfig(
        hidden_size=12, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2, image_size=54, patch_size=2
    )
    parts |= {
        "image_encoder": SiglipVisionModel(sight).eval(),
        "feature_extractor": SiglipImageProcessor(size={"height": 54, "width": 54}),
    }
    return diffusers.HunyuanVideo15ImageToVideoPipeline(**parts)


def _mochi() -> Any:
    import diffusers

    vae = diffusers.AutoencoderKLMochi(
        encoder_block_out_channels=(32,) * 4, decoder_block_out_channels=(32,) * 4, layers_per_block=(1,) * 5
    )
    transformer = diffusers.MochiTransformer3DModel(
        num_attention_heads=2, attention_head_dim=8, num_layers=2, pooled_projection_dim=16, text_embed_dim=32,
        time_embed_dim=4, max_sequence_length=64,
    )  # fmt: skip
    torch.nn.init.normal_(transformer.pos_frequencies)
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler()
    return diffusers.MochiPipeline(
        vae=vae, transformer=transformer, scheduler=scheduler, text_encoder=_t5(), tokenizer=_words()
    )


def _skyreels(kind: str) -> Any:
    import diffusers
    from transformers import UMT5Config, UMT5EncoderModel

    vae = diffusers.AutoencoderKLWan(base_dim=4, dim_mult=[1, 1, 1, 1], num_res_blocks=1)
    image = kind == "SkyReelsV2ImageToVideoPipeline"
    transformer = diffusers.SkyReelsV2Transformer3DModel(
        num_attention_heads=2, attention_head_dim=16, in_channels=36 if image else 16, out_channels=16, text_dim=32,
        ffn_dim=32, num_layers=1, inject_sample_info="Forcing" in kind, image_dim=16 if image else None,
    )  # fmt: skip
    eyes: dict[str, Any] = {}
    if image:
        from transformers import CLIPImageProcessor, CLIPVisionConfig, CLIPVisionModelWithProjection

        sight = CLIPVisionConfig(
            hidden_size=16, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2, image_size=32,
            patch_size=8, projection_dim=16,
        )  # fmt: skip
        processor = CLIPImageProcessor(size={"height": 32, "width": 32}, crop_size=32)
        eyes = {"image_encoder": CLIPVisionModelWithProjection(sight).eval(), "image_processor": processor}
    sizes = UMT5Config(vocab_size=400, d_model=32, d_ff=32, d_kv=8, num_layers=1, num_heads=2)
    return getattr(diffusers, kind)(
        vae=vae,
        transformer=transformer,
        scheduler=diffusers.UniPCMultistepScheduler(flow_shift=8.0, use_flow_sigmas=True),
        text_encoder=UMT5EncoderModel(sizes).eval(),
        tokenizer=_words(),
        **eyes,
    )


MADE: dict[str, Callable[[], Any]] = {
    "ltx": lambda: _ltx("LTXPipeline"),
    "ltx-condition": lambda: _ltx("LTXConditionPipeline"),
    "ltx2": lambda: _ltx2("LTX2Pipeline"),
    "ltx2-condition": lambda: _ltx2("LTX2ConditionPipeline"),
    "cogvideox": lambda: _cogvideox(image=False),
    "cogvideox-image": lambda: _cogvideox(image=True),
    "hunyuan": lambda: _hunyuan(image=False),
    "hunyuan-image": lambda: _hunyuan(image=True),
    "mochi": _mochi,
    "skyreels": lambda: _skyreels("SkyReelsV2Pipeline"),
    "skyreels-image": lambda: _skyreels("SkyReelsV2ImageToVideoPipeline"),
    "skyreels-forcing": lambda: _skyreels("SkyReelsV2DiffusionForcingPipeline"),
}
