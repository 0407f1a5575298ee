"""A model's parts, opened from its folder: its networks, and the card that describes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from praxino import checkpoint, config
from praxino.autoencoder.config import AutoencoderConfig
from praxino.autoencoder.model import Autoencoder
from praxino.critic.config import CriticConfig
from praxino.critic.model import Critic
from praxino.generation.card import Card
from praxino.geometry import Compression
from praxino.text.encoder import TextConfig, TextEncoder
from praxino.text.vocabulary import Vocabulary, opened
from praxino.transformer.config import TransformerConfig
from praxino.transformer.model import Transformer
from praxino.upscaler.config import UpscalerConfig
from praxino.upscaler.model import Upscaler


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Everything that turns a request into a film; networks are frozen and in evaluation mode."""

    autoencoder: Autoencoder
    text: TextEncoder
    transformer: Transformer
    vocabulary: Vocabulary
    card: Card
    name: str
    digest: str  # of the weights
    critic: Critic | None = None  # chooses among several beginnings
    upscaler: Upscaler | None = None  # None: larger frames are resampled

    @property
    def compression(self) -> Compression:
        """How many pixels and frames a latent stands for."""
        return Compression(space=self.autoencoder.config.space, time=self.autoencoder.config.time)

    def read(self, prompt: str, *, whole: bool = False) -> tuple[Tensor, Tensor]:
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


def open_parts(folder: Path, *, device: torch.device | None = None, dtype: torch.dtype = torch.float32) -> Parts:
    """Open a model's folder (weights.safetensors, config.json, tokenizer.json).

    Raises ValueError where the folder does not hold a whole model.
    """
    tensors, about = checkpoint.load(folder)
    networks = {
        "autoencoder": Autoencoder(config.from_json(AutoencoderConfig, about["autoencoder"])),
        "text": TextEncoder(config.from_json(TextConfig, about["text"])),
        "transformer": Transformer(config.from_json(TransformerConfig, about["transformer"])),
    }
    if "critic" in about:
        networks["critic"] = Critic(config.from_json(CriticConfig, about["critic"]))
    if "upscaler" in about:
        networks["upscaler"] = Upscaler(config.from_json(UpscalerConfig, about["upscaler"]))
    for name, network in networks.items():
        _fill(network, name, tensors)
        network.to(device=device, dtype=dtype)
    return Parts(
        **networks,
        vocabulary=opened(folder / "tokenizer.json"),
        card=config.from_json(Card, about["card"]),
        name=str(about["name"]),
        digest=checkpoint.digest(folder),
    )


def open_autoencoder(folder: Path) -> Autoencoder:
    """The autoencoder of a model's folder, or of a folder that holds only an autoencoder."""
    tensors, about = checkpoint.load(folder)
    model = Autoencoder(config.from_json(AutoencoderConfig, about["autoencoder"]))
    _fill(model, "autoencoder", tensors)
    return model


def _fill(network: nn.Module, name: str, tensors: Mapping[str, Tensor]) -> None:
    mine = {k.removeprefix(f"{name}."): v.float() for k, v in tensors.items() if k.startswith(f"{name}.")}
    network.load_state_dict(mine)
    network.eval().requires_grad_(False)
