"""Sizes of the critic."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class CriticConfig:
    """Everything that fixes the critic's weights."""

    latent_channels: int
    vocabulary: int  # text tokens
    width: int = 96  # channels of a latent's features; a multiple of 8
    depth: int = 5  # residual blocks
    space: int = 128  # dimensions of the space in which words and pictures meet


def tiny() -> CriticConfig:
    """Milliseconds on a CPU: for tests."""
    return CriticConfig(latent_channels=8, vocabulary=400, width=16, depth=1, space=16)


def pocket() -> CriticConfig:
    """The critic that ships: 0.9 million parameters."""
    return CriticConfig(latent_channels=64, vocabulary=1024)
