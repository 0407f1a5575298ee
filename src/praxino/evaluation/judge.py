"""One clip against one case: every figure that a single clip gives.

The clip may be a model's, the simulator's own render, its reconstruction, or one made for another prompt: the judge
does not know which.
Shapes: t frames, h rows, w columns of pixels.
"""

from dataclasses import dataclass

import numpy as np

from praxino.evaluation.metrics import binding, camera, motion, permanence, picture, together
from praxino.evaluation.metrics.motion import Path
from praxino.evaluation.parse import Track
from praxino.evaluation.sight import Sight
from praxino.evaluation.suite import CAMERAS, Case

Row = dict[str, float]
"""Figure name -> value; figures that do not apply to a clip are not there."""
FPS = 30.0


@dataclass(frozen=True, kw_only=True)
class Parsed:
    """A clip as the parser sees it."""

    frames: np.ndarray  # (t, h, w, 3) uint8
    tracks: list[Track]

    @property
    def clip(self) -> permanence.Clip:
        """Its measures."""
        height, width = self.frames.shape[1:3]
        return permanence.Clip(frames=len(self.frames), aspect=width / height, fps=FPS)

    @property
    def things(self) -> np.ndarray:
        """(t, h, w) bool: pixels of things and of their surroundings, where something may move by itself."""
        frames, height, width = self.frames.shape[:3]
        rows, columns = np.mgrid[:height, :width] / height
        out = np.zeros((frames, height, width), bool)
        for track in self.tracks:
            for frame, (x, y), radius in zip(track.frames, track.places, track.radii, strict=True):
                out[frame] |= (columns - x) ** 2 + (rows - y) ** 2 < (1.3 * radius) ** 2
        return out


def judge(case: Case, seen: Parsed, true: Sight) -> Row:
    """The figures of one clip; ``true`` is what the case's own film shows."""
    story, clip, asked = case.story, seen.clip, case.scene.camera
    found = binding.match(case.named, seen.tracks, frames=clip.frames)
    way = path_of(found.hero)
    row: Row = binding.binding(found) | permanence.comings(seen.tracks, clip) | _together(case, found)
    row["discard_rate"] = permanence.discarded(
        found, seen.tracks, clip, moves=story.action not in ("spins", "rests"), visible=true.seen.sum(1)
    )
    row |= {
        "flicker": picture.flicker(seen.frames),
        "sharpness": picture.sharpness(seen.frames),
        "brightness_drift": picture.brightness_drift(seen.frames),
        "camera": float(camera.camera(seen.frames, seen.things) == CAMERAS[f"{asked.move} {asked.way}"]),
    }
    told_way = story.direction is not None
    if way is None or found.hero is None:
        return row | ({"action": 0.0} if asked.move == "still" else {}) | ({"direction": 0.0} if told_way else {})
    acts = motion.action(way, motion.surface(found.hero, seen.frames))
    if asked.move == "still":
        row["action"] = float(acts == motion.meant(story))
    row["smoothness"] = motion.smoothness(way)
    row |= permanence.drift(found.hero)
    hero = case.named[0]
    some = {
        "direction": motion.direction(way, story, aspect=clip.aspect),
        "freeze": motion.freeze(way) if story.action in ("rolls", "slides") else None,
        "gravity": motion.gravity(way, hero) if story.action in ("bounces", "is thrown") else None,
        "restitution": motion.restitution(way, hero) if story.action == "bounces" else None,
    }
    return row | {name: value for name, value in some.items() if value is not None}


def lasting(case: Case, seen: Parsed) -> Row:
    """How far a clip of something that never stops is from how it began."""
    row: Row = {"brightness_drift": picture.brightness_drift(seen.frames)}
    row |= permanence.comings(seen.tracks, seen.clip)
    hero = binding.match(case.named, seen.tracks, frames=len(seen.frames)).hero
    lively = picture.liveliness(seen.frames)
    row |= {} if hero is None else permanence.drift(hero)
    return row | ({} if lively is None else {"liveliness": lively})


def _together(case: Case, found: binding.Match) -> Row:
    """What the first thing does to the one it is told to meet, or behind the wall it is told to pass."""
    story, (hero, track) = case.story, found.pairs[0]
    behind = [other for thing, other in found.pairs if thing.role == "bystander" and other is not None]
    row: Row = {}
    if behind and track is not None:
        row["relation"] = float(np.mean([_foot(other) < _foot(track) for other in behind]))
    if story.action == "is hidden" and track is not None:
        back = together.comes_back(track)
        return row | {"returns": float(back is not None)} | ({} if back is None else {"return_error": back})
    if story.partner is None:
        return row
    other, partner = found.pairs[story.partner]
    one, two = path_of(track), path_of(partner)
    met = together.meeting(one, two) if one and two else None
    row["event_order"] = together.in_order(met, head_on=bool(story.extra.get("head_on"))) if met else 0.0
    if one and two:
        row["overlap"] = together.overlap(one, two)
    if met and story.action == "collides":
        row["momentum"] = together.momentum(met, (hero.mass, other.mass))
        row["bounciness"] = together.bounciness(met) - hero.bounce
    return row


def _foot(track: Track) -> float:
    """How far down in the picture a thing stands, as far as it is lowest."""
    return float(np.max(track.places[:, 1] + track.radii))


def path_of(track: Track | None) -> Path | None:
    """A track's path; None where it is too short to have a speed."""
    if track is None or track.frames[-1] - track.frames[0] < motion.SMOOTH:
        return None
    return motion.path(track, fps=FPS)


def hero_path(true: Sight) -> Path:
    """The path of the first thing as the simulator has it, while it is to be seen."""
    seen = np.flatnonzero(true.seen[:, 0])
    first, last = (int(seen[0]), int(seen[-1]) + 1) if len(seen) else (0, len(true.seen))
    return Path(places=true.places[first:last, 0], radii=true.radii[first:last, 0], first=first, fps=FPS)
