"""Wan's autoencoder, umT5, CLIP and whole films are here what diffusers and transformers make of the same weights."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler, WanImageToVideoPipeline, WanPipeline
from PIL import Image
from tests import wan
from torch import Tensor
from transformers import CLIPImageProcessor, PreTrainedTokenizerFast

from praxino.flow.sample import clock
from praxino.generation import generate, wan_import
from praxino.generation.frame import frame_of
from praxino.generation.parts import Parts, open_parts
from praxino.generation.prefix import prefix
from praxino.generation.rollout import _generator, rollout
from praxino.request import Request, Shot
from praxino.transformer.wan_import import Terms

BOUND = 1e-4
tokenizers: dict[str, PreTrainedTokenizerFast] = {}
SIDE = 64
GUIDANCE = {"turns": (4.0, 3.0), "turns, shown": (3.5, 3.5)}
FILMS = (("words", 0), ("picture", 1), ("pictures", 2), ("5B", 0), ("5B", 1), ("turns", 0), ("turns, shown", 1))


def error(got: Tensor, want: Tensor) -> float:
    """Largest difference, relative to the largest value."""
    return float((got - want).abs().max() / want.abs().max())


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The parts of a small model of a kind, imported."""
    made: dict[tuple[str, bool], Parts] = {}

    def of(kind: str, *, by_unipc: bool = False) -> Parts:
        if (kind, by_unipc) not in made:
            place = tmp_path_factory.mktemp(kind)
            wan.folder(place / "theirs", kind, by_unipc=by_unipc)
            wan_import.bring(place / "theirs", place / "ours", Terms(), wan_import.Whole(size=(SIDE, SIDE)))
            made[kind, by_unipc] = open_parts(place / "ours")
            tokenizers[kind] = PreTrainedTokenizerFast.from_pretrained(place / "theirs" / "tokenizer")
        return made[kind, by_unipc]

    return of


@pytest.mark.parametrize("kind", ["words", "5B"])
@torch.inference_mode()
def test_the_autoencoder_is_that_of_diffusers(opened: Any, kind: str) -> None:
    ours, theirs = opened(kind).autoencoder, wan.vae(kind)
    frames = torch.rand(1, 9, 32, 64, 3, generator=torch.Generator().manual_seed(0)) * 2 - 1
    want = theirs.encode(frames.permute(0, 4, 1, 2, 3)).latent_dist.mode()
    mean, std = (torch.tensor(theirs.config[name]) for name in ("latents_mean", "latents_std"))
    latents = ours.encode(frames)
    assert latents.shape == (1, 3, 32 // ours.config.space, 64 // ours.config.space, ours.config.channels)
    assert error(latents, (want.permute(0, 2, 3, 4, 1) - mean) / std) <= BOUND
    assert error(ours.decode(latents).clamp(-1, 1), theirs.decode(want).sample.permute(0, 2, 3, 4, 1)) <= BOUND


@pytest.mark.parametrize("kind", ["words", "5B"])
@torch.inference_mode()
def test_the_autoencoder_in_pieces_is_the_autoencoder_at_once(opened: Any, kind: str) -> None:
    coder = opened(kind).autoencoder
    frames = torch.rand(1, 17, 32, 32, 3, generator=torch.Generator().manual_seed(0)) * 2 - 1
    latents, state = coder.encode(frames), {}
    assert (
        error(torch.cat([coder.encode(each, state=state) for each in frames.split([1, 4, 12], 1)], 1), latents) < 1e-6
    )
    made, state = coder.decode(latents), {}
    assert made.shape == frames.shape
    assert error(torch.cat([coder.decode(each, state=state) for each in latents.split([2, 1, 2], 1)], 1), made) < 1e-5
    with pytest.raises(ValueError, match=r"2 frames must be 1 \+ a multiple of 4"):
        coder.encode(frames[:, :2])


@pytest.mark.parametrize("prompt", ["a red ball’s  shadow &amp; the sea", "", "the sea " * 300])
@torch.inference_mode()
def test_the_text_is_that_of_transformers(opened: Any, prompt: str) -> None:
    parts = opened("words")
    pipe = WanPipeline(tokenizer=tokenizers["words"], text_encoder=wan.umt5(), vae=None, scheduler=None)
    want = pipe._get_t5_prompt_embeds(prompt, max_sequence_length=512)
    for whole in (False, True):
        got, mask = parts.read(prompt, whole=whole)
        assert mask is None
        assert error(got, want) <= BOUND


def asked(start: Path | None = None, end: Path | None = None) -> Request:
    return Request(
        shots=(Shot(seconds=0.5, prompt="a red ball rolls"),), width=SIDE, height=SIDE, fps=16, seed=3, steps=4,
        start=start and str(start), end=end and str(end), negative="the sea",
    )  # fmt: skip


def euler(times: Tensor) -> FlowMatchEulerDiscreteScheduler:
    """Their sampler at our times."""
    scheduler = FlowMatchEulerDiscreteScheduler(shift=1.0)
    ready = scheduler.set_timesteps
    scheduler.set_timesteps = lambda _count, device=None: ready(sigmas=times[:-1].tolist(), device=device)
    return scheduler


def theirs(kind: str, request: Request, pictures: list[Image.Image], noise: Tensor, scheduler: Any) -> Tensor:
    """The latents (1, t, h, w, c) of the film that diffusers' pipeline makes."""
    parts = {"tokenizer": tokenizers[kind], "text_encoder": wan.umt5(), "vae": wan.vae(kind), "scheduler": scheduler,
             "transformer": wan.transformer(kind)}  # fmt: skip
    turns: dict[str, Any] = {}
    if kind in wan.BOUNDARIES:
        turns = {"transformer_2": wan.transformer(kind, second=True), "boundary_ratio": wan.BOUNDARIES[kind]}
    said: dict[str, Any] = {
        "prompt": request.shots[0].prompt, "negative_prompt": request.negative, "height": SIDE, "width": SIDE,
        "num_frames": 1 + 4 * (noise.shape[1] - 1), "num_inference_steps": request.steps,
        "latents": noise.permute(0, 4, 1, 2, 3), "output_type": "latent",
    }  # fmt: skip
    said |= dict(zip(("guidance_scale", "guidance_scale_2"), GUIDANCE.get(kind, (5.0,)), strict=False))
    if pictures:
        looks = CLIPImageProcessor(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28})
        eyes = {"image_encoder": wan.eyes(), "image_processor": looks} if "image_dim" in wan.KINDS[kind] else {}
        pipe: Any = WanImageToVideoPipeline(**parts, **eyes, **turns, expand_timesteps=kind == "5B")
        said |= {"image": pictures[0], "last_image": pictures[1] if len(pictures) > 1 else None}
    else:
        pipe = WanPipeline(**parts, **turns)
    pipe.set_progress_bar_config(disable=True)
    return pipe(**said).frames.permute(0, 2, 3, 4, 1)


@pytest.mark.parametrize(("kind", "given"), FILMS)
@pytest.mark.parametrize("by_unipc", [False, True], ids=["euler", "unipc"])
@torch.inference_mode()
def test_a_film_is_the_one_that_the_pipeline_of_diffusers_makes(
    opened: Any, kind: str, given: int, by_unipc: bool, tmp_path: Path
) -> None:
    parts, rng = opened(kind, by_unipc=by_unipc), np.random.default_rng(0)
    pictures = [Image.fromarray(rng.integers(0, 255, (SIDE, SIDE, 3), np.uint8)) for _ in range(given)]
    files = [tmp_path / f"{number}.png" for number in range(given)]
    for picture, file in zip(pictures, files, strict=True):
        picture.save(file)
    assert parts.card.walk.solver == ("unipc" if by_unipc else "euler")
    request = asked(*files)
    known = prefix(request, parts, frame_of(SIDE, SIDE, parts.card.sizes))
    manner = generate._manner(request, parts, known)
    score = generate._score(request, parts, known)
    ((_, got),) = rollout(score, parts, manner=manner, done={}, step=lambda: None)
    noise = torch.randn(known.latents.shape, generator=_generator(request.seed, 0))
    scheduler = wan.unipc() if by_unipc else euler(clock(manner.sampling))
    want = theirs(kind, request, pictures, noise, scheduler)
    assert error(got, want) <= BOUND
