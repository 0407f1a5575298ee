"""What the transformer remembers of a film's clean past: a sink of first chunks and a window of last ones.

Shapes: b batch, h heads, n tokens of a chunk, d channels of one head.
"""

import itertools
from dataclasses import dataclass, field, replace

from torch import Tensor

from praxino.transformer.block import Sight, Span
from praxino.transformer.config import TransformerConfig


@dataclass(kw_only=True)
class Cache:
    """Keys and values of past chunks, one list of spans per block; bounded by sink + window, not by the film."""

    chunks: list[int] = field(default_factory=list)  # number of each remembered chunk, ascending
    spans: list[list[Span]] = field(default_factory=list)  # [block][chunk]
    last: tuple[Tensor, Tensor] | None = None  # the last latent frame (b, 1, h, w, c) and its time (b, 1)

    def remember(self, chunk: int, spans: list[Span], last: tuple[Tensor, Tensor], config: TransformerConfig) -> None:
        """Add one chunk's spans (one per block) and last latent, and forget what no later chunk can see."""
        self.last = last
        if not self.spans:
            self.spans = [[] for _ in spans]
        self.chunks.append(chunk)
        for held, span in zip(self.spans, spans, strict=True):
            held.append(span)
        keep = [i for i, c in enumerate(self.chunks) if _visible(c, chunk + 1, config)]
        self.chunks = [self.chunks[i] for i in keep]
        self.spans = [[held[i] for i in keep] for held in self.spans]


def sights(*, start: int, frames: int, tokens: int, remembered: list[int], config: TransformerConfig) -> list[Sight]:
    """What each chunk of a call sees; the call brings ``frames`` frames of ``tokens`` tokens, from ``start`` on."""
    out: list[Sight] = []
    edges = [0, *(i for i in range(1, frames) if (start + i) % config.chunk == 0), frames]
    runs = {(start + a) // config.chunk: (a * tokens, z * tokens) for a, z in itertools.pairwise(edges)}
    for chunk, (begin, end) in runs.items():
        out.append(
            Sight(
                begin=begin,
                end=end,
                seen=tuple(run for c, run in runs.items() if c < chunk and _visible(c, chunk, config)),
                remembered=tuple(i for i, c in enumerate(remembered) if _visible(c, chunk, config)),
            )
        )
    return out


def lessons(*, frames: int, tokens: int, config: TransformerConfig) -> list[Sight]:
    """What each chunk sees of a film whose clean frames come first and are followed by the same frames to be made.

    Clean chunks see what they would in `sights`; a chunk to be made sees itself and clean chunks before it.
    """
    clean = sights(start=0, frames=frames, tokens=tokens, remembered=[], config=config)
    ahead = frames * tokens
    return clean + [replace(one, begin=one.begin + ahead, end=one.end + ahead) for one in clean]


def _visible(past: int, chunk: int, config: TransformerConfig) -> bool:
    return past < chunk and (past < config.sink or past >= chunk - config.window)
