"""Where a ray meets a shape: analytic, in the shape's own frame (o: origin, d: direction of any length).

Every function gives (t, nx, ny, nz): the ray parameter of the first hit (FAR if none) and the outward unit normal.
"""

import math

from numba import njit

FAR = 1e30
SPHERE, BOX, CYLINDER, CONE, CAPSULE, PYRAMID = 0, 1, 2, 3, 4, 5
_NEAR = 1e-6


@njit(cache=True, inline="always")
def _unit(x, y, z):
    k = 1.0 / math.sqrt(x * x + y * y + z * z + 1e-30)
    return x * k, y * k, z * k


@njit(cache=True)
def ellipsoid(o, d, half):
    """An ellipsoid (or sphere) about the origin."""
    ox, oy, oz = o[0] / half[0], o[1] / half[1], o[2] / half[2]
    dx, dy, dz = d[0] / half[0], d[1] / half[1], d[2] / half[2]
    a = dx * dx + dy * dy + dz * dz
    b = ox * dx + oy * dy + oz * dz
    # Distance from the centre to the line, rather than b*b - a*c, which loses digits (Hearn & Baker).
    k = b / a
    px, py, pz = ox - k * dx, oy - k * dy, oz - k * dz
    left = 1.0 - (px * px + py * py + pz * pz)
    if left <= 0.0:
        return FAR, 0.0, 0.0, 1.0
    t = -k - math.sqrt(left / a)
    if t < _NEAR:
        return FAR, 0.0, 0.0, 1.0
    nx, ny, nz = _unit((ox + t * dx) / half[0], (oy + t * dy) / half[1], (oz + t * dz) / half[2])
    return t, nx, ny, nz


@njit(cache=True, inline="always")
def _slab(o, d, h):
    """Where a line enters and leaves |x| <= h along one axis."""
    if abs(d) < 1e-12:
        return (-FAR, FAR) if abs(o) <= h else (FAR, -FAR)
    k = 1.0 / d
    a, b = (-h - o) * k, (h - o) * k
    return (a, b) if a < b else (b, a)


@njit(cache=True)
def box(o, d, half):
    """A box about the origin (slabs)."""
    x0, x1 = _slab(o[0], d[0], half[0])
    y0, y1 = _slab(o[1], d[1], half[1])
    z0, z1 = _slab(o[2], d[2], half[2])
    near, far = max(x0, max(y0, z0)), min(x1, min(y1, z1))
    if near > far or near < _NEAR:
        return FAR, 0.0, 0.0, 1.0
    if near == x0:
        return near, -math.copysign(1.0, d[0]), 0.0, 0.0
    if near == y0:
        return near, 0.0, -math.copysign(1.0, d[1]), 0.0
    return near, 0.0, 0.0, -math.copysign(1.0, d[2])


@njit(cache=True)
def cylinder(o, d, half):
    """An upright cylinder of radius half[0] and half height half[2]."""
    best, nx, ny, nz = FAR, 0.0, 0.0, 1.0
    r, h = half[0], half[2]
    a = d[0] * d[0] + d[1] * d[1]
    if a > 1e-14:
        b = o[0] * d[0] + o[1] * d[1]
        disc = b * b - a * (o[0] * o[0] + o[1] * o[1] - r * r)
        if disc <= 0.0:
            return FAR, 0.0, 0.0, 1.0
        t = (-b - math.sqrt(disc)) / a
        z = o[2] + t * d[2]
        if t > _NEAR and -h <= z <= h:
            best, nx, ny, nz = t, (o[0] + t * d[0]) / r, (o[1] + t * d[1]) / r, 0.0
    if abs(d[2]) > 1e-12:
        side = -1.0 if d[2] > 0.0 else 1.0
        t = (side * h - o[2]) / d[2]
        x, y = o[0] + t * d[0], o[1] + t * d[1]
        if _NEAR < t < best and x * x + y * y <= r * r:
            best, nx, ny, nz = t, 0.0, 0.0, side
    return best, nx, ny, nz


@njit(cache=True)
def cone(o, d, half):
    """A cone with its base (radius half[0]) at z = -half[2] and its tip at +half[2]."""
    best, nx, ny, nz = FAR, 0.0, 0.0, 1.0
    h = half[2]
    k = half[0] / (2.0 * h)
    k2 = k * k
    top = h - o[2]
    a = d[0] * d[0] + d[1] * d[1] - k2 * d[2] * d[2]
    b = o[0] * d[0] + o[1] * d[1] + k2 * top * d[2]
    c = o[0] * o[0] + o[1] * o[1] - k2 * top * top
    disc = b * b - a * c
    if disc > 0.0 and abs(a) > 1e-14:
        root = math.sqrt(disc)
        for s in (-1.0, 1.0):
            t = (-b + s * root) / a
            z = o[2] + t * d[2]
            if _NEAR < t < best and -h <= z <= h:
                x, y = o[0] + t * d[0], o[1] + t * d[1]
                best = t
                nx, ny, nz = _unit(x, y, k2 * (h - z))
    if abs(d[2]) > 1e-12:
        t = (-h - o[2]) / d[2]
        x, y = o[0] + t * d[0], o[1] + t * d[1]
        if _NEAR < t < best and x * x + y * y <= half[0] * half[0]:
            best, nx, ny, nz = t, 0.0, 0.0, -1.0
    return best, nx, ny, nz


@njit(cache=True)
def capsule(o, d, half):
    """An upright capsule of radius half[0]; half[2] is half its whole length."""
    r = half[0]
    h = half[2] - r
    best, nx, ny, nz = FAR, 0.0, 0.0, 1.0
    a = d[0] * d[0] + d[1] * d[1]
    b = o[0] * d[0] + o[1] * d[1]
    disc = b * b - a * (o[0] * o[0] + o[1] * o[1] - r * r)
    if disc > 0.0 and a > 1e-14:
        t = (-b - math.sqrt(disc)) / a
        z = o[2] + t * d[2]
        if t > _NEAR and -h <= z <= h:
            return t, (o[0] + t * d[0]) / r, (o[1] + t * d[1]) / r, 0.0
    a = a + d[2] * d[2]
    for s in (-1.0, 1.0):
        z0 = o[2] - s * h
        b2 = b + z0 * d[2]
        disc = b2 * b2 - a * (o[0] * o[0] + o[1] * o[1] + z0 * z0 - r * r)
        if disc > 0.0:
            t = (-b2 - math.sqrt(disc)) / a
            if _NEAR < t < best and s * (z0 + t * d[2]) >= 0.0:
                best = t
                nx, ny, nz = (o[0] + t * d[0]) / r, (o[1] + t * d[1]) / r, (z0 + t * d[2]) / r
    return best, nx, ny, nz


@njit(cache=True)
def pyramid(o, d, half):
    """A square pyramid, base at z = -half[2] (half side half[0]), tip at +half[2]: five half spaces."""
    near, far = -FAR, FAR
    bx, by, bz = 0.0, 0.0, 1.0
    lx, ly, lz = _unit(2.0 * half[2], 0.0, half[0])
    for i in range(5):
        if i == 4:
            nx, ny, nz, w = 0.0, 0.0, -1.0, half[2]
        else:
            s = 1.0 if i % 2 == 0 else -1.0
            nx, ny, nz, w = s * lx * (i < 2), s * lx * (i >= 2), lz, lz * half[2]
        down = nx * d[0] + ny * d[1] + nz * d[2]
        gap = w - (nx * o[0] + ny * o[1] + nz * o[2])
        if abs(down) < 1e-12:
            if gap < 0.0:
                return FAR, 0.0, 0.0, 1.0
            continue
        t = gap / down
        if down < 0.0:
            if t > near:
                near, bx, by, bz = t, nx, ny, nz
        else:
            far = min(far, t)
    if near > far or near < _NEAR:
        return FAR, 0.0, 0.0, 1.0
    return near, bx, by, bz


@njit(cache=True)
def hit(kind, o, d, half):
    """The first hit on a shape of any kind."""
    if kind == SPHERE:
        return ellipsoid(o, d, half)
    if kind == BOX:
        return box(o, d, half)
    if kind == CYLINDER:
        return cylinder(o, d, half)
    if kind == CONE:
        return cone(o, d, half)
    if kind == CAPSULE:
        return capsule(o, d, half)
    return pyramid(o, d, half)
