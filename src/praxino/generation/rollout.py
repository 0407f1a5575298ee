"""Continue a clean prefix, chunk by chunk.

Shapes: t latent frames, h rows, w columns, c channels; a film is one sample, b = 1.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor

from praxino import geometry
from praxino.flow import path
from praxino.flow.config import SampleConfig
from praxino.flow.guide import GuidanceConfig, guide
from praxino.flow.sample import sample
from praxino.generation.anchor import Anchor
from praxino.generation.card import Card
from praxino.generation.fused import BEGINNING, Fuser
from praxino.generation.parts import Parts
from praxino.generation.tracing import TRACING
from praxino.transformer.block import Heard
from praxino.transformer.cache import Cache


@dataclass(frozen=True, kw_only=True)
class Score:
    """What is to be made: the known latents of a film, and the words of each of its chunks."""

    known: Tensor  # (t,) bool
    clean: Tensor  # (1, t, h, w, c): the known latents in place, anything elsewhere
    words: tuple[str, ...]  # one prompt per chunk
    negative: str
    seed: int
    given: Tensor | None = None  # (1, t, h, w, g): what the transformer is given with each latent, where it takes that
    picture: Tensor | None = None  # (1, m, d): tokens of a picture, where it looks at them

    def seen(self, latents: Tensor, begin: int) -> Tensor:
        """Latents (b, t, h, w, c), the first of which is number ``begin``, with what is given with each."""
        if self.given is None:
            return latents
        beside = self.given[:, begin : begin + latents.shape[1]].to(latents)
        return torch.cat([latents, beside.expand(len(latents), -1, -1, -1, -1)], -1)

    def wanted(self, size: int, done: Mapping[int, Tensor]) -> list[int]:
        """The numbers of the chunks of ``size`` latents that are neither known nor made before."""
        chunks = enumerate(self.known.split(size))
        return [number for number, known in chunks if number not in done and not known.all()]


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How it is made."""

    sampling: SampleConfig = field(default_factory=SampleConfig)
    guidance: GuidanceConfig = field(default_factory=GuidanceConfig)
    floor: float = 0.1  # noise on the past as the network sees it; the film keeps its clean frames
    anchor: float = 0.3  # how far each latent's tones are drawn to those the shot began with
    best_of: int = 1  # beginnings that are made, where nothing is known of the film; the best is continued
    fused: bool = False  # whether the film is long enough for a program of its own

    @classmethod
    def of(
        cls, card: Card, *, steps: int | None = None, guidance: float | None = None, best_of: int | None = None
    ) -> "Manner":
        """As a model's card has it, but for what is given."""
        walk, scale = card.walk, card.guidance if guidance is None else guidance
        return cls(
            sampling=SampleConfig(
                steps=card.steps if steps is None else steps,
                shift=walk.shift,
                churn=walk.churn,
                churn_until=walk.churn_until,
                solver=walk.solver,
                ticks=walk.ticks,
            ),
            guidance=GuidanceConfig(
                scale=scale,
                until=walk.until,
                projected=walk.projected,
                boundary=walk.boundary,
                below=walk.guidance_low if guidance is None else None,
            ),
            floor=walk.floor,
            anchor=walk.anchor,
            best_of=card.best_of if best_of is None else best_of,
        )


@torch.inference_mode()
def rollout(
    score: Score, parts: Parts, *, manner: Manner, done: dict[int, Tensor], step: Callable[[], None]
) -> Iterator[tuple[int, Tensor]]:
    """Yield (chunk number, its clean latents (1, t, h, w, c)) in order; known latents come back bit for bit.

    ``done`` holds chunks made before (from a journal): they are yielded as they are. Every chunk draws its noise from
    the seed and its number, so a film that was interrupted ends as one that was not.
    ``step`` is called after each step.
    """
    size, fuser = parts.transformer.config.chunk, Fuser(wanted=manner.fused)
    last = max(score.wanted(size, done), default=-1)  # what comes later looks at no past
    begins = geometry.covering(round(BEGINNING * parts.card.fps), parts.compression.time) // size
    texts: dict[str, Heard] = {}
    guided = manner.guidance.anywhere
    anchor = Anchor(manner.anchor)
    pasts = (Cache(), Cache())  # as seen with the prompt, and with the negative one where there is guidance
    for number, begin in enumerate(range(0, score.known.shape[0], size)):
        span = slice(begin, begin + size)
        prompt = score.words[number]
        negative = score.negative if guided else prompt  # a text is dear to read where its encoder is large
        for words in (prompt, negative):
            if words not in texts:
                with TRACING.calling():
                    heard = parts.read(words, whole=manner.fused)
                    texts[words] = parts.transformer.read(*heard, picture=score.picture)
        pair = (texts[prompt], texts[negative])
        generator = _generator(score.seed, number)
        fused = (
            begins <= number <= last
            and _settled(pasts[0], score, parts, span)
            and fuser.ready(partial(_pass, parts, score, span, pair[0], cache=pasts[0]))
        )
        if number in done:
            latents = done[number].to(score.clean)
        elif score.known[span].all():
            latents = score.clean[:, span]
        else:
            tries = 1 if number or score.known[span].any() else manner.best_of
            predict = _Predictor(
                parts=parts,
                score=score,
                pair=(pair[0].times(tries), pair[1].times(tries)),
                pasts=pasts,
                begin=begin,
                guidance=manner.guidance,
                fused=fused,
                step=step,
            )
            known, clean = score.known[None, span].expand(tries, -1), score.clean[:, span].expand(tries, -1, -1, -1, -1)
            latents = sample(predict, known, clean, config=manner.sampling, generator=generator)
            with TRACING.calling():
                latents = parts.best(latents, prompt) if tries > 1 else latents
            latents = anchor.draw(latents, prompt, known=score.known[span])
        anchor.see(latents, prompt)
        yield number, latents
        if number < last:
            memory = _generator(score.seed, -1 - number)
            noise = torch.randn(latents.shape, generator=memory).to(latents)
            time = torch.full(latents.shape[:2], manner.floor, device=latents.device)
            seen = path.mix(latents, noise, time).to(latents.dtype)
            for past, text in list(zip(pasts, pair, strict=True))[: 2 if guided else 1]:
                beside = score.seen(seen, begin)
                parts.transformer(beside, time, text, start=begin, cache=past, remember=True, fused=fused)


def _settled(past: Cache, score: Score, parts: Parts, span: slice) -> bool:
    """Whether a pass over these latents has the shape that all later ones have."""
    config = parts.transformer.config
    return len(past.chunks) == config.sink + config.window and span.stop <= score.known.shape[0]


def _pass(parts: Parts, score: Score, span: slice, text: Heard, *, cache: Cache) -> Tensor:
    """One that is only made to see how it is made."""
    latents = score.seen(score.clean[:, span], span.start)
    time = torch.ones(latents.shape[:2], device=latents.device)
    return parts.transformer(latents, time, text, start=span.start, cache=cache, fused=True)


def fingerprint(seed: int) -> str:
    """First 16 hexadecimal digits of the SHA-256 of the first numbers a film's noise is made of, on this machine."""
    return hashlib.sha256(torch.randn(1024, generator=_generator(seed, 0)).numpy().tobytes()).hexdigest()[:16]


def _generator(seed: int, number: int) -> torch.Generator:
    """Noise of its own for every film and chunk."""
    return torch.Generator().manual_seed((seed * 1_000_003 + number) % 2**63)


@dataclass(frozen=True, kw_only=True)
class _Predictor:
    """Velocities of one chunk, guided by its prompt and away from the negative one."""

    parts: Parts
    score: Score
    pair: tuple[Heard, Heard]  # the prompt's and the negative one
    pasts: tuple[Cache, Cache]  # as seen with each
    begin: int
    guidance: GuidanceConfig
    fused: bool
    step: Callable[[], None]

    def __call__(self, latents: Tensor, time: Tensor, now: float) -> Tensor:
        seen = self.score.seen(latents, self.begin)
        network = partial(self.parts.transformer, seen, time, start=self.begin, fused=self.fused)
        wanted = network(text=self.pair[0], cache=self.pasts[0])
        if self.guidance.active(now):
            unwanted = network(text=self.pair[1], cache=self.pasts[1])
            how = self.guidance
            wanted = guide(wanted, unwanted, latents, time, scale=how.at(now), projected=how.projected)
        self.step()
        return wanted
