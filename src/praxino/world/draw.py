"""One frame, drawn: the empty stage once, then only where things and their shadows fall.

Tables as in `shade`. ``view``: eye (3), right (3), down (3), forward (3), each scaled so that
direction = forward + u * right + v * down with u, v in pixels from the picture's middle.
"""

import math

import numpy as np
from numba import njit

from praxino.world.ground import FOG, floor_tint, sky_tint
from praxino.world.shade import GLASS, HALF, LOOK, POS, REACH, TINT, colour, meet
from praxino.world.shadow import PLACE, cast, corners, floor_light, grid
from praxino.world.trace import FAR

TILE = 8
SUNK = -0.03
"""Height under which the floor hides things; contacts give way by up to half of it."""
_LIMIT = 1 << 13


@njit(cache=True, inline="always")
def _ray(view, u, v):
    return (
        view[9] + u * view[3] + v * view[6],
        view[10] + u * view[4] + v * view[7],
        view[11] + u * view[5] + v * view[8],
    )


@njit(cache=True)
def stage(view, kind, style, sky, out):
    """The empty stage, linear RGB into ``out`` (h, w, 3) float32."""
    h, w = out.shape[0], out.shape[1]
    across = math.sqrt(view[3] * view[3] + view[4] * view[4] + view[5] * view[5])
    for j in range(h):
        for i in range(w):
            d = _ray(view, i + 0.5 - 0.5 * w, j + 0.5 - 0.5 * h)
            n = math.sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2])
            up = d[2] / n
            r, g, b = sky_tint(up, sky)
            if up < -1e-4:
                t = -view[2] / d[2]
                far = t * n
                veil = 1.0 - math.exp(-((far / FOG) ** 2))
                if veil < 0.999:
                    wide = t * across
                    fr, fg, fb = floor_tint(kind, view[0] + t * d[0], view[1] + t * d[1], wide, wide / -up, style)
                    r = veil * r + (1.0 - veil) * fr * (sky[6] * sky[14] + sky[9])
                    g = veil * g + (1.0 - veil) * fg * (sky[7] * sky[14] + sky[10])
                    b = veil * b + (1.0 - veil) * fb * (sky[8] * sky[14] + sky[11])
            out[j, i, 0], out[j, i, 1], out[j, i, 2] = r, g, b


@njit(cache=True)
def encode(linear, table, out):
    """Linear RGB to 8 bit by table."""
    for j in range(linear.shape[0]):
        for i in range(linear.shape[1]):
            for c in range(3):
                out[j, i, c] = table[min(_LIMIT - 1, max(0, int(linear[j, i, c] * (_LIMIT - 1))))]


def gamma() -> np.ndarray:
    """The table `encode` and `frame` use: a pure power 2.2, which keeps hue and saturation under any light."""
    return np.round(255 * np.linspace(0, 1, _LIMIT) ** (1 / 2.2)).astype(np.uint8)


@njit(cache=True)
def _sun_seen(things, me, p, sky):
    """1 where a point of thing ``me`` sees the sun, less where another thing hides it (four rays, a soft edge)."""
    near = 0
    for n in range(things.shape[0]):
        if n != me and _shades(things[n], p, sky):
            near |= 1 << n
    if near == 0:
        return 1.0
    seen = 0.0
    for k in range(4):
        a = 0.045 * (1.0 if k % 2 == 0 else -1.0)
        b = 0.045 * (1.0 if k < 2 else -1.0)
        if _nearest(things, near, p, (sky[12] + a, sky[13] + b, sky[14]))[1] < 0:
            seen += 0.25
    return seen


@njit(cache=True, inline="always")
def _shades(row, p, sky):
    """Whether the sphere around a thing comes into the cone of rays from a point to the sun."""
    x, y, z = row[POS] - p[0], row[POS + 1] - p[1], row[POS + 2] - p[2]
    along = x * sky[12] + y * sky[13] + z * sky[14]
    reach = row[REACH] + 0.07 * abs(along)
    return along > -reach and x * x + y * y + z * z - along * along < reach * reach


@njit(cache=True)
def _nearest(things, tile, eye, d):
    best, who, nx, ny, nz = FAR, -1, 0.0, 0.0, 1.0
    for n in range(things.shape[0]):
        if (tile >> n) & 1:
            t, x, y, z = meet(things[n], eye, d)
            if t < best and eye[2] + t * d[2] > SUNK:  # what is sunk in the floor is hidden by it
                best, who, nx, ny, nz = t, n, x, y, z
    return best, who, nx, ny, nz


@njit(cache=True)
def _paint(things, who, t, n, eye, d, sky):
    o = (eye[0] + t * d[0], eye[1] + t * d[1], eye[2] + t * d[2])
    r, g, b = colour(things[who], t, n, eye, d, _sun_seen(things, who, o, sky), sky)
    k = math.sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2])
    # Things keep their colours until well behind the stage's middle (5 units off).
    veil = 1.0 - math.exp(-((max(0.0, t * k - 7.0) / FOG) ** 2))
    return r + veil * (sky[0] - r), g + veil * (sky[1] - g), b + veil * (sky[2] - b)


@njit(cache=True)
def _through(row, nx, ny, nz, t, i, j, view, empty):
    """What shines through glass: the empty stage, bent sideways by the surface and tinted."""
    x = row[4] * nx + row[5] * ny + row[6] * nz
    y = row[7] * nx + row[8] * ny + row[9] * nz
    z = row[10] * nx + row[11] * ny + row[12] * nz
    k = 1.1 * row[REACH] / (t * (view[3] * view[3] + view[4] * view[4] + view[5] * view[5]))
    u = i - k * (x * view[3] + y * view[4] + z * view[5])
    v = j - k * (x * view[6] + y * view[7] + z * view[8])
    a = min(empty.shape[1] - 1, max(0, int(u)))
    b = min(empty.shape[0] - 1, max(0, int(v)))
    return (
        0.55 * empty[b, a, 0] * (0.12 + 0.88 * row[TINT]),
        0.55 * empty[b, a, 1] * (0.12 + 0.88 * row[TINT + 1]),
        0.55 * empty[b, a, 2] * (0.12 + 0.88 * row[TINT + 2]),
    )


@njit(cache=True)
def _pixel(things, solid, soft, empty, i, j, spots, view, samples, places, shadows, sky):
    """One pixel: (r, g, b, id). ``spots``: hits of the sub-samples, to shade once where the surface is smooth."""
    h, w = empty.shape[0], empty.shape[1]
    eye = (view[0], view[1], view[2])
    r, g, b, first, same, hits = 0.0, 0.0, 0.0, -1, True, 0
    solid = _reachable(things, solid, eye, _ray(view, i + 0.5 - 0.5 * w, j + 0.5 - 0.5 * h), view)
    count = samples * samples if solid else 0
    for s in range(count):
        u = i - 0.5 * w + (s % samples + 0.5) / samples
        v = j - 0.5 * h + (s // samples + 0.5) / samples
        d = _ray(view, u, v)
        t, who, nx, ny, nz = _nearest(things, solid, eye, d)
        spots[s, 0], spots[s, 1], spots[s, 2], spots[s, 3], spots[s, 4] = t, nx, ny, nz, who
        hits += who >= 0
        if s == 0:
            first = who
        elif who != first or nx * spots[0, 1] + ny * spots[0, 2] + nz * spots[0, 3] < 0.9:
            same = False
    if hits == 0 or hits < count:  # (none tried counts as none hit)
        d = _ray(view, i + 0.5 - 0.5 * w, j + 0.5 - 0.5 * h)
        lr, lg, lb = 1.0, 1.0, 1.0
        if soft != 0 and d[2] < -1e-6:
            t = -eye[2] / d[2]
            lr, lg, lb = floor_light(things, soft, places, shadows, sky, eye[0] + t * d[0], eye[1] + t * d[1])
        share = (count - hits) / count if count else 1.0
        r, g, b = share * lr * empty[j, i, 0], share * lg * empty[j, i, 1], share * lb * empty[j, i, 2]
    if hits == 0:
        return r, g, b, 0
    step = count if same else 1
    for s in range(0, count, step):
        if spots[s, 4] < 0:
            continue
        u = i - 0.5 * w + (0.5 if same else (s % samples + 0.5) / samples)
        v = j - 0.5 * h + (0.5 if same else (s // samples + 0.5) / samples)
        d = _ray(view, u, v)
        who = int(spots[s, 4])
        t, nx, ny, nz = spots[s, 0], spots[s, 1], spots[s, 2], spots[s, 3]
        if same:
            t, nx, ny, nz = meet(things[who], eye, d)
            if t >= FAR:
                t, nx, ny, nz = spots[s, 0], spots[s, 1], spots[s, 2], spots[s, 3]
        cr, cg, cb = _paint(things, who, t, (nx, ny, nz), eye, d, sky)
        if things[who, LOOK] == GLASS:
            tr, tg, tb = _through(things[who], nx, ny, nz, t, i, j, view, empty)
            cr, cg, cb = cr + tr, cg + tg, cb + tb
        k = step / count
        r, g, b = r + k * cr, g + k * cg, b + k * cb
    if 2 * hits < count:
        return r, g, b, 0
    return r, g, b, 1 + (first if first >= 0 else _any(spots, count))


@njit(cache=True)
def _reachable(things, tile, eye, d, view):
    """Of the things of a tile, those whose surrounding sphere the pixel's middle ray passes within a pixel of."""
    dd = d[0] * d[0] + d[1] * d[1] + d[2] * d[2]
    pixel = math.sqrt(view[3] * view[3] + view[4] * view[4] + view[5] * view[5])
    out = 0
    for n in range(things.shape[0]):
        if (tile >> n) & 1:
            x, y, z = things[n, POS] - eye[0], things[n, POS + 1] - eye[1], things[n, POS + 2] - eye[2]
            k = (x * d[0] + y * d[1] + z * d[2]) / dd
            near = things[n, REACH] + abs(k) * pixel
            if x * x + y * y + z * z - k * k * dd <= near * near:
                out |= 1 << n
    return out


@njit(cache=True)
def _any(spots, count):
    for s in range(count):
        if spots[s, 4] >= 0:
            return int(spots[s, 4])
    return -1


@njit(cache=True)
def _tick(tiles, n, x0, x1, y0, y1, h, w):
    """Mark the tiles of a rectangle of pixels as touched by thing ``n``."""
    if x1 < 0 or y1 < 0 or x0 >= w or y0 >= h:
        return
    for b in range(max(0, int(y0)) // TILE, min(h - 1, int(y1)) // TILE + 1):
        for a in range(max(0, int(x0)) // TILE, min(w - 1, int(x1)) // TILE + 1):
            tiles[b, a] |= 1 << n


@njit(cache=True)
def _bounds(view, points, h, w, box):
    """The pixels around points (n, 3), into ``box``: x0, x1, y0, y1; the whole picture if one is behind the eye."""
    box[0], box[1], box[2], box[3] = 1e9, -1e9, 1e9, -1e9
    k = view[3] * view[3] + view[4] * view[4] + view[5] * view[5]
    f = view[9] * view[9] + view[10] * view[10] + view[11] * view[11]
    for p in range(points.shape[0]):
        x, y, z = points[p, 0] - view[0], points[p, 1] - view[1], points[p, 2] - view[2]
        deep = (x * view[9] + y * view[10] + z * view[11]) / f
        if deep < 0.05:
            box[0], box[1], box[2], box[3] = 0.0, w, 0.0, h
            return
        u = (x * view[3] + y * view[4] + z * view[5]) / (k * deep) + 0.5 * w
        v = (x * view[6] + y * view[7] + z * view[8]) / (k * deep) + 0.5 * h
        box[0], box[1] = min(box[0], u - 1.0), max(box[1], u + 1.0)
        box[2], box[3] = min(box[2], v - 1.0), max(box[3], v + 1.0)


@njit(cache=True)
def _touch(things, places, view, solid, soft, stir, h, w):
    """Tiles each thing covers, those its shadow and the dusk at its foot reach, and all those its sunbeams pass."""
    box, beam, points = np.empty(4), np.empty(4), np.empty((8, 3))
    for n in range(things.shape[0]):
        row = things[n]
        corners(row, points)
        _bounds(view, points, h, w, beam)
        _tick(solid, n, beam[0], beam[1], beam[2], beam[3], h, w)
        for c in range(4):
            p = places[n, 4] * (1.0 if c & 1 else -1.0)
            q = places[n, 5] * (1.0 if c & 2 else -1.0)
            points[c, 0] = places[n, 0] + p * places[n, 2] - q * places[n, 3]
            points[c, 1] = places[n, 1] + p * places[n, 3] + q * places[n, 2]
            points[c, 2] = 0.0
        _bounds(view, points[:4], h, w, box)
        _tick(soft, n, box[0], box[1], box[2], box[3], h, w)
        beam[0], beam[1] = min(beam[0], box[0]), max(beam[1], box[1])
        beam[2], beam[3] = min(beam[2], box[2]), max(beam[3], box[3])
        _tick(stir, n, beam[0], beam[1], beam[2], beam[3], h, w)
        r = min(row[HALF], row[HALF + 1])
        z = max(row[POS + 2], 0.02)
        r = math.sqrt(max(0.0, 9.0 * r * r + 3.0 * z * z))
        for c in range(4):
            points[c, 0] = row[POS] + r * (1.0 if c & 1 else -1.0)
            points[c, 1] = row[POS + 1] + r * (1.0 if c & 2 else -1.0)
        _bounds(view, points[:4], h, w, box)
        _tick(soft, n, box[0], box[1], box[2], box[3], h, w)


def memory(count: int, widest: float, height: int, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What `frame` keeps from one frame to the next: places, shadows, and who touched which tile."""
    size = grid(widest)
    tiles = np.zeros(((height + TILE - 1) // TILE, (width + TILE - 1) // TILE), np.int64)
    return np.zeros((count, PLACE)), np.zeros((count, size, size)), tiles


@njit(cache=True)
def frame(things, moved, view, sky, samples, empty, table, out, ids, places, shadows, before):
    """Draw things (n, COLUMNS), at most 62, over ``out`` (h, w, 3): the encoded empty stage, or the frame before.

    Only tiles that things of ``moved`` (bits) touch, or touched ``before``, are redrawn; all bits and zeros draw
    everything.
    """
    h, w = out.shape[0], out.shape[1]
    scratch, spots = np.empty((shadows.shape[1], shadows.shape[1])), np.empty((samples * samples, 5))
    for n in range(things.shape[0]):
        if (moved >> n) & 1:
            cast(things[n], sky, places[n], shadows[n], scratch)
    solid, soft, stir = np.zeros_like(before), np.zeros_like(before), np.zeros_like(before)
    _touch(things, places, view, solid, soft, stir, h, w)
    for b in range(before.shape[0]):
        for a in range(before.shape[1]):
            now = solid[b, a] | soft[b, a]
            stale = (now | stir[b, a] | before[b, a]) & moved
            lit = now != 0 or before[b, a] != 0
            before[b, a] = now | stir[b, a]
            if stale == 0 or not lit:
                continue
            for j in range(b * TILE, min(h, b * TILE + TILE)):
                for i in range(a * TILE, min(w, a * TILE + TILE)):
                    red, green, blue, who = _pixel(
                        things, solid[b, a], soft[b, a], empty, i, j, spots, view, samples, places, shadows, sky
                    )
                    ids[j, i] = who
                    out[j, i, 0] = table[min(_LIMIT - 1, max(0, int(red * (_LIMIT - 1))))]
                    out[j, i, 1] = table[min(_LIMIT - 1, max(0, int(green * (_LIMIT - 1))))]
                    out[j, i, 2] = table[min(_LIMIT - 1, max(0, int(blue * (_LIMIT - 1))))]
