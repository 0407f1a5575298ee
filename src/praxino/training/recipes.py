"""The runs we train, each a function that returns a complete recipe."""

from dataclasses import dataclass, field, replace

from praxino.autoencoder import config as autoencoder
from praxino.autoencoder.config import AutoencoderConfig
from praxino.critic import config as critic
from praxino.critic.config import CriticConfig
from praxino.text.encoder import TextConfig
from praxino.transformer import config as transformer
from praxino.transformer.config import TransformerConfig
from praxino.upscaler import config as upscaler
from praxino.upscaler.config import UpscalerConfig


@dataclass(frozen=True, kw_only=True)
class DataRecipe:
    """What is rendered (or read) and encoded, once, before training."""

    rungs: tuple[str, ...]  # of the world's vocabulary, in turn; the last one is the highest
    sizes: tuple[tuple[int, int], ...]  # (width, height) in pixels
    shares: tuple[float, ...]  # of the samples, per size
    windows: int  # short clips the autoencoder learns from
    stills: int
    clips: int
    frames: int  # of a clip, 1 + time * n
    shard: int = 250  # stills in a file; clips are cut finer

    @property
    def rung(self) -> str:
        """The highest one."""
        return self.rungs[-1]


@dataclass(frozen=True, kw_only=True)
class AutoencoderRecipe:
    """How the autoencoder is trained."""

    rungs: tuple[str, ...] = ("one", "all")  # of the world, in turn: latents outlive the rung they were made on
    batch: int = 4  # windows a step, over all processes
    frames: int = 17  # of a window
    crop: int = 128  # pixels
    rate: float = 5e-4  # AdamW
    noise: float = 0.4  # most noise on the latents the decoder sees: made latents are not perfect either
    steady: float = 1.0  # weight of how an error changes from frame to frame and from pixel to pixel
    attention: float = 6.0  # weight of the pixels that matter (things, movement) against 1 for the rest
    anchor: float = 1e-3  # weight of the distance of an encoder's latents from the components it began with


@dataclass(frozen=True, kw_only=True)
class FlowRecipe:
    """How text encoder and transformer are trained: stills first, then clips with stills mixed in."""

    still_steps: int
    still_batch: int = 20  # over all processes
    clip_batch: int = 4
    mixed_stills: int = 4  # stills in each step of clips
    mixed_weight: float = 1.0  # of their loss, against 1 for the clips'
    opening: int = 4  # latents: two of three steps of clips see only so many, of as many more clips (`opened`)
    still_times: tuple[float, float] = (1.0, 1.25)  # (mean, spread): times are sigmoid(N(mean, spread)); below 0.9
    clip_times: tuple[float, float] = (1.8, 1.5)  # it is decided which shape a thing has, above what moves where
    cooldown: float = 0.25  # share of the time, the last, over which the learning rate falls
    muon_rate: float = 4e-3  # matrices inside blocks
    adam_rate: float = 1e-3  # everything else
    warmup: int = 50
    attention: float = 5.0  # weight of the tokens that hold things, against 1 for the rest
    wordless: float = 0.1  # share of samples whose caption is dropped, for guidance
    floor: float = 0.3  # most noise on a known past
    ema: float = 0.998
    trust: float = 0.5  # of the teacher, where guidance is folded in, against the data
    accumulate: int = 1  # pieces that a process learns its part of a step in, one after another, to need less memory


@dataclass(frozen=True, kw_only=True)
class CriticRecipe:
    """How the critic is trained, on stills."""

    batch: int = 96  # over all processes
    pool: int = 4  # times as many captions are drawn, to find some that are alike
    group: int = 8  # of a batch's captions are alike
    rate: float = 2e-3  # AdamW
    warmup: int = 50
    noise: float = 0.55  # most noise on what it sees
    noisy: float = 0.8  # share of it that has any


@dataclass(frozen=True, kw_only=True)
class UpscalerRecipe:
    """How the upscaler is trained."""

    clips: int = 200  # large ones that are rendered
    crop: int = 64  # small pixels
    batch: int = 4  # crops a step, over all processes
    rate: float = 1e-3  # AdamW
    steady: float = 1.0  # weight of how an error changes from frame to frame


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The whole life of a model."""

    name: str
    data: DataRecipe
    autoencoder: AutoencoderConfig
    text: TextConfig
    transformer: TransformerConfig
    critic: CriticConfig
    upscaler: UpscalerConfig
    learn_autoencoder: AutoencoderRecipe
    learn_flow: FlowRecipe
    learn_critic: CriticRecipe = field(default_factory=CriticRecipe)
    learn_upscaler: UpscalerRecipe = field(default_factory=UpscalerRecipe)
    seed: int = 0


def tiny() -> Recipe:
    """Seconds on a CPU: for tests and for a first look at the whole line."""
    return Recipe(
        name="tiny",
        data=DataRecipe(
            rungs=("one",), sizes=((64, 48),), shares=(1.0,), windows=8, stills=32, clips=8, frames=17, shard=16
        ),
        autoencoder=autoencoder.tiny(),
        text=TextConfig(vocabulary=400, width=32, depth=1, heads=2),
        transformer=transformer.tiny(),
        critic=critic.tiny(),
        upscaler=upscaler.tiny(),
        learn_autoencoder=AutoencoderRecipe(batch=2, frames=9, crop=32),
        learn_flow=FlowRecipe(still_steps=10, still_batch=4, clip_batch=2, mixed_stills=2),
        learn_critic=CriticRecipe(batch=8, group=4),
        learn_upscaler=UpscalerRecipe(clips=20, crop=32, batch=2),
    )


def pocket_cpu() -> Recipe:
    """What a few hours of two CPU cores can teach: 256x144 and its square and upright sisters, first rung."""
    return replace(
        tiny(),
        name="pocket_cpu",
        data=DataRecipe(
            rungs=("one",),
            sizes=((256, 144), (192, 192), (144, 256)),
            shares=(0.76, 0.12, 0.12),
            windows=960,
            stills=30_000,
            clips=12_000,
            frames=89,
        ),
        autoencoder=autoencoder.pocket_cpu(),
        text=TextConfig(vocabulary=1024),
        transformer=transformer.pocket_cpu(),
        critic=critic.pocket(),
        upscaler=UpscalerConfig(),
        learn_autoencoder=AutoencoderRecipe(),
        learn_flow=FlowRecipe(still_steps=2_600, still_batch=24, clip_batch=4, mixed_stills=36),
        learn_critic=CriticRecipe(),
        learn_upscaler=UpscalerRecipe(),
    )


def pocket_gpu() -> Recipe:
    """To go on with the weights of `pocket_cpu`: a GPU's batches, a third of them of the whole vocabulary."""
    small = pocket_cpu()
    return replace(
        small,
        name="pocket_gpu",
        data=replace(small.data, rungs=("one", "one", "all")),
        learn_flow=replace(small.learn_flow, still_batch=512, clip_batch=48, mixed_stills=128, attention=8.0),
    )


def pocket() -> Recipe:
    """The model that ships: the whole vocabulary, in a quarter of an hour of one data centre GPU."""
    small = pocket_cpu()
    return replace(
        small,
        name="pocket",
        data=replace(small.data, rungs=("one", "all")),
        text=TextConfig(vocabulary=1024, depth=3),
        transformer=transformer.pocket(),
        learn_autoencoder=AutoencoderRecipe(batch=16, frames=33, crop=256, rate=3e-4),
        learn_flow=FlowRecipe(
            still_steps=2_000,
            still_batch=512,
            clip_batch=48,
            mixed_stills=128,
            still_times=(1.4, 1.4),
            attention=8.0,
        ),
    )


def probe() -> Recipe:
    """A model that learns in a minute or two what a dataset is worth (`training.prove`): the latents of `pocket`."""
    small = pocket_cpu()
    return replace(
        small,
        name="probe",
        data=DataRecipe(
            rungs=("all",), sizes=((160, 96),), shares=(1.0,), windows=0, stills=0, clips=48, frames=25
        ),  # clips: those that it is asked about
        text=TextConfig(vocabulary=2, width=96, depth=1, heads=2, limit=1),
        transformer=replace(small.transformer, width=96, depth=2, heads=2, ffn=288, text_channels=96),
        learn_flow=replace(
            small.learn_flow,
            still_steps=0,
            clip_batch=4,
            mixed_stills=4,
            attention=1.0,
            wordless=1.0,
            warmup=10,
            ema=0.99,
        ),
    )
