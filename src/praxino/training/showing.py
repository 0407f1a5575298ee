"""Show what a model in training makes of a fixed set of prompts."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from praxino.generation.parts import Parts
from praxino.generation.rollout import Manner, Score, rollout
from praxino.pixels import whole
from praxino.training.sheets import grid

PROMPTS = (
    "a red ball rolls to the right on a plain grey floor",
    "a blue cube slides to the left on a plain grey floor",
    "a green ball rolls to the left on a checker floor",
    "a yellow ball bounces on a plain grey floor",
    "an orange cone slides to the right on a wooden floor",
    "一个紫色的圆柱体在草地上",
    "a small pink cube spins on a sand floor",
    "一个红色的球在灰色地面上向左滚动",
)


LATENTS = 8
"""Of a film that is shown: about two seconds."""
FILMS = 3
"""How many of them are shown as films: each takes a CPU as long as a dozen steps of training."""


@torch.inference_mode()
def show(parts: Parts, path: Path, *, clips: bool, prompts: Sequence[str] = PROMPTS) -> None:
    """One picture per prompt, or a row of six moments of a film for the first few prompts, as one PNG."""
    pictures = []
    for seed, prompt in enumerate(prompts[:FILMS] if clips else prompts):
        frames = film(parts, prompt, latents=LATENTS if clips else 1, seed=seed)
        pictures.append(frames[np.linspace(0, len(frames) - 1, 6).round().astype(int)] if clips else frames)
    grid(np.concatenate(pictures), path, columns=6 if clips else 4)


@torch.inference_mode()
def film(parts: Parts, prompt: str, *, latents: int, seed: int) -> np.ndarray:
    """The frames (f, h, w, 3) uint8 of a prompt at the model's first native size."""
    width, height = parts.card.sizes[0]
    space, chunk = parts.compression.space, parts.transformer.config.chunk
    device = parts.transformer.patch_in.weight.device
    shape = (1, latents, height // space, width // space, parts.autoencoder.config.channels)
    score = Score(
        known=torch.zeros(latents, dtype=torch.bool, device=device),
        clean=torch.zeros(shape, device=device),
        words=(prompt,) * -(-latents // chunk),
        negative="",
        seed=seed,
    )
    made = [one for _, one in rollout(score, parts, manner=Manner.of(parts.card), done={}, step=lambda: None)]
    return whole(parts.autoencoder.decode(torch.cat(made, 1))[0]).cpu().numpy()
