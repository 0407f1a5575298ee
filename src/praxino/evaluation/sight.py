"""What is truly to be seen in a frame of the world: each thing's middle and radius in the picture, and what it is.

Shapes: t frames, n things told of (furniture is not), h rows, w columns of pixels.
"""

from dataclasses import dataclass

import numpy as np

from praxino.world import render
from praxino.world.physics import Motion
from praxino.world.scene import Scene

LEAST = 0.35
"""Share of a thing's outline that has to be seen for it to count as seen."""
OUTLINE = {
    "sphere": 1.0, "cube": 1.33, "cylinder": 1.26, "cone": 0.9,
    "box": 1.31, "capsule": 1.2, "ellipsoid": 1.07, "pyramid": 1.0,
}  # fmt: skip
"""Radius of the disc that looks as large as a shape, over the cube root of the product of its half extents."""


@dataclass(frozen=True, kw_only=True)
class Sight:
    """The things of a film; places and radii are in picture heights, from the left and the top."""

    things: tuple[int, ...]  # (n,) index of each in the scene
    places: np.ndarray  # (t, n, 2) float32: where the middle is, right and down
    radii: np.ndarray  # (t, n) float32: of the disc that looks as large
    seen: np.ndarray  # (t, n) bool: enough of it is in the picture


def sight(scene: Scene, motion: Motion, ids: np.ndarray) -> Sight:
    """What is to be seen in frames whose pixels show the things ``ids`` (t, h, w; 0 is the background)."""
    told = tuple(i for i, thing in enumerate(scene.things) if thing.role != "prop")
    frames, height, width = ids.shape
    places = np.zeros((frames, len(told), 2), np.float32)
    radii, seen = np.zeros((frames, len(told)), np.float32), np.zeros((frames, len(told)), bool)
    sizes = np.array([OUTLINE[scene.things[i].shape] * float(np.prod(scene.things[i].half)) ** (1 / 3) for i in told])
    for t in range(frames):
        view = render.view_of(motion.camera[t], width, height)
        away = motion.poses[t, list(told), :3].astype(float) - view[:3]
        right, down, forward = view[3:6], view[6:9], view[9:12]
        pixel = np.sqrt(right @ right)  # what a pixel covers at distance 1
        depth = np.maximum(away @ forward, 1e-3)
        across, below = away @ right / pixel**2 / depth, away @ down / pixel**2 / depth
        places[t] = np.stack([across + width / 2, below + height / 2], -1) / height
        radii[t] = sizes / depth / pixel / height
        count = np.bincount(ids[t].ravel(), minlength=len(scene.things) + 1)[[i + 1 for i in told]]
        whole = np.pi * (radii[t] * height) ** 2
        inside = (places[t] > 0).all(-1) & (places[t, :, 0] < width / height) & (places[t, :, 1] < 1)
        seen[t] = (count > LEAST * whole) & (count >= 12) & inside
    return Sight(things=told, places=places, radii=radii, seen=seen)
