"""How a point of a thing looks: sunlight, sky light, contact, highlight, pattern. Linear RGB throughout.

A thing is one row of a table: kind, half (3), turn as a 3x3 matrix (9), position (3), tint (3), tint2 (3), look, reach.
``sky``: horizon (3), zenith (3), sunlight (3), ambient (3), direction to the sun (3).
"""

import math

from numba import njit

from praxino.world.ground import sky_tint
from praxino.world.trace import FAR, hit

KIND, HALF, TURN, POS, TINT, TINT2, LOOK, REACH, COLUMNS = 0, 1, 4, 13, 16, 19, 22, 23, 24
MATTE, SHINY, METAL, GLASS, STRIPED, DOTTED, FACED = 0, 1, 2, 3, 4, 5, 6


@njit(cache=True)
def meet(row, o, d):
    """Where the ray o + t d (world) meets the thing ``row``: (t, local normal x, y, z)."""
    x, y, z = o[0] - row[POS], o[1] - row[POS + 1], o[2] - row[POS + 2]
    # The sphere around it first: most rays miss.
    dd = d[0] * d[0] + d[1] * d[1] + d[2] * d[2]
    b = x * d[0] + y * d[1] + z * d[2]
    if x * x + y * y + z * z - b * b / dd > row[REACH] * row[REACH]:
        return FAR, 0.0, 0.0, 1.0
    lo = (
        row[TURN] * x + row[TURN + 3] * y + row[TURN + 6] * z,
        row[TURN + 1] * x + row[TURN + 4] * y + row[TURN + 7] * z,
        row[TURN + 2] * x + row[TURN + 5] * y + row[TURN + 8] * z,
    )
    ld = (
        row[TURN] * d[0] + row[TURN + 3] * d[1] + row[TURN + 6] * d[2],
        row[TURN + 1] * d[0] + row[TURN + 4] * d[1] + row[TURN + 7] * d[2],
        row[TURN + 2] * d[0] + row[TURN + 5] * d[1] + row[TURN + 8] * d[2],
    )
    return hit(int(row[KIND]), lo, ld, (row[HALF], row[HALF + 1], row[HALF + 2]))


@njit(cache=True)
def _pattern(look, x, y, z, row):
    """The share of the second tint at a local point."""
    if look == STRIPED:
        s = math.sin(2.5 * math.pi * z / row[HALF + 2])
        return min(1.0, max(0.0, 0.5 + 3.0 * s))
    if look == DOTTED:
        a, b, c = x / row[HALF], y / row[HALF + 1], z / row[HALF + 2]
        s = math.sin(4.5 * a + 0.6) * math.sin(4.5 * b + 0.9) * math.sin(4.5 * c + 1.2)
        return min(1.0, max(0.0, 0.5 + 8.0 * (abs(s) - 0.38)))
    if look == FACED:
        return 1.0 if x * y > 0.0 else 0.0
    return 0.0


@njit(cache=True)
def colour(row, t, n, o, d, sun_seen, sky):
    """What the eye at ``o`` sees along ``d`` at the hit ``t`` with local normal ``n``; ``sun_seen`` 0..1."""
    look = int(row[LOOK])
    nx = row[TURN] * n[0] + row[TURN + 1] * n[1] + row[TURN + 2] * n[2]
    ny = row[TURN + 3] * n[0] + row[TURN + 4] * n[1] + row[TURN + 5] * n[2]
    nz = row[TURN + 6] * n[0] + row[TURN + 7] * n[1] + row[TURN + 8] * n[2]
    px, py, pz = o[0] + t * d[0], o[1] + t * d[1], o[2] + t * d[2]
    m = 0.0
    if look >= STRIPED:
        x, y, z = px - row[POS], py - row[POS + 1], pz - row[POS + 2]
        m = _pattern(
            look,
            row[TURN] * x + row[TURN + 3] * y + row[TURN + 6] * z,
            row[TURN + 1] * x + row[TURN + 4] * y + row[TURN + 7] * z,
            row[TURN + 2] * x + row[TURN + 5] * y + row[TURN + 8] * z,
            row,
        )
    k = 1.0 / math.sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2])
    facing = -(nx * d[0] + ny * d[1] + nz * d[2]) * k
    sunward = max(0.0, nx * sky[12] + ny * sky[13] + nz * sky[14]) * sun_seen
    contact = 1.0 - 0.45 * math.exp(-max(pz, 0.0) / (0.4 * row[HALF + 2])) * (0.6 - 0.4 * nz)
    gentle = (0.72 + 0.28 * nz) * contact
    # Halfway vector of Blinn (1977).
    hx, hy, hz = sky[12] - d[0] * k, sky[13] - d[1] * k, sky[14] - d[2] * k
    shine = max(0.0, (nx * hx + ny * hy + nz * hz) / math.sqrt(hx * hx + hy * hy + hz * hz))
    edge = 1.0 - min(1.0, max(0.0, facing))
    glare, mirror = 0.0, 0.0
    keep = 1.0
    if look == SHINY or look == FACED:
        glare, mirror = 0.75 * shine**70, 0.012 + 0.24 * edge**4
    elif look == METAL:
        glare, mirror, keep = 1.0 * shine**40, 0.75, 0.35
    elif look == GLASS:
        glare, mirror, keep = 1.0 * shine**120, 0.08 + 0.5 * edge**3, 0.45
    if sunward <= 0.0:
        glare = 0.0
    up = nz * 2.0 * facing + d[2] * k
    sr, sg, sb = sky_tint(up, sky)
    if up < 0.0:
        dark = 1.0 + 0.62 * max(-1.0, 3.0 * up)
        sr, sg, sb = sr * dark, sg * dark, sb * dark
    out_r = _channel(row, 0, m, keep, sunward, gentle, mirror, glare, sr, sky, look == METAL)
    out_g = _channel(row, 1, m, keep, sunward, gentle, mirror, glare, sg, sky, look == METAL)
    out_b = _channel(row, 2, m, keep, sunward, gentle, mirror, glare, sb, sky, look == METAL)
    return out_r, out_g, out_b


@njit(cache=True, inline="always")
def _channel(row, c, m, keep, sunward, gentle, mirror, glare, reflected, sky, tinted):
    tint = row[TINT + c] + m * (row[TINT2 + c] - row[TINT + c])
    body = tint * (sunward * sky[6 + c] + gentle * sky[9 + c]) * keep
    # Metals colour what they mirror; everything else mirrors white.
    sheen = mirror * reflected * (0.15 + 0.95 * tint if tinted else 1.0) * gentle
    return body + sheen + glare * sky[6 + c] * (0.4 + 0.6 * tint if tinted else 1.0)
