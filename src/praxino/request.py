"""What a person asks for: one frozen dataclass, to and from JSON."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from praxino import config
from praxino.geometry import MAX_ASPECT

SHORTEST, LONGEST = 0.1, 120.0  # seconds, of a shot and of the whole film
SMALLEST, LARGEST, MOST_PIXELS = 64, 4096, 8_300_000  # pixels of a side, and of a frame (3840x2160)
MOST_WORDS = 2000  # characters of a prompt
MOST_SHOTS = 100
SEEDS = 2**63


@dataclass(frozen=True, kw_only=True)
class Shot:
    """Some seconds of a film, and its words."""

    seconds: float
    prompt: str

    def __post_init__(self) -> None:
        """Raises ValueError naming the value and the remedy."""
        _finite("seconds", self.seconds)
        if not SHORTEST <= self.seconds <= LONGEST:
            raise ValueError(f"seconds {self.seconds:g} must be from {SHORTEST:g} to {LONGEST:g}; try 4")
        _words("the prompt", self.prompt)
        if not self.prompt.strip():
            raise ValueError('the prompt "" has no words; say what to show, such as "a red ball bounces"')


@dataclass(frozen=True, kw_only=True)
class Request:
    """A film to make. Every value is checked here, once; paths are not opened."""

    shots: tuple[Shot, ...]
    start: str | None = None  # path of the picture or clip it continues
    end: str | None = None  # path of the picture it ends on
    width: int = 512
    height: int = 288
    fps: float = 30
    seed: int
    negative: str | None = None
    guidance: float | None = None  # None: the model's own
    steps: int | None = None
    best_of: int | None = None  # beginnings of which the best is continued
    fit: Literal["crop", "pad"] = "crop"
    model: str = "pocket"
    visible_label: bool = False  # words on the first two seconds that say that a model made the film

    def __post_init__(self) -> None:
        """Raises ValueError naming the value and the remedy."""
        _check_shots(self.shots)
        _check_size(self.width, self.height)
        _between("fps", self.fps, 1, 60, "30")
        if not 0 <= self.seed < SEEDS:
            raise ValueError(f"seed {self.seed} must be from 0 to 2**63 - 1; try {abs(self.seed) % 1000}")
        if self.guidance is not None:
            _between("guidance", self.guidance, 0, 20, "2")
        if self.steps is not None:
            _between("steps", self.steps, 1, 200, "36")
        if self.best_of is not None:
            _between("best_of", self.best_of, 1, 32, "8")
        if self.negative is not None:
            _words("the negative prompt", self.negative)
        if self.fit not in {"crop", "pad"}:
            raise ValueError(f"fit {self.fit!r} is not known; choose crop or pad")
        for name, path in (("start", self.start), ("end", self.end), ("model", self.model)):
            if path is not None and (not path.strip() or "\0" in path):
                raise ValueError(f"{name} {path!r} is empty; name a {'model' if name == 'model' else 'file'}")

    @property
    def seconds(self) -> float:
        """Of the film, without the clip it continues."""
        return sum(shot.seconds for shot in self.shots)


def to_json(request: Request) -> dict[str, Any]:
    """The request as JSON values."""
    return config.to_json(request)


def from_json(values: Mapping[str, Any]) -> Request:
    """The request that ``to_json`` wrote. Raises ValueError on an unknown key, a missing one or a bad value."""
    return config.from_json(Request, values)


def _check_shots(shots: tuple[Shot, ...]) -> None:
    if not shots:
        raise ValueError("the film has no shots; give a prompt, or a storyboard with at least one shot")
    if len(shots) > MOST_SHOTS:
        raise ValueError(f"{len(shots)} shots are too many; use at most {MOST_SHOTS}")
    total = sum(shot.seconds for shot in shots)
    if total > LONGEST + 1e-6:
        raise ValueError(
            f"{total:g} seconds in all are too many; use at most {LONGEST:g}, and extend the film afterwards"
        )


def _check_size(width: int, height: int) -> None:
    for name, side in (("width", width), ("height", height)):
        if not SMALLEST <= side <= LARGEST:
            near = SMALLEST if side < SMALLEST else LARGEST
            raise ValueError(f"{name} {side} must be from {SMALLEST} to {LARGEST} pixels; try {near}")
        if side % 2:
            raise ValueError(f"{name} {side} must be even; try {side + 1}")
    if max(width / height, height / width) > MAX_ASPECT:
        raise ValueError(f"size {width}x{height} is too narrow; keep it between 1:4 and 4:1, such as 512x288")
    if width * height > MOST_PIXELS:
        raise ValueError(f"size {width}x{height} is too large; use at most 3840x2160, such as 1920x1080")


def _finite(name: str, value: float) -> None:
    if not math.isfinite(value):
        raise ValueError(f"{name} {value} is not a number; give one, such as 4")


def _between(name: str, value: float, least: float, most: float, near: str) -> None:
    _finite(name, value)
    if not least <= value <= most:
        raise ValueError(f"{name} {value:g} must be from {least:g} to {most:g}; try {near}")


def _words(name: str, text: str) -> None:
    if len(text) > MOST_WORDS:
        raise ValueError(f"{name} has {len(text)} characters; use at most {MOST_WORDS}")
    if any((ord(letter) < 32 and letter not in "\t\n\r") or 0xD800 <= ord(letter) < 0xE000 for letter in text):
        raise ValueError(f"{name} {text[:40]!r} holds control characters; write plain text")
