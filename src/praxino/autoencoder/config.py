"""Sizes of the autoencoder."""

from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class AutoencoderConfig:
    """Everything that fixes the autoencoder's weights. The first frame is coded alone, then every ``time`` frames."""

    space: int  # pixels per latent, along height and along width; even
    time: int  # frames per latent; even
    channels: int  # of a latent
    encoder_width: int = 0  # 0: the encoder is linear
    encoder_depth: int = 0  # residual blocks of the encoder
    decoder_width: int = 256
    decoder_depth: int = 3  # residual blocks at the latents' resolution
    detail_width: int = 128
    detail_depth: int = 4  # residual blocks at twice the latents' resolution, in space and in time
    grain_width: int = 64
    grain_depth: int = 0  # residual blocks at four times the latents' resolution; 0: there is no such stage

    def latents(self, frames: Sequence[int]) -> tuple[int, ...]:
        """The shape (b, t, h, w, c) of the latents of frames of a shape (b, f, h * space, w * space, 3)."""
        b, f, h, w, _ = frames
        return (b, 1 + (f - 1) // self.time, h // self.space, w // self.space, self.channels)


def tiny() -> AutoencoderConfig:
    """Milliseconds on a CPU: for tests."""
    return AutoencoderConfig(
        space=8, time=4, channels=8, encoder_width=16, encoder_depth=1,
        decoder_width=16, decoder_depth=1, detail_width=16, detail_depth=1, grain_width=16, grain_depth=1,
    )  # fmt: skip


def pocket_cpu() -> AutoencoderConfig:
    """96 pixels per number, a linear encoder (docs/decisions/0002)."""
    return AutoencoderConfig(
        space=16, time=8, channels=64, decoder_width=256, decoder_depth=3, detail_width=192, grain_depth=2
    )


def pocket() -> AutoencoderConfig:
    """The autoencoder that ships: 96 pixels per number, an encoder that learns (docs/decisions/0006)."""
    return replace(pocket_cpu(), encoder_width=256, encoder_depth=3)
