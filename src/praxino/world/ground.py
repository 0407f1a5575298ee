"""What floors and skies look like: procedural, filtered over a pixel's footprint: one sample is enough."""

import math

from numba import njit

PLAIN, CHECKER, WOOD, GRASS, SAND, SNOW, MARBLE = 0, 1, 2, 3, 4, 5, 6
FOG = 24.0
"""Distance, in units, at which the floor has mostly become horizon."""


@njit(cache=True, inline="always")
def _hash(ix, iy):
    """A repeatable number in 0..1 for a grid point (integer mix after Wellons' lowbias32)."""
    h = (ix * 374761393 + iy * 668265263) & 0xFFFFFFFF
    h = ((h ^ (h >> 13)) * 1274126177) & 0xFFFFFFFF
    return ((h ^ (h >> 16)) & 0xFFFFFF) / 16777216.0


@njit(cache=True)
def noise(x, y):
    """Smooth value noise in -1..1."""
    fx, fy = math.floor(x), math.floor(y)
    ix, iy = int(fx), int(fy)
    u, v = x - fx, y - fy
    u, v = u * u * (3.0 - 2.0 * u), v * v * (3.0 - 2.0 * v)
    a = _hash(ix, iy) * (1.0 - u) + _hash(ix + 1, iy) * u
    b = _hash(ix, iy + 1) * (1.0 - u) + _hash(ix + 1, iy + 1) * u
    return 2.0 * (a * (1.0 - v) + b * v) - 1.0


@njit(cache=True, inline="always")
def _fade(footprint, cell):
    """How much of a pattern of ``cell`` units survives a pixel of ``footprint`` units."""
    k = footprint / cell
    return 1.0 / (1.0 + 4.0 * k * k * k * k)


@njit(cache=True, inline="always")
def _square(x, w):
    """The integral mean over a window w of the square wave that is +1 on even cells, -1 on odd ones."""
    lo, hi = x - 0.5 * w, x + 0.5 * w
    a = abs(lo * 0.5 - math.floor(lo * 0.5) - 0.5)
    b = abs(hi * 0.5 - math.floor(hi * 0.5) - 0.5)
    return 2.0 * (a - b) / w


@njit(cache=True)
def _wood(x, y, deep):
    row = math.floor(y / 0.55)
    shift = _hash(int(row), 7) * 3.0
    board = math.floor((x + shift) / 3.2)
    m = 0.42 + 0.34 * (_hash(int(row), int(board)) - 0.5) * _fade(deep, 0.55)
    m += 0.16 * noise(x * 1.4 + 11.0 * row, y * 9.0) * _fade(deep, 0.11)
    v = y / 0.55 - row
    gap = min(v, 1.0 - v) * 0.55
    groove = max(0.0, 1.0 - gap / max(0.014, 0.6 * deep)) * min(1.0, 0.014 / max(0.014, 0.6 * deep) * 1.6)
    return min(1.0, max(0.0, m + 0.9 * groove))


@njit(cache=True)
def mix(kind, x, y, wide, deep):
    """The share (0..1) of the floor's second tint at a floor point; ``wide``, ``deep``: the footprint along x and y."""
    if kind == CHECKER:
        return 0.5 - 0.5 * _square(x, max(wide, 1e-3)) * _square(y, max(deep, 1e-3))
    if kind == WOOD:
        return _wood(x, y, deep)
    if kind == GRASS:
        m = 0.5 + 0.22 * noise(x * 1.3, y * 1.3) + 0.26 * noise(x * 7.0, y * 5.0) * _fade(deep, 0.2)
        return min(1.0, max(0.0, m + 0.24 * noise(x * 19.0, y * 11.0) * _fade(deep, 0.09)))
    if kind == SAND:
        wave = math.sin(5.2 * y + 1.7 * noise(x * 0.8, y * 0.8)) * _fade(deep, 1.2)
        return min(1.0, max(0.0, 0.5 + 0.25 * wave + 0.2 * noise(x * 14.0, y * 14.0) * _fade(deep, 0.07)))
    if kind == SNOW:
        return min(
            1.0, max(0.0, 0.4 + 0.35 * noise(x * 0.7, y * 0.7) + 0.12 * noise(x * 9.0, y * 9.0) * _fade(deep, 0.11))
        )
    if kind == MARBLE:
        bend = noise(x * 0.9, y * 0.9) + 0.5 * noise(x * 2.3, y * 2.3)
        vein = abs(math.sin(1.9 * x + 1.1 * y + 2.6 * bend))
        return max(0.0, 1.0 - vein * 3.0) * 0.8 * _fade(deep, 0.5) + 0.12 + 0.1 * bend
    return 0.5


@njit(cache=True)
def floor_tint(kind, x, y, wide, deep, style):
    """The floor's linear RGB at a point. ``style``: tint (3), tint2 (3), scale, cos and sin of its turn."""
    u = (style[7] * x + style[8] * y) / style[6]
    v = (-style[8] * x + style[7] * y) / style[6]
    m = mix(kind, u, v, wide / style[6], deep / style[6])
    return (
        style[0] + m * (style[3] - style[0]),
        style[1] + m * (style[4] - style[1]),
        style[2] + m * (style[5] - style[2]),
    )


@njit(cache=True, inline="always")
def sky_tint(up, sky):
    """Backdrop linear RGB for a ray rising by ``up`` (its unit z); ``sky``: horizon (3), zenith (3)."""
    k = min(1.0, max(0.0, up) * 2.2)
    k = k * (2.0 - k)
    return sky[0] + k * (sky[3] - sky[0]), sky[1] + k * (sky[4] - sky[1]), sky[2] + k * (sky[5] - sky[2])
