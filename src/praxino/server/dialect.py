"""The bodies of the video dialect: OpenAI's names, vLLM-Omni's for more, and some of our own."""

import difflib
import secrets
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from praxino import geometry
from praxino import request as requests
from praxino.request import Request, Shot
from praxino.server.errors import Problem, of_validation

T = TypeVar("T", bound=BaseModel)
SECONDS = 4.0
MISSING = (  # names of vLLM-Omni's, SGLang's and others' that mean something our models do not have
    "quality lora loras lora_path lora_scale flow_shift boundary_ratio true_cfg_scale guidance_scale_2 generate_sound"
    " generate_audio sound_duration audio_reference image_reference video_reference enable_frame_interpolation"
    " frame_interpolation_exp frame_interpolation_scale enable_upscaling upscaling_scale enable_teacache"
    " enhance_prompt extra_params extra_body characters character_ids callback_url output_quality reference_url"
    " video_url return_stage_metrics short_edge"
).split()
ONE = ("n", "num_outputs_per_prompt")
FIELDS = {  # of a Request: the dialect's name
    "seconds": "seconds",
    "width": "size",
    "height": "size",
    "size": "size",
    "fps": "fps",
    "seed": "seed",
    "guidance": "guidance_scale",
    "steps": "num_inference_steps",
    "best_of": "best_of",
    "the negative": "negative_prompt",
    "the prompt": "prompt",
    "the film": "storyboard",
    "aspect": "aspect_ratio",
    "resolution": "resolution",
}


def _number(value: Any) -> Any:
    """Forms have no numbers; text that is one stands for it."""
    if isinstance(value, str):
        try:
            return float(value) if not value.strip().lstrip("+-").isdigit() else int(value)
        except ValueError:
            return value
    return value


Float = Annotated[float, BeforeValidator(_number), Field(allow_inf_nan=False)]
Int = Annotated[int, BeforeValidator(_number)]


class Body(BaseModel):
    """What a client asks; a name that nobody knows is an error."""

    model_config = ConfigDict(extra="forbid")


class ShotOf(Body):
    """One shot of a storyboard."""

    seconds: Float = Field(examples=[2])
    prompt: str = Field(examples=["a red ball rolls to the right on a wooden floor"])


class Reference(Body):
    """A picture or clip: as a data: address, or a video of this server by its id. Or send a file."""

    image_url: str | None = Field(None, examples=["data:image/png;base64,iVBORw0KGgo="])
    id: str | None = Field(None, examples=["video_0123456789abcdef01234567"])

    @model_validator(mode="after")
    def _one(self) -> "Reference":
        if (self.image_url is None) == (self.id is None):
            raise ValueError("give image_url or id, one of the two")
        if self.image_url is not None and not self.image_url.startswith("data:"):
            raise ValueError("the server fetches nothing; send the file, or a data: address")
        if self.image_url is not None and ";base64," not in self.image_url[:100]:
            raise ValueError("a data: address must be base64: data:image/png;base64,...")
        return self


class Source(Body):
    """A video of this server."""

    id: str = Field(examples=["video_0123456789abcdef01234567"])


class CreateVideo(Body):
    """A video to make."""

    prompt: str | None = Field(None, description="What to show.", examples=["a red ball bounces on a checker floor"])
    model: str = Field("pocket", examples=["pocket"])
    seconds: Float | None = Field(None, description="How long, 0.1 to 120 (4).", examples=["4"])
    size: str | None = Field(None, description="Width and height (512x288).", examples=["512x288"])
    width: Int | None = None
    height: Int | None = None
    aspect_ratio: str | None = Field(None, examples=["16:9"])
    resolution: str | None = Field(None, description="The short side.", examples=["1080p"])
    fps: Float | None = Field(None, description="Frames a second, 1 to 60 (30).")
    num_frames: Int | None = Field(None, ge=1, le=7200, description="How long, in frames; in place of seconds.")
    seed: Int | None = Field(None, description="The same seed, the same film.", examples=[7])
    negative_prompt: str | None = None
    num_inference_steps: Int | None = Field(None, description="Steps of the sampler, 1 to 200.")
    guidance_scale: Float | None = Field(None, description="How closely to follow the words, 0 to 20.")
    best_of: Int | None = Field(None, description="Beginnings of which the best goes on, 1 to 32.")
    fit: Literal["crop", "pad"] = Field("crop", description="How references of another shape fit.")
    storyboard: list[ShotOf] | None = Field(None, max_length=100, description="Shots, in place of a prompt.")
    input_reference: Reference | None = Field(None, description="What it begins with: a picture, or a clip.")
    end_reference: Reference | None = Field(None, description="The picture that it ends on.")
    draft: bool = Field(default=False, description="Quickly, at the model's own size; finish shows it at full size.")
    priority: Int = Field(5, ge=0, le=9, description="Among one's own videos; 0 goes first.")
    metadata: dict[str, str] | None = Field(None, max_length=16, description="For whoever asked; told back.")
    user: str | None = Field(None, max_length=200)

    @model_validator(mode="before")
    @classmethod
    def _known(cls, values: Any) -> Any:
        return _checked(cls, values) if isinstance(values, dict) else values


class EditVideo(Body):
    """A video with other words."""

    prompt: str = Field(examples=["a blue ball bounces on a checker floor"])
    video: Source | None = None
    seed: Int | None = None


class ExtendVideo(Body):
    """A video that goes on."""

    prompt: str = Field(examples=["a red ball rolls to the right on a wooden floor"])
    seconds: Float = Field(SECONDS, description="How much is added.", examples=["4"])
    video: Source | None = Field(None, description="A video of this server; or send a file.")
    seed: Int | None = None


class RemixVideo(Body):
    """The same video with other words, or another seed."""

    prompt: str | None = Field(None, examples=["a blue ball bounces on a checker floor"])
    seed: Int | None = None


class RetakeVideo(Body):
    """Some seconds of a video, again."""

    begin: Float = Field(alias="from", description="Seconds.", examples=[1.0])
    end: Float = Field(alias="to", description="Seconds.", examples=[2.0])
    prompt: str | None = None
    seed: Int | None = None


def parse(model: type[T], values: dict[str, Any]) -> T:
    """The body as ``model``. Raises Problem 400 that names the field, the value and the remedy."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        problems = error.errors()
        extra = next((problem for problem in problems if problem["type"] == "extra_forbidden"), None)
        if extra is not None:
            raise _unknown(model, ".".join(str(part) for part in extra["loc"])) from None
        raise of_validation(problems) from None


def request_of(asked: CreateVideo, *, start: str | None = None, end: str | None = None) -> Request:
    """What is to be made. ``start`` and ``end`` are names of files. Raises Problem 400 as `parse` does."""
    shots = _shots(asked)
    try:
        width, height = _size(asked)
    except ValueError as error:
        param = "size" if asked.size is not None else "aspect_ratio" if "aspect" in str(error) else "resolution"
        raise Problem(status=400, message=str(error), code="invalid_value", param=param) from None
    try:
        return Request(
            shots=tuple(Shot(seconds=seconds, prompt=prompt) for seconds, prompt in shots),
            start=start,
            end=end,
            width=width,
            height=height,
            fps=30 if asked.fps is None else asked.fps,
            seed=secrets.randbelow(2**31) if asked.seed is None else asked.seed,
            negative=asked.negative_prompt or None,
            guidance=asked.guidance_scale,
            steps=asked.num_inference_steps,
            best_of=asked.best_of,
            fit=asked.fit,
            model=asked.model,
        )
    except ValueError as error:
        raise Problem(status=400, message=str(error), code="invalid_value", param=_param(str(error), asked)) from None


def to_request(values: dict[str, Any]) -> Request:
    """A request from JSON. Raises Problem 400 as `parse` does."""
    try:
        return requests.from_json(values)
    except ValueError as error:
        raise Problem(status=400, message=str(error), code="invalid_value", param=_param(str(error), None)) from None


def _shots(asked: CreateVideo) -> list[tuple[float, str]]:
    if asked.storyboard is not None:
        for name in ("prompt", "seconds", "num_frames"):
            if getattr(asked, name) is not None:
                raise _both("storyboard", name)
        return [(shot.seconds, shot.prompt) for shot in asked.storyboard]
    if asked.prompt is None:
        raise Problem(
            status=400, message="prompt is missing; say what to show", code="missing_parameter", param="prompt"
        )
    if asked.num_frames is not None:
        if asked.seconds is not None:
            raise _both("num_frames", "seconds")
        fps = 30 if asked.fps is None else asked.fps
        if not 1 <= fps <= 60:
            raise Problem(
                status=400, message=f"fps {fps:g} must be from 1 to 60; try 30", code="invalid_value", param="fps"
            )
        return [(asked.num_frames / fps, asked.prompt)]
    return [(SECONDS if asked.seconds is None else asked.seconds, asked.prompt)]


def _size(asked: CreateVideo) -> tuple[int, int]:
    if asked.size is not None:
        for name in ("width", "height", "aspect_ratio", "resolution"):
            if getattr(asked, name) is not None:
                raise _both("size", name)
        return geometry.parse_size(asked.size)
    if asked.width is not None or asked.height is not None:
        if asked.width is None or asked.height is None:
            raise Problem(
                status=400, message="give width and height, or neither", code="missing_parameter", param="width"
            )
        return asked.width, asked.height
    if asked.aspect_ratio is None and asked.resolution is None:
        return 512, 288
    return geometry.size_of(asked.aspect_ratio or "16:9", asked.resolution or "288p")


def _param(message: str, asked: CreateVideo | None) -> str | None:
    """Whose value a message of a Request is about."""
    name = next((field for start, field in FIELDS.items() if message.startswith(start)), None)
    if name is None:
        name = "storyboard" if "seconds in all" in message else None
    if name in {"seconds", "prompt"} and asked is not None and asked.storyboard is not None:
        return "storyboard"
    if name == "seconds" and asked is not None and asked.num_frames is not None:
        return "num_frames"
    if name == "storyboard" and asked is not None and asked.storyboard is None:
        return "seconds"
    return name


def _checked(model: type[BaseModel], values: dict[str, Any]) -> dict[str, Any]:
    """The values without names that are known and ask for nothing; Problem for those that ask for what is not there."""
    kept = {name: value for name, value in values.items() if value not in (None, "") or name in {"prompt", "size"}}
    for name in MISSING:
        value = kept.pop(name, None)
        if value not in (None, False, "false", "", [], {}):
            raise Problem(
                status=400,
                message=f"{name} is not supported: the models here have no such thing; leave it out",
                code="unsupported_parameter",
                param=name,
            )
    for name in ONE:
        if str(kept.pop(name, 1)) != "1":
            raise Problem(
                status=400,
                message=f"{name} must be 1; ask again for another video",
                code="unsupported_parameter",
                param=name,
            )
    odd = next((name for name in kept if name not in model.model_fields), None)
    if odd is not None:
        raise _unknown(model, odd)
    return kept


def _unknown(model: type[BaseModel], name: str) -> Problem:
    names = [field.alias or known for known, field in model.model_fields.items()]
    near = difflib.get_close_matches(name, names, n=1)
    remedy = f"did you mean {near[0]}?" if near else f"known are {', '.join(names)}"
    return Problem(status=400, message=f"{name!r} is not known; {remedy}", code="unknown_parameter", param=name)


def _both(one: str, other: str) -> Problem:
    message = f"{one} and {other} exclude one another; give one of them"
    return Problem(status=400, message=message, code="invalid_value", param=other)
