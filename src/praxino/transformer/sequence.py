"""Tokens of a call over several ranks, after Ulysses (Jacobs et al. 2023, arXiv 2309.14509).

Every rank has a share of each frame's tokens, and does for them what needs no other token. For self-attention the ranks
change places: each gets all tokens, of its share of the heads; and so it is by heads that it remembers the past.
Everything here has a gradient: where all ranks work out the same loss, the mean over the ranks of a weight's gradient
is the gradient that one rank would have.
Shapes: b batch, t frames, s tokens of a frame, n = t*s, h heads, d channels of one head, c channels of a token; s', n'
and h' are this rank's.
"""

import math
from dataclasses import dataclass
from typing import Any, Protocol, cast

import torch
import torch.distributed as dist
from einops import rearrange
from torch import Tensor
from torch.distributed.device_mesh import DeviceMesh


class Split(Protocol):
    """How the tokens of one call are spread."""

    def mine(self, x: Tensor) -> Tensor:
        """This rank's tokens (b, t, s', c) of x (b, t, s, c)."""
        ...

    def whole(self, x: Tensor) -> Tensor:
        """All tokens (b, n, c), on each rank, of its own x (b, n', c)."""
        ...

    def to_heads(self, q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(b, h', n, d) each, of (b, h, n', d)."""
        ...

    def to_tokens(self, x: Tensor) -> Tensor:
        """(b, h, n', d) of (b, h', n, d)."""
        ...


def split(mesh: DeviceMesh | None, *, tokens: int, heads: int) -> Split:
    """Spread frames of ``tokens`` tokens over a mesh of one dimension; None: one device has everything.

    Shares may be uneven. Raises ValueError where a rank would have no head, or no token of a frame.
    """
    if mesh is None:
        return Alone()
    size = mesh.size()
    check(tokens=tokens, heads=heads, size=size)
    return Ulysses(
        group=mesh.get_group(),
        rank=mesh.get_local_rank(),
        tokens=shares(tokens, size),
        heads=shares(heads, size),
    )


def check(*, tokens: int, heads: int, size: int) -> None:
    """Raises ValueError where one of ``size`` ranks would have no head, or no token of a frame."""
    if min(tokens, heads) < size:
        what = f"{heads} attention heads" if heads < size else f"{tokens} tokens a frame"
        raise ValueError(f"a model with {what} cannot be spread over {size} ranks; use at most {min(tokens, heads)}")


def shares(count: int, size: int) -> tuple[int, ...]:
    """So many for each of ``size`` ranks, as even as can be; the first ones have one more."""
    return tuple(count // size + (rank < count % size) for rank in range(size))


@dataclass(frozen=True)
class Alone:
    """Not at all: all tokens and heads are here."""

    def mine(self, x: Tensor) -> Tensor:
        """As it is."""
        return x

    def whole(self, x: Tensor) -> Tensor:
        """As it is."""
        return x

    def to_heads(self, q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """As they are."""
        return q, k, v

    def to_tokens(self, x: Tensor) -> Tensor:
        """As it is."""
        return x


@dataclass(frozen=True, kw_only=True)
class Ulysses:
    """Over the ranks of a group: `Alone` with fewer tokens, or fewer heads, at a time."""

    group: dist.ProcessGroup
    rank: int
    tokens: tuple[int, ...]  # of a frame, of each rank
    heads: tuple[int, ...]  # of each rank

    def mine(self, x: Tensor) -> Tensor:
        """A run of each frame's tokens."""
        begin = sum(self.tokens[: self.rank])
        # Of what has gaps in memory a linear layer adds its bias later, and in bfloat16 rounds once more.
        return x[:, :, begin : begin + self.tokens[self.rank]].contiguous()

    def whole(self, x: Tensor) -> Tensor:
        """Each rank sends what it has to all."""
        x = rearrange(x, "b (t s) c -> b t s c", s=self.tokens[self.rank])
        b, t, _, c = x.shape
        copies, size = torch.cat([x.reshape(-1)] * len(self.tokens)), x.numel()
        came = self._exchange(copies, [size] * len(self.tokens), [(b, t, s, c) for s in self.tokens])
        return rearrange(torch.cat(came, 2), "b t s c -> b (t s) c")

    def to_heads(self, q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """All three in one exchange."""
        x = torch.stack([y.transpose(0, 1) for y in (q, k, v)], 1)  # (h, 3, b, n', d): a rank's heads lie together
        _, _, b, n, d = x.shape
        h, t = self.heads[self.rank], n // self.tokens[self.rank]
        sent = [heads * 3 * b * n * d for heads in self.heads]
        came = self._exchange(x.view(-1), sent, [(h, 3, b, t, s, d) for s in self.tokens])
        q, k, v = rearrange(torch.cat(came, 4), "h k b t s d -> k b h (t s) d").unbind(0)
        return q, k, v

    def to_tokens(self, x: Tensor) -> Tensor:
        """The way back."""
        x = rearrange(x, "b h (t s) d -> b h t s d", s=sum(self.tokens))
        b, _, t, _, d = x.shape
        parts = [part.reshape(-1) for part in x.split(self.tokens, 3)]
        shapes = [(b, heads, t, self.tokens[self.rank], d) for heads in self.heads]
        came = self._exchange(torch.cat(parts), [len(part) for part in parts], shapes)
        return rearrange(torch.cat(came, 1), "b h t s d -> b h (t s) d")

    def _exchange(self, x: Tensor, sent: list[int], shapes: list[tuple[int, ...]]) -> list[Tensor]:
        """Runs of the vector x, so long, go to one rank each; what comes from each, in the shape that it has."""
        taken = [math.prod(shape) for shape in shapes]
        came = cast("Tensor", _Exchange.apply(x, taken, sent, self.group))
        return [run.view(shape) for run, shape in zip(came.split(taken), shapes, strict=True)]


class _Exchange(torch.autograd.Function):
    """All-to-all of runs of a vector; its gradient goes the other way."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, taken: list[int], sent: list[int], group: dist.ProcessGroup) -> Tensor:
        ctx.taken, ctx.sent, ctx.group = taken, sent, group
        return _exchanged(x, taken, sent, group)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None, None]:
        return _exchanged(grads[0].contiguous(), ctx.sent, ctx.taken, ctx.group), None, None, None


def _exchanged(x: Tensor, taken: list[int], sent: list[int], group: dist.ProcessGroup) -> Tensor:
    out = x.new_empty(sum(taken))
    dist.all_to_all_single(out, x, taken, sent, group=group)
    return out
