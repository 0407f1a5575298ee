"""The bodies of the video dialect: OpenAI's names, vLLM-Omni's for more, and some of our own."""

import difflib
import secrets
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from praxino import geometry
from praxino.request import Request, Shot
from praxino.server.errors import Problem, of_validation

T = TypeVar("T", bound=BaseModel)
SECONDS = 4.0
# fmt: off
MISSING = (  # names of vLLM-Omni's, SGLang's and others' that mean something our models do not have
    "quality", "lora", "loras", "lora_path", "lora_scale", "flow_shift", "boundary_ratio", "true_cfg_scale",
    "guidance_scale_2", "generate_sound", "generate_audio", "sound_duration", "audio_reference",
    "image_reference", "video_reference", "enable_frame_interpolation", "frame_interpolation_exp",
    "frame_interpolation_scale", "enable_upscaling", "upscaling_scale", "enable_teacache", "enhance_prompt",
    "extra_params", "extra_body", "characters", "character_ids", "callback_url", "output_quality",
    "reference_url", "video_url", "return_stage_metrics", "short_edge",
)
# fmt: on
NOTHING = (None, False, "", "false", "False", "0", "null", [], {})
"""Values of theirs that ask for nothing."""
ONE = ("n", "num_outputs_per_prompt")
FIELDS = {  # how a Request's messages begin: the dialect's name
    "seconds": "seconds",
    "width": "width",
    "height": "height",
    "size": "size",
    "fps": "fps",
    "seed": "seed",
    "guidance": "guidance_scale",
    "steps": "num_inference_steps",
    "best_of": "best_of",
    "fit": "fit",
    "model": "model",
    "the negative": "negative_prompt",
    "the prompt": "prompt",
    "the film": "storyboard",
    "aspect": "aspect_ratio",
    "resolution": "resolution",
}


def _number(value: Any) -> Any:
    """Forms have no numbers; text that is one stands for it."""
    if isinstance(value, bool):
        raise ValueError("true and false are no numbers; write one, such as 4")
    if isinstance(value, str):
        try:
            return float(value) if not value.strip().lstrip("+-").isdigit() else int(value)
        except ValueError:
            return value
    return value


Float = Annotated[float, BeforeValidator(_number), Field(allow_inf_nan=False)]
Int = Annotated[int, BeforeValidator(_number)]
Prompt = Annotated[str, Field(description="What to show.", examples=["a red ball bounces on a checker floor"])]
Words = Annotated[str | None, Field(description="What to show.", examples=["a red ball bounces on a checker floor"])]
Seed = Annotated[Int | None, Field(description="The same seed, the same film.", examples=[7])]


class Body(BaseModel):
    """What a client asks; a name that nobody knows is an error."""

    model_config = ConfigDict(extra="forbid")


class ShotOf(Body):
    """One shot of a storyboard."""

    seconds: Float = Field(description="How long.", examples=[2])
    prompt: Prompt


class Reference(Body):
    """A picture or clip: as a data: address, or a video of this server by its id. Or send a file."""

    image_url: str | None = Field(
        None, description="A data: address in base64.", examples=["data:image/png;base64,iVBORw0KGgo="]
    )
    id: str | None = Field(None, description="A video of this server.", examples=["video_0123456789abcdef01234567"])

    @model_validator(mode="before")
    @classmethod
    def _object(cls, value: Any) -> Any:
        return {"image_url": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one(self) -> "Reference":
        if (self.image_url is None) == (self.id is None):
            raise ValueError("give image_url or id, one of the two")
        if self.image_url is not None and not self.image_url.startswith("data:"):
            raise ValueError(
                f"the server fetches nothing, so not {self.image_url[:60]!r}; upload the file, or send a data: address"
            )
        if self.image_url is not None and ";base64," not in self.image_url[:100]:
            raise ValueError("a data: address must be base64: data:image/png;base64,...")
        return self


class Source(Body):
    """A video of this server."""

    id: str = Field(description="Its id.", examples=["video_0123456789abcdef01234567"])


INSIDE: dict[str, type[BaseModel]] = {
    "input_reference": Reference,
    "end_reference": Reference,
    "storyboard": ShotOf,
    "video": Source,
}


class CreateVideo(Body):
    """A video to make."""

    prompt: Words = None
    model: str = Field("pocket", description="One of GET /v1/models.", examples=["pocket"])
    seconds: Float | None = Field(None, description="How long, 0.1 to 120 (4).", examples=["4"])
    size: str | None = Field(None, description="Width and height (512x288).", examples=["512x288"])
    width: Int | None = Field(None, description="In pixels, with height; in place of size.", examples=[512])
    height: Int | None = Field(None, description="In pixels, with width; in place of size.", examples=[288])
    aspect_ratio: str | None = Field(None, description="WIDTH:HEIGHT, in place of size.", examples=["16:9"])
    resolution: str | None = Field(None, description="The short side: 288p, 540p or 1080p.", examples=["1080p"])
    fps: Float | None = Field(None, description="Frames a second, 1 to 60 (30).", examples=[30])
    num_frames: Int | None = Field(
        None, ge=1, le=7200, description="How long, in frames; in place of seconds.", examples=[120]
    )
    seed: Seed = None
    negative_prompt: str | None = Field(None, description="What not to show.", examples=["a blue ball"])
    num_inference_steps: Int | None = Field(None, description="Steps of the sampler, 1 to 200.", examples=[36])
    guidance_scale: Float | None = Field(None, description="How closely to follow the words, 0 to 20.", examples=[2])
    best_of: Int | None = Field(None, description="Beginnings of which the best goes on, 1 to 32.", examples=[8])
    fit: Literal["crop", "pad"] = Field("crop", description="How references of another shape fit.")
    storyboard: list[ShotOf] | None = Field(None, max_length=100, description="Shots, in place of a prompt.")
    input_reference: Reference | None = Field(None, description="What it begins with: a picture, or a clip.")
    end_reference: Reference | None = Field(None, description="The picture that it ends on.")
    visible_label: bool = Field(
        default=False, description="Words on the first two seconds that say that a model made it (GB 45438-2025)."
    )
    draft: bool = Field(default=False, description="Quickly, at the model's own size; finish shows it at full size.")
    priority: Int = Field(5, ge=0, le=9, description="Among one's own videos; 0 goes first.")
    metadata: dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=512)]] | None = Field(
        None, max_length=16, description="For whoever asked; told back.", examples=[{"scene": "12"}]
    )
    user: str | None = Field(None, max_length=200, description="Whoever asked; not looked at.", examples=["ada"])

    @model_validator(mode="before")
    @classmethod
    def _known(cls, values: Any) -> Any:
        return _checked(values) if isinstance(values, dict) else values


class EditVideo(Body):
    """A video with other words."""

    prompt: Prompt
    video: Source | None = Field(None, description="A video of this server.")
    seed: Seed = None


class ExtendVideo(Body):
    """A video that goes on."""

    prompt: Prompt
    seconds: Float = Field(SECONDS, description="How much is added.", examples=["4"])
    video: Source | None = Field(None, description="A video of this server; or send a file.")
    seed: Seed = None


class RemixVideo(Body):
    """The same video with other words, or another seed."""

    prompt: Words = None
    seed: Seed = None


class RetakeVideo(Body):
    """Some seconds of a video, again."""

    begin: Float = Field(alias="from", description="Seconds.", examples=[1.0])
    end: Float = Field(alias="to", description="Seconds.", examples=[2.0])
    prompt: Words = None
    seed: Seed = None


def parse(model: type[T], values: dict[str, Any]) -> T:
    """The body as ``model``. Raises Problem 400 that names the field, the value and the remedy."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        problems = error.errors()
        extra = next((problem for problem in problems if problem["type"] == "extra_forbidden"), None)
        if extra is not None:
            raise _unknown(model, [str(part) for part in extra["loc"]]) from None
        raise of_validation(problems) from None


def request_of(asked: CreateVideo, *, start: str | None = None, end: str | None = None) -> Request:
    """What is to be made. ``start`` and ``end`` are names of files. Raises Problem 400 as `parse` does."""
    try:
        shots = tuple(Shot(seconds=seconds, prompt=prompt) for seconds, prompt in _shots(asked))
        width, height = _size(asked)
        return Request(
            shots=shots,
            start=start,
            end=end,
            width=width,
            height=height,
            fps=_fps(asked),
            seed=secrets.randbelow(2**31) if asked.seed is None else asked.seed,
            negative=asked.negative_prompt or None,
            guidance=asked.guidance_scale,
            steps=asked.num_inference_steps,
            best_of=asked.best_of,
            fit=asked.fit,
            model=asked.model,
            visible_label=asked.visible_label,
        )
    except ValueError as error:
        raise _wrong(str(error), _param(str(error), asked)) from None


def _shots(asked: CreateVideo) -> list[tuple[float, str]]:
    if asked.storyboard is not None:
        if (asked.prompt or "").strip():  # OpenAI's clients have to send a prompt, so an empty one is none
            raise _both("storyboard", "prompt")
        _alone(asked, "storyboard", ("seconds", "num_frames"))
        return [(shot.seconds, shot.prompt) for shot in asked.storyboard]
    if asked.prompt is None:
        raise _wrong("prompt is missing; say what to show", "prompt", "missing_parameter")
    if asked.num_frames is None:
        return [(SECONDS if asked.seconds is None else asked.seconds, asked.prompt)]
    _alone(asked, "num_frames", ("seconds",))
    return [(asked.num_frames / _fps(asked), asked.prompt)]


def _fps(asked: CreateVideo) -> float:
    fps = 30 if asked.fps is None else asked.fps
    if not 1 <= fps <= 60:  # before frames are divided by it
        raise ValueError(f"fps {fps:g} must be from 1 to 60; try 30")
    return fps


def _size(asked: CreateVideo) -> tuple[int, int]:
    shape = ("aspect_ratio", "resolution")
    if asked.size is not None:
        _alone(asked, "size", ("width", "height", *shape))
        return geometry.parse_size(asked.size)
    if asked.width is not None or asked.height is not None:
        if asked.width is None or asked.height is None:
            missing = "width" if asked.width is None else "height"
            raise _wrong(f"{missing} is missing; give width and height, or neither", missing, "missing_parameter")
        _alone(asked, "width", shape)
        return asked.width, asked.height
    if asked.aspect_ratio is None and asked.resolution is None:
        return 512, 288
    return geometry.size_of(asked.aspect_ratio or "16:9", asked.resolution or "288p")


def _param(message: str, asked: CreateVideo) -> str | None:
    """Whose value a message of a Request is about."""
    name = next((field for start, field in FIELDS.items() if message.startswith(start)), None)
    if name is None and ("seconds in all" in message or "shots are too many" in message):
        name = "seconds"
    if name in {"seconds", "prompt"} and asked.storyboard is not None:
        return "storyboard"
    if name == "seconds" and asked.num_frames is not None:
        return "num_frames"
    if name in {"width", "height", "size"} and asked.width is None:
        return "size" if asked.size is not None else "aspect_ratio"
    return "width" if name == "size" else name


def _checked(values: dict[str, Any]) -> dict[str, Any]:
    """The values without names that are known and ask for nothing; Problem for those that ask for what is not there."""
    kept = {name: value for name, value in values.items() if value not in (None, "") or name in {"prompt", "size"}}
    for name in MISSING:
        value = kept.pop(name, None)
        if value not in NOTHING:
            message = f"{name} is not supported: the models here have no such thing; leave it out"
            raise _wrong(message, name, "unsupported_parameter")
    for name in ONE:
        value = kept.pop(name, 1)
        if str(value) != "1":
            message = f"{name} {value!r:.40} must be 1; ask again for another video"
            raise _wrong(message, name, "unsupported_parameter")
    odd = next((name for name in kept if name not in CreateVideo.model_fields), None)
    if odd is not None:
        raise _unknown(CreateVideo, [odd])
    return kept


def _unknown(model: type[BaseModel], place: list[str]) -> Problem:
    """Of a name that the model, or what is inside it, has not."""
    inner = INSIDE.get(place[0], model) if len(place) > 1 else model
    names = [field.alias or known for known, field in inner.model_fields.items()]
    near = difflib.get_close_matches(place[-1], names, n=1)
    remedy = f"did you mean {near[0]}?" if near else f"known are {', '.join(names)}"
    name = ".".join(place)[:100]
    return _wrong(f"{name!r} is not known; {remedy}", name, "unknown_parameter")


def _alone(asked: CreateVideo, one: str, others: tuple[str, ...]) -> None:
    for other in others:
        if getattr(asked, other) is not None:
            raise _both(one, other)


def _both(one: str, other: str) -> Problem:
    return _wrong(f"{one} and {other} exclude one another; give one of them", other)


def _wrong(message: str, param: str | None, code: str = "invalid_value") -> Problem:
    return Problem(status=400, message=message, code=code, param=param)
