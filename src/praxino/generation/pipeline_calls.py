"""How each family's pipeline is called: what is known of a film goes in, its native frames come out.

Shapes: t latents, f frames, h rows, w columns, c channels.
"""

import inspect
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from einops import rearrange
from PIL.Image import Image
from torch import Tensor

Step = Callable[[Tensor], None]
"""Hears of each step, with its latents as the pipeline has them; may raise to end the work."""
DECODE = {"decode_timestep": 0.05, "decode_noise_scale": 0.025}
"""Of LTX autoencoders that take away the last noise themselves, as their model cards have it."""


@dataclass(frozen=True, kw_only=True)
class Ask:
    """A clip to make. Sizes are native, frames 1 + k * time."""

    prompt: str
    negative: str | None
    width: int
    height: int
    frames: int  # with those of ``start``
    fps: int
    steps: int
    guidance: float
    seed: int
    start: list[Image]  # nothing, the picture it begins with, or the last frames of a clip
    end: Image | None  # the picture it ends on


def call(pipe: Any, family: str, ask: Ask, step: Step) -> np.ndarray:
    """The native frames (f, h, w, 3) uint8: ``ask.frames`` of them, the first ones as the model sees what was given."""
    made = CALLS[family](pipe, ask, step)
    return np.rint(made[-ask.frames :].clip(0, 1) * 255).astype(np.uint8)


def unpacked(latents: Tensor, family: str, shape: tuple[int, int, int]) -> Tensor:
    """Latents as a pipeline has them, as (t, h, w, c); ``shape`` is (t, h, w)."""
    if latents.ndim == 3:  # tokens; LTX has those of its conditions before, LTX-2 behind
        count = shape[0] * shape[1] * shape[2]
        own = latents[0, :count] if family == "LTX-2" else latents[0, -count:]
        return rearrange(own, "(t h w) c -> t h w c", t=shape[0], h=shape[1], w=shape[2])
    order = "t c h w" if family == "CogVideoX" else "c t h w"
    return rearrange(latents[0], f"{order} -> t h w c")


def _ltx(pipe: Any, ask: Ask, step: Step) -> np.ndarray:
    from diffusers.pipelines.ltx.pipeline_ltx_condition import LTXVideoCondition

    more: dict[str, Any] = {"frame_rate": ask.fps}
    if pipe.vae.config.timestep_conditioning:
        more |= DECODE
    if _kind(pipe) == "LTXConditionPipeline":
        known = [LTXVideoCondition(video=ask.start, frame_index=0)] if ask.start else []
        if ask.end is not None:
            known.append(LTXVideoCondition(image=ask.end, frame_index=ask.frames - 1))
        return _run(pipe, ask, step, conditions=known or None, **more)
    if ask.start:
        return _run(_as("LTXImageToVideoPipeline", pipe), ask, step, image=ask.start[0], **more)
    return _run(_as("LTXPipeline", pipe), ask, step, **more)


def _ltx2(pipe: Any, ask: Ask, step: Step) -> np.ndarray:
    from diffusers.pipelines.ltx2.pipeline_ltx2_condition import LTX2VideoCondition

    more: dict[str, Any] = {"frame_rate": float(ask.fps)}
    if _kind(pipe) == "LTX2ConditionPipeline":
        known = [LTX2VideoCondition(frames=ask.start, index=0)] if ask.start else []
        if ask.end is not None:
            known.append(LTX2VideoCondition(frames=ask.end, index=-1))
        return _run(pipe, ask, step, conditions=known or None, **more)
    if ask.start:
        return _run(_as("LTX2ImageToVideoPipeline", pipe), ask, step, image=ask.start[0], **more)
    return _run(_as("LTX2Pipeline", pipe), ask, step, **more)


def _picture(pipe: Any, ask: Ask, step: Step) -> np.ndarray:
    """CogVideoX and Mochi: a class for words, another one, with other weights, for pictures."""
    return _run(pipe, ask, step, **({"image": ask.start[0]} if ask.start else {}))


def _hunyuan(pipe: Any, ask: Ask, step: Step) -> np.ndarray:
    pipe.guider = pipe.guider.new(guidance_scale=ask.guidance)
    return _picture(pipe, ask, step)  # with a picture the pipeline takes the size of that


def _skyreels(pipe: Any, ask: Ask, step: Step) -> np.ndarray:
    if "DiffusionForcing" not in _kind(pipe):
        return _picture(pipe, ask, step)
    whole = {"fps": ask.fps, "base_num_frames": ask.frames}  # all frames at a time
    if len(ask.start) > 1:
        longer = _as("SkyReelsV2DiffusionForcingVideoToVideoPipeline", pipe)
        return _run(longer, ask, step, video=ask.start, overlap_history=len(ask.start), **whole)
    if ask.start:
        pictures = {"image": ask.start[0], "last_image": ask.end}
        return _run(_as("SkyReelsV2DiffusionForcingImageToVideoPipeline", pipe), ask, step, **pictures, **whole)
    return _run(_as("SkyReelsV2DiffusionForcingPipeline", pipe), ask, step, **whole)


CALLS: dict[str, Callable[[Any, Ask, Step], np.ndarray]] = {
    "LTX-Video": _ltx,
    "LTX-2": _ltx2,
    "CogVideoX": _picture,
    "HunyuanVideo 1.5": _hunyuan,
    "Mochi": _picture,
    "SkyReels V2": _skyreels,
}


def _kind(pipe: Any) -> str:
    return type(pipe).__name__


def _as(kind: str, pipe: Any) -> Any:
    """The same parts behind another pipeline of their family."""
    import diffusers

    if kind == _kind(pipe):
        return pipe
    made = getattr(diffusers, kind)
    wanted = inspect.signature(made.__init__).parameters
    other = made(**{name: part for name, part in pipe.components.items() if name in wanted})
    other.set_progress_bar_config(disable=True)
    return other


def _run(pipe: Any, ask: Ask, step: Step, **more: Any) -> np.ndarray:
    """Call a pipeline with what it takes: frames (f, h, w, 3) in 0..1."""
    usual = {
        "prompt": ask.prompt,
        "negative_prompt": ask.negative,
        "height": ask.height,
        "width": ask.width,
        "num_frames": ask.frames,
        "num_inference_steps": ask.steps,
        "guidance_scale": ask.guidance,
        "generator": torch.Generator("cpu").manual_seed(ask.seed),
        "output_type": "np",
    }
    takes = inspect.signature(pipe.__call__).parameters
    calls_back = "callback_on_step_end" in takes
    with _heard(pipe, step, calls_back=calls_back) as hearing, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what pipelines ask of libraries, and users can do nothing about
        made = pipe(**{name: value for name, value in (usual | more | hearing).items() if name in takes})
    return np.asarray(made.frames[0], np.float32)


@contextmanager
def _heard(pipe: Any, step: Step, *, calls_back: bool) -> Iterator[dict[str, Any]]:
    """What to call the pipeline with, so that ``step`` hears of each step: by its callback, else by its scheduler."""

    def ended(_pipe: Any, _index: int, _time: Any, held: dict[str, Tensor]) -> dict[str, Tensor]:
        step(held["latents"])
        return held

    if calls_back:
        yield {"callback_on_step_end": ended}
        return
    scheduler, walk = pipe.scheduler, pipe.scheduler.step

    def stepped(*given: Any, **named: Any) -> Any:
        made = walk(*given, **named)
        step(made[0])
        return made

    scheduler.step = stepped
    try:
        yield {}
    finally:
        del scheduler.step
