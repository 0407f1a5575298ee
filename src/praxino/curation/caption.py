"""What can be said of a shot, in English and Chinese, short and long, with nothing made up.

A caption is six fields: subject, action, scene, camera, style, light. What people or the world's truth wrote about a
film is its subject; the rest is what tags prove. Long captions leave some fields out and exchange others, by seed, so
that a model hears of the same thing in several ways. What contradicts a tag is not said.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from praxino.curation.clip import Tag
from praxino.curation.contradict import camera, contradictions
from praxino.curation.words import Told

FIELDS = ("subject", "action", "scene", "camera", "style", "light")
LANGUAGES = ("en", "zh")
DROPPED = 0.2
"""How likely a field of a long caption is left out; subject and action never are."""
VERSION = 1
Pair = tuple[str, str]  # the same in English and in Chinese
Seen = dict[str, dict[str, str]]  # what was seen in a shot, by language and field

COLOURS: Mapping[str, Pair] = {
    "black": ("black", "黑色"), "white": ("white", "白色"), "grey": ("grey", "灰色"), "red": ("red", "红色"),
    "orange": ("orange", "橙色"), "brown": ("brown", "棕色"), "yellow": ("yellow", "黄色"), "green": ("green", "绿色"),
    "cyan": ("cyan", "青色"), "blue": ("blue", "蓝色"), "purple": ("purple", "紫色"), "pink": ("pink", "粉色"),
}  # fmt: skip
CAMERA: Mapping[str, Pair] = {
    "still": ("the camera is still", "镜头静止"),
    "pan_left": ("the camera pans left", "镜头向左摇"),
    "pan_right": ("the camera pans right", "镜头向右摇"),
    "tilt_up": ("the camera tilts up", "镜头向上摇"),
    "tilt_down": ("the camera tilts down", "镜头向下摇"),
    "zoom_in": ("the camera moves in", "镜头推近"),
    "zoom_out": ("the camera moves out", "镜头拉远"),
    "roll": ("the camera turns about its axis", "镜头旋转"),
    "shake": ("a shaky camera", "镜头晃动"),
}


@dataclass(frozen=True, kw_only=True)
class Facts:
    """The fields of a caption, each in English and in Chinese; what is not known is left out."""

    fields: dict[str, Pair] = field(default_factory=dict)

    def to_json(self) -> dict[str, dict[str, str]]:
        """By field and language."""
        return {name: dict(zip(LANGUAGES, pair, strict=True)) for name, pair in self.fields.items()}


class Captioner(Protocol):
    """What looks at shots and says what they show, as a vision-language model does (`curation.vision`)."""

    name: str  # of the model and its weights: what it has said is not asked again
    batch: int  # shots that it is best shown at once

    def describe(self, clips: Sequence[np.ndarray]) -> list[Seen]:
        """Of each clip (t, h, w, 3) uint8, what is seen; languages and fields it cannot tell are left out."""
        ...


def facts(tags: Mapping[str, Tag]) -> Facts:
    """What tags prove."""
    found = {
        "subject": _subject(tags), "action": _action(tags), "scene": _scene(tags),
        "camera": CAMERA.get(camera(tags)), "style": _style(tags), "light": _light(tags),
    }  # fmt: skip
    return Facts(fields={name: pair for name, pair in found.items() if pair})


def caption(
    tags: Mapping[str, Tag], told: Mapping[str, str], *, seed: int = 0, spoken: str = "", seen: Seen | None = None
) -> dict[str, str]:
    """Captions en, en_long, zh and zh_long of a shot.

    ``told`` is what is written about it, by language; where there is nothing in a language, what a model has ``seen``
    speaks, and where that is nothing, tags do. ``spoken`` are its subtitles. Clauses of what is told and fields of what
    is seen that a tag disproves are left out. What the camera does, tags tell where they are sure of it.
    """
    known, out = facts(tags).fields, dict[str, str]()
    true, _ = believed(seen or {}, tags)
    for side, language in enumerate(LANGUAGES):
        given = _true(told.get(language, ""), tags)
        own = {name: pair[side] for name, pair in known.items()}
        looked = true.get(language, {})
        own |= {name: text for name, text in looked.items() if not (name == "camera" and name in own)}
        if "subject" in looked and "action" not in looked:
            own.pop("action", None)  # "something moves" beside a thing with a name
        out[language] = given or _joined(
            [own[name] for name in ("subject", "action", "camera") if name in own], language
        )
        if given:
            own["subject"] = given
            own.pop("action", None)  # it says what happens better than a tag does
        if spoken:
            own["spoken"] = f"someone says: “{spoken}”" if language == "en" else f"字幕：“{spoken}”"
        out[f"{language}_long"] = _joined(_ordered(own, seed, language), language)
    return out


def believed(seen: Seen, tags: Mapping[str, Tag]) -> tuple[Seen, list[str]]:
    """What of the seen no tag disproves, and a line for each field that one does: language, field and why."""
    true: Seen = {}
    false: list[str] = []
    for language, fields in seen.items():
        for name, text in fields.items():
            said = (
                text
                if name != "camera"
                else f"the camera is {text}, {text}"
                if language == "en"
                else f"镜头{text}，{text}"
            )
            wrong = contradictions(said, tags)
            if wrong:
                false.append(f"{language} {name}: {wrong[0]}")
            else:
                true.setdefault(language, {})[name] = text
    return true, false


def which(told: Told, start: int, end: int, frames: int) -> dict[str, str]:
    """What is written about frames [start, end) of a film of so many, by language.

    A caption of the whole film says what a shot shows only where the shot is most of it; a title, always.
    """
    for begin, stop, captions in told.shots:
        if min(end, stop) - max(start, begin) > 0.6 * max(end - start, 1):
            return {**told.title, **captions}
    return {**told.title, **(told.captions if end - start > 0.8 * frames else {})}


def _true(text: str, tags: Mapping[str, Tag]) -> str:
    """A text without the clauses that tags disprove; all of it where nothing would be left but a scrap."""
    if not contradictions(text, tags):
        return text
    mark = "，" if "，" in text else ","
    clauses = [clause for clause in text.split(mark) if not contradictions(clause, tags)]
    return mark.join(clauses).strip(" ,，")


def _ordered(own: Mapping[str, str], seed: int, language: str) -> list[str]:
    """Fields of a long caption: subject and action first or last, the others shuffled, some left out."""
    rng = np.random.default_rng([seed, len(language), 11])
    rest = [name for name in own if name not in {"subject", "action"}]
    kept = [rest[i] for i in rng.permutation(len(rest)) if rng.random() >= DROPPED]
    lead = [name for name in ("subject", "action") if name in own]
    first = [name for name in kept if name == "light" and rng.random() < 0.3]
    order = [*first, *lead, *(name for name in kept if name not in first)]
    return [own[name] for name in order]


def _joined(parts: list[str], language: str) -> str:
    parts = [part.strip(" .。,，") for part in parts if part]
    return ", ".join(parts) if language == "en" else "，".join(parts)


def _number(tags: Mapping[str, Tag], name: str) -> float | None:
    value: Any = tags.get(name)
    return float(value) if isinstance(value, int | float) else None


def _subject(tags: Mapping[str, Tag]) -> Pair:
    names = [name for name in str(tags.get("colours") or "").split(",") if name in COLOURS]
    if not names:
        return "a shot", "一段画面"
    english = " and ".join(COLOURS[name][0] for name in names[:2])
    return f"a shot mostly in {english}", f"以{'和'.join(COLOURS[name][1] for name in names[:2])}为主的画面"


def _action(tags: Mapping[str, Tag]) -> Pair | None:
    things = _number(tags, "object_motion")
    if things is None:
        return None
    if things < 0.01:
        calm = camera(tags) == "still" and (_number(tags, "motion") or 0) < 0.05
        return ("hardly anything moves", "几乎没有东西在动") if calm else None
    if things < 0.08:
        return "something moves slowly", "有东西缓慢移动"
    return ("something moves", "有东西在移动") if things < 0.3 else ("something moves fast", "有东西快速移动")


def _scene(tags: Mapping[str, Tag]) -> Pair | None:
    seconds = _number(tags, "seconds")
    if seconds is None:
        return None
    if tags.get("sound") is True:
        return f"about {max(1, round(seconds))} seconds with sound", f"约{max(1, round(seconds))}秒，有声音"
    return f"about {max(1, round(seconds))} seconds", f"约{max(1, round(seconds))}秒"


def _style(tags: Mapping[str, Tag]) -> Pair | None:
    vivid = _number(tags, "colourfulness")
    if vivid is None:
        return None
    if vivid < 4:
        return "in black and white", "黑白画面"
    return ("muted colours", "色彩柔和") if vivid < 18 else ("vivid colours", "色彩鲜艳") if vivid > 50 else None


def _light(tags: Mapping[str, Tag]) -> Pair | None:
    light, contrast = _number(tags, "brightness"), _number(tags, "contrast")
    if light is None:
        return None
    if light < 60:
        return "in dim light", "光线昏暗"
    if light > 180:
        return "in bright light", "光线明亮"
    return ("soft, even light", "光线均匀柔和") if contrast is not None and contrast < 20 else None
