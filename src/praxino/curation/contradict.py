"""Whether words say what a tag disproves: a camera that is said to be still and moves, a dark picture called bright."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from praxino.curation.clip import Tag

Tags = Mapping[str, Tag]


@dataclass(frozen=True, kw_only=True)
class Claim:
    """Words, and when they are false. Only what a tag is sure of is called false."""

    pattern: re.Pattern[str]
    tag: str
    false: Callable[[Any], bool]


def _claim(words: str, tag: str, false: Callable[[Any], bool]) -> Claim:
    return Claim(pattern=re.compile(words, re.IGNORECASE), tag=tag, false=false)


SURE = 0.02
"""Widths a second that a camera has to move, and half of what things do, for its movement to be told."""


def camera(tags: Tags) -> str:
    """What the camera does, where that is sure; "" where a thing that crosses the picture may be taken for it."""
    kind, moves, things = tags.get("camera"), tags.get("camera_motion"), tags.get("object_motion")
    if not isinstance(kind, str):
        return ""
    if kind in {"still", "shake"} or not isinstance(moves, int | float) or not isinstance(things, int | float):
        return kind
    return kind if moves >= SURE and moves >= 0.5 * things else ""


_CAMERA = r"(?:camera|view)(?: \w+)? "
CLAIMS = (
    _claim(
        r"(?:still|static|fixed|motionless|stationary) (?:camera|shot)|camera (?:is|stays) (?:still|static|fixed)"
        r"|镜头(?:静止|固定|不动)|(?:静止|固定)镜头",
        "camera",
        lambda kind: kind not in {"still", "shake"},
    ),
    *(
        _claim(words, "camera", lambda kind, opposite=opposite: kind == opposite)
        for words, opposite in (
            (_CAMERA + r"(?:pans?|panning|turns?|moves?|sweeps?)(?: \w+)? left|镜头向左", "pan_right"),
            (_CAMERA + r"(?:pans?|panning|turns?|moves?|sweeps?)(?: \w+)? right|镜头向右", "pan_left"),
            (_CAMERA + r"tilts?(?: \w+)? up|镜头向上", "tilt_down"),
            (_CAMERA + r"tilts?(?: \w+)? down|镜头向下", "tilt_up"),
            (r"zooms? in|(?:moves|pushes|dollies) in\b|镜头(?:推近|拉近|放大|推进)", "zoom_out"),
            (r"zooms? out|(?:moves|pulls) (?:out|back)\b|镜头(?:拉远|后退|缩小)", "zoom_in"),
        )
    ),
    _claim(
        _CAMERA + r"(?:pans|tilts|zooms|orbits|moves|follows)|镜头(?:向|推|拉|跟|环绕)",
        "camera",
        lambda kind: kind == "still",
    ),
    _claim(r"\b(?:dark|dim|at night|night sky)\b|昏暗|夜晚|夜里|黑夜", "brightness", lambda value: value > 190),
    _claim(r"\b(?:bright(?:ly lit)?|sunny|in daylight)\b|明亮|阳光", "brightness", lambda value: value < 45),
    _claim(r"black[- ]and[- ]white|monochrome|grayscale|greyscale|黑白", "colourfulness", lambda value: value > 15),
    _claim(r"\b(?:colou?rful|vivid colou?rs?)\b|色彩鲜艳|五颜六色", "colourfulness", lambda value: value < 6),
    _claim(r"\b(?:silent|no sound|without sound)\b|无声|没有声音", "sound", lambda value: value is True),
    _claim(r"\bwith sound\b|有声音", "sound", lambda value: value is False),
    _claim(
        r"(?:hardly anything|nothing) moves|motionless scene|几乎没有东西在动|一动不动",
        "motion",
        lambda value: value > 0.15,
    ),
)


def contradictions(text: str, tags: Tags) -> list[str]:
    """What of a text tags disprove: the words, the tag and its value."""
    found: list[str] = []
    for claim in CLAIMS:
        value: Any = camera(tags) if claim.tag == "camera" else tags.get(claim.tag)
        match = claim.pattern.search(text)
        if match and value not in {None, ""} and claim.false(value):
            found.append(f"{match.group()!r} but {claim.tag} is {value}")
    return found
