"""The engine of models that a pipeline of diffusers makes films with: one clip at a time, all its frames together.

Shapes: f frames, h rows, w columns.
"""

import json
from collections.abc import Iterator
from concurrent.futures import CancelledError
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from praxino import checkpoint, config, geometry
from praxino.generation import able, glimpse
from praxino.generation.ahead import cores
from praxino.generation.card import Card
from praxino.generation.families import Latents
from praxino.generation.finish import Detail, Finisher
from praxino.generation.frame import Frame, frame_of
from praxino.generation.generate import AWAY, Around
from praxino.generation.given import Given, Sight, given, moving, opening
from praxino.generation.pipeline_calls import Ask, Step, call, unpacked
from praxino.generation.planned import Planned, drafted
from praxino.media import fit
from praxino.pixels import unit
from praxino.request import Request

INDEX = "model_index.json"
"""Where a pipeline names its parts."""
PIECE = 16
"""Frames that are finished at a time."""
ROOM = 1.3
"""Memory of a GPU that weights need, over their size, for all of them to stay on it."""


def opened(folder: Path, *, device: torch.device, dtype: torch.dtype) -> "Pipeline":
    """Open a model's folder. Raises ValueError where it holds no whole pipeline, or diffusers is not installed."""
    about = checkpoint.card(folder)
    digest = checkpoint.digest(folder)
    return Pipeline(
        pipe=_pipe(folder, str(about["pipeline"]), digest, device, dtype),
        family=str(about["family"]),
        name=str(about["name"]),
        digest=digest,
        card=config.from_json(Card, about["card"]),
        latents=config.from_json(Latents, about["latents"]),
        device=device,
    )


@lru_cache(maxsize=1)  # opening takes longer than many a film
def _pipe(folder: Path, kind: str, _digest: str, device: torch.device, dtype: torch.dtype) -> Any:
    try:
        import diffusers
        from diffusers.utils import logging
        from transformers.utils import logging as transformers_logging
    except ImportError as error:
        raise ValueError(f"model {folder.name!r} needs {error.name}; install praxino[open-weights]") from None
    logging.disable_progress_bar()
    transformers_logging.disable_progress_bar()
    index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    sharp = "AutoencoderKLWan" in index["vae"]  # it is kept in float32, as its model cards ask for
    try:
        pipe = getattr(diffusers, kind).from_pretrained(
            str(folder),
            dtype={"default": dtype, "vae": torch.float32} if sharp else dtype,
            use_safetensors=True,
            local_files_only=True,
        )
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise ValueError(f"model {folder.name!r} cannot be opened: {error}; import it again") from None
    pipe.set_progress_bar_config(disable=True)
    if hasattr(pipe.vae, "enable_tiling"):
        pipe.vae.enable_tiling()
    size = sum(file.stat().st_size for file in checkpoint.weights(folder))
    if device.type == "cuda" and ROOM * size > torch.cuda.mem_get_info(device)[0]:
        pipe.enable_model_cpu_offload(device=device)
        return pipe
    return pipe.to(device)


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """A model that was opened."""

    pipe: Any
    family: str
    name: str
    digest: str
    card: Card
    latents: Latents
    device: torch.device

    def plan(self, request: Request, *, draft: bool = False) -> Planned:
        """Read what the request gives. Raises ValueError for what cannot be read, and for what the model cannot do."""
        able.check(request, self.card, moving=moving(request))
        if (request.best_of or 1) > 1:
            raise ValueError(f"best_of {request.best_of} needs a critic, and model {self.name} has none; leave it out")
        frame = frame_of(request.width, request.height, self.card.sizes)
        shown = drafted(request, frame) if draft else request
        sight = Sight(fps=self.card.fps, frames=self.card.context, time=self.latents.time)
        had = given(request, frame, sight)
        end = None if had.end is None else frame.into_native(had.end[None])[0]
        if shown != request:  # the model sees what it would of the film that this is a draft of
            frame = replace(frame, width=shown.width, height=shown.height)
            had = replace(given(shown, frame, sight), native=had.native)
        film = _Film(engine=self, request=shown, frame=frame, given=had, end=end)
        asked = geometry.frames_of_seconds(request.seconds, request.fps)
        return Planned(
            shown=shown,
            given=had.count,
            frames=asked + (had.count if had.moving else 0),
            tokens=film.tokens,
            pieces=film.pieces,
        )

    @cached_property
    def glimpse(self) -> glimpse.Glimpse:
        """What its latents look like."""
        return glimpse.fitted(self.pipe.vae, space=self.latents.space, time=self.latents.time)


@dataclass(frozen=True, kw_only=True)
class _Film:
    """One film in the making."""

    engine: Pipeline
    request: Request
    frame: Frame
    given: Given
    end: np.ndarray | None  # (h, w, 3) uint8: what it ends on, as the model sees it

    @property
    def shape(self) -> tuple[int, int, int]:
        """Latents (t, h, w) of the clip: whole ones, and more than the first."""
        time, space = self.engine.latents.time, self.engine.latents.space
        frames = geometry.frames_of_seconds(self.request.seconds, self.engine.card.fps)
        frames += self.given.seen if self.given.moving else 0
        t = max(2, geometry.covering(frames, time))
        return t, self.frame.native_height // space, self.frame.native_width // space

    def tokens(self, latents: int) -> int:
        """That were made, once so many latents were had."""
        t, h, w = self.shape
        known = geometry.latent_frames(self.given.seen, self.engine.latents.time) if self.given.seen else 0
        return max(0, min(latents, t) - known) * h * w // self.engine.latents.patch**2

    def pieces(self, around: Around) -> Iterator[np.ndarray]:
        """The film's frames (f, H, W, 3) uint8: what was given, untouched, then what is made, once all of it is."""
        for picture in opening(self.request, self.request.fps):
            yield picture[None]
        native = torch.from_numpy(self._native(around))[max(self.given.seen - 1, 0) :]
        around.watch.latents += self.shape[0]
        finisher = self._finisher(native[0])
        for begin in range(0, len(native), PIECE):
            with around.watch.stage("finishing"):
                piece = finisher.push(unit(native[begin : begin + PIECE]))
                if begin + PIECE >= len(native):
                    piece = torch.cat([piece, finisher.rest()])
            if len(piece):
                yield piece.numpy()

    def _native(self, around: Around) -> np.ndarray:
        """The clip (f, h, w, 3) uint8 as the model makes it: of a film that was interrupted, from its journal."""
        done = around.journal.done() if around.journal else {}
        around.watch.skipped = bool(done)
        if 0 in done:
            return done[0].numpy()
        many = around.cores or torch.get_num_threads()
        with around.watch.stage("denoising"), cores(many), torch.random.fork_rng():
            torch.manual_seed(self.request.seed)  # for pipelines that draw beside their generator
            made = call(self.engine.pipe, self.engine.family, self._ask(), self._step(around))
        if around.journal:
            around.journal.write(0, torch.from_numpy(made))
        return made

    def _ask(self) -> Ask:
        request, card, given = self.request, self.engine.card, self.given
        guidance = card.guidance if request.guidance is None else request.guidance
        if request.negative and request.guidance is None:
            guidance = max(guidance, AWAY)
        return Ask(
            prompt=request.shots[0].prompt,
            negative=request.negative or card.negative or None,
            width=self.frame.native_width,
            height=self.frame.native_height,
            frames=geometry.frames_of(self.shape[0], self.engine.latents.time),
            fps=card.fps,
            steps=request.steps or card.steps,
            guidance=guidance,
            seed=request.seed,
            start=[] if given.native is None else [Image.fromarray(picture) for picture in given.native],
            end=None if self.end is None else Image.fromarray(self.end),
        )

    def _step(self, around: Around) -> Step:
        """Hears of each step: reports it and shows it; ends the work where no one wants it any more."""
        taken, steps = count(1), self.request.steps or self.engine.card.steps

        def step(latents: Tensor) -> None:
            if around.stop.is_set():
                raise CancelledError
            around.report("sampling", min(1.0, next(taken) / steps))
            if around.look is not None:
                around.look(self._glimpsed(latents))

        return step

    def _glimpsed(self, latents: Tensor) -> np.ndarray:
        """The frame (1, H, W, 3) uint8 in the middle, as far as it is."""
        clip = unpacked(latents.detach(), self.engine.family, self.shape)
        picture = self.engine.glimpse.of(clip[len(clip) // 2])
        return fit.fit(picture[None], width=self.request.width, height=self.request.height)

    def _finisher(self, made: Tensor) -> Finisher:
        """``made`` (h, w, 3) uint8 is the first native frame pushed: the last one given, or the film's first."""
        request, given = self.request, self.given
        asked = geometry.frames_of_seconds(request.seconds, request.fps)
        ratio, detail = self.engine.card.fps / request.fps, None
        if given.last is not None:
            shown = self.frame.out_of_native(unit(made)[None])
            detail = Detail(given=unit(given.last), made=unit(shown)[0])
        return Finisher(
            frame=self.frame,
            ratio=ratio,
            first=0.0 if given.last is None else ratio,
            count=asked - (1 if given.count and not given.moving else 0),
            detail=detail,
            end=None if given.end is None else torch.tensor(given.end),
        )
