"""Plays with furniture: ramps, steps, pendulums, seesaws, dominoes, towers, pools."""

import math
from dataclasses import replace

from praxino.world import one, vocabulary
from praxino.world.cast import Play, Stage, about, named, prop, way
from praxino.world.scene import Story, Thing, Vector


def ramp(stage: Stage) -> Play:
    """Something rolls (or slides) down a ramp and on across the floor."""
    hero = named(stage, ("sphere", "sphere", "sphere", "cube", "cylinder"), sizes=("small", "medium"))
    side, tilt = stage.side(), math.radians(stage.between(9, 15))
    long = stage.wide * stage.between(0.42, 0.5)
    y, thick = stage.between(-0.1, 0.3), 0.05
    # The plank's lower end meets the floor a little past the middle of its own side.
    middle = (-side * (stage.wide * 0.9 - long * math.cos(tilt)), y, long * math.sin(tilt) - 0.02)
    plank = prop(
        "box", (long, 1.5 * hero.half[0] + 0.1, thick), middle, turn=about((0.0, 1.0, 0.0), side * tilt), friction=0.001
    )
    up = (side * math.sin(tilt), 0.0, math.cos(tilt))
    start = tuple(
        m - side * 0.8 * long * c + (thick + hero.half[2] + 0.002) * u
        for m, c, u in zip(middle, (math.cos(tilt), 0.0, -side * math.sin(tilt)), up, strict=True)
    )
    slides = hero.shape != "sphere"
    hero = replace(
        hero,
        position=start,
        turn=about((0.0, 1.0, 0.0), side * tilt),
        friction=0.06 if slides else 0.8,
        rolling=0.0 if slides else 0.01,
    )
    return (hero, plank), Story(
        action="slides down" if slides else "rolls down", direction=way(side), extra={"prop": "ramp"}
    )


def steps(stage: Stage) -> Play:
    """A ball hops down a flight of steps."""
    hero = named(stage, ("sphere",), sizes=("small", "medium"))
    side, count = stage.side(), int(stage.rng.integers(3, 5))
    deep, rise = stage.wide * 0.9 / count, stage.between(0.16, 0.24)
    y = stage.between(0.0, 0.3)
    tint = vocabulary.linear(stage.between(20, 50), 0.14, 0.84)
    blocks = []
    for k in range(count):
        high = rise * (count - k) / 2
        blocks.append(
            prop("box", (deep / 2, 0.55, high), (side * (-stage.wide * 0.95 + deep * (k + 0.5)), y, high), tint=tint)
        )
    speed = stage.between(0.5, 0.8) * max(0.6, stage.wide / 2.5)
    place = (side * (-stage.wide * 0.95 + 0.35 * deep), y, 2 * rise * count / 2 + hero.half[2])
    hero = replace(
        hero,
        position=place,
        velocity=(side * speed, 0.0, 0.0),
        spin=(0.0, side * speed / hero.half[0], 0.0),
        bounce=stage.between(0.4, 0.7),
    )
    return (hero, *blocks), Story(action="goes down", direction=way(side), extra={"prop": "steps"})


def pendulum(stage: Stage) -> Play:
    """A bob on a rod swings under a beam, for ever."""
    bob = named(stage, ("sphere", "cube", "cylinder"), sizes=("small", "medium"))
    high = min(stage.top - 0.15, 1.95)
    x, y = stage.between(-0.2, 0.2) * stage.wide, stage.between(0.1, 0.5)
    long = high - bob.half[2] - stage.between(0.15, 0.4)
    swing = stage.side() * math.radians(stage.between(20, 50))
    if long * abs(math.sin(swing)) + bob.half[0] > stage.wide * 0.75:
        swing = math.copysign(math.asin(max(0.2, (stage.wide * 0.75 - bob.half[0]) / long)), swing)
    turn, anchor = about((0.0, 1.0, 0.0), swing), (x, y, high)
    place = (x - long * math.sin(swing), y, high - long * math.cos(swing))
    bob = replace(bob, position=place, turn=turn, hinge=(anchor, (0.0, 1.0, 0.0)), ghost=True)
    middle = (x - 0.5 * long * math.sin(swing), y, high - 0.5 * long * math.cos(swing))
    dark = vocabulary.linear(220, 0.08, 0.30)
    rod = prop(
        "cylinder",
        (0.016, 0.016, long / 2),
        middle,
        turn=turn,
        fixed=False,
        attached=0,
        ghost=True,
        tint=dark,
        mass=0.001,
    )
    width = min(stage.wide * 0.92, 1.5)
    beam = prop("box", (width, 0.05, 0.045), (x, y, high + 0.04), ghost=True)
    posts = [
        prop("box", (0.045, 0.045, high / 2), (x + s * (width - 0.045), y + 0.02, high / 2), ghost=True)
        for s in (-1, 1)
    ]
    return (bob, rod, beam, *posts), Story(action="swings", extra={"prop": "pendulum"})


def seesaw(stage: Stage) -> Play:
    """A thing falls on one end of a seesaw and lifts what lies on the other."""
    hero = named(stage, ("sphere", "cube"), sizes=("medium", "large"))
    other = named(stage, ("cube", "sphere", "box"), sizes=("small", "medium"), not_like=[hero])
    side, y = stage.side(), stage.between(0.0, 0.3)
    long, pivot = min(1.4, stage.wide * 0.62), stage.between(0.26, 0.34)
    tilt = math.asin(min(0.5, (pivot - 0.03) / long))
    turn = about((0.0, 1.0, 0.0), -side * tilt)
    plank = prop(
        "box",
        (long, 0.32, 0.035),
        (0.0, y, pivot),
        turn=turn,
        fixed=False,
        hinge=((0.0, y, pivot), (0.0, 1.0, 0.0)),
        mass=0.7,
        friction=0.8,
    )
    wedge = prop(
        "pyramid", (0.2, 0.2, pivot / 2), (0.0, y, pivot / 2), ghost=True, tint=vocabulary.linear(215, 0.15, 0.45)
    )
    low, high = -side * 0.78 * long, side * 0.8 * long
    # The light thing rests on the low end, square on the plank.
    rest = (
        low * math.cos(tilt) - side * math.sin(tilt) * (0.035 + other.half[2]),
        y,
        pivot - 0.78 * long * math.sin(tilt) + math.cos(tilt) * (0.04 + other.half[2]),
    )
    other = replace(other, position=rest, turn=turn, mass=0.4, friction=0.9)
    drop = min(stage.top - hero.half[2] - 0.05, pivot + 0.5 + stage.between(0.5, 0.9))
    hero = replace(
        hero, position=(high * math.cos(tilt), y, max(drop, pivot + 0.6 + hero.half[2])), mass=3.0, friction=0.8
    )
    return (hero, other, plank, wedge), Story(action="falls onto", partner=1, extra={"prop": "seesaw"})


def dominoes(stage: Stage) -> Play:
    """A row of dominoes topples one after another, pushed by a ball."""
    ball = named(stage, ("sphere",), sizes=("small", "medium"))
    slab = named(stage, ("box",), not_like=[ball])
    side, y, high = stage.side(), stage.between(-0.1, 0.3), stage.between(0.26, 0.36)
    gap = high * stage.between(0.85, 1.05)
    count = max(4, min(12, int(1.35 * stage.wide / gap)))
    first = -side * (stage.wide * 0.62)
    half = (0.16 * high, 0.5 * high, high)
    row = [
        replace(
            slab,
            half=half,
            position=(first + side * gap * k, y, high),
            friction=0.35,
            mass=0.3,
            role="other" if k == 0 else "row",
        )
        for k in range(count)
    ]
    speed = stage.between(0.7, 1.2)
    r = ball.half[0]
    x = first - side * (r + half[0] + stage.between(0.1, 0.2) * stage.wide)
    ball = replace(
        ball, position=(x, y, r), velocity=(side * speed, 0.0, 0.0), spin=(0.0, side * speed / r, 0.0), mass=0.8
    )
    return (ball, *row), Story(action="sets off", direction=way(side), partner=1, extra={"prop": "dominoes"})


def tower(stage: Stage) -> Play:
    """A ball runs into a tower of blocks, which collapses."""
    ball = named(stage, ("sphere",), sizes=("medium", "large"))
    side, y, floors = stage.side(), stage.between(0.0, 0.3), int(stage.rng.integers(3, 6))
    half = min(stage.between(0.17, 0.22), 0.36 * stage.top / floors)
    x = side * stage.between(0.0, 0.25) * stage.wide
    blocks: list[Thing] = []
    for k in range(floors):
        block = named(stage, ("cube",), sizes=("small",), not_like=[ball, *blocks])
        turn = one.about_z(stage.between(-0.12, 0.12))
        place = (x + stage.between(-0.02, 0.02), y, half * (2 * k + 1) + 0.0005 * k)
        blocks.append(
            replace(block, half=(half, half, half), position=place, turn=turn, mass=0.25, friction=0.35, role="block")
        )
    speed, r = stage.between(1.4, 2.0) * max(0.75, stage.wide / 2.5), ball.half[0]
    ball = replace(
        ball,
        position=(-side * stage.between(0.65, 0.85) * stage.wide, y, r),
        velocity=(side * speed, 0.0, 0.0),
        spin=(0.0, side * speed / r, 0.0),
        mass=2.5,
    )
    return (ball, *blocks), Story(action="knocks down", direction=way(side), extra={"prop": "tower"})


def pool(stage: Stage) -> Play:
    """A thing falls into a tray of little balls."""
    hero = named(stage, ("sphere", "cube", "cylinder"), sizes=("medium",))
    little = named(stage, ("sphere",), not_like=[hero])
    width, deep, y = min(1.05, 0.6 * stage.wide), 0.5, 0.3
    r, high = 0.14, 0.15
    balls = []
    across, rows = int(2 * width / (2.25 * r)), int(2 * deep / (2.25 * r))
    for k in range(27):
        i, j = k % across, k // across % rows
        place = (
            -width + (2 * width) * (i + 0.5) / across,
            y - deep + 2 * deep * (j + 0.5) / rows,
            r + 0.02 + stage.between(0, 0.3),
        )
        push: Vector = (stage.between(-0.3, 0.3), stage.between(-0.3, 0.3), 0.0)
        balls.append(
            replace(
                little,
                half=(r, r, r),
                size="small",
                position=place,
                velocity=push,
                bounce=0.5,
                friction=0.1,
                mass=0.1,
                role="other" if k == 0 else "row",
            )
        )
    walls = [prop("box", (0.05, deep + 0.1, high), (s * (width + 0.05), y, high)) for s in (-1, 1)]
    walls += [prop("box", (width + 0.1, 0.05, high), (0.0, y + s * (deep + 0.05), high)) for s in (-1, 1)]
    place = (stage.between(-0.5, 0.5) * width, y + stage.between(-0.2, 0.2), min(stage.top - hero.half[2], 1.7))
    hero = replace(hero, position=place, bounce=0.3, mass=0.8, friction=0.3)
    return (hero, *balls, *walls), Story(action="falls into", partner=1, extra={"prop": "pool"})
