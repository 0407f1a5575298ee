"""What the shot detector looks at: how each frame differs from those before it, and how it lies between its neighbours.

All of it is measured on the small pictures of a scan, about 80 microseconds a frame on one core. Shapes: n frames,
h rows, w columns, f figures.
"""

import numba as nb
import numpy as np

LAGS = (1, 2, 3, 4, 8, 16)
"""How far back a frame is compared."""
ARMS = (2, 4, 8)
"""How far before and after a frame lie the two that it may be a mix of."""
FIGURES = 45
ROWS, COLUMNS = 36, 64  # of the pictures; kernels are compiled for them
PIXELS = ROWS * COLUMNS
BINS = 64 + 32  # of colours, coarsely, and of luma


def measure(small: np.ndarray) -> np.ndarray:
    """Figures (n, f) float32 of small pictures (n, 36, 64, 3) uint8; frame k's of the step from k - 1 to k."""
    flat = np.ascontiguousarray(small).reshape(len(small), -1)
    out = np.zeros((len(small), FIGURES), np.float32)
    if len(small):
        luma, coarse, counts = _prepare(flat)
        _figures(flat, (luma, coarse, counts, _quarters(luma)), out)
    return out


@nb.njit(cache=True, nogil=True)
def _prepare(flat: np.ndarray):  # noqa: ANN202
    """Luma (n, h w) int32, its means over 4x4 pixels (n, 9 16) float32, and histograms (n, BINS) int32."""
    n = flat.shape[0]
    luma = np.empty((n, PIXELS), np.int32)
    coarse = np.zeros((n, PIXELS // 16), np.float32)
    counts = np.zeros((n, BINS), np.int32)
    for t in range(n):
        for p in range(PIXELS):
            r, g, b = int(flat[t, 3 * p]), int(flat[t, 3 * p + 1]), int(flat[t, 3 * p + 2])
            y = (77 * r + 150 * g + 29 * b) >> 8
            luma[t, p] = y
            coarse[t, (p // COLUMNS // 4) * 16 + p % COLUMNS // 4] += y / 16
            counts[t, (r >> 6) * 16 + (g >> 6) * 4 + (b >> 6)] += 1
            counts[t, 64 + (y >> 3)] += 1
    return luma, coarse, counts


@nb.njit(cache=True, nogil=True, fastmath=True)
def _difference(a: np.ndarray, b: np.ndarray) -> float:
    """Mean absolute difference of two flat pictures."""
    total = 0
    for p in range(a.size):
        total += abs(np.int32(a[p]) - np.int32(b[p]))
    return total / a.size


@nb.njit(cache=True, nogil=True, fastmath=True)
def _likeness(a: np.ndarray, b: np.ndarray) -> float:
    """Correlation of two lumas: it does not care for exposure."""
    sa = sb = saa = sbb = sab = 0.0
    for p in range(a.size):
        x, y = float(a[p]), float(b[p])
        sa += x
        sb += y
        saa += x * x
        sbb += y * y
        sab += x * y
    n = a.size
    va, vb = saa / n - (sa / n) ** 2, sbb / n - (sb / n) ** 2
    return (sab / n - sa * sb / n / n) / np.sqrt((va + 2) * (vb + 2))


@nb.njit(cache=True, nogil=True, fastmath=True)
def _shift(a: np.ndarray, b: np.ndarray):  # noqa: ANN202
    """Where coarse picture ``b`` lies in ``a``: columns, rows (in coarse pixels) and the difference left."""
    best, at_x, at_y = np.float32(1e9), 0, 0
    for dy in range(-2, 3):
        for dx in range(-7, 8):
            total, count = np.float32(0), 0
            for y in range(max(0, -dy), min(9, 9 - dy)):
                for x in range(max(0, -dx), min(16, 16 - dx)):
                    total += abs(b[y * 16 + x] - a[(y + dy) * 16 + x + dx])
                    count += 1
            # A little against far shifts: where all is alike, nothing moved.
            total = total / count + np.float32(0.15) * (abs(dx) + abs(dy))
            if total < best:
                best, at_x, at_y = total, dx, dy
    return at_x, at_y, best


@nb.njit(cache=True, nogil=True, fastmath=True)
def _cost(a: np.ndarray, b: np.ndarray, p: int, q: int, most: int) -> int:
    """Difference of 9x16 pixels of ``b`` from pixel p on and of ``a`` from q on, or something over ``most``."""
    cost = np.int32(0)
    for y in range(9):
        u, v = np.uint64(p + y * COLUMNS), np.uint64(q + y * COLUMNS)  # unsigned, for numba looks for -1 otherwise
        for x in range(16):
            cost += abs(np.int32(b[u + np.uint64(x)]) - np.int32(a[v + np.uint64(x)]))
        if cost >= most:
            break
    return int(cost)


@nb.njit(cache=True, nogil=True, fastmath=True)
def _quarters(luma: np.ndarray) -> np.ndarray:
    """(n, 28 64) int32: sums of the 9x4 pixels from each on, by which most places for a part are ruled out."""
    n = luma.shape[0]
    out = np.zeros((n, (ROWS - 8) * COLUMNS), np.int32)
    for t in range(n):
        column = np.zeros(COLUMNS, np.int32)
        for y in range(ROWS):
            for x in range(COLUMNS):
                column[x] += luma[t, y * COLUMNS + x]
                if y > 8:
                    column[x] -= luma[t, (y - 9) * COLUMNS + x]
            if y >= 8:
                for x in range(COLUMNS - 3):
                    out[t, (y - 8) * COLUMNS + x] = column[x] + column[x + 1] + column[x + 2] + column[x + 3]
    return out


@nb.njit(cache=True, nogil=True, fastmath=True)
def _moved(a: np.ndarray, b: np.ndarray, sums_a: np.ndarray, sums_b: np.ndarray, way) -> float:  # noqa: ANN001
    """Mean absolute difference of luma ``b`` from ``a`` whose 16 parts each went their best way, near a common one.

    No place can differ by less than its sums do (successive elimination, Li & Salari 1995).
    """
    dx, dy = way
    total, bound = 0, np.empty(16, np.int32)
    for part in range(16):
        top, left = part // 4 * 9, part % 4 * 16
        p = top * COLUMNS + left
        s0, s1, s2, s3 = sums_b[p], sums_b[p + 4], sums_b[p + 8], sums_b[p + 12]
        y0, x0 = min(max(top + dy, 0), ROWS - 9), min(max(left + dx, 0), COLUMNS - 16)
        best = _cost(a, b, p, y0 * COLUMNS + x0, 1 << 30)  # the likeliest first, so that the others end early
        x0, x1 = min(max(left + dx - 4, 0), COLUMNS - 16), min(max(left + dx + 4, 0), COLUMNS - 16)
        for y in range(min(max(top + dy - 3, 0), ROWS - 9), min(max(top + dy + 3, 0), ROWS - 9) + 1):
            q, least = np.uint64(y * COLUMNS + x0), np.int32(1 << 30)
            for k in range(np.uint64(x1 - x0 + 1)):
                w = q + k
                low = abs(sums_a[w] - s0) + abs(sums_a[w + np.uint64(4)] - s1)
                low += abs(sums_a[w + np.uint64(8)] - s2) + abs(sums_a[w + np.uint64(12)] - s3)
                bound[k], least = low, min(least, low)
            if least < best:
                for k in range(np.uint64(x1 - x0 + 1)):
                    if bound[k] < best:
                        best = min(best, _cost(a, b, p, int(q + k), best))
        total += best
    return total / PIXELS


@nb.njit(cache=True, nogil=True, fastmath=True)
def _between(before: np.ndarray, now: np.ndarray, after: np.ndarray):  # noqa: ANN202
    """How far ``now`` is from the mean of the two others, and how far those are from one another."""
    off = apart = 0
    for p in range(now.size):
        a, b = np.int32(before[p]), np.int32(after[p])
        off += abs(2 * np.int32(now[p]) - a - b)
        apart += abs(a - b)
    return off / now.size / 2, apart / now.size


@nb.njit(cache=True, nogil=True, fastmath=True)
def _where(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
    """Centre and spread of the change between two lumas: across, down, and outwards."""
    columns, rows, rings = np.zeros(COLUMNS), np.zeros(ROWS), np.zeros(32)
    for y in range(ROWS):
        for x in range(COLUMNS):
            change = abs(int(a[y * COLUMNS + x]) - int(b[y * COLUMNS + x]))
            change = max(change - 4, 0)
            columns[x] += change
            rows[y] += change
            far = np.sqrt(((x - 31.5) / 64) ** 2 + ((y - 17.5) / 36) ** 2) / 0.7072
            rings[min(int(far * 32), 31)] += change
    k = 0
    for profile in (columns, rows, rings):
        whole = profile.sum() + 1e-3 * PIXELS
        size = profile.size
        middle = square = 0.0
        for i in range(size):
            middle += profile[i] * (i + 0.5) / size
            square += profile[i] * ((i + 0.5) / size) ** 2
        middle /= whole
        out[k] = middle
        out[k + 1] = np.sqrt(max(square / whole - middle * middle, 0.0))
        k += 2


@nb.njit(cache=True, nogil=True, fastmath=True)
def _figures(flat, prepared, out) -> None:  # noqa: ANN001
    luma, coarse, counts, sums = prepared
    n = flat.shape[0]
    for t in range(n):
        k = 0
        for lag in LAGS:
            s = max(t - lag, 0)
            out[t, k] = np.log(_difference(flat[s], flat[t]) + 0.3)
            apart = 0
            for i in range(BINS):
                apart += abs(counts[s, i] - counts[t, i])
            out[t, k + 1] = np.log(apart / PIXELS + 0.02)
            out[t, k + 2] = _likeness(luma[s], luma[t])
            k += 3
        for lag in (1, 2, 5):
            s = max(t - lag, 0)
            dx, dy, _ = _shift(coarse[s], coarse[t])
            out[t, k] = np.log(_moved(luma[s], luma[t], sums[s], sums[t], (4 * dx, 4 * dy)) + 0.3)
            out[t, k + 1] = (abs(dx) + abs(dy)) / 4
            k += 2
        for arm in ARMS:
            off, apart = _between(flat[max(t - arm, 0)], flat[t], flat[min(t + arm, n - 1)])
            out[t, k] = np.log(off + 0.3)
            out[t, k + 1] = np.log(apart + 0.3)
            out[t, k + 2] = off / (apart + 1.0)
            k += 3
        mean = square = 0.0
        for p in range(PIXELS):
            mean += luma[t, p]
            square += float(luma[t, p]) ** 2
        mean /= PIXELS
        deviation = np.sqrt(max(square / PIXELS - mean * mean, 0.0))
        out[t, k], out[t, k + 1], out[t, k + 2] = mean / 64, deviation / 32, np.log(deviation + 0.5)
        k += 3
        before = max(t - 1, 0)
        _where(luma[before], luma[t], out[t, k : k + 6])
        k += 6
        strong = 0
        for p in range(PIXELS):
            strong += abs(int(luma[before, p]) - int(luma[t, p])) > 0.4 * deviation + 3
        out[t, k] = strong / PIXELS
        far, strong = max(t - 8, 0), 0
        for p in range(PIXELS):
            strong += abs(int(luma[far, p]) - int(luma[t, p])) > 0.4 * deviation + 3
        out[t, k + 1] = strong / PIXELS
        k += 2
        whole = 0
        for p in range(PIXELS):
            r, g, b = int(flat[t, 3 * p]), int(flat[t, 3 * p + 1]), int(flat[t, 3 * p + 2])
            whole += max(r, g, b) - min(r, g, b)
        out[t, k] = whole / PIXELS / 64
