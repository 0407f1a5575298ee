"""The Wan 2.1 block (arXiv 2503.20314; layout of the open weights): self-attention, cross-attention, feed-forward.

Shapes: b batch, t latent frames, s tokens of one frame, n = t*s tokens, m text tokens, d width, h heads.
Where tokens are spread over ranks, s and n are this rank's share; only attention among video tokens sees all, by
`Context.split`.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

import torch
from einops import rearrange
from torch import Tensor, nn

from praxino.layers.attention import attend
from praxino.layers.gelu import gelu
from praxino.layers.norm import RMSNorm, layer_norm
from praxino.layers.rope import rotate
from praxino.transformer.config import TransformerConfig
from praxino.transformer.sequence import Split


@dataclass(frozen=True, kw_only=True)
class Span:
    """A run of keys and values of one chunk, as one block made them: each (b, h, n, d), of this rank's heads."""

    k: Tensor
    v: Tensor


@dataclass(frozen=True, kw_only=True)
class Sight:
    """What one chunk sees: its own tokens [begin, end) and, before them, earlier tokens and remembered spans."""

    begin: int
    end: int
    seen: tuple[tuple[int, int], ...]  # runs of earlier tokens of this call, by index
    remembered: tuple[int, ...]  # indices into the remembered chunks


class SelfAttention(nn.Module):
    """Attention among video tokens, chunk by chunk, with RMS-normalised queries and keys and rotary positions."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        d = config.width
        self.heads = config.heads
        self.to_q, self.to_k, self.to_v = nn.Linear(d, d), nn.Linear(d, d), nn.Linear(d, d)
        self.norm_q, self.norm_k = RMSNorm(d), RMSNorm(d)
        self.to_out = nn.Linear(d, d)

    def forward(self, x: Tensor, context: "Context", past: list[Span]) -> tuple[Tensor, Span]:
        sights, split = context.sights, context.split
        q, k, v = (
            rearrange(y, "b n (h d) -> b h n d", h=self.heads)
            for y in (self.norm_q(self.to_q(x)), self.norm_k(self.to_k(x)), self.to_v(x))
        )
        q, k, v = split.to_heads(rotate(q, context.turn), rotate(k, context.turn), v)
        runs = [[*sight.seen, (sight.begin, sight.end)] for sight in sights]
        asked, known, held = (_pieces(y, runs) for y in (q, k, v))
        alike: dict[tuple[int, int], list[tuple[int, Tensor, Tensor, Tensor]]] = {}  # attended at once
        for i, sight in enumerate(sights):
            keys = joined([past[j].k for j in sight.remembered] + [known[run] for run in runs[i]], 2)
            values = joined([past[j].v for j in sight.remembered] + [held[run] for run in runs[i]], 2)
            asks = asked[sight.begin, sight.end]
            alike.setdefault((asks.shape[2], keys.shape[2]), []).append((i, asks, keys, values))
        out: dict[int, Tensor] = {}
        for group in alike.values():
            which, *stacks = zip(*group, strict=True)
            made = attend(*(joined(stack, 0) for stack in stacks)).split(len(x))
            out.update(zip(which, made, strict=True))
        whole = split.to_tokens(joined([out[i] for i in range(len(sights))], 2))
        return self.to_out(rearrange(whole, "b h n d -> b n (h d)")), Span(k=k, v=v)


def _pieces(x: Tensor, runs: list[list[tuple[int, int]]]) -> dict[tuple[int, int], Tensor]:
    """Each run [a, z) of the tokens of x (b, h, n, d), by its ends.

    Cut all at once: a slice of its own for each would cost a gradient as large as x for each (docs/log.md, 2026-11-27).
    """
    wanted = sorted({run for some in runs for run in some})
    edges = sorted({edge for run in wanted for edge in run})
    parts = x[:, :, edges[0] : edges[-1]].split([b - a for a, b in itertools.pairwise(edges)], 2)
    at = {edge: number for number, edge in enumerate(edges)}
    return {(a, z): joined(parts[at[a] : at[z]], 2) for a, z in wanted}


def joined(parts: Sequence[Tensor], axis: int) -> Tensor:
    """`torch.cat`, which copies even where there is only one."""
    return parts[0] if len(parts) == 1 else torch.cat(list(parts), axis)


class CrossAttention(nn.Module):
    """Attention from video tokens to text tokens, and to those of a picture where the model knows pictures."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        d = config.width
        self.heads = config.heads
        self.to_q, self.to_k, self.to_v = nn.Linear(d, d), nn.Linear(d, d), nn.Linear(d, d)
        self.norm_q, self.norm_k = RMSNorm(d), RMSNorm(d)
        self.to_out = nn.Linear(d, d)
        if config.picture_channels:
            self.picture_k, self.picture_v, self.norm_picture_k = nn.Linear(d, d), nn.Linear(d, d), RMSNorm(d)

    def forward(self, x: Tensor, said: Span, context: "Context", shown: Span | None = None) -> Tensor:
        q = rearrange(self.norm_q(self.to_q(x)), "b n (h d) -> b h n d", h=self.heads)
        mask = None if context.mask is None else context.mask[:, None, None]
        heard = attend(q, said.k, said.v, mask=mask) if context.lengths is None else _apart(q, said, mask, context)
        if shown is not None:
            heard = heard + attend(q, shown.k, shown.v)
        return self.to_out(rearrange(heard, "b h n d -> b n (h d)"))

    def read(self, text: Tensor) -> Span:
        """Keys and values of text (b, m, d): the same at every step of a film."""
        return self._span(self.norm_k(self.to_k(text)), self.to_v(text))

    def look(self, picture: Tensor) -> Span:
        """Keys and values of the tokens of a picture (b, m, d)."""
        return self._span(self.norm_picture_k(self.picture_k(picture)), self.picture_v(picture))

    def _span(self, k: Tensor, v: Tensor) -> Span:
        k, v = (rearrange(y, "b m (h d) -> b h m d", h=self.heads) for y in (k, v))
        return Span(k=k, v=v)


def _apart(q: Tensor, said: Span, mask: Tensor | None, context: "Context") -> Tensor:
    """Each sample's attention to its own text alone: over one that is filled up, sums are made in another order."""
    asks = zip(q.split(1), said.k.split(1), said.v.split(1), context.lengths or (), strict=True)
    masks = [None] * len(q) if mask is None else mask.split(1)
    return torch.cat(
        [
            attend(ask, k[:, :, :m], v[:, :, :m], mask=None if hides is None else hides[..., :m])
            for (ask, k, v, m), hides in zip(asks, masks, strict=True)
        ]
    )


class Block(nn.Module):
    """x (b, n, d) -> (x, its own keys and values). ``shift`` (b, t, 6, d) comes from time, one per frame."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        d = config.width
        self.table = nn.Parameter(nn.init.normal_(torch.empty(6, d), std=d**-0.5))
        self.self_attention, self.cross_attention = SelfAttention(config), CrossAttention(config)
        self.norm_text = nn.LayerNorm(d, eps=1e-6)
        self.ffn_in, self.ffn_out = nn.Linear(d, config.ffn), nn.Linear(config.ffn, d)

    def forward(
        self, x: Tensor, context: "Context", said: Span, past: list[Span], picture: Span | None = None
    ) -> tuple[Tensor, Span]:
        shift_a, scale_a, gate_a, shift_f, scale_f, gate_f = (self.table + context.shift).unbind(2)  # each (b, t, d)
        y = modulate(layer_norm(x), shift_a, scale_a)
        y, span = self.self_attention(y, context, past)
        x = gated(x, y, gate_a)
        x = x + self.cross_attention(self.norm_text(x), said, context, picture)
        y = modulate(layer_norm(x), shift_f, scale_f)
        y = self.ffn_out(gelu(self.ffn_in(y)))
        return gated(x, y, gate_f), span


class Stack(nn.ModuleList):
    """Blocks one after another, as one thing to fuse: x (b, n, d) -> (x, each block's own keys and values)."""

    def forward(
        self, x: Tensor, context: "Context", said: Sequence[Span], pasts: Sequence[list[Span]]
    ) -> tuple[Tensor, list[Span]]:
        spans: list[Span] = []
        for i, block in enumerate(self):
            picture = context.pictures[i] if context.pictures else None
            x, span = cast("Block", block)(x, context, said[i], pasts[i] if pasts else [], picture)
            spans.append(span)
        return x, spans


@dataclass(frozen=True, kw_only=True)
class Context:
    """What every block of one call shares."""

    shift: Tensor  # (b, t, 6, d)
    turn: tuple[Tensor, Tensor]  # cosines and sines, each (n, d), or (b, 1, n, d)
    sights: list[Sight]  # of all tokens
    split: Split
    mask: Tensor | None  # (b, m), True where a text token counts; None: all do
    pictures: tuple[Span, ...] = ()  # keys and values of each block, of a picture
    lengths: tuple[int, ...] | None = None  # tokens of each sample's text, where each has its own


@dataclass(frozen=True, kw_only=True)
class Heard:
    """A text as the blocks take it in."""

    spans: tuple[Span, ...]  # keys and values of each block
    pooled: Tensor | None  # (b, d): its mean, where that is added to the time
    mask: Tensor | None  # (b, m), True where a token counts; None: all do
    pictures: tuple[Span, ...] = ()  # keys and values of each block, of a picture
    lengths: tuple[int, ...] | None = None  # tokens of each sample's text, where each has its own; the rest is nothing

    def times(self, count: int) -> "Heard":
        """The same for each of ``count`` samples, of one."""
        spans, pictures = (
            tuple(Span(k=span.k.expand(count, -1, -1, -1), v=span.v.expand(count, -1, -1, -1)) for span in each)
            for each in (self.spans, self.pictures)
        )
        pooled, mask = (None if each is None else each.expand(count, -1) for each in (self.pooled, self.mask))
        return replace(self, spans=spans, pooled=pooled, mask=mask, pictures=pictures)


def modulate(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """x (b, t*s, d) moved and scaled by its frame's shift and scale (b, t, d)."""
    framed = rearrange(x, "b (t s) d -> b t s d", t=shift.shape[1])
    return rearrange(torch.addcmul(shift[:, :, None], framed, 1 + scale[:, :, None]), "b t s d -> b (t s) d")


def gated(x: Tensor, y: Tensor, gate: Tensor) -> Tensor:
    """x + y, both (b, t*s, d), y times its frame's gate (b, t, d)."""
    was, new = (rearrange(each, "b (t s) d -> b t s d", t=gate.shape[1]) for each in (x, y))
    return rearrange(torch.addcmul(was, new, gate[:, :, None]), "b t s d -> b (t s) d")
