"""What a model would make of clips: the latents that its decoder will really see (docs/decisions/0006).

Shapes: n clips, f frames, t latents, h rows, w columns, c channels.
"""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from praxino import checkpoint
from praxino.flow.config import SampleConfig
from praxino.generation.parts import Parts, open_parts
from praxino.generation.rollout import Manner, Score, rollout
from praxino.pixels import unit
from praxino.training.windows import Windows

CLIPS = 400
"""How many are made anew, at most."""
LATENTS = 3
"""Of each clip: the first ones."""
SINCE = (0.2, 0.8)
"""Between these times a clip is noised: near 0 nothing is lost, near 1 the model would show something else."""
STEPS = 24
"""Of a whole walk; from SINCE on it is a few."""


def remade(held: Windows, folder: Path, into: Path, *, workers: int, report: Callable[[float], None]) -> Windows:
    """The first CLIPS clips with their first latents as the model in ``folder`` makes them, made once for its weights.

    They are kept in ``into``.
    """
    count, path = min(CLIPS, len(held.frames) - held.held_out), into / "remade.safetensors"
    digest = checkpoint.digest(folder)
    if _digest(path) != digest:
        into.mkdir(parents=True, exist_ok=True)
        made: dict[int, Tensor] = {}
        with ProcessPoolExecutor(
            workers, mp_context=get_context("spawn"), initializer=_open, initargs=(folder,)
        ) as pool:
            jobs = {
                pool.submit(_one, held.frames[n].numpy(), held.captions[n][n % len(held.captions[n])], n): n
                for n in range(count)
            }
            for job in as_completed(jobs):
                made[jobs[job]] = job.result()
                report(len(made) / len(jobs))
        latents = torch.stack([made[n] for n in range(count)])
        save_file({"latents": latents}, path.with_suffix(".tmp"), metadata={"digest": digest})
        path.with_suffix(".tmp").replace(path)
    return Windows(
        frames=held.frames[:count],
        matters=held.matters[:count],
        captions=held.captions[:count],
        remade=load_file(path)["latents"],
        held_out=0,
    )


@torch.inference_mode()
def remake(frames: Tensor, caption: str, parts: Parts, *, seed: int) -> Tensor:
    """The first latents (t, h, w, c) of frames (f, h, w, 3) in -1..1: noised to a time in SINCE and made clean again.

    Latent after latent, each seeing the ones before it as they were made, as in a film (SDEdit, Meng et al. 2022).
    """
    since = torch.empty(()).uniform_(*SINCE, generator=torch.Generator().manual_seed(seed)).item()
    clean = parts.autoencoder.encode(frames[None, : 1 + parts.compression.time * (LATENTS - 1)])
    count = clean.shape[1]
    chunks = -(-count // parts.transformer.config.chunk)
    score = Score(
        known=torch.zeros(count, dtype=torch.bool), clean=clean, words=(caption,) * chunks, negative="", seed=seed
    )
    manner = replace(Manner.of(parts.card), sampling=SampleConfig(steps=STEPS, since=since))
    return torch.cat([piece for _, piece in rollout(score, parts, manner=manner, done={}, step=lambda: None)], 1)[0]


def _digest(path: Path) -> str:
    """Of the weights that what is there was made with; empty: there is nothing."""
    if not path.exists():
        return ""
    with safe_open(path, "pt") as held:
        return held.metadata()["digest"]


_parts: list[Parts] = []


def _open(folder: Path) -> None:
    torch.set_num_threads(1)
    _parts.append(open_parts(folder))


def _one(frames: np.ndarray, caption: str, seed: int) -> Tensor:
    return remake(unit(frames), caption, _parts[0], seed=seed)
