"""Captions of the whole vocabulary: who does what to whom, on what ground, under what sky, with what camera."""

from collections.abc import Mapping, Sequence

import numpy as np

from praxino.world import vocabulary as words
from praxino.world.phrase import (
    DIRECTIONS,
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

# Whole sentences for plays with a partner or furniture: {a} the hero, {b} the other, {d} the way, {g} the ground.
PLAYS: Mapping[str, tuple[Sequence[str], Sequence[str]]] = {
    "collides": (
        ("{a} rolls {d} and collides with {b}", "{a} hits {b}", "{a} bumps into {b}", "{a} and {b} collide"),
        ("{a}{d}滚动，撞上{b}", "{a}撞到{b}", "{a}和{b}相撞", "{a}碰到了{b}"),
    ),
    "knocks over": (
        ("{a} rolls {d} and knocks over {b}", "{a} knocks {b} over", "{a} hits {b}, which falls over"),
        ("{a}{d}滚动，撞倒{b}", "{a}撞倒了{b}", "{b}被{a}撞倒"),
    ),
    "is hidden": (
        (
            "{a} moves {d} behind a wall and comes out again",
            "{a} is hidden by a wall and comes back",
            "{a} disappears behind a wall and reappears",
        ),
        ("{a}{d}经过一堵墙后面，又出现", "{a}被一堵墙挡住，然后重新出现", "{a}消失在墙后，又出来"),
    ),
    "orbits": (
        ("{a} orbits {b}", "{a} circles around {b}", "{a} goes round and round {b}"),
        ("{a}绕着{b}转", "{a}围绕{b}转圈", "{a}环绕{b}运动"),
    ),
    "rolls down": (
        ("{a} rolls down a ramp", "{a} rolls down a slope {d}", "{a} is rolling down a ramp {d}"),
        ("{a}沿斜坡滚下", "{a}{d}滚下斜坡", "{a}从坡道上滚下来"),
    ),
    "slides down": (
        ("{a} slides down a ramp", "{a} slides down a slope {d}", "{a} is sliding down a ramp {d}"),
        ("{a}沿斜坡滑下", "{a}{d}滑下斜坡", "{a}从坡道上滑下来"),
    ),
    "goes down": (
        ("{a} bounces down the steps", "{a} hops down some stairs {d}", "{a} rolls down the steps {d}"),
        ("{a}从台阶上滚下来", "{a}沿楼梯{d}跳下", "{a}一级一级滚下台阶"),
    ),
    "swings": (
        ("{a} swings from a beam", "{a} swings back and forth", "a pendulum: {a} swings to and fro"),
        ("{a}在横梁下摆动", "{a}来回摆动", "{a}像钟摆一样摆动"),
    ),
    "falls onto": (
        (
            "{a} falls onto a seesaw and lifts {b}",
            "{a} drops on a seesaw with {b}",
            "a seesaw: {a} falls and {b} goes up",
        ),
        ("{a}落在跷跷板上，弹起{b}", "{a}掉到跷跷板上，{b}被抬起", "跷跷板上，{a}落下，{b}升起"),
    ),
    "sets off": (
        (
            "{a} sets off a row of {c} dominoes",
            "{a} hits a row of dominoes that topple {d}",
            "a row of {c} dominoes topples {d}, pushed by {a}",
        ),
        ("{a}推倒一排{c}多米诺骨牌", "{a}撞上一排多米诺骨牌，依次{d}倒下", "一排{c}多米诺骨牌被{a}推倒"),
    ),
    "knocks down": (
        (
            "{a} knocks down a tower of blocks",
            "{a} rolls {d} into a tower of cubes, which collapses",
            "a tower of blocks topples, hit by {a}",
        ),
        ("{a}撞倒一座积木塔", "{a}{d}滚动，撞塌方块塔", "一座积木塔被{a}撞倒"),
    ),
    "falls into": (
        (
            "{a} falls into a tray of little {c} balls",
            "{a} drops into a pool of small balls",
            "{a} lands among many little {c} balls",
        ),
        ("{a}落进一盘{c}小球里", "{a}掉进小球池", "{a}落入许多{c}小球中"),
    ),
}
MOVES: Mapping[str, tuple[Sequence[str], Sequence[str]]] = {
    "pan right": (("the camera pans to the right", "pan right"), ("镜头向右摇", "镜头右摇")),
    "pan left": (("the camera pans to the left", "pan left"), ("镜头向左摇", "镜头左摇")),
    "tilt up": (("the camera tilts up", "tilt up"), ("镜头上仰", "镜头向上摇")),
    "tilt down": (("the camera tilts down", "tilt down"), ("镜头下俯", "镜头向下摇")),
    "orbit right": (
        ("the camera orbits to the right", "the camera circles the scene"),
        ("镜头向右环绕", "镜头环绕场景"),
    ),
    "orbit left": (("the camera orbits to the left", "the camera circles the scene"), ("镜头向左环绕", "镜头环绕场景")),
    "dolly in": (("the camera moves closer", "the camera dollies in", "dolly in"), ("镜头推近", "镜头向前推")),
    "dolly out": (("the camera moves back", "the camera dollies out", "dolly out"), ("镜头拉远", "镜头向后拉")),
    "zoom in": (("the camera zooms in", "zoom in"), ("镜头变焦放大", "镜头放大")),
    "zoom out": (("the camera zooms out", "zoom out"), ("镜头变焦缩小", "镜头缩小")),
    "follow along": (("the camera follows it", "the camera moves along"), ("镜头跟随", "镜头跟着移动")),
}
CROWD = ("with {b} in the background", "and {b} behind", "in front of {b}"), ("后面有{b}", "背景里有{b}", "远处有{b}")
MANY = {2: (("two things", "two objects"), ("两个物体",)), 3: (("three things", "three objects"), ("三个物体",))}
HELD_OUT = (
    ("{a} crashes into {b}", "{a} tumbles down the incline", "{a} sways beneath a beam", "{a} whirls about {b}"),
    ("{a}与{b}发生碰撞", "{a}顺着坡面翻滚而下", "{a}在横梁下摇荡", "{a}绕{b}旋绕"),
)
"""Wordings kept from training, to ask whether a model understands what it was not told in so many words."""


def pieces() -> list[str]:
    """Every piece these captions are made of, but for the held-out ones."""
    out = [p for table in (PLAYS, MOVES) for pair in table.values() for side in pair for p in side]
    return [*out, *CROWD[0], *CROWD[1], *(p for pair in MANY.values() for side in pair for p in side)]


def tell(scene: Scene, language: Language, rng: np.random.Generator) -> str:
    """One caption of a scene of the rung "all"."""
    side = 0 if language == "en" else 1
    floor = pick(rng, words.FLOOR_WORDS[scene.floor.kind][side])
    sky = (
        pick(rng, words.SKY_WORDS[scene.sky.kind][side])
        if chance(rng, 0.6 if scene.sky.kind in ("night", "sunset") else 0.08)
        else ""
    )
    ground = floor if chance(rng, 0.8) else ""
    return (_english if language == "en" else _chinese)(scene, rng, ground, sky)


def _event(scene: Scene, rng: np.random.Generator, language: Language) -> str:
    """What happens, with everyone's name."""
    side, story, hero = 0 if language == "en" else 1, scene.story, noun(scene.things[0], rng, language)
    if story.action not in PLAYS:
        return f"{hero} {does(scene, rng, 'en')}" if language == "en" else f"{hero}{{g}}{does(scene, rng, 'zh')}"
    template = pick(rng, PLAYS[story.action][side], 0.5)
    partner = scene.things[story.partner] if story.partner is not None else None
    other = noun(partner, rng, language) if partner is not None and "{b}" in template else ""
    colour = pick(rng, words.COLOUR_WORDS[partner.colour][side]) if partner is not None and "{c}" in template else ""
    turn = pick(rng, DIRECTIONS[story.direction][side], 0.6) if story.direction else ""
    return template.replace("{a}", hero).replace("{b}", other).replace("{c}", colour).replace("{d}", turn).strip()


def _crowd(scene: Scene, rng: np.random.Generator, language: Language) -> str:
    """Those standing by: named if few, counted, or left out."""
    side, crowd = 0 if language == "en" else 1, [thing for thing in scene.things if thing.role == "bystander"]
    if not crowd or chance(rng, 0.25):
        return ""
    if len(crowd) > 1 and chance(rng, 0.4):
        named = pick(rng, MANY[len(crowd)][side])
    else:
        link = " and " if language == "en" else "和"
        named = link.join(noun(thing, rng, language, plainly=True) for thing in crowd)
    return pick(rng, CROWD[side]).replace("{b}", named)


def _camera(scene: Scene, rng: np.random.Generator, side: int) -> str:
    if scene.camera.move == "still" or chance(rng, 0.2):
        return ""
    return pick(rng, MOVES[f"{scene.camera.move} {scene.camera.way}"][side])


def _english(scene: Scene, rng: np.random.Generator, ground: str, sky: str) -> str:
    event, crowd, camera = _event(scene, rng, "en"), _crowd(scene, rng, "en"), _camera(scene, rng, 0)
    where = f"on {article(ground)}" if ground else ""
    start = start_place(scene, rng, "en") if scene.story.action not in PLAYS else ""
    if where and chance(rng, 0.15):
        return tidy([f"{where},", event, start, crowd, sky, camera and f", {camera}"])
    return tidy([event, where, start, crowd, sky, camera and f", {camera}"])


def _chinese(scene: Scene, rng: np.random.Generator, ground: str, sky: str) -> str:
    event, crowd, camera = _event(scene, rng, "zh"), _crowd(scene, rng, "zh"), _camera(scene, rng, 1)
    if "{g}" in event and ground and chance(rng, 0.7):
        event, ground = event.replace("{g}", f"在{ground}上"), ""
    event = event.replace("{g}", "")
    lead = f"{ground}上，" if ground else ""
    head = f"{sky}，" if sky and chance(rng, 0.5) else ""
    return "".join(
        [head, lead, event, crowd and f"，{crowd}", f"，{sky}" if sky and not head else "", camera and f"，{camera}"]
    )
