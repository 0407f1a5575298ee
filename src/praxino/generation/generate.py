"""A request becomes a film, piece by piece.

Shapes: t latents, f frames, h rows, w columns.
"""

from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import CancelledError
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import accumulate
from threading import Event

import numpy as np
import torch
from torch import Tensor

from praxino import geometry
from praxino.autoencoder import tiles
from praxino.generation.ahead import ahead, cores
from praxino.generation.finish import Detail, Finisher
from praxino.generation.frame import Frame, frame_of
from praxino.generation.given import opening
from praxino.generation.journal import Journal
from praxino.generation.parts import Parts
from praxino.generation.prefix import Known
from praxino.generation.program import pays
from praxino.generation.rollout import Manner, Score, rollout
from praxino.generation.tracing import TRACING
from praxino.generation.watch import Watch
from praxino.pixels import unit
from praxino.request import Request

AWAY = 2.0
"""Guidance at least, away from a negative prompt, for models that need none otherwise."""
AHEAD = 4
"""Chunks that may be denoised before they are decoded."""
Report = Callable[[str, float], None]
"""(stage, fraction 0..1 of it)."""


def silent(_stage: str, _done: float) -> None:
    """For who does not want to hear how far it is."""


@dataclass(frozen=True, kw_only=True)
class Around:
    """What surrounds the making of a film, and does not change it."""

    journal: Journal | None = None
    report: Report = silent
    watch: Watch = field(default_factory=Watch)
    enough: Callable[[], bool] | None = None  # asked, in another thread, after each chunk: is the film to end with it?
    stop: Event = field(default_factory=Event)  # set by who wants no more of it, who then takes no more either
    look: Callable[[np.ndarray], None] | None = None  # sees pictures (f, H, W, 3) of what is not done, as they come
    cores: int | None = None  # for the beginning, while there is nothing else to do; None: as many as for the rest


def frames_of(request: Request, known: Known) -> int:
    """How many frames the film has: those asked for and, before them, those of a clip given as its start."""
    asked = geometry.frames_of_seconds(request.seconds, request.fps)
    return asked + (known.given if known.moving else 0)


@torch.inference_mode()
def generate(request: Request, parts: Parts, *, known: Known, around: Around | None = None) -> Iterator[np.ndarray]:
    """Yield the film's frames (f, H, W, 3) uint8 in pieces, as soon as each is made.

    Denoising goes on in a thread of its own while they are used; from there it is reported. What the report raises is
    raised here, before anything else is made.

    ``known`` is `prefix` of the same request. What was given as the start comes first, untouched.
    """
    around = around or Around()
    frame = frame_of(request.width, request.height, parts.card.sizes)
    for picture in opening(request, request.fps):
        yield picture[None]
    finisher, position, decode = None, 0, tiles.decoder(parts.autoencoder, parts.tiling)
    with closing(_chunks(request, parts, known, around)) as chunks:
        for latents in chunks:
            with TRACING.calling(), around.watch.stage("decoding"):
                native = decode(latents)[0].float().clamp(-1, 1)
            position += len(native)
            if position < known.seen:
                continue
            with TRACING.calling(), around.watch.stage("finishing"):
                if finisher is None:
                    native = native[len(native) - (position - max(known.seen - 1, 0)) :]
                    finisher = _finisher(request, parts, frame, known, native[0])
                piece = finisher.push(native)
                if position >= known.frames:
                    piece = torch.cat([piece, finisher.rest()])
            if len(piece):
                yield piece.cpu().numpy()


def _chunks(request: Request, parts: Parts, known: Known, around: Around) -> Generator[Tensor]:
    """The latents (1, t, h, w, c) of each chunk, made ahead of their use."""
    score, manner, size = _score(request, parts, known), _manner(request, parts, known), parts.transformer.config.chunk
    done = around.journal.done() if around.journal else {}
    around.watch.skipped = bool(done)
    wanted, first = score.wanted(size, done), score.wanted(size, {})[:1]
    pace = _Pace(around=around, steps=manner.sampling.steps * len(wanted))
    rolling = rollout(score, parts, manner=manner, done=done, step=pace.step)
    kept = _kept(rolling, done, around, later={*wanted} - {*first})
    with closing(ahead(kept, room=AHEAD, stop=pace.stop)) as made:
        for _, latents in made:
            if pace.broken is not None:
                raise pace.broken
            around.watch.latents += latents.shape[1]
            yield latents


@dataclass(kw_only=True)
class _Pace:
    """Hears of each step and reports it; ends the work where no one wants it any more."""

    around: Around
    steps: int  # that there will be
    stop: Event = field(default_factory=Event)
    broken: BaseException | None = None  # what the report raised; what is made already need not be used any more
    _taken: int = field(default=0, init=False)

    def step(self) -> None:
        """One more. Raises CancelledError, or what the report raises."""
        if self.stop.is_set() or self.around.stop.is_set():
            raise CancelledError
        self._taken += 1
        try:
            self.around.report("sampling", self._taken / self.steps)
        except BaseException as error:
            self.broken = error
            raise


def _kept(
    rolling: Iterator[tuple[int, Tensor]], done: Mapping[int, Tensor], around: Around, *, later: set[int]
) -> Iterator[tuple[int, Tensor]]:
    """The chunks of a roll-out, each in the journal before anyone sees it; enough may be before one of ``later``."""
    stage, count = "beginning", around.cores or torch.get_num_threads()
    while True:
        with around.watch.stage(stage), cores(count):
            made = next(rolling, None)
        stage, count = "denoising", torch.get_num_threads()
        if made is None:
            return
        if around.journal and made[0] not in done:
            around.journal.write(*made)
        yield made
        if around.enough is not None and made[0] + 1 in later and around.enough():
            return


def _score(request: Request, parts: Parts, known: Known) -> Score:
    """Each chunk gets the words of the shot that its middle falls into."""
    chunk, time = parts.transformer.config.chunk, parts.compression.time
    ends = list(accumulate(shot.seconds for shot in request.shots))
    given = known.seen / parts.card.fps if known.moving else 0.0
    words = []
    for begin in range(0, len(known.known), chunk):
        middle = (begin + chunk / 2) * time / parts.card.fps - given
        shot = next((i for i, end in enumerate(ends) if middle < end), len(ends) - 1)
        words.append(request.shots[shot].prompt)
    return Score(
        known=known.known,
        clean=known.latents,
        words=tuple(words),
        negative=request.negative or parts.card.negative,
        seed=request.seed,
        given=known.beside,
        picture=known.picture,
    )


def _manner(request: Request, parts: Parts, known: Known) -> Manner:
    guidance = request.guidance
    if request.negative and guidance is None and parts.card.guidance < AWAY:
        guidance = AWAY
    if parts.critic is None and (request.best_of or 1) > 1:
        raise ValueError(f"best_of {request.best_of} needs a critic, and model {parts.name} has none; leave it out")
    manner = Manner.of(parts.card, steps=request.steps, guidance=guidance, best_of=request.best_of)
    passes = int((~known.known).sum()) // parts.transformer.config.chunk * manner.sampling.steps
    return replace(manner, fused=pays(passes, known.latents.device))


def _finisher(request: Request, parts: Parts, frame: Frame, known: Known, made: Tensor) -> Finisher:
    """``made`` (h, w, 3) is the first native frame pushed: the last one given, or the film's first."""
    ratio = parts.card.fps / request.fps
    asked = geometry.frames_of_seconds(request.seconds, request.fps)
    given, detail = known.last is not None, None
    if known.last is not None:
        shown = frame.out_of_native(made[None], finer=parts.upscaler)
        detail = Detail(given=unit(known.last).to(made.device), made=unit(shown)[0])
    return Finisher(
        frame=frame,
        ratio=ratio,
        first=ratio if given else 0.0,
        count=asked - (1 if given and not known.moving else 0),
        detail=detail,
        finer=parts.upscaler,
        end=None if known.end is None else torch.tensor(known.end, device=made.device),
    )
