"""A block-causal diffusion transformer: noisy latents, a time per frame and a text become a velocity.

Shapes: b batch, t latent frames, h rows, w columns, c latent channels, s tokens of a frame,
n = t*s, m text tokens, d width.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypedDict, Unpack, cast

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh

from praxino.layers import rope
from praxino.layers.gelu import gelu
from praxino.layers.norm import layer_norm
from praxino.transformer.block import Block, Context, Heard, Sight, Span, Stack, joined, modulate
from praxino.transformer.cache import Cache, lessons, sights
from praxino.transformer.config import TransformerConfig
from praxino.transformer.picture import PictureIn
from praxino.transformer.sequence import Split, split
from praxino.transformer.several import Behind, Call, behind, own

LEAST = 1e-3
"""Least share of a latent's variance that is left open where it is expected to continue the one before.

As much is never open: at the edge the square root of what is not open has no slope (docs/log.md, 2026-11-26).
"""


Text = Tensor | tuple[Tensor, Tensor] | Heard
"""(b, m, d_text), alone or with a mask (b, m), True where a token counts; or what `Transformer.read` made of it."""


def hear(text: Text, read: Callable[..., Heard]) -> Heard:
    """A text as `Transformer.read` makes it, where it is not that already."""
    return text if isinstance(text, Heard) else read(*(text if isinstance(text, tuple) else (text,)))


class How(TypedDict, total=False):
    """How a call is made; `Transformer.outlook` says what each is, and what it is where it is not said."""

    start: int
    cache: Cache | None
    remember: bool
    fused: bool
    causal: bool


@dataclass(frozen=True, kw_only=True)
class Shown:
    """Which frames a call brings."""

    numbers: Sequence[Sequence[int]]  # in the film, of each; for each sample, where they are of films of their own
    sights: list[Sight]
    judged: int  # the last ones, that an outlook is wanted on


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What the network says of latents (b, t, h, w, c)."""

    velocity: Tensor  # as latents
    past: Tensor | None  # as latents: the best linear guess of the latent before each; None: it does not lean on it
    open: Tensor | None  # as latents, LEAST..1 - LEAST: share of the variance that is new, given the latent before


class Transformer(nn.Module):
    """Predicts velocity = noise - clean (flow matching, Lipman et al. 2023) for each latent frame at its own time."""

    channel_std: Tensor
    fusible: bool = True
    """Whether its blocks may become one program; where not, ``fused`` is not heard."""
    mesh: DeviceMesh | None = None
    """Ranks that the tokens of each call are spread over; all make the same calls and get the same answers."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        d, inside = config.width, config.latent_channels * config.patch**2
        self.register_buffer("channel_std", torch.ones(config.latent_channels))
        self.patch_in = nn.Linear(inside + config.given_channels * config.patch**2, d)
        self.first = nn.Parameter(torch.zeros(2, d)) if config.marks_first else None  # [is not, is] the film's first
        self.text_in, self.text_out = nn.Linear(config.text_channels, d), nn.Linear(d, d)
        self.picture_in = PictureIn(config) if config.picture_channels else None
        self.time_in, self.time_out = nn.Linear(config.time_channels, d), nn.Linear(d, d)
        self.time_shift = nn.Linear(d, 6 * d)
        self.blocks = Stack(Block(config) for _ in range(config.depth))
        self.table = nn.Parameter(nn.init.normal_(torch.empty(2, d), std=d**-0.5))
        self.patch_out = nn.Linear(d, inside)
        nn.init.zeros_(self.patch_out.weight)
        nn.init.zeros_(self.patch_out.bias)
        if config.leans_on_past:
            self.past_in, self.open_out = nn.Linear(inside, d, bias=False), nn.Linear(d, inside)
            nn.init.zeros_(self.past_in.weight)
            nn.init.zeros_(self.open_out.weight)
            nn.init.constant_(self.open_out.bias, 4.0)  # nearly everything is new, to begin with

    def forward(
        self,
        latents: Tensor,
        time: Tensor,
        text: Text,
        **how: Unpack[How],
    ) -> Tensor:
        """The velocity that `outlook` gives: (b, t, h, w, c)."""
        return self.outlook(latents, time, text, **how).velocity

    def outlook(
        self,
        latents: Tensor,
        time: Tensor,
        text: Text,
        *,
        start: int = 0,
        cache: Cache | None = None,
        remember: bool = False,
        fused: bool = False,
        causal: bool = True,
    ) -> Outlook:
        """Velocity of latents (b, t, h, w, c) at time (b, t) in 0..1, and what it leans on.

        Where something is given with each latent (``given_channels``), latents have it as their last channels.

        ``start`` is the number of the first latent frame in the film. ``cache`` holds the clean past; with
        ``remember`` this call's chunk (exactly one) is added to it. ``fused``: by a program made for calls of this
        shape, which takes a while to make and is faster then. ``causal=False``: all frames of the call see each other.
        """
        cache = cache if cache is not None else Cache()
        frames, tokens = latents.shape[1], self._count(latents)
        seen = sights(start=start, frames=frames, tokens=tokens, remembered=cache.chunks, config=self.config)
        if not causal:
            seen = [Sight(begin=0, end=frames * tokens, seen=(), remembered=tuple(range(len(cache.chunks))))]
        before = self._before(latents, time, cache.last)
        shown = Shown(numbers=[range(start, start + frames)], sights=seen, judged=frames)
        made, spans = self._look(latents, time, text, before, shown=shown, cache=cache, fused=fused)
        if remember:
            cache.remember(start // self.config.chunk, spans, (latents[:, -1:], time[:, -1:]), self.config)
        return made

    def several(self, calls: Sequence[Call], *, after: Behind | None = None) -> list[Tensor]:
        """What `forward` gives for each of these calls, one of each film, all of one `Call.kind`: (1, t, h, w, c) each.

        ``after`` is `behind` of them. What is made of few rows is made for each alone, since products of another number
        of few rows round otherwise; whether those of many do is the library's business (`generation.gather` looks).
        """
        after, frames = after or behind(calls), calls[0].latents.shape[1]
        latents, time = torch.cat([call.latents for call in calls]), torch.cat([call.time for call in calls])
        numbers = [range(call.start, call.start + frames) for call in calls]
        shown = Shown(numbers=numbers, sights=[*calls[0].sights(self.config)], judged=frames)
        before = self._before(latents, time, after.cache.last)
        made, spans = self._look(latents, time, after.text, before, shown=shown, cache=after.cache)
        kept = {i: own(spans, i) for i, call in enumerate(calls) if call.remember}  # of all, or, without room, of none
        for i, its in kept.items():
            chunk, last = calls[i].start // self.config.chunk, (calls[i].latents[:, -1:], calls[i].time[:, -1:])
            calls[i].cache.remember(chunk, its, last, self.config)
        return [*made.velocity.split(1)]

    def taught(self, latents: Tensor, time: Tensor, text: Text, *, past: tuple[Tensor, Tensor]) -> Outlook:
        """What `outlook` would say of each chunk of a film from its start if the chunks before it were made.

        ``past`` is the (nearly) clean film, as ``latents`` and ``time``. All chunks at once: what a chunk sees of the
        ones before it is the clean film, as in a roll-out, and of itself ``latents`` (teacher forcing).
        """
        clean, when = past
        frames, tokens, chunk = latents.shape[1], self._count(latents), self.config.chunk
        before = self._before(clean, when, None)
        if before is not None:
            starts = (torch.arange(frames, device=latents.device) % chunk == 0)[:, None, None, None]
            own = self._before(latents, time, None)
            assert own is not None
            before = torch.cat([before, torch.where(starts, before, own)], 1)
        seen = lessons(frames=frames, tokens=tokens, config=self.config)
        shown = Shown(numbers=[[*range(frames), *range(frames)]], sights=seen, judged=frames)
        both, times = torch.cat([clean, latents], 1), torch.cat([when, time], 1)
        made, _ = self._look(both, times, text, before, shown=shown, cache=Cache())
        return made

    def _look(
        self,
        latents: Tensor,
        time: Tensor,
        text: Text,
        before: Tensor | None,
        *,
        shown: Shown,
        cache: Cache,
        fused: bool = False,
    ) -> tuple[Outlook, list[Span]]:
        """The outlook on the judged frames, and the spans of each block; ``before`` is what latents lean on."""
        spread = split(self.mesh, tokens=self._count(latents), heads=self.config.heads)
        x = self.patch_in(spread.mine(self._tokens(self._scaled(latents, time))))  # (b, t, s, d)
        if before is not None:
            x = x + self.past_in(spread.mine(self._tokens(before / self.channel_std)))
        if self.first is not None:
            kind = torch.tensor([[int(number == 0) for number in film] for film in shown.numbers], device=x.device)
            x = x + self.first[kind][:, :, None]
        heard = hear(text, self.read)
        context, embedded = self._context(latents, time, heard, shown, spread)
        x = rearrange(x, "b t s d -> b (t s) d")
        blocks = self._fused if fused and self.fusible else self.blocks
        x, spans = blocks(x, context, heard.spans, cache.spans)
        if (judged := shown.judged) < latents.shape[1]:
            x = x[:, -judged * x.shape[1] // latents.shape[1] :]
            latents, time, embedded = latents[:, -judged:], time[:, -judged:], embedded[:, -judged:]
            before = before if before is None else before[:, -judged:]
        shift, scale = (self.table + embedded[:, :, None]).unbind(2)
        x = modulate(layer_norm(x), shift, scale)
        made_of = self._picture(spread.whole(self.patch_out(x)), latents.shape)
        if before is None:
            return Outlook(velocity=self._velocity(latents, time, made_of, None, None), past=None, open=None), spans
        new = LEAST + (1 - 2 * LEAST) * self._picture(spread.whole(self.open_out(x)), latents.shape).float().sigmoid()
        velocity = self._velocity(latents, time, made_of, before, new.detach())
        return Outlook(velocity=velocity, past=before, open=new), spans

    @cached_property
    def _fused(self) -> Callable[..., Any]:
        """The blocks, compiled anew for each shape (`torch.compile`): what they do between products is one loop."""
        return torch.compile(self.blocks, dynamic=False)

    @property
    def dtype(self) -> torch.dtype:
        """Of the weights. Latents may have a finer one: noise and clean mix in float32 whatever the weights are."""
        return self.patch_in.weight.dtype

    def read(self, text: Tensor, mask: Tensor | None = None, *, picture: Tensor | None = None) -> Heard:
        """What the blocks hear of text (b, m, d_text), to be used for as many steps as there are.

        ``picture`` (b, m, d_picture) are the tokens of a picture. Raises ValueError where the model knows no pictures.
        """
        words = self.text_out(gelu(self.text_in(text)))
        pooled = None
        if self.config.pools_text:
            counts = text.new_ones(text.shape[:2]) if mask is None else mask
            share = counts.to(words.dtype) / counts.sum(-1, keepdim=True).clamp(min=1)
            pooled = torch.einsum("bmd,bm->bd", words, share)
        seen = None
        if picture is not None:
            if self.picture_in is None:
                raise ValueError("this model knows no pictures; leave the picture out")
            seen = self.picture_in(picture)
        spans, pictures = list[Span](), list[Span]()
        for block in self.blocks:  # once, and each while it is at hand (`offload`)
            listening = cast("Block", block).cross_attention
            spans.append(listening.read(words))
            if seen is not None:
                pictures.append(listening.look(seen))
        return Heard(spans=tuple(spans), pooled=pooled, mask=mask, pictures=tuple(pictures))

    def _context(
        self, latents: Tensor, time: Tensor, heard: Heard, shown: Shown, spread: Split
    ) -> tuple[Context, Tensor]:
        config, (_b, _t, h, w, _) = self.config, latents.shape
        films = [slice(None)] if len(shown.numbers) == 1 else [slice(i, i + 1) for i in range(len(latents))]
        embedded = joined(
            [self._timed(time[one], None if heard.pooled is None else heard.pooled[one]) for one in films], 0
        )
        shift = joined([self.time_shift(F.silu(embedded[one])) for one in films], 0)
        shift = rearrange(shift, "b t (k d) -> b t k d", k=6)
        size = (h // config.patch, w // config.patch)
        turns = [rope.angles(tuple(film), size=size, channels=config.width // config.heads) for film in shown.numbers]
        turn = spread.mine(rearrange(torch.stack(turns), "b (t s) c -> b t s c", s=size[0] * size[1]))
        turn = rearrange(turn, "b t s c -> b 1 (t s) c")
        turn = turn[0, 0] if len(turns) == 1 else turn
        cos, sin = (part.to(latents.device, self.dtype) for part in rope.turning(turn))
        said = {"mask": heard.mask, "pictures": heard.pictures, "lengths": heard.lengths}
        return Context(shift=shift, turn=(cos, sin), sights=shown.sights, split=spread, **said), embedded

    def _timed(self, time: Tensor, pooled: Tensor | None) -> Tensor:
        """What blocks are told of time (b, t) and of a text's mean (b, d): (b, t, d)."""
        wave = sinusoid(1000 * time, self.config.time_channels).to(self.dtype)
        embedded = self.time_out(F.silu(self.time_in(wave)))
        return embedded if pooled is None else embedded + pooled[:, None]

    def _tokens(self, picture: Tensor) -> Tensor:
        p = self.config.patch
        return rearrange(picture.to(self.dtype), "b t (h p) (w q) c -> b t (h w) (p q c)", p=p, q=p)

    def _picture(self, tokens: Tensor, shape: torch.Size) -> Tensor:
        p, rows = self.config.patch, shape[2] // self.config.patch
        return rearrange(tokens, "b (t h w) (p q c) -> b t (h p) (w q) c", t=shape[1], h=rows, p=p, q=p)

    def _count(self, latents: Tensor) -> int:
        """Tokens of a frame."""
        return latents.shape[2] * latents.shape[3] // self.config.patch**2

    def _before(self, latents: Tensor, time: Tensor, last: tuple[Tensor, Tensor] | None) -> Tensor | None:
        """The best linear guess of the latent before each: float32 (b, t, h, w, c), zero where there is none.

        ``last`` is the latent before the first, and its time.
        """
        if not self.config.leans_on_past:
            return None
        held, when = last or (torch.zeros_like(latents[:, :1]), torch.ones_like(time[:, :1]))
        x, t = torch.cat([held, latents[:, :-1]], 1).float(), _wide(torch.cat([when, time[:, :-1]], 1))
        s = self.channel_std.float()
        return (1 - t) * s**2 / (t**2 + ((1 - t) * s) ** 2) * x

    def _scaled(self, latents: Tensor, time: Tensor) -> Tensor:
        """Latents with unit variance at every time."""
        if not self.config.preconditioned:
            return latents
        t = _wide(time)
        return latents.float() * torch.rsqrt(t**2 + ((1 - t) * self.channel_std.float()) ** 2)

    def _velocity(
        self, latents: Tensor, time: Tensor, made: Tensor, before: Tensor | None, new: Tensor | None
    ) -> Tensor:
        """The best linear guess of the velocity, and what the network makes of the rest (after Karras et al. 2022).

        Per channel, with the latents' standard deviation s: a latent is expected to continue the one before, p, as an
        autoregressive process of order one does whose share q is new: with mean m = sqrt(1 - q) p and variance q s^2.
        The best linear guess of the velocity follows from x_t, and the network's part is in units of what remains, so
        that its target has unit variance at every time. Without a past, q is 1 and m is 0.
        """
        if not self.config.preconditioned:
            return made.to(latents.dtype)
        t, x, variance = _wide(time), latents.float(), self.channel_std.float() ** 2
        mean = torch.zeros((), device=x.device)
        if before is not None and new is not None:
            mean, variance = (1 - new).sqrt() * before, new * variance
        total = t**2 + (1 - t) ** 2 * variance
        guess = ((t - (1 - t) * variance) * x - t * mean) / total
        return (guess + (variance / total).sqrt() * made.float()).to(latents.dtype)


def _wide(time: Tensor) -> Tensor:
    return time.float()[:, :, None, None, None]


def sinusoid(x: Tensor, channels: int) -> Tensor:
    """Cosines then sines of x (...) at geometric frequencies: (..., channels), float32 (as in Wan and DiT)."""
    frequency = torch.exp(-math.log(10000) * torch.arange(channels // 2, device=x.device) / (channels // 2))
    angle = x.float()[..., None] * frequency
    return torch.cat([angle.cos(), angle.sin()], -1)
