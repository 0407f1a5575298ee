"""A model's parts, opened from its folder: its networks, and the card that describes them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from praxino import checkpoint, config
from praxino.autoencoder.config import AutoencoderConfig
from praxino.autoencoder.model import Autoencoder
from praxino.autoencoder.tiles import Tiling
from praxino.autoencoder.wan import WanAutoencoder
from praxino.autoencoder.wan_config import config_of
from praxino.critic.config import CriticConfig
from praxino.critic.model import Critic
from praxino.generation import lean, look
from praxino.generation.card import Card
from praxino.generation.low_memory import LowMemory, rounds
from praxino.geometry import Compression
from praxino.layers.pieces import Source
from praxino.layers.unfilled import unfilled
from praxino.text import umt5
from praxino.text.encoder import TextConfig, TextEncoder
from praxino.text.vocabulary import Vocabulary, opened
from praxino.transformer import clip
from praxino.transformer.config import TransformerConfig
from praxino.transformer.experts import Experts
from praxino.transformer.model import Transformer
from praxino.upscaler.config import UpscalerConfig
from praxino.upscaler.model import Upscaler


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Everything that turns a request into a film; networks are frozen and in evaluation mode."""

    autoencoder: Autoencoder | WanAutoencoder
    text: TextEncoder | umt5.Umt5
    transformer: Transformer  # or two that take turns, which are called alike (`transformer.experts`)
    vocabulary: Vocabulary | umt5.Prompts
    card: Card
    name: str
    digest: str  # of the weights; says so where they were rounded
    critic: Critic | None = None  # chooses among several beginnings
    upscaler: Upscaler | None = None  # None: larger frames are resampled
    picture: clip.PictureEncoder | None = None  # of a transformer that looks at tokens of pictures
    tiling: Tiling | None = None  # how large frames are cut to be decoded; None: they are not

    @property
    def compression(self) -> Compression:
        """How many pixels and frames a latent stands for."""
        return Compression(space=self.autoencoder.config.space, time=self.autoencoder.config.time)

    def read(self, prompt: str, *, whole: bool = False) -> tuple[Tensor, Tensor | None]:
        """The text (1, n, d) and mask (1, n) of one prompt; with ``whole`` n is the same for all prompts."""
        return self.text(*self._tokens(prompt, whole=whole))

    def best(self, latents: Tensor, prompt: str) -> Tensor:
        """Of several beginnings (b, t, h, w, c) the one (1, t, h, w, c) whose first latent fits the prompt best."""
        if self.critic is None:
            return latents[:1]
        fits = self.critic(latents[:, 0], *self._tokens(prompt))
        return latents[fits.argmax()][None]

    def _tokens(self, prompt: str, *, whole: bool = False) -> tuple[Tensor, Tensor]:
        ids, mask = self.vocabulary.encode([prompt], limit=self.text.config.limit, whole=whole)
        device = next(self.text.parameters()).device
        return ids.to(device), mask.to(device)


def open_parts(
    folder: Path,
    *,
    device: torch.device | None = None,
    dtype: torch.dtype = torch.float32,
    how: LowMemory | None = None,
) -> Parts:
    """Open a model's folder (weights.safetensors, config.json, tokenizer.json); ``how`` it saves memory, if it is to.

    Each tensor goes from the file to its place, so that memory never holds the weights twice; on its way what a look
    changes is added (`look.source`). Raises ValueError where the folder does not hold a whole model, where the base of
    a look is not here as it was, and where a library that one of its parts needs is not installed.
    """
    about = checkpoint.card(folder)
    if checkpoint.engine(folder) != checkpoint.OWN:
        raise ValueError(f"model {folder.name!r} is served by {about['engine']}; this needs one of Praxino's own")
    networks = _opened(folder, about, device=device, dtype=dtype, how=how)
    read = umt5.prompts if isinstance(networks["text"], umt5.Umt5) else opened
    card = config.from_json(Card, about["card"])
    if (low := networks.pop("transformer_2", None)) is not None:
        networks["transformer"] = Experts(networks["transformer"], low, boundary=card.walk.boundary)  # called alike
    return Parts(
        **networks,
        vocabulary=read(checkpoint.base(folder) / "tokenizer.json"),
        card=card,
        name=str(about["name"]),
        digest=checkpoint.digest(folder) + (f"-{how}" if rounds(how) else ""),
        tiling=None if how is None else Tiling(),
    )


def open_transformer(
    folder: Path,
    *,
    device: torch.device | None = None,
    dtype: torch.dtype = torch.float32,
    how: LowMemory | None = None,
) -> Transformer:
    """The transformer of a model's folder, which need not hold more. Raises ValueError as `open_parts`."""
    about = {"transformer": checkpoint.card(folder)["transformer"]}
    return _opened(folder, about, device=device, dtype=dtype, how=how)["transformer"]


def _opened(
    folder: Path,
    about: Mapping[str, Any],
    *,
    device: torch.device | None,
    dtype: torch.dtype,
    how: LowMemory | None,
) -> dict[str, Any]:
    """The networks that are described, with the weights of the folder."""
    source = look.source(folder)
    networks: dict[str, Any] = {name: make(about[name]) for name, make in _MAKE.items() if name in about}
    device = device or torch.device("cpu")
    taken = [] if how is None else lean.take(networks)
    for network in networks.values():
        network.to(dtype=dtype).to_empty(device=device)
    _fill(networks, source, but=tuple(one.prefix for one in taken))
    if how is not None:
        lean.give(taken, source, how, device=device, dtype=dtype)
    return networks


def ours(parts: Parts) -> tuple[Autoencoder, TextEncoder, Vocabulary]:
    """What training needs of a model's parts. Raises ValueError where they were imported."""
    autoencoder, text, vocabulary = parts.autoencoder, parts.text, parts.vocabulary
    if isinstance(autoencoder, Autoencoder) and isinstance(text, TextEncoder) and isinstance(vocabulary, Vocabulary):
        return autoencoder, text, vocabulary
    raise ValueError(f"model {parts.name!r} was imported, and is not trained here; choose one of ours")


def open_autoencoder(folder: Path) -> Autoencoder:
    """The autoencoder of a model's folder, or of a folder that holds only an autoencoder.

    Raises ValueError for one that is not ours.
    """
    model = autoencoder_of(checkpoint.card(folder)["autoencoder"])
    if not isinstance(model, Autoencoder):
        raise ValueError(f"the autoencoder of {folder} was imported, and is not trained here; name one of ours")
    _fill({"autoencoder": model.to_empty(device="cpu")}, look.source(folder))
    return model


def autoencoder_of(values: Mapping[str, Any]) -> Autoencoder | WanAutoencoder:
    """The autoencoder that a config describes, without memory for its weights."""
    sizes = config_of(values)
    with unfilled():
        return Autoencoder(sizes) if isinstance(sizes, AutoencoderConfig) else WanAutoencoder(sizes)


def text_of(values: Mapping[str, Any]) -> TextEncoder | umt5.Umt5:
    """The text encoder that a config describes, without memory for its weights."""
    foreign = values.get("kind") == umt5.KIND
    sizes = config.from_json(umt5.Umt5Config if foreign else TextConfig, _bare(values))
    with unfilled():
        return umt5.Umt5(sizes) if isinstance(sizes, umt5.Umt5Config) else TextEncoder(sizes)


def picture_of(values: Mapping[str, Any]) -> clip.PictureEncoder:
    """The picture encoder that a config describes, without memory for its weights."""
    with unfilled():
        return clip.PictureEncoder(config.from_json(clip.ClipConfig, _bare(values)))


def _bare(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key != "kind"}


def _of(network: type[nn.Module], sizes: type[Any]) -> Callable[[Mapping[str, Any]], nn.Module]:
    def make(values: Mapping[str, Any]) -> nn.Module:
        with unfilled():
            return network(config.from_json(sizes, values))

    return make


_MAKE: dict[str, Callable[[Mapping[str, Any]], nn.Module]] = {
    "autoencoder": autoencoder_of,
    "text": text_of,
    "transformer": _of(Transformer, TransformerConfig),
    "transformer_2": _of(Transformer, TransformerConfig),  # that takes turns with the first
    "critic": _of(Critic, CriticConfig),
    "upscaler": _of(Upscaler, UpscalerConfig),
    "picture": picture_of,
}


def _fill(networks: Mapping[str, nn.Module], source: Source, *, but: tuple[str, ...] = ()) -> None:
    """Put every weight of a model's file into its place, ``but`` those whose names begin so.

    Raises ValueError where they are not those of these networks.
    """
    places = {f"{name}.{inner}": place for name, network in networks.items() for inner, place in held(network).items()}
    for network in networks.values():
        network.eval().requires_grad_(False)
    left, folder = set(places), source.path.parent
    for name, value in checkpoint.stream(folder):
        if name.split(".")[0] not in networks or name.startswith(but):
            continue
        if name not in places or places[name].shape != value.shape:
            raise ValueError(f"{folder} holds {name} {list(value.shape)}, which its config has no place for")
        touch = source.touches.get(name)
        places[name].copy_(value if touch is None else touch(value))
        left.remove(name)
    if left:
        raise ValueError(f"{folder} lacks {len(left)} of its weights, the first {min(left)}")


def held(network: nn.Module) -> dict[str, Tensor]:
    """The weights and buffers of a network, by name; what has two names, by the first."""
    return dict(network.named_parameters()) | dict(network.named_buffers())
