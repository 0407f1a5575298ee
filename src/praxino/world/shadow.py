"""Soft shadows and the dusk around things' feet, on the floor.

Each thing has a place (middle x, y, axis x, y, reach along, across, strength) and a square of texels, up to its own
grid size.
"""

import math

import numpy as np
from numba import njit

from praxino.world.shade import GLASS, HALF, LOOK, POS, REACH, TURN, meet
from praxino.world.trace import FAR

PLACE = 7
LARGE = 96


@njit(cache=True, inline="always")
def grid(reach):
    """Texels along one side of the shadow of a thing of this reach."""
    return LARGE if reach > 0.9 else 44 if reach > 0.15 else 20


@njit(cache=True)
def corners(row, points):
    """The corners (8, 3) of the box around a thing, turned as it is."""
    for c in range(8):
        x = row[HALF] * (1.0 if c & 1 else -1.0)
        y = row[HALF + 1] * (1.0 if c & 2 else -1.0)
        z = row[HALF + 2] * (1.0 if c & 4 else -1.0)
        for k in range(3):
            points[c, k] = row[POS + k] + row[TURN + 3 * k] * x + row[TURN + 3 * k + 1] * y + row[TURN + 3 * k + 2] * z


@njit(cache=True)
def _fit(row, place, spread, sun):
    """Draw the place of a large thing's shadow in to where its corners fall."""
    points = np.empty((8, 3))
    corners(row, points)
    p0, p1, q0, q1 = FAR, -FAR, FAR, -FAR
    for c in range(8):
        x = points[c, 0] - sun[0] / sun[2] * points[c, 2] - place[0]
        y = points[c, 1] - sun[1] / sun[2] * points[c, 2] - place[1]
        p, q = x * place[2] + y * place[3], y * place[2] - x * place[3]
        p0, p1, q0, q1 = min(p0, p), max(p1, p), min(q0, q), max(q1, q)
    p, q = 0.5 * (p0 + p1), 0.5 * (q0 + q1)
    place[0], place[1] = place[0] + p * place[2] - q * place[3], place[1] + p * place[3] + q * place[2]
    place[4], place[5] = 0.5 * (p1 - p0) + 2.0 * spread, 0.5 * (q1 - q0) + 2.0 * spread


@njit(cache=True)
def cast(row, sky, place, texels, scratch):
    """A thing's soft shadow on the floor into ``texels`` and ``place``.

    A hard shadow by rays to the sun's middle, then blurred by as much as the sun's disc spreads at the thing's height.
    """
    sx, sy, sz = sky[12], sky[13], sky[14]
    size = grid(row[REACH])
    flat = math.sqrt(sx * sx + sy * sy) + 1e-9
    reach = row[REACH]
    spread = 0.075 * max(0.0, row[POS + 2]) / sz + 0.012
    pad = reach + 2.0 * spread
    place[0], place[1] = row[POS] - sx / sz * row[POS + 2], row[POS + 1] - sy / sz * row[POS + 2]
    place[2], place[3] = sx / flat, sy / flat
    place[4], place[5] = reach / sz + 2.0 * spread, pad
    place[6] = 0.55 if row[LOOK] == GLASS else 1.0
    if size == LARGE:
        _fit(row, place, spread, (sx, sy, sz))
    for a in range(size):
        p = ((a + 0.5) * 2.0 / size - 1.0) * place[4]
        for b in range(size):
            q = ((b + 0.5) * 2.0 / size - 1.0) * place[5]
            o = (place[0] + p * place[2] - q * place[3], place[1] + p * place[3] + q * place[2], 0.0)
            t = meet(row, o, (sx, sy, sz))[0]
            texels[a, b] = 1.0 if t < FAR else 0.0
    _blur(texels, scratch, size, spread * size * 0.5 / place[4], spread * size * 0.5 / place[5])


@njit(cache=True)
def _blur(texels, scratch, size, along, across):
    """Two passes of a box blur with fractional half widths (a tent, in effect), in texels."""
    for _ in range(2):
        _smear(texels, scratch, size, along)
        _smear(scratch, texels, size, across)


@njit(cache=True)
def _smear(source, target, size, half):
    """A box blur along the first axis; the result is transposed."""
    whole = int(half)
    part = half - whole
    norm = 1.0 / (2 * half + 1.0)
    for b in range(size):
        total = 0.0
        for a in range(-whole, whole + 1):
            if 0 <= a < size:
                total += source[a, b]
        for a in range(size):
            lo, hi = a - whole - 1, a + whole + 1
            ends = (source[lo, b] if lo >= 0 else 0.0) + (source[hi, b] if hi < size else 0.0)
            target[b, a] = (total + part * ends) * norm
            if hi < size:
                total += source[hi, b]
            if a - whole >= 0:
                total -= source[a - whole, b]


@njit(cache=True, inline="always")
def _shadow(place, texels, size, x, y):
    """How much of the sun one thing hides from a floor point, 0..1."""
    x, y = x - place[0], y - place[1]
    p = ((x * place[2] + y * place[3]) / place[4] + 1.0) * (0.5 * size) - 0.5
    q = ((y * place[2] - x * place[3]) / place[5] + 1.0) * (0.5 * size) - 0.5
    if p < 0.0 or q < 0.0 or p >= size - 1 or q >= size - 1:
        return 0.0
    a, b = int(p), int(q)
    u, v = p - a, q - b
    top = texels[a, b] * (1.0 - v) + texels[a, b + 1] * v
    return top * (1.0 - u) + (texels[a + 1, b] * (1.0 - v) + texels[a + 1, b + 1] * v) * u


@njit(cache=True, inline="always")
def _nearness(row, x, y):
    """How much of the sky one thing hides from a floor point: a sphere's share, faded out (Quilez)."""
    dx, dy, z = row[POS] - x, row[POS + 1] - y, max(row[POS + 2], 0.02)
    r = min(row[HALF], row[HALF + 1])
    d2 = dx * dx + dy * dy + z * z
    edge = 1.0 - d2 / (9.0 * r * r + 4.0 * z * z)
    if edge <= 0.0:
        return 0.0
    return min(1.0, z / math.sqrt(d2) * r * r / d2) * edge


@njit(cache=True)
def floor_light(things, tile, places, shadows, sky, x, y):
    """Light at a floor point over light at the empty floor, three channels."""
    sun, air = 1.0, 1.0
    for n in range(things.shape[0]):
        if (tile >> n) & 1:
            sun *= 1.0 - places[n, 6] * _shadow(places[n], shadows[n], grid(things[n, REACH]), x, y)
            air *= 1.0 - 0.85 * _nearness(things[n], x, y)
    r = (sun * sky[6] * sky[14] + air * sky[9]) / (sky[6] * sky[14] + sky[9])
    g = (sun * sky[7] * sky[14] + air * sky[10]) / (sky[7] * sky[14] + sky[10])
    b = (sun * sky[8] * sky[14] + air * sky[11]) / (sky[8] * sky[14] + sky[11])
    return r, g, b
