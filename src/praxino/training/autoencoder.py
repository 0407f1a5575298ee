"""Train the autoencoder: principal components first, then the decoder's residual blocks (docs/decisions/0002).

Shapes: n windows, b batch, f frames, h rows, w columns of pixels.
"""

import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from einops import rearrange
from safetensors.torch import load_file, save_file
from torch import Tensor

from praxino import checkpoint, config
from praxino.autoencoder.model import Autoencoder
from praxino.training import pca, source, state
from praxino.training.ema import Ema
from praxino.training.latents import WINDOWS_FROM, unit
from praxino.training.log import Log
from praxino.training.optimizer import Optimizers, adamw
from praxino.training.parallel import Team
from praxino.training.recipes import Recipe
from praxino.training.sheets import compare

HELD_OUT = 16
"""Windows, the last ones, that are measured and never trained on."""


@dataclass(frozen=True, kw_only=True)
class Windows:
    """Short clips and where they matter."""

    frames: Tensor  # (n, f, h, w, 3) uint8
    matters: Tensor  # (n, f, h, w) bool


def windows(into: Path, recipe: Recipe, *, data: Path | None, workers: int) -> Windows:
    """Short clips of the first size of the recipe, rendered (or read) once and kept in ``into``."""
    path = into / "windows.safetensors"
    if not path.exists():
        into.mkdir(parents=True, exist_ok=True)
        made = _read(recipe, data) if data else _rendered(recipe, workers)
        frames = torch.from_numpy(np.stack([sample.frames for sample in made]))
        matters = torch.from_numpy(np.stack([sample.matters for sample in made]))
        save_file({"frames": frames, "matters": matters}, path.with_suffix(".tmp"))
        path.with_suffix(".tmp").replace(path)
    held = load_file(path)
    return Windows(frames=held["frames"], matters=held["matters"])


def start(recipe: Recipe, held: Windows) -> Autoencoder:
    """A new autoencoder with its linear ends solved from patches of the windows, half of them from where it matters."""
    torch.manual_seed(recipe.seed)
    model = Autoencoder(recipe.autoencoder)
    space, length = recipe.autoencoder.space, recipe.autoencoder.time
    generator = torch.Generator().manual_seed(recipe.seed)
    pca.fit(model, _patches(held, 1, space, generator), _patches(held, length, space, generator))
    return model


def work(team: Team, *, recipe: Recipe, into: Path, deadline: float, report: Callable[[int, float], None]) -> None:
    """Train until ``deadline`` (time.time()), resuming from ``into``; leave a checkpoint of the average weights there."""
    held, learn = windows(into, recipe, data=None, workers=1), recipe.learn_autoencoder
    saved = into / "state.safetensors"
    tree = state.load(saved) if saved.exists() else None
    if tree is None and not (into / "config.json").exists():
        raise ValueError(f"{into} holds no autoencoder to train; start it first")
    model = Autoencoder(recipe.autoencoder)
    tensors, _ = checkpoint.load(into)
    model.load_state_dict({k.removeprefix("autoencoder."): v.float() for k, v in tensors.items()})
    for name, p in model.named_parameters():
        # A linear encoder stays as solved: latents made with it remain valid while the decoder improves.
        p.requires_grad_(recipe.autoencoder.encoder_depth > 0 or not name.startswith(("still_in", "clip_in")))
    ema, optimizers, step = Ema(model, decay=0.998), adamw(model, rate=learn.rate), 0
    if tree is not None:
        model.load_state_dict(tree["model"])
        ema.model.load_state_dict(tree["ema"])
        optimizers.restore(tree["optimizers"])
        step = tree["step"]
    log, spoken = Log(into), 0.0
    while step < learn.steps and not team.agree(time.time() > deadline):
        loss = _step(team, model, optimizers, held, recipe, step)
        step += 1
        ema.update(model, step)
        if team.leads and (step % 10 == 0 or time.time() - spoken > 5):
            log.write(step=step, samples=step * learn.batch, stage="autoencoder", loss=loss)
            report(step, loss)
            spoken = time.time()
    if team.leads:
        tree = {"model": model.state_dict(), "ema": ema.model.state_dict(), "optimizers": optimizers.state()}
        state.save(saved, tree | {"step": step})
        keep(ema.model, into)
        log.draw()
        compare(ema.model, held.frames[-HELD_OUT:], into / "samples.png")


def keep(model: Autoencoder, into: Path) -> None:
    """Write the autoencoder as a checkpoint."""
    tensors = {f"autoencoder.{k}": v for k, v in model.state_dict().items()}
    checkpoint.save(into, tensors, {"format": 1, "name": "autoencoder", "autoencoder": config.to_json(model.config)}, {})


@torch.inference_mode()
def measure(model: Autoencoder, held: Windows) -> dict[str, float]:
    """PSNR in dB over the held-out windows: of all pixels, and of the pixels that move (by more than 24 of 255)."""
    square, count, moving_square, moving_count = 0.0, 0, 0.0, 0
    for frames in held.frames[-HELD_OUT:]:
        back = model.decode(model.encode(unit(frames.numpy())[None]))[0].clamp(-1, 1)
        error = (back - unit(frames.numpy())).square().mean(-1) / 4  # of values in 0..1
        middle = frames[::4].float().median(0).values
        moving = (frames.float() - middle).abs().amax(-1) > 24
        square, count = square + error.sum().item(), count + error.numel()
        moving_square, moving_count = moving_square + error[moving].sum().item(), moving_count + int(moving.sum())
    full, moved = square / count, moving_square / max(moving_count, 1)
    return {"full": float(-10 * np.log10(full)), "moving": float(-10 * np.log10(max(moved, 1e-12)))}


def _step(
    team: Team, model: Autoencoder, optimizers: Optimizers, held: Windows, recipe: Recipe, step: int
) -> float:
    learn = recipe.learn_autoencoder
    generator = torch.Generator().manual_seed(((recipe.seed + 1) * 1_000_003 + step) * 64 + team.rank)
    frames, matters = _batch(held, recipe, team.share(learn.batch), generator)
    latents = model.encode(frames)
    noisy = latents + learn.noise * torch.randn(latents.shape, generator=generator)
    error = (model.decode(noisy) - frames).square().mean(-1)
    weight = 1 + (learn.attention - 1) * matters
    loss = (error * weight).sum() / weight.sum()
    loss.backward()
    team.average_gradients(model)
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    fraction = step / learn.steps
    optimizers.step(min(1.0, (step + 1) / 50) * (0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * fraction))))
    average = loss.detach()[None]
    team.average([average])
    return average.item()


def _batch(held: Windows, recipe: Recipe, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Crops (b, f, crop, crop, 3) in -1..1 that mostly hold something that matters, and where."""
    learn, space = recipe.learn_autoencoder, recipe.autoencoder.space
    frames, matters = [], []
    total, length, height, width = held.matters.shape
    for _ in range(count):
        best: tuple[int, int, int, int] | None = None
        for _ in range(3):  # of three places, the one with most that matters
            n, f = _draw(total - HELD_OUT, generator), _draw(length - learn.frames + 1, generator)
            y = space // 2 * _draw((height - min(learn.crop, height)) // (space // 2) + 1, generator)
            x = space // 2 * _draw((width - min(learn.crop, width)) // (space // 2) + 1, generator)
            place = (n, f, y, x)
            if best is None or _window(held.matters, place, learn).sum() > _window(held.matters, best, learn).sum():
                best = place
        assert best is not None
        frames.append(_window(held.frames, best, learn))
        matters.append(_window(held.matters, best, learn))
    crop = torch.stack(frames)
    if torch.rand((), generator=generator) < 0.5:
        return torch.flip(crop, [3]).float() / 127.5 - 1, torch.flip(torch.stack(matters), [3])
    return crop.float() / 127.5 - 1, torch.stack(matters)


def _window(x: Tensor, place: tuple[int, int, int, int], learn: object) -> Tensor:
    from praxino.training.recipes import AutoencoderRecipe

    assert isinstance(learn, AutoencoderRecipe)
    n, f, y, left = place
    return x[n, f : f + learn.frames, y : y + learn.crop, left : left + learn.crop]


def _draw(below: int, generator: torch.Generator) -> int:
    return int(torch.randint(max(below, 1), (), generator=generator))


def _patches(held: Windows, length: int, space: int, generator: torch.Generator) -> Tensor:
    """Patches (n, length * space * space * 3) at random places; half of them where something matters."""
    total, frames, height, width = held.matters.shape
    out: list[Tensor] = []
    want = min(24_000, 600 * (total - HELD_OUT))
    for n in range(total - HELD_OUT):
        each = -(-want // (total - HELD_OUT))
        for k in range(each):
            for _ in range(8):
                f = _draw(frames - length + 1, generator)
                y, x = _draw(height - space + 1, generator), _draw(width - space + 1, generator)
                if k % 2 or held.matters[n, f : f + length, y : y + space, x : x + space].any():
                    break
            out.append(held.frames[n, f : f + length, y : y + space, x : x + space])
    patches = torch.stack(out)
    return rearrange(patches, "n s p q k -> n (s p q k)").float() / 127.5 - 1


def _rendered(recipe: Recipe, workers: int) -> list[source.Sample]:
    data = recipe.data
    make = partial(source.clip, rung=data.rung, size=data.sizes[0], frames=2 * recipe.learn_autoencoder.frames - 1)
    seeds = range(WINDOWS_FROM, WINDOWS_FROM + data.windows + HELD_OUT)
    if workers == 1:
        return [make(seed) for seed in seeds]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return list(pool.map(make, seeds, chunksize=4))


def _read(recipe: Recipe, data: Path) -> list[source.Sample]:
    frames = 2 * recipe.learn_autoencoder.frames - 1
    found = list(source.from_shards(data, size=recipe.data.sizes[0], frames=frames))
    if len(found) <= HELD_OUT:
        raise ValueError(f"{data} holds {len(found)} clips of {frames} frames; more than {HELD_OUT} are needed")
    return found
