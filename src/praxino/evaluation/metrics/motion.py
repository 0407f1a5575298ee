"""Does it move as it was told, and as physics has it? From tracks; lengths in picture heights, times in seconds.

Shapes: n frames in which a thing is seen.
"""

import itertools
from dataclasses import dataclass

import numpy as np
from scipy.linalg import sqrtm
from scipy.signal import find_peaks, savgol_filter

from praxino.evaluation.parse import Track
from praxino.evaluation.sight import OUTLINE
from praxino.world.scene import GRAVITY, Story, Thing

SMOOTH = 7
"""Frames that a velocity is fitted over (Savitzky & Golay 1964, second order)."""
MOVED = 0.03
"""Share of the picture's width a thing has to go to have gone anywhere."""


@dataclass(frozen=True, kw_only=True)
class Path:
    """A track as equally spaced samples, its gaps filled in linearly."""

    places: np.ndarray  # (n, 2) right and down
    radii: np.ndarray  # (n,)
    first: int  # frame of the first sample
    fps: float

    @property
    def velocities(self) -> np.ndarray:
        """(n, 2) in picture heights a second."""
        return self._derived(1)

    @property
    def accelerations(self) -> np.ndarray:
        """(n, 2) in picture heights a second squared."""
        return self._derived(2)

    def _derived(self, order: int) -> np.ndarray:
        if len(self.places) < SMOOTH:
            return np.zeros_like(self.places)
        return np.asarray(savgol_filter(self.places, SMOOTH, 2, deriv=order, delta=1 / self.fps, axis=0))


def path(track: Track, *, fps: float) -> Path:
    """The track, with what lies between its frames."""
    frames = np.arange(track.frames[0], track.frames[-1] + 1)
    places = np.stack([np.interp(frames, track.frames, track.places[:, k]) for k in (0, 1)], 1)
    return Path(places=places, radii=np.interp(frames, track.frames, track.radii), first=track.frames[0], fps=fps)


def action(way: Path, inside: float) -> str:
    """What a thing does: travels (rolls or slides), bounces, falls, is thrown, spins or rests.

    ``inside`` is how much its own surface changes, as `surface` measures it.
    """
    radius = float(np.median(way.radii))
    across = abs(way.places[-1, 0] - way.places[0, 0]) / radius
    deep = abs(float(np.log(_late(way.radii) / _early(way.radii))))
    heights = -way.places[:, 1]
    if float(np.ptp(heights)) / radius > 0.8 and not (deep > 0.2 and _straight(way)):
        landing = int(np.argmax(heights < heights.min() + 0.25 * radius))
        half = min(max(4, landing // 2), len(heights) - 1)  # before anything has touched it
        if abs(way.places[half, 0] - way.places[0, 0]) > THROWN * radius * half / way.fps:
            return "is thrown"
        low, _ = find_peaks(-heights, prominence=0.3 * radius)
        third = len(heights) // 3
        lively = float(np.ptp(heights[-third:])) if third else 0.0
        return "bounces" if len(low) >= 2 and lively > 0.35 * float(np.ptp(heights)) else "falls"
    if across > 0.6 or deep > 0.12:
        return "travels"
    return "spins" if inside > TURNING else "rests"


THROWN = 1.0
"""Radii a second that a thing goes across before it lands for it to have been thrown, not dropped."""
TURNING = 2.0
"""`surface` of what spins: half-way between what rests and what spins in true renders."""
MEANT: dict[str, str] = dict.fromkeys(("rolls", "slides", "collides", "knocks over", "is hidden"), "travels")


def meant(story: Story) -> str:
    """What `action` calls what the story tells."""
    return MEANT.get(story.action, story.action)


def surface(track: Track, frames: np.ndarray) -> float:
    """Mean change of a thing's inside from one frame to the next but two, in grey levels, beyond its own movement."""
    height, width = frames.shape[1:3]
    side = max(3, round(0.55 * float(np.median(track.radii)) * height))
    before: np.ndarray | None = None
    changes: list[float] = []
    for frame, place in list(zip(track.frames, track.places, strict=True))[::3]:
        column, row = round(place[0] * height), round(place[1] * height)
        if not (side <= row < height - side and side <= column < width - side):
            before = None
            continue
        patch = (
            frames[frame, row - side : row + side + 1, column - side : column + side + 1].astype(np.float32).mean(-1)
        )
        if before is not None:
            changes.append(float(np.abs(patch - before).mean()))
        before = patch
    return float(np.mean(changes)) if changes else 0.0


def direction(way: Path, story: Story, *, aspect: float) -> float | None:
    """1 where a thing goes the way it was told, 0 where it does not; None where no way was told."""
    if story.direction in ("left", "right"):
        gone = float(way.places[-1, 0] - way.places[0, 0]) / aspect
        return float(gone * (1 if story.direction == "right" else -1) > MOVED)
    if story.direction in ("toward", "away"):
        grown = float(np.log(_late(way.radii) / _early(way.radii)))
        return float(grown * (1 if story.direction == "toward" else -1) > 0.06)
    return None


def velocity_error(way: Path | None, true: Path, *, after: int) -> float:
    """Mean |v - v of the simulator| from frame ``after`` on (Kang et al., arXiv 2411.02385, 3).

    Where the thing is not seen, it counts as standing still.
    """
    frames = np.arange(max(after, true.first), true.first + len(true.places))
    wanted = true.velocities[frames - true.first]
    made = np.zeros_like(wanted)
    if way is not None:
        here = (frames >= way.first) & (frames < way.first + len(way.places))
        made[here] = way.velocities[frames[here] - way.first]
    return float(np.hypot(*(made - wanted).T).mean())


def arcs(way: Path) -> list[np.ndarray]:
    """Frames (from the path's first) of each flight of at least eight, between two lowest points."""
    radius = float(np.median(way.radii))
    low, _ = find_peaks(way.places[:, 1], prominence=0.25 * radius)
    edges = [0, *low.tolist(), len(way.places) - 1]
    spans = [np.arange(a + 2, b - 1) for a, b in itertools.pairwise(edges)]
    return [span for span in spans if len(span) >= 8 and float(np.ptp(way.places[span, 1])) > 0.3 * radius]


def gravity(way: Path, thing: Thing) -> float | None:
    """Median over flights of (g fitted by a parabola) / g, less one; None where nothing flies.

    A unit of the world measures as much as the thing's own radius says.
    """
    unit = float(np.median(way.radii)) / (OUTLINE[thing.shape] * float(np.prod(thing.half)) ** (1 / 3))
    found = []
    for span in arcs(way):
        seconds = span / way.fps
        found.append(2 * float(np.polyfit(seconds, way.places[span, 1], 2)[0]) / (GRAVITY * unit) - 1)
    return float(np.median(found)) if found else None


def restitution(way: Path, thing: Thing) -> float | None:
    """Mean over contacts with the floor of (speed after / speed before) less the thing's own; None without contacts."""
    flights, found = arcs(way), []
    for one, two in itertools.pairwise(flights):
        if two[0] - one[-1] > 6:
            continue
        down, up = (np.polyfit(span / way.fps, way.places[span, 1], 2) for span in (one, two))
        meet = (one[-1] + two[0]) / 2 / way.fps
        before, after = np.polyval(np.polyder(down), meet), np.polyval(np.polyder(up), meet)
        if before > 0.05:
            found.append(float(-after / before) - thing.bounce)
    return float(np.mean(found)) if found else None


def freeze(way: Path) -> float | None:
    """Speed of the last third over that of the first; None where the first hardly moves."""
    speed = np.hypot(*way.velocities.T)
    third = len(speed) // 3
    if third < 4 or float(speed[:third].mean()) < 0.05:
        return None
    return float(speed[-third:].mean() / speed[:third].mean())


def smoothness(way: Path) -> float:
    """Root mean square of the jerk (third difference of the places), in thousandths of a picture height a frame^3."""
    if len(way.places) < 5:
        return 0.0
    return 1000 * float(np.sqrt(np.square(np.diff(way.places, 3, axis=0)).sum(-1).mean()))


def frechet(one: list[Path], two: list[Path]) -> float:
    """Fréchet distance between the velocities and accelerations of two sets of paths, each taken as a Gaussian.

    The idea of FVMD (Liu et al. 2024) on exact tracks; features are in units of the second set's deviation.
    """
    a, b = (np.concatenate([np.concatenate([p.velocities, p.accelerations], 1) for p in paths]) for paths in (one, two))
    scale = b.std(0) + 1e-6
    a, b = a / scale, b / scale
    mean = float(np.square(a.mean(0) - b.mean(0)).sum())
    spread_a, spread_b = np.cov(a.T), np.cov(b.T)
    return mean + float(np.trace(spread_a + spread_b - 2 * np.real(sqrtm(spread_a @ spread_b))))


def _early(values: np.ndarray) -> float:
    return float(np.median(values[: max(1, len(values) * 15 // 100)]))


def _late(values: np.ndarray) -> float:
    return float(np.median(values[-max(1, len(values) * 15 // 100) :]))


def _straight(way: Path) -> bool:
    """Whether it goes down or up the picture without turning back."""
    steps = (
        np.diff(np.asarray(savgol_filter(way.places[:, 1], SMOOTH, 1))) if len(way.places) >= SMOOTH else np.zeros(1)
    )
    return abs(float(steps.sum())) > 0.9 * float(np.abs(steps).sum())
