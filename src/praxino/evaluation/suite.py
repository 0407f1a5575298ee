"""What a model is asked to show: scenes of the world that no model is trained on, in plain and complete words.

Same number, same scene, same words, same seed for every model, so that two reports compare side by side.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from praxino.world import everything, one, physics, render
from praxino.world import vocabulary as words
from praxino.world.phrase import ACTIONS, DIRECTIONS, Language, article, tidy
from praxino.world.physics import Motion
from praxino.world.scene import Scene, Story, Thing

SUITE_FROM = 5_000_000_000
"""First seed of the suite: scenes no model is trained on."""
SECONDS = 3.0
PLAIN = ("rolls", "slides", "bounces", "falls", "is thrown", "spins", "rests")
"""Actions of a single thing, which the suite can name and the parser can tell apart."""


@dataclass(frozen=True)
class Case:
    """A scene to show."""

    number: int
    scene: Scene
    split: str  # usual, or held out: its first thing has a colour and a shape that never meet in training
    seed: int  # of the film
    size: tuple[int, int]  # native (width, height)

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
        """What the simulator makes of it, `SECONDS` long and a little more."""
        return physics.simulate(self.scene, frames=1 + round(30 * SECONDS))

    def shown(self) -> tuple[np.ndarray, np.ndarray]:
        """The simulator's own frames (t, h, w, 3) uint8, and which thing each pixel shows (t, h, w)."""
        width, height = self.size
        return render.render(self.scene, self.motion, width=width, height=height, masks=True)


def cases(count: int, *, rung: str, split: str = "usual", size: tuple[int, int] = (256, 144)) -> list[Case]:
    """The first ``count`` cases for a model that was taught ``rung`` of the world's vocabulary."""
    out: list[Case] = []
    seed = SUITE_FROM + (500_000_000 if split == "held out" else 0)
    while len(out) < count:
        seed += 1
        scene = _scene(seed, rung=rung, held_out=split == "held out", aspect=size[0] / size[1])
        if scene.story.action in PLAIN and scene.camera.move == "still":
            out.append(Case(number=len(out), scene=scene, split=split, seed=len(out), size=size))
    return out


def _scene(seed: int, *, rung: str, held_out: bool, aspect: float) -> Scene:
    if rung == "one":
        return one.sample(seed, aspect=aspect)
    return everything.sample(seed, aspect=aspect, held_out=held_out)


def _noun(thing: Thing, language: Language) -> str:
    side = 0 if language == "en" else 1
    size = "" if thing.size == "medium" else words.SIZE_WORDS[thing.size][side][0]
    look = "" if thing.look in ("matte", "shiny") else words.LOOK_WORDS[thing.look][side][0]
    colour, shape = words.COLOUR_WORDS[thing.colour][side][0], words.SHAPE_WORDS[thing.shape][side][0]
    if language == "en":
        return article(tidy([size, look, colour, shape]))
    return f"一个{size and size + '的'}{look}{colour}{shape}"


def told(thing: Thing) -> tuple[str, ...]:
    """What the prompt says of a thing."""
    size = () if thing.size == "medium" else ("size",)
    look = () if thing.look in ("matte", "shiny") else ("look",)
    return ("colour", "shape", *size, *look)


def _does(story: Story, side: int) -> str:
    way = DIRECTIONS[story.direction][side][0] if story.direction else ""
    return ACTIONS[story.action][side][0].replace("{d}", way).strip()


def _crowd(scene: Scene) -> Sequence[Thing]:
    return [thing for thing in scene.things if thing.role == "bystander"]


def _english(scene: Scene) -> str:
    floor = article(words.FLOOR_WORDS[scene.floor.kind][0][0])
    crowd = " and ".join(_noun(thing, "en") for thing in _crowd(scene))
    return tidy(
        [
            _noun(scene.things[0], "en"),
            _does(scene.story, 0),
            f"on {floor}",
            crowd and f"with {crowd} in the background",
        ]
    )


def _chinese(scene: Scene) -> str:
    floor = words.FLOOR_WORDS[scene.floor.kind][1][0]
    crowd = "和".join(_noun(thing, "zh") for thing in _crowd(scene))
    return f"{_noun(scene.things[0], 'zh')}在{floor}上{_does(scene.story, 1)}{crowd and '，后面有' + crowd}"
