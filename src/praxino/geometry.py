"""All arithmetic between seconds, frames, pixels, latents and tokens.

A latent clip is chunk-causal: its first latent frame holds one frame, every later one holds ``time`` frames. Only this
module knows it. Sizes are (width, height) in pixels; boxes are pixels from the left and the top.
"""

import math
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

RESOLUTIONS = {"288p": 288, "540p": 540, "1080p": 1080}  # the short side
MAX_ASPECT = 4.0  # of the long side to the short one
EARLY = Fraction(
    1, 4
)  # of the shorter frame: what comes up this soon is on time, for containers round their timestamps


@dataclass(frozen=True, kw_only=True)
class Compression:
    """How much smaller latents are than frames."""

    space: int  # pixels per latent, along height and along width
    time: int  # frames per latent frame, but for the first, which holds one


@dataclass(frozen=True, kw_only=True)
class Box:
    """A rectangle, in pixels from the left and the top; edges may lie between pixels."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """In pixels."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """In pixels."""
        return self.bottom - self.top


# --- frames and latent frames


def latent_frames(frames: int, time: int) -> int:
    """Whole latent frames inside ``frames`` frames (at least one frame)."""
    return (frames - 1) // time + 1


def frames_of(latents: int, time: int) -> int:
    """Frames that ``latents`` latent frames hold."""
    return 1 + (latents - 1) * time if latents > 0 else 0


def covering(frames: int, time: int) -> int:
    """Fewest latent frames that hold at least ``frames`` frames."""
    return -(-(frames - 1) // time) + 1 if frames > 0 else 0


def frames_in(latent: int, time: int) -> range:
    """The frames that the latent frame with this index holds."""
    return range(frames_of(latent, time), frames_of(latent + 1, time))


def tokens(latents: int, height: int, width: int, space: int) -> int:
    """Tokens of ``latents`` latent frames of a picture of height x width pixels.

    Raises ValueError where the size is not a multiple of ``space``.
    """
    for name, side in (("height", height), ("width", width)):
        if side % space:
            near = max(space, round(side / space) * space)
            raise ValueError(f"{name} {side} must be a multiple of {space}; try {near}")
    return latents * (height // space) * (width // space)


# --- seconds and frames


def frames_of_seconds(seconds: float, fps: float) -> int:
    """Frames that ``seconds`` take at ``fps`` frames a second; at least one."""
    return max(1, round(seconds * fps))


def shot_frames(seconds: Sequence[float], fps: float) -> list[int]:
    """Frames of each of several shots in a row; together as many as the whole takes, so that rounding never adds up."""
    counts: list[int] = []
    end = 0.0
    for length in seconds:
        end += length
        counts.append(max(1, frames_of_seconds(end, fps) - sum(counts)))
    return counts


def exact_rate(fps: float) -> Fraction:
    """The frame rate as containers write it: 29.97 and its kin become 30000/1001 and theirs."""
    ntsc = Fraction(round(fps * 1.001) * 1000, 1001)
    if round(fps) != fps and abs(float(ntsc) - fps) < 0.005:
        return ntsc
    return Fraction(fps).limit_denominator(1000)


def shown(count: int, from_fps: float, to_fps: float) -> list[int]:
    """For each frame at ``to_fps``, which of ``count`` frames at ``from_fps`` is on screen at its moment."""
    source, target = exact_rate(from_fps), exact_rate(to_fps)
    wanted = max(1, round(count * target / source))
    early = EARLY * source / max(source, target)
    return [min(count - 1, int(k * source / target + early)) for k in range(wanted)]


def shown_at(times: Sequence[float], seconds: float, to_fps: float) -> list[int]:
    """For each frame at ``to_fps``, the index of the frame on screen at its moment, for frames shown from ``times`` on.

    ``times`` are seconds from the first frame, rising; ``seconds`` is how long the whole is shown.
    """
    step = 1 / exact_rate(to_fps)
    wanted = max(1, round(Fraction(seconds).limit_denominator(1_000_000) / step))
    gap = times[-1] / (len(times) - 1) if len(times) > 1 else float(step)
    early = float(EARLY) * min(float(step), gap)
    return [max(0, bisect_right(times, float(k * step) + early) - 1) for k in range(wanted)]


# --- pixels


def size_of(aspect: str, resolution: str) -> tuple[int, int]:
    """(width, height) of an aspect such as "16:9" whose short side is "288p", "540p" or "1080p".

    Raises ValueError where either is not of that form, or the aspect is beyond 4:1.
    """
    if resolution not in RESOLUTIONS:
        raise ValueError(f"resolution {resolution!r} is not known; choose one of {', '.join(RESOLUTIONS)}")
    match = re.fullmatch(r"(\d{1,4}(?:\.\d{1,4})?):(\d{1,4}(?:\.\d{1,4})?)", aspect.strip())
    across, down = (float(match[1]), float(match[2])) if match else (0.0, 0.0)
    if not (across > 0 and down > 0 and max(across / down, down / across) <= MAX_ASPECT):
        raise ValueError(f"aspect {aspect!r} makes no sense; write WIDTH:HEIGHT between 1:4 and 4:1, such as 16:9")
    short = RESOLUTIONS[resolution]
    long = 2 * round(short * max(across / down, down / across) / 2)
    return (long, short) if across >= down else (short, long)


def parse_size(text: str) -> tuple[int, int]:
    """(width, height) of a size such as "512x288". Raises ValueError where it is not of that form."""
    match = re.fullmatch(r"(\d{1,9})[xX×*](\d{1,9})", text.strip())
    if not match:
        raise ValueError(f"size {text!r} is not a size; write WIDTHxHEIGHT, such as 512x288")
    return int(match[1]), int(match[2])


def native_size(width: int, height: int, sizes: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Of a model's own sizes, the one whose shape is nearest to width x height; of equals, the one nearest in area."""
    if not sizes:
        raise ValueError("the model lists no sizes in its config.json; add card.sizes")

    def distance(size: tuple[int, int]) -> tuple[float, float]:
        shape = abs(math.log((width / height) / (size[0] / size[1])))
        return round(shape, 6), abs(math.log((width * height) / (size[0] * size[1])))

    nearest = min(sizes, key=distance)
    return nearest[0], nearest[1]


def crop_box(size: tuple[int, int], into: tuple[int, int]) -> Box:
    """The largest centred part of a picture of ``size`` that has the shape of ``into``."""
    (width, height), (to_width, to_height) = size, into
    scale = min(width / to_width, height / to_height)
    left, top = (width - to_width * scale) / 2, (height - to_height * scale) / 2
    return Box(left=max(0.0, left), top=max(0.0, top), right=min(width, width - left), bottom=min(height, height - top))


def pad_box(size: tuple[int, int], into: tuple[int, int]) -> Box:
    """Where in a frame of ``into`` a whole picture of ``size`` goes: centred, as large as fits, on whole pixels."""
    (width, height), (to_width, to_height) = size, into
    scale = min(to_width / width, to_height / height)
    inner = min(to_width, max(1, round(width * scale))), min(to_height, max(1, round(height * scale)))
    left, top = (to_width - inner[0]) // 2, (to_height - inner[1]) // 2
    return Box(left=left, top=top, right=left + inner[0], bottom=top + inner[1])
