"""What makes the films of one model: our own parts, or a pipeline of diffusers. Nobody else knows which it is."""

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from praxino import checkpoint
from praxino.generation import low_memory
from praxino.generation.card import Card
from praxino.generation.frame import frame_of
from praxino.generation.generate import frames_of, generate
from praxino.generation.low_memory import LowMemory
from praxino.generation.parts import Parts, open_parts
from praxino.generation.planned import Engine, Planned, drafted
from praxino.generation.prefix import prefix
from praxino.generation.tracing import TRACING
from praxino.layers import precision
from praxino.request import Request


def opened(model: str, *, how: LowMemory | None = None) -> Engine:
    """The engine that serves a model, on the fastest device that is here; ``how`` it saves memory, if it is to.

    Where that is not said, the environment may ask for it. Raises ValueError as `checkpoint.find`, and for what a
    model of diffusers is not asked.
    """
    how = how or low_memory.asked()
    folder = checkpoint.find(model)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    dtype = precision.fastest(device)
    if checkpoint.engine(folder) == checkpoint.OWN:
        return Own(open_parts(folder, device=device, dtype=dtype, how=how))
    if how is not None:
        raise ValueError(f"model {model!r} is served by diffusers, which saves memory by itself; leave low memory out")
    return _foreign(folder, device, dtype)


def _foreign(folder: Path, device: torch.device, dtype: torch.dtype) -> Engine:
    from praxino.generation import pipelines  # diffusers: some seconds, and an extra

    return pipelines.opened(folder, device=device, dtype=dtype)


@dataclass(frozen=True)
class Own:
    """Praxino's own transformer, chunk by chunk."""

    parts: Parts

    @property
    def name(self) -> str:
        """What the model is called."""
        return self.parts.name

    @property
    def digest(self) -> str:
        """Of its weights."""
        return self.parts.digest

    @property
    def card(self) -> Card:
        """What it says of itself."""
        return self.parts.card

    def plan(self, request: Request, *, draft: bool = False) -> Planned:
        """What is shown and what is known: of a draft, the latents of the film that it is a draft of."""
        frame = frame_of(request.width, request.height, self.card.sizes)
        shown = drafted(request, frame) if draft else request
        with TRACING.calling():
            known = prefix(request, self.parts, frame)
            if shown != request:
                small = frame_of(shown.width, shown.height, self.card.sizes)
                known = replace(prefix(shown, self.parts, small), latents=known.latents, known=known.known)
        area = known.latents.shape[2] * known.latents.shape[3] // self.parts.transformer.config.patch**2
        return Planned(
            shown=shown,
            given=known.given,
            frames=frames_of(request, known),
            tokens=lambda latents: int((~known.known[:latents]).sum()) * area,
            pieces=lambda around: generate(shown, self.parts, known=known, around=around),
        )
