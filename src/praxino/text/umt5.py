"""umT5 (Chung et al. 2023), the text encoder of Wan, behind the interface of ours; `transformers` computes.

Shapes: b batch, n tokens, m = ``limit`` tokens, d channels.
"""

import html
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from praxino import config

KIND = "umt5"
"""What a model's config.json calls it."""
TABLE, AGAIN = "shared.weight", "encoder.embed_tokens.weight"
"""The table of tokens; some files hold it by the other name, alone or a second time."""


@dataclass(frozen=True, kw_only=True)
class Umt5Config:
    """What fixes the weights of `transformers`' ``UMT5EncoderModel``, under its names, and how it is read."""

    vocab_size: int  # tokens
    d_model: int  # width
    d_kv: int  # channels of a head
    d_ff: int  # channels inside the feed-forward layer
    num_layers: int
    num_heads: int
    relative_attention_num_buckets: int = 32
    relative_attention_max_distance: int = 128
    layer_norm_epsilon: float = 1e-6
    feed_forward_proj: str = "gated-gelu"
    limit: int = 512  # tokens of a prompt that are read, and that all prompts are filled up to


class Umt5(nn.Module):
    """Raises ValueError where `transformers` is not installed."""

    def __init__(self, config: Umt5Config) -> None:
        super().__init__()
        self.config = config
        encoder, settings = _theirs()
        self.model = encoder(settings(**{k: v for k, v in asdict(config).items() if k != "limit"}))
        self.model.set_input_embeddings(self.model.shared)  # one table, also where it gets its memory later

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, None]:
        """Token numbers (b, n) and mask (b, n), True where a token counts -> (b, m, d), and no mask.

        What does not count is zero, and is looked at all the same: so Wan was trained.
        """
        said = self.model(input_ids=ids, attention_mask=mask.long()).last_hidden_state
        said = said * mask[..., None].to(said.dtype)
        return nn.functional.pad(said, (0, 0, 0, self.config.limit - ids.shape[1])), None


class Prompts:
    """umT5's vocabulary: prompts to token numbers; 0 pads, and the end of a prompt has a token of its own."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self.size = tokenizer.get_vocab_size()

    def encode(self, prompts: list[str], *, limit: int, whole: bool = False) -> tuple[Tensor, Tensor]:
        """Token numbers (b, n) int64 and a mask (b, n), True where a token counts; text beyond ``limit`` is cut.

        n is the longest prompt's length, or with ``whole`` the limit: `Umt5` makes the same of both.
        """
        self.tokenizer.enable_truncation(limit)
        self.tokenizer.no_padding()
        rows = [each.ids for each in self.tokenizer.encode_batch([_clean(prompt) for prompt in prompts])]
        longest = limit if whole else max(map(len, rows))
        ids = torch.tensor([row + [0] * (longest - len(row)) for row in rows])
        counts = torch.tensor([[i < len(row) for i in range(longest)] for row in rows])
        return ids, counts


def prompts(file: Path) -> Prompts:
    """The vocabulary in a tokenizer.json. Raises ValueError where it cannot be read."""
    try:
        return Prompts(Tokenizer.from_file(str(file)))
    except Exception as error:  # noqa: BLE001 - tokenizers raises nothing finer
        raise ValueError(f"{file} cannot be read: {error}; get it again") from None


def theirs(values: Mapping[str, Any]) -> Umt5Config:
    """From `transformers`' config.json. Raises ValueError for another text encoder than umT5."""
    if values.get("model_type") != KIND:
        raise ValueError(f"the text encoder is {values.get('model_type')!r}; Wan's is {KIND!r}")
    known = {field.name for field in fields(Umt5Config)} - {"limit"}
    return config.from_json(Umt5Config, {key: value for key, value in values.items() if key in known})


def _theirs() -> tuple[Any, Any]:
    try:
        from transformers import UMT5Config, UMT5EncoderModel
    except ImportError as error:
        raise ValueError(
            f"umT5 needs transformers ({error}); install it by: pip install 'praxino[open-weights]'"
        ) from None
    return UMT5EncoderModel, UMT5Config


def _clean(prompt: str) -> str:
    """As Wan cleans it: letters that were decoded wrongly, curly quotes, HTML, runs of spaces."""
    try:
        import ftfy
    except ImportError as error:
        raise ValueError(f"umT5 needs ftfy ({error}); install it by: pip install 'praxino[open-weights]'") from None
    return re.sub(r"\s+", " ", html.unescape(html.unescape(ftfy.fix_text(prompt)))).strip()
