"""Our transformer against `diffusers`' on the same weights: one full forward of Wan's network, made small.

Shapes: t latent frames, h rows, w columns of latents; a token is 2x2 of them.
"""

import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from praxino.evaluation.bench.figure import Figure, Report, side_by_side
from praxino.evaluation.bench.pair import CHANNELS, Size, pair
from praxino.transformer.model import Transformer

WORDS, TEXT = 64, 512
"""Tokens of the text, and channels of one."""
TIME = 0.7
PRECISIONS = {"float32": torch.float32, "bf16": torch.bfloat16}
TARGETS = {"float32": 1.0, "bf16": 1.5}
"""How many times as fast as theirs."""


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How large the networks are, and the clips they see."""

    heads: int = 6
    channels: int = 128  # of a head, as Wan's
    depth: int = 4
    clips: tuple[tuple[int, int, int], ...] = ((5, 20, 20), (5, 40, 40), (20, 40, 40))  # 500, 2,000 and 8,000 tokens
    rounds: int = 6

    @property
    def size(self) -> Size:
        """Of the networks."""
        width, longest = self.heads * self.channels, max(t for t, _, _ in self.clips)
        return Size(
            heads=self.heads, channels=self.channels, depth=self.depth, ffn=4 * width, text=TEXT, frames=longest
        )


QUICK = Scale(clips=((5, 20, 20), (5, 40, 40)), rounds=5)


@torch.inference_mode()
def forward(report: Report, scale: Scale) -> list[Figure]:
    """Seconds of theirs over seconds of ours, in each precision; and the largest difference in float32.

    Raises ValueError where `diffusers` is not installed.
    """
    theirs, ours = pair(scale.size)
    figures: list[Figure] = []
    ratios: dict[str, list[float]] = {}
    error = 0.0
    for n, (precision, dtype) in enumerate(PRECISIONS.items()):
        for k, clip in enumerate(scale.clips):
            works = _passes(theirs.to(dtype=dtype), ours.to(dtype=dtype), clip, dtype)
            if dtype == torch.float32 and k == 0:
                want, got = (work() for work in works.values())
                error = float((got.permute(0, 4, 1, 2, 3) - want).abs().max() / want.abs().max())
            taken = side_by_side(works, rounds=scale.rounds)
            ratios.setdefault(precision, []).append(taken["theirs"] / taken["ours"])
            many = f"{math.prod(clip) // 4:,} tokens, width {scale.size.width}, depth {scale.depth}"
            figures.append(
                Figure(
                    what=f"forward of {many}, {precision}",
                    value=1 / taken["ours"],
                    unit="passes/s",
                    against="diffusers",
                    reference=1 / taken["theirs"],
                )
            )
            report("forward", (n * len(scale.clips) + k + 1) / (len(PRECISIONS) * len(scale.clips)))
    for name, held in ratios.items():
        what, value = f"forward_vs_diffusers_{name}", statistics.geometric_mean(held)
        figures.append(Figure(what=what, value=value, unit="x", against="target", reference=TARGETS[name]))
    what = "forward_error_float32"
    return [*figures, Figure(what=what, value=error, unit="of the largest", against="bound", reference=1e-4)]


def _passes(
    theirs: nn.Module, ours: Transformer, clip: tuple[int, int, int], dtype: torch.dtype
) -> dict[str, Callable[[], Tensor]]:
    """A forward of each, of the same latents and words."""
    latents, words = torch.randn(1, CHANNELS, *clip, dtype=dtype), torch.randn(1, WORDS, TEXT, dtype=dtype)
    mask, turned = torch.ones(1, WORDS, dtype=torch.bool), latents.permute(0, 2, 3, 4, 1).contiguous()
    return {
        "theirs": lambda: theirs(latents, torch.tensor([1000 * TIME]), words, return_dict=False)[0],
        "ours": lambda: ours(turned, torch.full((1, clip[0]), TIME), (words, mask), fused=True),
    }
