"""Captions of a scene in English and Chinese, both written from the same facts: short and long, with synonyms, reordered."""

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
    "bounces": (("bounces", "is bouncing", "bounces up and down", "keeps bouncing"), ("弹跳", "上下弹跳", "不停地弹跳", "跳动")),
    "falls": (("falls", "is falling", "drops down", "falls down", "falls from above"), ("落下", "掉下来", "从上方落下", "下落")),
    "is thrown": (("is thrown {d}", "flies {d} in an arc", "is tossed {d}"), ("被{d}抛出", "{d}抛出", "被扔{d2}")),
    "spins": (("spins", "is spinning", "spins around", "turns round and round", "rotates"), ("旋转", "原地旋转", "不停地旋转", "转动")),
    "rests": (("rests", "lies still", "stands still", "does not move"), ("静止不动", "一动不动", "静静地待着")),
}
DIRECTIONS = {
    "left": (("to the left", "left", "leftwards", "from right to left"), ("向左", "往左", "朝左", "从右向左", "从右往左")),
    "right": (("to the right", "right", "rightwards", "from left to right"), ("向右", "往右", "朝右", "从左向右", "从左往右")),
    "toward": (("toward the camera", "towards the camera", "toward us"), ("向镜头", "朝镜头", "朝着镜头")),
    "away": (("away from the camera", "away", "into the distance"), ("向远处", "往远处", "远离镜头")),
}
PACES = {
    "slow": (("slowly", "gently"), ("慢慢", "缓缓")),
    "fast": (("quickly", "fast"), ("快速", "飞快地")),
}
FROM = ("starting {p}", "beginning {p}"), ("从{p}开始", "起初在{p}")
LEADS = ("a video of", "a film of", "a scene with", "we see"), ("视频里，", "画面中，", "一段视频：")
PICTURES = ("a picture of", "a photo of", "an image of"), ("一张图片：", "画面中，")
AIR = ("in the air", "above the floor", "in mid-air"), ("在空中", "悬在空中", "在半空中")
SEEN = ("the camera is still", "seen by a still camera", "static camera"), ("镜头静止", "固定镜头")
LINKS_ZH = ("上", "在", "的", "，", "一个", "一颗", "一块", "有一个", "到左边", "到右边", "左边", "右边", "里")


def phrases(rung: str) -> list[str]:
    """Every piece captions of ``rung`` are made of (slots in braces)."""
    first = rung == "one"
    from praxino.world import one

    tables = [
        (words.COLOUR_WORDS, words.FIRST_COLOURS if first else None),
        (words.SHAPE_WORDS, one.SHAPES if first else None),
        (words.SIZE_WORDS, None),
        (words.LOOK_WORDS, ("matte", "shiny") if first else None),
        (words.FLOOR_WORDS, one.FLOORS if first else None),
        (words.SKY_WORDS, ("day", "studio") if first else None),
        (words.PLACE_WORDS, None),
        (ACTIONS, None),
        (DIRECTIONS, None),
        (PACES, None),
    ]
    out = [p for table, keys in tables for k, pair in table.items() if keys is None or k in keys for side in pair for p in side]
    for pair in (FROM, LEADS, PICTURES, AIR, SEEN):
        out += [*pair[0], *pair[1]]
    # The bare colour and look without their particle, as 红色 in 红色球.
    out += [p.removesuffix("的") for p in out if p.endswith("的") and len(p) > 2]
    return [*out, *LINKS_ZH]


def describe(scene: Scene, *, language: Language = "en", seed: int = 0) -> str:
    """One caption of ``scene``; ``seed`` chooses its length, its words and their order."""
    rng = np.random.default_rng([seed, scene.seed % 2**32, 2 if language == "en" else 3])
    if scene.rung != "one":
        from praxino.world import tell

        return tell.tell(scene, language, rng)
    return _english(scene, rng) if language == "en" else _chinese(scene, rng)


def describe_still(scene: Scene, *, language: Language, seed: int, where: str | None, flying: bool) -> str:
    """One caption of a picture: what is there and where, hardly what it does."""
    rng = np.random.default_rng([seed, scene.seed % 2**32, 4 if language == "en" else 5])
    side = 0 if language == "en" else 1
    thing, floor = scene.things[0], pick(rng, words.FLOOR_WORDS[scene.floor.kind][side])
    place = pick(rng, words.PLACE_WORDS[where][side]) if where and chance(rng, 0.6) else ""
    air = pick(rng, AIR[side]) if flying and chance(rng, 0.8) else ""
    lead = pick(rng, PICTURES[side]) if chance(rng, 0.15) else ""
    told = chance(rng, 0.85)
    if language == "en":
        return tidy([lead, noun(thing, rng, "en"), air, place, f"{'over' if air else 'on'} {article(floor)}" if told else ""])
    if not told:
        return f"{lead}{place}{noun(thing, rng, 'zh')}{air}"
    ground = f"{floor}{'上方' if air else '上'}"
    if chance(rng, 0.5):
        return f"{lead}{ground}{place and '的' + place}有{noun(thing, rng, 'zh')}{air and '，' + air}"
    return f"{lead}{noun(thing, rng, 'zh')}{air}{'，' if air else ''}在{ground}{place and '的' + place}"


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
    if noun.split()[-1] in ("grass", "sand", "snow"):
        return noun
    return f"{'an' if noun[0] in 'aeio' else 'a'} {noun}"


def tidy(parts: Sequence[str]) -> str:
    """The parts that are there, with single spaces, and no space before a comma."""
    return " ".join(p for p in parts if p).replace(" ,", ",")


def noun(thing: Thing, rng: np.random.Generator, language: Language, *, plainly: bool = False) -> str:
    """A thing as captions name it: always its colour and shape, sometimes its size and look."""
    side = 0 if language == "en" else 1
    size = pick(rng, words.SIZE_WORDS[thing.size][side]) if not plainly and chance(rng, 0.35 if thing.size != "medium" else 0.06) else ""
    loud = thing.look not in ("matte", "shiny")
    look = pick(rng, words.LOOK_WORDS[thing.look][side]) if not plainly and chance(rng, 0.8 if loud else 0.15) else ""
    colour, shape = pick(rng, words.COLOUR_WORDS[thing.colour][side], 0.75), pick(rng, words.SHAPE_WORDS[thing.shape][side], 0.65)
    if language == "en":
        return article(tidy([size, look, colour, shape]))
    measure = pick(rng, ("一个", "一颗" if thing.shape == "sphere" else "一个", "一块" if thing.shape in ("cube", "box") else "一个"), 0.8)
    if shape.startswith("小"):
        shape = shape[1:] if thing.size == "large" or size else shape
    if size == "小" or size == "大":
        # 小 and 大 stand right before a short noun or colour: 一个小红球, 一个大的红色的球.
        size += "" if colour.endswith("的") is False or chance(rng, 0.5) else "的"
    if look and not look.endswith("的"):
        look += "的"
    if colour.endswith("的") and chance(rng, 0.3):
        colour = colour[:-1]
    return f"{measure}{size}{look}{colour}{shape}"


def _english(scene: Scene, rng: np.random.Generator) -> str:
    story, thing = scene.story, scene.things[0]
    turn = pick(rng, DIRECTIONS[story.direction][0], 0.65) if story.direction else ""
    does = pick(rng, ACTIONS[story.action][0], 0.65).replace("{d}", turn).strip()
    does += " " + pick(rng, PACES[story.pace][0]) if story.pace and chance(rng, 0.25) else ""
    floor = pick(rng, words.FLOOR_WORDS[scene.floor.kind][0])
    over = "across" if story.direction and story.action in ("rolls", "slides") and chance(rng, 0.3) else "on"
    ground = f"{over} {article(floor)}" if chance(rng, 0.85) else ""
    start = _start(scene, rng, 0)
    sky = pick(rng, words.SKY_WORDS[scene.sky.kind][0]) if chance(rng, 0.12) else ""
    seen = ", " + pick(rng, SEEN[0]) if chance(rng, 0.05) else ""
    name, form = noun(thing, rng, "en"), rng.random()
    if ground and form < 0.12:
        return tidy([f"{ground.replace('across', 'on')},", name, does, start, sky, seen])
    lead = ""
    if form > 0.93 and story.action != "rests":
        lead = "we see"
        does = f"that {does}"
    tail = [ground, start, sky] if chance(rng, 0.7) else [start, ground, sky]
    return tidy([lead, name, does, *tail, seen])


def _start(scene: Scene, rng: np.random.Generator, side: int) -> str:
    """Where it begins: said a quarter of the time; nothing moves for ``rests`` and what stays in place is simply there."""
    story = scene.story
    if story.place is None or not chance(rng, 0.3):
        return ""
    place = pick(rng, words.PLACE_WORDS[story.place][side])
    return pick(rng, FROM[side]).replace("{p}", place) if story.direction else place


def _chinese(scene: Scene, rng: np.random.Generator) -> str:
    story, thing = scene.story, scene.things[0]
    turn = pick(rng, DIRECTIONS[story.direction][1], 0.55) if story.direction else ""
    does = pick(rng, ACTIONS[story.action][1], 0.65)
    if "{d2}" in does:
        does = does.replace("{d2}", "到左边" if story.direction == "left" else "到右边")
    does = does.replace("{d}", turn)
    does = pick(rng, PACES[story.pace][1]) + does if story.pace and chance(rng, 0.25) else does
    floor = pick(rng, words.FLOOR_WORDS[scene.floor.kind][1])
    ground = f"在{floor}上" if chance(rng, 0.85) else ""
    place, name = _start(scene, rng, 1), noun(thing, rng, "zh")
    lead = pick(rng, LEADS[1]) if chance(rng, 0.07) else ""
    if place and not story.direction:
        ground, place = (f"{ground}的{place}" if ground else f"在{place}"), ""
    if ground and chance(rng, 0.25):
        body = f"{ground.removeprefix('在')}，{name}{does}"
    else:
        body = f"{name}{ground}{does}"
    sky = f"，{pick(rng, words.SKY_WORDS[scene.sky.kind][1])}" if chance(rng, 0.1) else ""
    return f"{lead}{body}{place and '，' + place}{sky}"
