"""Plays of one to three things on the open floor."""

import math
from dataclasses import replace

from praxino.world import one
from praxino.world.cast import SHAPES, Play, Stage, about, named, way
from praxino.world.scene import GRAVITY, Story, Thing

ACTIONS = {
    "sphere": ("rolls", "rolls", "rolls", "bounces", "falls", "is thrown", "rests"),
    "capsule": ("rolls", "slides", "spins", "bounces", "falls", "is thrown", "topples"),
    "cylinder": ("rolls", "slides", "slides", "spins", "bounces", "falls", "is thrown", "topples"),
    "box": ("slides", "slides", "spins", "bounces", "falls", "is thrown", "topples"),
}
OTHERS = ("slides", "slides", "slides", "spins", "bounces", "falls", "is thrown", "rests")


def single(stage: Stage) -> Play:
    """One thing does something; up to three others stand by at the back."""
    hero = named(stage, SHAPES)
    action = stage.some(ACTIONS.get(hero.shape, OTHERS))
    if action == "topples":
        return topple(stage, hero)
    given, story = one.start(
        stage.rng,
        hero.shape,
        action,
        radius=hero.half[0] / one.halves(hero.shape, 1.0)[0],
        seen=(stage.wide, stage.top),
    )
    hero = replace(hero, **given)
    crowd = (
        bystanders(stage, [hero], int(stage.rng.choice(4, p=(0.45, 0.25, 0.2, 0.1))))
        if story.direction not in ("toward", "away")
        else ()
    )
    return (hero, *crowd), story


def bystanders(stage: Stage, told: list[Thing], count: int) -> tuple[Thing, ...]:
    """Things that stand still behind the stage, well apart."""
    out: list[Thing] = []
    for k in range(count):
        thing = named(stage, SHAPES, sizes=("small", "medium"), not_like=[*told, *out])
        x = stage.wide * 1.15 * ((k + 0.5) / count * 2 - 1) + stage.between(-0.15, 0.15) * stage.wide / count
        place = (x, stage.between(1.15, 1.7), thing.half[2])
        turn = one.about_z(stage.between(-1, 1)) if thing.shape != "ellipsoid" else about((0.0, 1.0, 0.0), math.pi / 2)
        if thing.shape == "ellipsoid":
            place = (x, place[1], thing.half[0])
        out.append(replace(thing, position=place, turn=turn, role="bystander"))
    return tuple(out)


def topple(stage: Stage, hero: Thing) -> Play:
    """A tall thing tips over."""
    side, r = stage.side(), hero.half[0]
    half = (0.45 * r, 0.55 * r, 1.25 * r) if hero.shape == "box" else (0.55 * r, 0.55 * r, 1.6 * r)
    x = stage.between(-0.4, 0.4) * stage.wide
    # Tipped to just short of its point of balance, and pushed over.
    tip = side * 0.75 * math.atan2(half[0], half[2])
    height = half[2] * math.cos(tip) + half[0] * abs(math.sin(tip)) + 0.005
    hero = replace(
        hero,
        half=half,
        position=(x, stage.between(-0.3, 0.4), height),
        turn=about((0.0, 1.0, 0.0), tip),
        friction=0.9,
        spin=(0.0, side * stage.between(0.5, 0.9), 0.0),
    )
    return (hero,), Story(action="topples", direction=way(side), place=one.place(x, 0, stage.wide))


def collide(stage: Stage) -> Play:
    """Two things meet: head on, or one at rest."""
    one_, two = (named(stage, ("sphere",)), None)
    two = named(stage, ("sphere", "sphere", "cube", "cylinder", "box"), not_like=[one_])
    side, y = stage.side(), stage.between(-0.3, 0.4)
    one_, two = _standing(one_), _standing(two)
    speed = stage.between(0.9, 1.5) * stage.wide / 2.5
    x = -side * stage.between(0.6, 0.85) * stage.wide
    one_ = replace(
        one_,
        position=(x, y, one_.half[2]),
        velocity=(side * speed, 0.0, 0.0),
        spin=(0.0, side * speed / one_.half[0], 0.0),
        bounce=0.6,
        friction=0.3,
    )
    meet = stage.some((0.0, 1.0)) if two.shape == "sphere" else 0.0
    x2 = side * (stage.between(0.0, 0.3) if meet == 0 else stage.between(0.6, 0.85)) * stage.wide
    speed2 = meet * speed * stage.between(0.7, 1.0)
    two = replace(
        two,
        position=(x2, y + stage.between(-0.08, 0.08), two.half[2]),
        velocity=(-side * speed2, 0.0, 0.0),
        spin=(0.0, -side * speed2 / two.half[0], 0.0),
        bounce=0.6,
        friction=0.3 if two.shape == "sphere" else 0.12,
        rolling=0.01,
    )
    mass = {"small": 0.5, "medium": 1.0, "large": 2.5}
    one_, two = replace(one_, mass=mass[one_.size]), replace(two, mass=mass[two.size])
    return (one_, two), Story(action="collides", direction=way(side), partner=1, extra={"head_on": bool(meet)})


def _standing(thing: Thing) -> Thing:
    return replace(thing, position=(0.0, 0.0, thing.half[2]))


def knock_over(stage: Stage) -> Play:
    """A ball rolls into something tall and knocks it over."""
    ball = named(stage, ("sphere",), sizes=("medium", "large"))
    tall = named(stage, ("box", "cylinder", "capsule"), sizes=("medium", "large"), not_like=[ball])
    r = tall.half[0] / one.halves(tall.shape, 1.0)[0]
    half = (0.42 * r, 0.55 * r, 1.35 * r) if tall.shape == "box" else (0.42 * r, 0.42 * r, 1.35 * r)
    side, y = stage.side(), stage.between(-0.2, 0.3)
    speed = stage.between(1.2, 1.8) * max(0.75, stage.wide / 2.5)
    x = -side * stage.between(0.6, 0.85) * stage.wide
    ball = replace(
        ball,
        position=(x, y, ball.half[2]),
        velocity=(side * speed, 0.0, 0.0),
        spin=(0.0, side * speed / ball.half[0], 0.0),
        mass=2.5,
    )
    tall = replace(
        tall, half=half, position=(side * stage.between(0.0, 0.3) * stage.wide, y, half[2]), friction=0.8, mass=0.6
    )
    return (ball, tall), Story(action="knocks over", direction=way(side), partner=1)


def hidden(stage: Stage) -> Play:
    """A thing passes behind a wall and comes back into sight."""
    from praxino.world import vocabulary
    from praxino.world.cast import prop

    hero = named(stage, ("sphere", "cube", "cylinder"), sizes=("small", "medium"))
    side, y = stage.side(), stage.between(0.35, 0.6)
    length = 1.6 * stage.wide
    speed = length / one.SECONDS
    spin = (0.0, side * speed / hero.half[0], 0.0) if hero.shape == "sphere" else (0.0, 0.0, 0.0)
    if hero.shape != "sphere":
        friction = 0.003
        speed += friction * GRAVITY * one.SECONDS / 2
        hero = replace(hero, friction=friction, upright=True)
    hero = replace(hero, position=(-side * length / 2, y, hero.half[2]), velocity=(side * speed, 0.0, 0.0), spin=spin)
    tall = 2 * hero.half[2] + stage.between(0.15, 0.4)
    wall = prop(
        "box",
        (stage.between(1.5, 2.4) * hero.half[0], 0.06, tall / 2),
        (stage.between(-0.2, 0.2) * stage.wide, y - hero.half[0] - stage.between(0.3, 0.5), tall / 2),
        tint=vocabulary.linear(stage.between(0, 360), 0.12, 0.82),
    )
    return (hero, wall), Story(action="is hidden", direction=way(side), extra={"prop": "wall"})


def orbit(stage: Stage) -> Play:
    """One thing circles another, for ever."""
    middle = named(stage, ("sphere", "cube", "cylinder", "cone", "pyramid", "box"), sizes=("medium", "large"))
    moon = named(stage, ("sphere",), sizes=("small", "medium"), not_like=[middle])
    moon = replace(moon, role="hero")
    middle = replace(
        middle,
        role="other",
        position=(0.0, 0.2, middle.half[2]),
        turn=one.about_z(stage.between(-0.7, 0.7)),
        fixed=True,
    )
    far = min(stage.wide * stage.between(0.55, 0.75), max(middle.half) + moon.half[0] + stage.between(0.4, 0.9))
    angle, rate = stage.between(-math.pi, math.pi), stage.side() * stage.between(0.9, 2.0)
    height = max(moon.half[2], stage.between(0.0, 1.0) * middle.half[2])
    place = (far * math.cos(angle), 0.2 + far * math.sin(angle), height)
    moon = replace(moon, position=place, hinge=((0.0, 0.2, height), (0.0, 0.0, 1.0)), spin=(0.0, 0.0, rate), ghost=True)
    return (moon, middle), Story(action="orbits", partner=1)
