"""What makes a film with an imported Wan transformer: its autoencoder, umT5, CLIP, and a card that says what it can.

They are read from folders in the layout of diffusers: vae, text_encoder and tokenizer, image_encoder, scheduler.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from praxino import config, geometry
from praxino.autoencoder import wan_config
from praxino.autoencoder.wan_config import WanAutoencoderConfig
from praxino.flow.config import Solver
from praxino.generation.card import Ability, Card, Walk
from praxino.generation.parts import autoencoder_of, picture_of, text_of
from praxino.text import umt5
from praxino.transformer import clip, wan, wan_files, wan_import
from praxino.transformer.config import TransformerConfig, pocket
from praxino.transformer.wan_files import Held
from praxino.transformer.wan_import import Others, Terms

NEGATIVE = (
    "色调艳丽，过曝，静态，细节模糊不清，字幕，风格，作品，画作，画面，静止，整体发灰，最差质量，低质量，JPEG压缩残留，丑陋的，残缺的，"
    "多余的手指，画得不好的手部，画得不好的脸部，畸形的，毁容的，形态畸形的肢体，手指融合，静止不动的画面，杂乱的背景，三条腿，背景人很多，倒着走"
)
"""What Wan's films are guided away from, unless a request says what; its own words (Wan 2.1's configuration)."""
UNIPC = {"_class_name": "UniPCMultistepScheduler", "prediction_type": "flow_prediction", "use_flow_sigmas": True}
"""What the scheduler of diffusers says that is `flow.unipc`; by all others the films are walked by Euler's method."""
UNIPC_USUAL = {
    "solver_order": 2, "solver_type": "bh2", "predict_x0": True, "lower_order_final": True, "disable_corrector": [],
    "final_sigmas_type": "zero", "use_dynamic_shifting": False, "shift_terminal": None, "num_train_timesteps": 1000,
}  # fmt: skip
"""What it must not say otherwise."""
TICKS = 1000
"""Wan's networks are told times in whole thousandths by UniPC."""
FINE = 48
"""Channels of a latent of Wan 2.2 5B."""


@dataclass(frozen=True, kw_only=True)
class Whole:
    """How the films of an imported model are to be, where not as its weights suggest."""

    parts: Path | None = None  # a folder that has the parts that the source lacks
    size: tuple[int, int] | None = None  # native (width, height) in pixels


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part that was found: what it is, and its weights by our names, with theirs."""

    about: dict[str, Any]
    tensors: dict[str, tuple[str, Held]]
    made: tuple[tuple[str, Tensor], ...] = ()  # of these, what is in no file
    files: tuple[Path, ...] = ()


def bring(source: Path, into: Path, terms: Terms, whole: Whole) -> dict[str, Any]:
    """Import ``source`` as the model ``into``, with all the parts that it or ``whole.parts`` has; its config.

    Raises ValueError as `transformer.wan_import.bring` does, and for a part that is not Wan's or not whole.
    """
    folder = source if whole.parts is None else whole.parts
    if whole.parts is not None and not (whole.parts / "vae").is_dir():
        raise ValueError(f"{whole.parts} holds no vae; name a folder of Wan's in the layout of diffusers")
    said = _said(source, folder, whole)
    return wan_import.bring(source, into, terms, others=lambda sizes: _others(folder, sizes, said))


@dataclass(frozen=True, kw_only=True)
class Said:
    """What the files beside the weights, and whoever imports them, say of the films."""

    native: tuple[int, int] | None  # (width, height) in pixels
    shift: float | None  # of the clock
    experts: bool  # two transformers take turns
    boundary: float | None  # from which time on it is the first one's
    solver: Solver


def _said(source: Path, folder: Path, whole: Whole) -> Said:
    scheduler = wan_files.json_of(folder / "scheduler" / "scheduler_config.json")
    same = all({**UNIPC_USUAL, **scheduler}.get(name) == value for name, value in (UNIPC | UNIPC_USUAL).items())
    return Said(
        native=whole.size,
        shift=scheduler.get("flow_shift") or scheduler.get("shift"),
        experts=wan_files.pair(source) is not None,
        boundary=wan_files.json_of(source / "model_index.json").get("boundary_ratio"),
        solver="unipc" if same else "euler",
    )


def _others(folder: Path, sizes: TransformerConfig, said: Said) -> Others:
    found = {
        name: read(folder)
        for name, part, read in (
            ("autoencoder", "vae", _autoencoder),
            ("text", "text_encoder", _text),
            ("picture", "image_encoder", _picture),
        )
        if (folder / part / "config.json").is_file() and (name != "picture" or sizes.picture_channels)
    }
    about: dict[str, Any] = {name: part.about for name, part in found.items()}
    _check_together(about, sizes, folder)
    if "autoencoder" in found:
        coder = config.from_json(WanAutoencoderConfig, {k: v for k, v in about["autoencoder"].items() if k != "kind"})
        about["card"] = config.to_json(_card(sizes, coder, said))
    return Others(
        about=about,
        tensors=lambda: _tensors(found),
        files=tuple(file for part in found.values() for file in part.files),
    )


def _tensors(found: Mapping[str, Part]) -> Iterator[tuple[str, Tensor]]:
    for name, part in found.items():
        ours = {theirs: inner for inner, (theirs, _) in part.tensors.items()}
        for theirs, value in wan_files.tensors(dict(part.tensors.values())):
            yield f"{name}.{ours[theirs]}", value
        for inner, value in part.made:
            yield f"{name}.{inner}", value


def _autoencoder(folder: Path) -> Part:
    home = folder / "vae"
    about = {"kind": wan_config.KIND, **config.to_json(wan_config.theirs(wan_files.about(home)))}
    return Part(about=about, tensors=_matched(home, network=autoencoder_of(about), inner="vae"))


def _text(folder: Path) -> Part:
    home, words = folder / "text_encoder", folder / "tokenizer" / "tokenizer.json"
    about = {"kind": umt5.KIND, **config.to_json(umt5.theirs(wan_files.about(home)))}
    if not words.is_file():
        raise ValueError(f"{folder} lacks tokenizer/tokenizer.json, the vocabulary of umT5; get it again")
    umt5.prompts(words)
    tensors = _matched(home, network=text_of(about), inner="model", again={umt5.AGAIN: umt5.TABLE})
    return Part(about=about, tensors=tensors, files=(words,))


def _picture(folder: Path) -> Part:
    home, places = folder / "image_encoder", "embeddings.position_ids"
    sizes = clip.theirs(wan_files.about(home))
    about = {"kind": clip.KIND, **config.to_json(sizes)}
    again = {places: None, "visual_projection.weight": None}
    tensors = _matched(home, network=picture_of(about), inner="model", again=again, outer=clip.PREFIX)
    return Part(about=about, tensors=tensors, made=((f"model.{places}", clip.places(sizes)),))


def _matched(
    home: Path, *, network: nn.Module, inner: str, again: Mapping[str, str | None] | None = None, outer: str = ""
) -> dict[str, tuple[str, Held]]:
    """The tensors of a part by our names, with theirs, each of which has its place; headers are read, no more.

    ``inner`` is where our network has theirs, ``outer`` what their names may begin with, ``again`` what is not needed,
    each with what it holds a second time, where it does: a file may have it under this name alone.
    """
    found = {name.removeprefix(outer): (name, one) for name, one in wan_files.described(home).items()}
    for other, name in (again or {}).items():
        if (one := found.pop(other, None)) is not None and name is not None:
            found.setdefault(name, one)
    tensors = {f"{inner}.{name}": one for name, one in found.items()}
    places = {name: tuple(value.shape) for name, value in network.named_parameters()}
    if missing := sorted(places.keys() - tensors.keys()):
        raise ValueError(f"{home} lacks {len(missing)} of its weights, the first {missing[0]}; get it again")
    for name, (_, one) in tensors.items():
        if places.get(name) != one.shape:
            raise ValueError(f"{home} holds {name} {list(one.shape)}, which its config has no place for")
    return tensors


def _check_together(about: Mapping[str, Any], sizes: TransformerConfig, folder: Path) -> None:
    """Raises ValueError where the parts are of other sizes than the transformer takes."""
    pairs = (
        ("autoencoder", "z_dim", sizes.latent_channels),
        ("text", "d_model", sizes.text_channels),
        ("picture", "hidden_size", sizes.picture_channels),
    )
    for part, field, wanted in pairs:
        if part in about and about[part][field] != wanted:
            raise ValueError(
                f"the {part} of {folder} has {about[part][field]} channels, and the transformer takes {wanted}; they"
                " are of different models"
            )
    if "autoencoder" in about and sizes.given_channels:
        time = 2 ** sum(about["autoencoder"]["temperal_downsample"])
        if sizes.given_channels != time + sizes.latent_channels:
            raise ValueError(
                f"the transformer is given {sizes.given_channels} channels with each latent; Wan's image models take a"
                f" mask and a latent, {time + sizes.latent_channels}; what else it takes is not known here"
            )


def _card(sizes: TransformerConfig, coder: WanAutoencoderConfig, said: Said) -> Card:
    """What it can, by its kind; numbers are those of Wan's own code and of Self-Forcing's."""
    native = _native(sizes, coder, said)
    whole = sizes.chunk >= wan.WHOLE
    turns = _turns(sizes, said) if said.experts else Turns()
    return Card(
        sizes=tuple(dict.fromkeys((native, (native[1], native[0])))),
        fps=24 if sizes.latent_channels == FINE else 16,
        rung="open weights",
        words=(),
        steps=turns.steps if whole else 4,
        guidance=turns.guidance if whole else 1.0,
        credits=max(1.0, round(_weights(sizes) / _weights(pocket()), 1)),
        walk=Walk(
            shift=5.0 if not whole else turns.shift if said.shift is None else said.shift,
            churn=0.0 if whole else 1.0,
            churn_until=0.0,
            until=1.0,
            projected=False,
            floor=0.0,
            anchor=0.0,
            solver=said.solver if whole else "euler",
            ticks=TICKS if whole and said.solver == "unipc" else None,
            boundary=turns.boundary,
            guidance_low=turns.low if whole else None,
        ),
        negative=NEGATIVE if whole else "",
        takes=_takes(sizes, whole=whole),
        ends=whole and sizes.picture_places > 0,
        frames=geometry.frames_of(sizes.chunk, coder.time) if whole else None,
    )


@dataclass(frozen=True, kw_only=True)
class Turns:
    """How the transformers of whole clips are used where nothing says how: one of them alone, or two."""

    steps: int = 50
    shift: float = 5.0
    guidance: float = 5.0
    low: float | None = None  # guidance below the boundary, if it is another one
    boundary: float = 0.0


def _turns(sizes: TransformerConfig, said: Said) -> Turns:
    """Of two, as Wan 2.2's code has it for words and for pictures."""
    words = Turns(steps=40, shift=12.0, guidance=4.0, low=3.0, boundary=0.875)
    usual = Turns(steps=40, guidance=3.5, boundary=0.9) if sizes.given_channels else words
    return usual if said.boundary is None else replace(usual, boundary=said.boundary)


def _native(sizes: TransformerConfig, coder: WanAutoencoderConfig, said: Said) -> tuple[int, int]:
    """(width, height) in pixels. Raises ValueError for a size that latents cannot have."""
    step = coder.space * sizes.patch
    if said.native is None:
        large = sizes.width >= 5120 and said.shift is not None and said.shift >= 5  # so Wan tells its 720p weights
        return (1280, 704) if sizes.latent_channels == FINE else (1280, 720) if large else (832, 480)
    width, height = said.native
    if width % step or height % step:
        near = "x".join(str(max(1, round(side / step)) * step) for side in said.native)
        raise ValueError(f"size {width}x{height} must be of multiples of {step}; try {near}")
    return said.native


def _weights(sizes: TransformerConfig) -> int:
    """Of the blocks: what a token's way through them costs."""
    return sizes.depth * (8 * sizes.width**2 + 2 * sizes.width * sizes.ffn)


def _takes(sizes: TransformerConfig, *, whole: bool) -> tuple[Ability, ...]:
    if not whole:
        return ("words", "start", "extend", "shots")
    if sizes.picture_places:
        return ("start", "extend", "end", "negative")
    if sizes.given_channels:
        return ("start", "extend", "negative")
    if sizes.latent_channels == FINE:  # taught that the first latent may be clean
        return ("words", "start", "extend", "negative")
    return ("words", "negative")
