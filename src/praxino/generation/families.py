"""Families of open weights that pipelines of diffusers make films with: what each can, and at which sizes.

Torch is not needed to know. Figures are those of the released weights and of the pipelines' own defaults (diffusers
0.42); what differs between releases is read from their configs by `pipelines_import`.
"""

from dataclasses import dataclass

from praxino.generation.card import Ability

ENGINE = "diffusers"
"""How a model's config names this engine."""
WORDS: tuple[Ability, ...] = ("words", "negative")
FORCING: tuple[Ability, ...] = ("words", "start", "between", "extend", "negative")
PICTURE: tuple[Ability, ...] = ("start", "negative")
SHAPES = ((16, 9), (9, 16), (4, 3), (3, 4), (1, 1), (21, 9))
"""Of native sizes, where a family has no list of its own."""


@dataclass(frozen=True, kw_only=True)
class Latents:
    """What a latent of a model stands for."""

    space: int  # pixels, along height and along width
    time: int  # frames; the first one holds one frame
    channels: int
    patch: int  # latents per token, along height and along width


@dataclass(frozen=True, kw_only=True)
class Family:
    """Weights of one kind. A pipeline makes one clip of 1 + k * time frames at a time."""

    name: str
    pipelines: dict[str, tuple[Ability, ...]]  # classes that open it, and what a film of each can be asked for
    fps: int
    frames: int  # native, at most, with those that it continues
    latents: Latents  # where the autoencoder's config does not say otherwise
    size: tuple[int, int]  # native (width, height) in pixels
    multiple: int  # of sides, in pixels
    steps: int
    guidance: float
    context: int = 1  # native frames of a clip that it sees when it goes on from one
    shapes: bool = True  # whether other shapes as large as ``size`` are native too


FAMILIES = (
    Family(
        name="LTX-Video",
        pipelines={
            "LTXPipeline": ("words", "start", "negative"),
            "LTXImageToVideoPipeline": ("words", "start", "negative"),
            "LTXConditionPipeline": ("words", "start", "end", "extend", "negative"),
        },
        fps=25, frames=257, latents=Latents(space=32, time=8, channels=128, patch=1),
        size=(704, 480), multiple=32, steps=40, guidance=3.0, context=25,
    ),
    Family(
        name="LTX-2",
        pipelines={
            "LTX2Pipeline": ("words", "start", "negative"),
            "LTX2ImageToVideoPipeline": ("words", "start", "negative"),
            "LTX2ConditionPipeline": ("words", "start", "end", "extend", "negative"),
        },
        fps=24, frames=481, latents=Latents(space=32, time=8, channels=128, patch=1),
        size=(768, 512), multiple=32, steps=40, guidance=4.0, context=25,
    ),
    Family(
        name="CogVideoX",
        pipelines={"CogVideoXPipeline": WORDS, "CogVideoXImageToVideoPipeline": PICTURE},
        fps=8, frames=49, latents=Latents(space=8, time=4, channels=16, patch=2),
        size=(720, 480), multiple=16, steps=50, guidance=6.0, shapes=False,
    ),
    Family(
        name="HunyuanVideo 1.5",
        pipelines={"HunyuanVideo15Pipeline": WORDS, "HunyuanVideo15ImageToVideoPipeline": PICTURE},
        fps=24, frames=121, latents=Latents(space=16, time=4, channels=32, patch=1),
        size=(848, 480), multiple=16, steps=50, guidance=6.0,
    ),
    Family(
        name="Mochi",
        pipelines={"MochiPipeline": WORDS},
        fps=30, frames=163, latents=Latents(space=8, time=6, channels=12, patch=2),
        size=(848, 480), multiple=16, steps=64, guidance=4.5, shapes=False,
    ),
    Family(
        name="SkyReels V2",
        pipelines={
            "SkyReelsV2Pipeline": WORDS,
            "SkyReelsV2ImageToVideoPipeline": PICTURE,
            "SkyReelsV2DiffusionForcingPipeline": FORCING,
            "SkyReelsV2DiffusionForcingImageToVideoPipeline": FORCING,
            "SkyReelsV2DiffusionForcingVideoToVideoPipeline": FORCING,
        },
        fps=24, frames=97, latents=Latents(space=8, time=4, channels=16, patch=2),
        size=(960, 544), multiple=16, steps=50, guidance=6.0, context=17,
    ),
)  # fmt: skip


def family_of(pipeline: str) -> Family | None:
    """The family that a class of pipelines belongs to; None where it is of none that is known here."""
    return next((family for family in FAMILIES if pipeline in family.pipelines), None)


def sizes_of(family: Family, size: tuple[int, int] | None = None) -> tuple[tuple[int, int], ...]:
    """Native sizes: ``size`` (the family's own otherwise), and other shapes with about as many pixels."""
    width, height = size or family.size
    if not family.shapes:
        return ((width, height),)
    step, area = family.multiple, width * height
    found = [(width, height)]
    for across, down in SHAPES:
        high = max(1, round((area * down / across) ** 0.5 / step))
        found.append((max(1, round(high * across / down)) * step, high * step))
    return tuple(dict.fromkeys(found))
