"""Sizes of the upscaler."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class UpscalerConfig:
    """Everything that fixes the upscaler's weights."""

    factor: int = 4  # how many times as wide and as high its frames are
    width: int = 32  # channels
    depth: int = 6  # convolutions between the first and the last


def tiny() -> UpscalerConfig:
    """Milliseconds on a CPU: for tests."""
    return UpscalerConfig(factor=2, width=8, depth=1)
