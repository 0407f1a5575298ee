"""Keep a long film near the tones that it began with.

Each latent is made from the few before it, so what is a little off in one is a little more off in the next: over a
minute a floor turns to noise, or a picture grows dark (docs/log.md, 2026-11-28). What every latent is compared with
is the beginning: its mean and deviation per channel are drawn towards those of the first latents under the same words
(after adaptive instance normalisation, Huang & Belongie 2017, which swaps them whole).
Shapes: t latents, h rows, w columns, c channels.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor

OPENING = 4
"""Latents of a shot that its tones are taken from."""


@dataclass
class Anchor:
    """The tones of a film's present shot. A new prompt begins a new shot."""

    strength: float  # 0: nothing is drawn anywhere; 1: tones are those of the beginning
    prompt: str | None = None
    seen: list[tuple[Tensor, Tensor]] = field(default_factory=list[tuple[Tensor, Tensor]])  # tones of its first latents

    def draw(self, latents: Tensor, prompt: str, *, known: Tensor) -> Tensor:
        """Latents (1, t, h, w, c) that were just made, drawn; those that are known (t,) stay, bit for bit."""
        self._turn(prompt)
        if self.strength == 0 or len(self.seen) < OPENING:
            return latents
        mean, deviation = (sum(each) / len(each) for each in zip(*self.seen, strict=True))
        own, spread = _tones(latents)
        less = (deviation / spread.clamp(min=1e-6)).clamp(max=1.0) ** self.strength  # never more: noise would grow
        drawn = (latents.float() - own) * less + own + self.strength * (mean - own)
        return torch.where(known[None, :, None, None, None], latents, drawn.to(latents.dtype))

    def see(self, latents: Tensor, prompt: str) -> None:
        """Latents (1, t, h, w, c) as they are in the film."""
        self._turn(prompt)
        self.seen += [_tones(one[:, None]) for one in latents.unbind(1)[: OPENING - len(self.seen)]]

    def _turn(self, prompt: str) -> None:
        if prompt != self.prompt:
            self.prompt, self.seen = prompt, []


def _tones(latents: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation (1, t, 1, 1, c) of latents (1, t, h, w, c), per channel."""
    x = latents.float()
    return x.mean((2, 3), keepdim=True), x.std((2, 3), keepdim=True)
