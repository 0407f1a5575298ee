"""Sizes of Wan's autoencoder, as `diffusers` writes them."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from praxino import config
from praxino.autoencoder.config import AutoencoderConfig

KIND = "wan"
"""What a model's config.json calls it."""


@dataclass(frozen=True, kw_only=True)
class WanAutoencoderConfig:
    """What fixes the weights of `diffusers`' ``AutoencoderKLWan``, under its names; the defaults are Wan 2.1's."""

    latents_mean: tuple[float, ...]
    latents_std: tuple[float, ...]
    base_dim: int = 96
    decoder_base_dim: int | None = None  # None: as base_dim
    z_dim: int = 16
    dim_mult: tuple[int, ...] = (1, 2, 4, 4)
    num_res_blocks: int = 2
    attn_scales: tuple[float, ...] = ()
    temperal_downsample: tuple[bool, ...] = (False, True, True)  # sic
    is_residual: bool = False
    in_channels: int = 3
    out_channels: int = 3
    patch_size: int | None = None  # pixels that are one before the first layer, in Wan 2.2

    @property
    def channels(self) -> int:
        """Of a latent."""
        return self.z_dim

    @property
    def space(self) -> int:
        """Pixels per latent, along height and along width."""
        return 2 ** (len(self.dim_mult) - 1) * (self.patch_size or 1)

    @property
    def time(self) -> int:
        """Frames per latent."""
        return 2 ** sum(self.temperal_downsample)


def theirs(values: Mapping[str, Any]) -> WanAutoencoderConfig:
    """From `diffusers`' config.json. Raises ValueError for another autoencoder than Wan's."""
    name = values.get("_class_name")
    if name != "AutoencoderKLWan":
        raise ValueError(f"the autoencoder is {name!r}; Wan's is 'AutoencoderKLWan' in diffusers' layout")
    known = {field.name for field in fields(WanAutoencoderConfig)}
    return config.from_json(WanAutoencoderConfig, {key: value for key, value in values.items() if key in known})


def config_of(values: Mapping[str, Any]) -> AutoencoderConfig | WanAutoencoderConfig:
    """What a model's config.json says under ``autoencoder``: ours, or, where ``kind`` says so, Wan's."""
    if values.get("kind") != KIND:
        return config.from_json(AutoencoderConfig, values)
    return config.from_json(WanAutoencoderConfig, {key: value for key, value in values.items() if key != "kind"})
