"""The pieces that captions of every kind share: names of things, what they do, where they begin."""

import re
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from praxino.world import vocabulary as words
from praxino.world.scene import Scene, Thing

Language = Literal["en", "zh"]

# What things do; {d} is a direction. The first wording is the usual one.
ACTIONS: Mapping[str, tuple[Sequence[str], Sequence[str]]] = {
    "rolls": (("rolls {d}", "is rolling {d}"), ("{d}滚动", "{d}滚")),
    "slides": (("slides {d}", "is sliding {d}", "glides {d}"), ("{d}滑动", "{d}滑行")),
    "bounces": (
        ("bounces", "is bouncing", "bounces up and down", "keeps bouncing"),
        ("弹跳", "上下弹跳", "不停地弹跳", "跳动"),
    ),
    "falls": (
        ("falls", "is falling", "drops down", "falls down", "falls from above"),
        ("落下", "掉下来", "从上方落下", "下落"),
    ),
    "is thrown": (("is thrown {d}", "flies {d} in an arc", "is tossed {d}"), ("被{d}抛出", "{d}抛出", "被扔{d2}")),
    "spins": (
        ("spins", "is spinning", "spins around", "turns round and round", "rotates"),
        ("旋转", "原地旋转", "不停地旋转", "转动"),
    ),
    "topples": (("topples over", "tips over", "falls over"), ("倒下", "翻倒", "歪倒")),
    "rests": (("rests", "lies still", "stands still", "does not move"), ("静止不动", "一动不动", "静静地待着")),
}
DIRECTIONS = {
    "left": (
        ("to the left", "left", "leftwards", "from right to left"),
        ("向左", "往左", "朝左", "从右向左", "从右往左"),
    ),
    "right": (
        ("to the right", "right", "rightwards", "from left to right"),
        ("向右", "往右", "朝右", "从左向右", "从左往右"),
    ),
    "toward": (("toward the camera", "towards the camera", "toward us"), ("向镜头", "朝镜头", "朝着镜头")),
    "away": (("away from the camera", "away", "into the distance"), ("向远处", "往远处", "远离镜头")),
}
PACES = {
    "slow": (("slowly", "gently"), ("慢慢", "缓缓")),
    "fast": (("quickly", "fast"), ("快速", "飞快地")),
}
FROM = ("starting {p}", "beginning {p}"), ("从{p}开始", "起初在{p}")


def pick(rng: np.random.Generator, options: Sequence[str], first: float = 0.5) -> str:
    """One wording; the usual one with chance ``first``."""
    if len(options) == 1 or rng.random() < first:
        return options[0]
    return options[1 + int(rng.integers(len(options) - 1))]


def chance(rng: np.random.Generator, share: float) -> bool:
    """True ``share`` of the time."""
    return bool(rng.random() < share)


def article(noun: str) -> str:
    """``a`` or ``an`` before what takes one; nothing before grass, sand and snow."""
    if noun.rsplit(maxsplit=1)[-1] in ("grass", "sand", "snow"):
        return noun
    return f"{'an' if noun[0] in 'aeio' else 'a'} {noun}"


_OTHER = {"left": "right", "right": "left", "左": "右", "右": "左"}
_SIDES = re.compile(r"\b(?:left|right)(?=\b|wards?\b)|[左右]")


def tidy(parts: Sequence[str]) -> str:
    """The parts that are there, with single spaces, and no space before a comma."""
    return " ".join(p for p in parts if p).replace(" ,", ",")


def mirrored(caption: str) -> str:
    """What a caption says of the scene that a mirror shows: left is right."""
    return _SIDES.sub(lambda found: _OTHER[found[0]], caption)


def noun(thing: Thing, rng: np.random.Generator, language: Language, *, plainly: bool = False) -> str:
    """A thing as captions name it: always its colour and shape, sometimes its size and look."""
    side = 0 if language == "en" else 1
    size = (
        pick(rng, words.SIZE_WORDS[thing.size][side])
        if not plainly and chance(rng, 0.35 if thing.size != "medium" else 0.06)
        else ""
    )
    loud = thing.look not in ("matte", "shiny")
    look = pick(rng, words.LOOK_WORDS[thing.look][side]) if not plainly and chance(rng, 0.8 if loud else 0.15) else ""
    colour, shape = (
        pick(rng, words.COLOUR_WORDS[thing.colour][side], 0.75),
        pick(rng, words.SHAPE_WORDS[thing.shape][side], 0.65),
    )
    if language == "en":
        return article(tidy([size, look, colour, shape]))
    measure = pick(
        rng,
        ("一个", "一颗" if thing.shape == "sphere" else "一个", "一块" if thing.shape in ("cube", "box") else "一个"),
        0.8,
    )
    if shape.startswith("小"):
        shape = shape[1:] if thing.size == "large" or size else shape
    if size in {"小", "大"}:
        # 小 and 大 stand right before a short noun or colour: 一个小红球, 一个大的红色的球.
        size += "" if colour.endswith("的") is False or chance(rng, 0.5) else "的"
    if look and not look.endswith("的"):
        look += "的"
    if colour.endswith("的") and chance(rng, 0.3):
        colour = colour[:-1]
    return f"{measure}{size}{look}{colour}{shape}"


def does(scene: Scene, rng: np.random.Generator, language: Language) -> str:
    """What the hero does, which way, and now and then how fast."""
    side, story = 0 if language == "en" else 1, scene.story
    turn = pick(rng, DIRECTIONS[story.direction][side], 0.65 if language == "en" else 0.55) if story.direction else ""
    verb = pick(rng, ACTIONS[story.action][side], 0.65)
    verb = verb.replace("{d2}", "到左边" if story.direction == "left" else "到右边").replace("{d}", turn).strip()
    if not (story.pace and chance(rng, 0.25)):
        return verb
    pace = pick(rng, PACES[story.pace][side])
    return f"{verb} {pace}" if language == "en" else pace + verb


def start_place(scene: Scene, rng: np.random.Generator, language: Language) -> str:
    """Where it begins: said a quarter of the time; nothing moves for ``rests``, and what stays is simply there."""
    side, story = 0 if language == "en" else 1, scene.story
    if story.place is None or not chance(rng, 0.3):
        return ""
    place = pick(rng, words.PLACE_WORDS[story.place][side])
    return pick(rng, FROM[side]).replace("{p}", place) if story.direction else place
