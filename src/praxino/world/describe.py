"""Captions of a scene in English and Chinese, both from the same facts: short and long, with synonyms, reordered."""

import re

import numpy as np

from praxino.world import one, tell
from praxino.world import vocabulary as words
from praxino.world.phrase import (
    ACTIONS,
    DIRECTIONS,
    FROM,
    PACES,
    Language,
    article,
    chance,
    does,
    noun,
    pick,
    start_place,
    tidy,
)
from praxino.world.scene import Scene

LEADS = ("a video of", "a film of", "a scene with", "we see"), ("视频里，", "画面中，", "一段视频：")
PICTURES = ("a picture of", "a photo of", "an image of"), ("一张图片：", "画面中，")
AIR = ("in the air", "above the floor", "in mid-air"), ("在空中", "悬在空中", "在半空中")
SEEN = ("the camera is still", "seen by a still camera", "static camera"), ("镜头静止", "固定镜头")
LINKS_ZH = ("上", "在", "的", "，", "一个", "一颗", "一块", "有一个", "到左边", "到右边", "左边", "右边", "里")
ALWAYS = (
    "a an the and of on in at to from across over with is it its there that then by one two video clip film "
    "picture photo image scene shot showing shows show seen camera side left right forward up down center "
    "centre against viewed slowly quickly fast slow gently"
)
ALWAYS_ZH = (
    "一 个 颗 块 只 的 在 上 向 往 从 到 着 和 与 里 有 是 了 地 朝 中 并 然后 一个 一颗 一块 视频 画面 镜头 "
    "场景 照片 图片 左 右 慢慢 快速 缓缓 地面 地板 上方 色 红色 橙色 黄色 绿色 青色 蓝色 紫色 粉色 粉红色 白色 "
    "黑色 棕色 褐色 灰色"
)


def phrases(rung: str) -> list[str]:
    """Every piece captions of ``rung`` are made of (slots in braces)."""
    first = rung == "one"
    tables = [
        (words.COLOUR_WORDS, words.FIRST_COLOURS if first else None),
        (words.SHAPE_WORDS, one.SHAPES if first else None),
        (words.SIZE_WORDS, None),
        (words.LOOK_WORDS, ("matte", "shiny") if first else None),
        (words.FLOOR_WORDS, one.FLOORS if first else None),
        (words.SKY_WORDS, ("day", "studio") if first else None),
        (words.PLACE_WORDS, None),
        (ACTIONS, one.ACTIONS if first else None),
        (DIRECTIONS, None),
        (PACES, None),
    ]
    out = [
        p
        for table, keys in tables
        for k, pair in table.items()
        if keys is None or k in keys
        for side in pair
        for p in side
    ]
    for pair in (FROM, LEADS, PICTURES, AIR, SEEN):
        out += [*pair[0], *pair[1]]
    # The bare colour and look without their particle, as 红色 in 红色球.
    out += [p.removesuffix("的") for p in out if p.endswith("的") and len(p) > 2]
    return [*out, *LINKS_ZH, *([] if first else tell.pieces())]


def known_words(rung: str) -> frozenset[str]:
    """Every lower-case English and every Chinese word that captions of ``rung`` can use, and function words."""
    found: set[str] = {*ALWAYS.split(), *ALWAYS_ZH.split()}
    for phrase in phrases(rung):
        found.update(words.runs(re.sub(r"\{\w+\}", " ", phrase)))
    return frozenset(found)


def describe(scene: Scene, *, language: Language = "en", seed: int = 0) -> str:
    """One caption of ``scene``; ``seed`` chooses its length, its words and their order."""
    rng = np.random.default_rng([seed, scene.seed % 2**32, 2 if language == "en" else 3])
    if scene.rung != "one":
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
        return tidy(
            [lead, noun(thing, rng, "en"), air, place, f"{'over' if air else 'on'} {article(floor)}" if told else ""]
        )
    if not told:
        return f"{lead}{place}{noun(thing, rng, 'zh')}{air}"
    ground = f"{floor}{'上方' if air else '上'}"
    if chance(rng, 0.5):
        return f"{lead}{ground}{place and '的' + place}有{noun(thing, rng, 'zh')}{air and '，' + air}"
    return f"{lead}{noun(thing, rng, 'zh')}{air}{'，' if air else ''}在{ground}{place and '的' + place}"


def _english(scene: Scene, rng: np.random.Generator) -> str:
    story, thing = scene.story, scene.things[0]
    verb = does(scene, rng, "en")
    floor = pick(rng, words.FLOOR_WORDS[scene.floor.kind][0])
    over = "across" if story.direction and story.action in ("rolls", "slides") and chance(rng, 0.3) else "on"
    ground = f"{over} {article(floor)}" if chance(rng, 0.85) else ""
    start = start_place(scene, rng, "en")
    sky = pick(rng, words.SKY_WORDS[scene.sky.kind][0]) if chance(rng, 0.12) else ""
    seen = ", " + pick(rng, SEEN[0]) if chance(rng, 0.05) else ""
    name, form = noun(thing, rng, "en"), rng.random()
    if ground and form < 0.12:
        return tidy([f"{ground.replace('across', 'on')},", name, verb, start, sky, seen])
    lead = ""
    if form > 0.93 and story.action != "rests":
        lead = "we see"
        verb = f"that {verb}"
    tail = [ground, start, sky] if chance(rng, 0.7) else [start, ground, sky]
    return tidy([lead, name, verb, *tail, seen])


def _chinese(scene: Scene, rng: np.random.Generator) -> str:
    story, thing = scene.story, scene.things[0]
    verb = does(scene, rng, "zh")
    floor = pick(rng, words.FLOOR_WORDS[scene.floor.kind][1])
    ground = f"在{floor}上" if chance(rng, 0.85) else ""
    place, name = start_place(scene, rng, "zh"), noun(thing, rng, "zh")
    lead = pick(rng, LEADS[1]) if chance(rng, 0.07) else ""
    if place and not story.direction:
        ground, place = (f"{ground}的{place}" if ground else f"在{place}"), ""
    leading = ground and chance(rng, 0.25)
    body = f"{ground.removeprefix('在')}，{name}{verb}" if leading else f"{name}{ground}{verb}"
    sky = f"，{pick(rng, words.SKY_WORDS[scene.sky.kind][1])}" if chance(rng, 0.1) else ""
    return f"{lead}{body}{place and '，' + place}{sky}"
