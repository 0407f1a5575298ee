"""What a model is asked to show: scenes of the world that no model is trained on, in plain and complete words.

Same number, same scene, same words, same seed for every model, so that two reports compare side by side.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from praxino.world import everything, one, physics, render
from praxino.world import vocabulary as words
from praxino.world.cast import HELD_OUT
from praxino.world.phrase import ACTIONS, DIRECTIONS, Language, article, tidy
from praxino.world.physics import Motion
from praxino.world.scene import Scene, Story, Thing
from praxino.world.tell import MOVES, PLAYS

SUITE_FROM = 5_000_000_000
"""First seed of the suite: scenes no model is trained on."""
SECONDS = 3.0
PLAIN = ("rolls", "slides", "bounces", "falls", "is thrown", "spins", "rests")
"""Actions of a single thing, which the suite can name and the parser can tell apart."""
PAIRS = ("collides", "knocks over", "is hidden")
"""Actions of a thing with another, or with a wall."""
SPLITS = ("usual", "held out", "beyond")
"""As in training; a colour and a shape that never met in it; a size between those taught and half as fast again."""
CAMERAS = {
    "pan right": "right", "pan left": "left", "tilt up": "up", "tilt down": "down",
    "dolly in": "in", "dolly out": "out", "zoom in": "in", "zoom out": "out", "still nowhere": "still",
}  # fmt: skip
"""What each move of the world's camera is seen as."""
FASTER, SMALLER = 1.5, 0.8
"""What the speed of a fast thing, and the radius of a medium one, are multiplied by to be as in no training."""


@dataclass(frozen=True)
class Case:
    """A scene to show."""

    number: int
    scene: Scene
    split: str  # one of SPLITS
    seed: int  # of the film
    size: tuple[int, int]  # native (width, height)
    seconds: float = SECONDS

    def prompt(self, language: Language = "en") -> str:
        """The scene in words: every thing's colour and shape; size and look where they are not the usual ones."""
        return _english(self.scene) if language == "en" else _chinese(self.scene)

    @property
    def story(self) -> Story:
        """What happens."""
        return self.scene.story

    @property
    def named(self) -> tuple[Thing, ...]:
        """The things the prompt names, the hero first."""
        return tuple(thing for thing in self.scene.things if thing.role != "prop")

    @cached_property
    def motion(self) -> Motion:
        """What the simulator makes of it."""
        return physics.simulate(self.scene, frames=1 + round(30 * self.seconds))

    def shown(self) -> tuple[np.ndarray, np.ndarray]:
        """The simulator's own frames (t, h, w, 3) uint8, and which thing each pixel shows (t, h, w)."""
        width, height = self.size
        return render.render(self.scene, self.motion, width=width, height=height, masks=True)


def cases(count: int, *, rung: str, split: str = "usual", size: tuple[int, int] = (256, 144)) -> list[Case]:
    """The first ``count`` cases of a split, for a model that was taught ``rung`` of the world's vocabulary."""
    out: list[Case] = []
    seed = SUITE_FROM + 500_000_000 * SPLITS.index(split)
    while len(out) < count:
        seed += 1
        scene = _scene(seed, rung=rung, split=split, aspect=size[0] / size[1])
        if scene is not None:
            out.append(Case(number=len(out), scene=scene, split=split, seed=len(out), size=size))
    return out


def _scene(seed: int, *, rung: str, split: str, aspect: float) -> Scene | None:
    """The scene of a seed; None where it does not belong to the split, or the suite cannot say or see what it shows."""
    held_out = split == "held out"
    everywhere = rung == "all"
    scene = everything.sample(seed, aspect=aspect, held_out=held_out) if everywhere else one.sample(seed, aspect=aspect)
    hero, story, camera = scene.things[0], scene.story, scene.camera
    if ((hero.colour, hero.shape) in HELD_OUT) != held_out:
        return None
    if camera.move != "still" and not _tells(scene):
        return None
    if split != "beyond":
        return scene if story.action in (*PLAIN, *PAIRS) else None
    if story.action not in ("rolls", "slides") or story.pace != "fast" or hero.size != "medium":
        return None
    return replace(scene, things=(_stranger(hero), *scene.things[1:]))


def _tells(scene: Scene) -> bool:
    """Whether a moving camera can be told: by a picture that is not plain, of a thing that stays where it is."""
    camera = scene.camera
    known = f"{camera.move} {camera.way}" in CAMERAS
    return known and scene.floor.kind != "plain" and scene.story.action in ("spins", "rests")


def _stranger(thing: Thing) -> Thing:
    """The same thing, of a size and at a speed that are in no training."""
    x, y, z = thing.position
    a, b, c = thing.half
    u, v, w = thing.velocity
    speed, turn = FASTER, FASTER / SMALLER
    return replace(
        thing,
        half=(SMALLER * a, SMALLER * b, SMALLER * c),
        position=(x, y, SMALLER * z),
        velocity=(speed * u, speed * v, w),
        spin=tuple(turn * one for one in thing.spin),
    )


def _noun(thing: Thing, language: Language) -> str:
    side = 0 if language == "en" else 1
    size = "" if thing.size == "medium" else words.SIZE_WORDS[thing.size][side][0]
    look = "" if thing.look in ("matte", "shiny") else words.LOOK_WORDS[thing.look][side][0]
    colour, shape = words.COLOUR_WORDS[thing.colour][side][0], words.SHAPE_WORDS[thing.shape][side][0]
    if language == "en":
        return article(tidy([size, look, colour, shape]))
    return f"一个{size and size + '的'}{look}{colour}{shape}"


def names(rung: str) -> dict[str, tuple[str, ...]]:
    """What things can be called on a rung; of kinds that are not there, anything that the world has names for."""
    return {"colour": words.FIRST_COLOURS, "shape": one.SHAPES} if rung == "one" else {}


def told(thing: Thing) -> tuple[str, ...]:
    """What the prompt says of a thing."""
    size = () if thing.size == "medium" else ("size",)
    look = () if thing.look in ("matte", "shiny") else ("look",)
    return ("colour", "shape", *size, *look)


def _event(scene: Scene, language: Language, ground: str) -> str:
    """Who does what, on which ground."""
    side, story = 0 if language == "en" else 1, scene.story
    way = DIRECTIONS[story.direction][side][0] if story.direction else ""
    hero, where = _noun(scene.things[0], language), f"on {ground}" if language == "en" else f"在{ground}上"
    if story.action in PLAYS:
        other = "" if story.partner is None else _noun(scene.things[story.partner], language)
        does = PLAYS[story.action][side][0].replace("{a}", hero).replace("{b}", other).replace("{d}", way)
        return tidy([does, where]) if language == "en" else f"{where}，{does}"
    does = ACTIONS[story.action][side][0].replace("{d}", way).strip()
    return tidy([hero, does, where]) if language == "en" else f"{hero}{where}{does}"


def _camera(scene: Scene, side: int) -> str:
    camera = scene.camera
    return "" if camera.move == "still" else MOVES[f"{camera.move} {camera.way}"][side][0]


def _crowd(scene: Scene) -> Sequence[Thing]:
    return [thing for thing in scene.things if thing.role == "bystander"]


def _english(scene: Scene) -> str:
    crowd, camera = " and ".join(_noun(thing, "en") for thing in _crowd(scene)), _camera(scene, 0)
    event = _event(scene, "en", article(words.FLOOR_WORDS[scene.floor.kind][0][0]))
    return tidy([event, crowd and f"with {crowd} in the background", camera and f", {camera}"])


def _chinese(scene: Scene) -> str:
    crowd, camera = "和".join(_noun(thing, "zh") for thing in _crowd(scene)), _camera(scene, 1)
    event = _event(scene, "zh", words.FLOOR_WORDS[scene.floor.kind][1][0])
    return event + (crowd and f"，后面有{crowd}") + (camera and f"，{camera}")
