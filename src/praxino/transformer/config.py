"""Sizes of the transformer, from one for tests to Wan's own."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class TransformerConfig:
    """Everything that fixes the transformer's weights and what each frame may look at."""

    width: int  # channels of a token
    depth: int  # number of blocks
    heads: int
    ffn: int  # channels inside the feed-forward layer
    latent_channels: int
    text_channels: int
    patch: int = 1  # latents per token, along height and along width
    time_channels: int = 256  # channels of the sinusoidal embedding of time
    chunk: int = 4  # latent frames that look at each other freely and are made together
    window: int = 1  # past chunks that a chunk looks at
    sink: int = 0  # first chunks of the film that every chunk looks at
    marks_first: bool = True  # tell the tokens of the film's first latent frame, which holds one frame, from the rest
    pools_text: bool = True  # add the mean of the text to the time embedding
    preconditioned: bool = (
        True  # predict in units of what is not yet known; needs the standard deviation of the latents
    )
    leans_on_past: bool = False  # expect each latent to continue the one before; needs ``preconditioned``
    given_channels: int = 0  # of what is given with each latent, as its last channels; not with ``preconditioned``
    picture_channels: int = 0  # of the tokens of a picture that every block looks at beside the text; 0: of none
    picture_places: int = 0  # tokens of pictures that have a learned place, for more than one picture


def tiny(*, latent_channels: int = 8, text_channels: int = 32) -> TransformerConfig:
    """Seconds on a CPU: for tests."""
    return TransformerConfig(
        width=48,
        depth=2,
        heads=2,
        ffn=96,
        latent_channels=latent_channels,
        text_channels=text_channels,
        chunk=2,
        leans_on_past=True,
    )


def pocket_cpu() -> TransformerConfig:
    """7 million parameters, as many as a few hours of two CPU cores can teach."""
    return TransformerConfig(
        width=256,
        depth=6,
        heads=4,
        ffn=1024,
        latent_channels=64,
        text_channels=192,
        chunk=1,
        window=3,
        leans_on_past=True,
    )


def pocket() -> TransformerConfig:
    """The model that ships: 20 million parameters."""
    return replace(pocket_cpu(), width=384, depth=8, heads=6, ffn=1536)


def wan_1_3b() -> TransformerConfig:
    """Wan 2.1 1.3B (arXiv 2503.20314, table 1)."""
    return _wan(width=1536, depth=30, heads=12, ffn=8960)


def wan_14b() -> TransformerConfig:
    """Wan 2.1 14B (arXiv 2503.20314, table 1)."""
    return _wan(width=5120, depth=40, heads=40, ffn=13824)


def wan_2_2_5b() -> TransformerConfig:
    """Wan 2.2 5B: a finer autoencoder, a time per frame, and clips of 121 frames."""
    return replace(_wan(width=3072, depth=30, heads=24, ffn=14336), latent_channels=48, chunk=31)


def _wan(*, width: int, depth: int, heads: int, ffn: int) -> TransformerConfig:
    return TransformerConfig(
        width=width,
        depth=depth,
        heads=heads,
        ffn=ffn,
        latent_channels=16,
        text_channels=4096,
        patch=2,
        chunk=21,
        marks_first=False,
        pools_text=False,
        preconditioned=False,
    )
