"""The text's vocabulary: byte-pair encoding with byte fallback, so that no prompt is ever unreadable."""

from collections.abc import Iterable
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from torch import Tensor


class Vocabulary:
    """Prompts to token numbers; 0 pads, 1 stands before every prompt (and alone is the empty prompt)."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self.size = tokenizer.get_vocab_size()

    def encode(self, prompts: list[str], *, limit: int, whole: bool = False) -> tuple[Tensor, Tensor]:
        """Token numbers (b, n) int64 and a mask (b, n), True where a token counts; text beyond ``limit`` is cut.

        n is the longest prompt's length, or with ``whole`` the limit.
        """
        rows = [[1, *e.ids][:limit] for e in self.tokenizer.encode_batch(prompts)]
        longest = limit if whole else max(map(len, rows))
        ids = torch.tensor([row + [0] * (longest - len(row)) for row in rows])
        return ids, ids != 0

    def to_bytes(self) -> bytes:
        """The vocabulary as the JSON of the `tokenizers` library."""
        return self.tokenizer.to_str().encode()


def learn(captions: Iterable[str], *, size: int = 1024) -> Vocabulary:
    """A vocabulary of ``size`` tokens from captions in any language (Sennrich et al. 2016)."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unknown>"))  # noqa: S106 - no password
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase(), normalizers.Strip()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Whitespace(), pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="never")]
    )
    tokenizer.decoder = decoders.ByteFallback()
    fallback = [f"<0x{i:02X}>" for i in range(256)]
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=["<pad>", "<start>", "<unknown>", *fallback],
        max_token_length=8,
        show_progress=False,
    )
    tokenizer.train_from_iterator(captions, trainer)
    return Vocabulary(tokenizer)


def opened(source: Path | bytes) -> Vocabulary:
    """A vocabulary as `Vocabulary.to_bytes` wrote it."""
    return Vocabulary(Tokenizer.from_str((source if isinstance(source, bytes) else source.read_bytes()).decode()))
