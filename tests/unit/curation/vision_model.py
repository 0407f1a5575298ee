"""A vision-language model so small that a test can teach it: LLaVA's parts, an alphabet of whole phrases."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

TEMPLATE = (
    "{% for message in messages %}{% for part in message['content'] %}{% if part['type'] == 'image' %}<image>"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endfor %}{% if add_generation_prompt %}<ask>{% endif %}"
)
ANSWERS = {
    "red": '{"subject": "a red ball", "action": "it rolls", "camera": "the camera pans left", "light": "unknown"}',
    "blue": '{"subject": "a blue cube", "camera": "static", "light": "in bright light"',  # it breaks off
}


def write(folder: Path, answers: Mapping[str, str], *, lessons: int = 0) -> Path:
    """A model in a folder that knows no other words than answers, taught so many steps which one is of which colour."""
    torch.manual_seed(0)
    words = ["<pad>", "<end>", "<image>", "<ask>", "<other>", *answers.values()]
    tokenizer = Tokenizer(models.WordLevel({word: n for n, word in enumerate(words)}, unk_token="<other>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" none ", "isolated")
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<end>", unk_token="<other>",
        additional_special_tokens=["<image>", "<ask>"],
    )  # fmt: skip
    pictures = CLIPImageProcessorPil(size={"shortest_edge": 16}, crop_size={"height": 16, "width": 16})
    processor = LlavaProcessor(
        pictures, fast, patch_size=8, vision_feature_select_strategy="default", chat_template=TEMPLATE,
        num_additional_image_tokens=1,
    )  # fmt: skip
    small: dict[str, Any] = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
    small["num_attention_heads"] = 2
    model = LlavaForConditionalGeneration(
        LlavaConfig(
            vision_config=CLIPVisionConfig(image_size=16, patch_size=8, **small),
            text_config=LlamaConfig(vocab_size=len(words), pad_token_id=0, eos_token_id=1, **small),
            image_token_index=2,
        )
    )
    _teach(model, processor, list(answers), lessons=lessons)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def picture(colour: str, *, frames: int = 4) -> np.ndarray:
    """(t, 16, 24, 3) uint8."""
    out = np.full((frames, 16, 24, 3), 30, np.uint8)
    out[..., 0 if colour == "red" else 2] = 220
    return out


def _teach(model: Any, processor: Any, colours: list[str], *, lessons: int) -> None:
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(lessons):
        for number, colour in enumerate(colours):
            parts = [{"type": "image", "image": one} for one in picture(colour, frames=4)]
            chat = [{"role": "user", "content": [*parts, {"type": "text", "text": "x"}]}]
            given = processor.apply_chat_template(
                [chat], add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"
            )
            answer = torch.tensor([[5 + number, 1]])
            ids = torch.cat([given["input_ids"], answer], 1)
            labels = torch.cat([torch.full_like(given["input_ids"], -100), answer], 1)
            model(input_ids=ids, pixel_values=given["pixel_values"], labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
