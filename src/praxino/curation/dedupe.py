"""Which shots show what another one shows already: the same file, the same pictures, or a part of them.

Likely twins come from hashes: shots that agree in some band of 16 bits at some moment are neighbours when hashes are
sorted by that band, and only neighbours are looked at, so the work grows with n log n. What is likely is then looked at
picture by picture, in the alignment that the hashes speak for. Shapes: m moments of a shot.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter

from praxino.curation.fingerprint import Print, brightness, colour

BANDS, BITS = 8, 16
WINDOW = 12
"""Neighbours in sorted order that are looked at."""
NEAR = 10
"""Bits of 64 that hashes of twins may differ in at some moment."""
OFFSET_BITS = 16  # moments: shots of up to 54 minutes
TRIES = 24
"""Likely twins of a shot that are looked at; those that most moments speak for."""
ALL, PART = 0.8, 0.6
"""Share of two shots that both have to show to be the same, and of a shot that a longer one has to, to make it
needless."""
WHOLE, MOVE, GAIN, STILL, SPOT, TINT = 0.95, 0.72, 1.6, 1.0, 9.0, 14.0
"""Of twins: correlation of the pictures and of what moves in them, factor of contrast, mean square of movement that is
none, and the largest differences of brightness and colour of a spot where nothing moves; measured on 110 scenes of the
world, each against a copy (re-encoded, scaled, brightened, with borders, cut short, or at another rate) and all others.
"""
VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A shot, and how good a copy it is."""

    uri: str
    start: int
    end: int
    digest: str  # of its source
    print: Print
    pixels: int
    sharpness: float = 0.0
    borders: float = 0.0  # share of the picture


@dataclass(frozen=True, kw_only=True)
class Twin:
    """A shot that is needless, and for which other one."""

    which: int
    of: int
    how: str  # exact, near, part


def dedupe(shots: Sequence[Candidate]) -> list[Twin]:
    """The shots that others make needless, each once, in order.

    Of several copies the best is kept: more pixels, then sharper, then fewer borders, then first by name; of a shot and
    a part of it, the shot.
    """
    best = sorted(range(len(shots)), key=lambda i: _rank(shots[i]))
    twins = {twin.which: twin for twin in _exact(shots, best)}
    left = [i for i in range(len(shots)) if i not in twins]
    same, parts = _alike(shots, left)
    leader = _led(best, same)
    for which, of in leader.items():
        if of != which:
            twins[which] = Twin(which=which, of=of, how="near")
    for which, of in _parts(shots, parts, leader, best):
        twins[which] = Twin(which=which, of=of, how="part")
    return [twins[which] for which in sorted(twins)]


def _rank(shot: Candidate) -> tuple[int, float, float, str, int]:
    """Lower is better."""
    return -shot.pixels, -round(shot.sharpness, 3), round(shot.borders, 2), shot.uri, shot.start


def _exact(shots: Sequence[Candidate], best: list[int]) -> list[Twin]:
    """Shots with the bytes and frames of a better one (a file that is there twice)."""
    first: dict[tuple[str, int, int], int] = {}
    found: list[Twin] = []
    for which in best:
        of = first.setdefault((shots[which].digest, shots[which].start, shots[which].end), which)
        if of != which:
            found.append(Twin(which=which, of=of, how="exact"))
    return found


def _alike(shots: Sequence[Candidate], which: list[int]) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Pairs that show the same, and pairs (part, whole)."""
    same: list[tuple[int, int]] = []
    parts: list[tuple[int, int]] = []
    for a, b, offsets in likely([shots[i].print for i in which]):
        one, other = shots[which[a]], shots[which[b]]
        found = [agreed(one.print, other.print, offset) for offset in offsets]
        of_one, of_other = max(filter(None, found), default=(0.0, 0.0), key=min)
        if min(of_one, of_other) >= ALL:
            same.append((which[a], which[b]))
        elif max(of_one, of_other) >= PART:
            parts.append((which[a], which[b]) if of_one > of_other else (which[b], which[a]))
    return same, parts


def _led(best: list[int], same: list[tuple[int, int]]) -> dict[int, int]:
    """For each shot that has a twin, the best of all that are twins of twins."""
    parent: dict[int, int] = {}

    def root(i: int) -> int:
        while parent.setdefault(i, i) != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for a, b in same:
        parent[root(a)] = root(b)
    leaders: dict[int, int] = {}
    for i in best:
        if i in parent:
            leaders.setdefault(root(i), i)
    return {i: leaders[root(i)] for i in list(parent)}


def _parts(
    shots: Sequence[Candidate], parts: list[tuple[int, int]], leader: dict[int, int], best: list[int]
) -> list[tuple[int, int]]:
    """Leaders that are a part of another leader, the longest of those."""
    longer: dict[int, int] = {}
    order = {i: k for k, i in enumerate(best)}
    for part, whole in parts:
        a, b = leader.get(part, part), leader.get(whole, whole)
        if a == b or len(shots[b].print.hashes) <= len(shots[a].print.hashes):
            continue
        now = longer.get(a)
        if now is None or (-len(shots[b].print.hashes), order[b]) < (-len(shots[now].print.hashes), order[now]):
            longer[a] = b
    return sorted(longer.items())


def likely(prints: Sequence[Print]) -> list[tuple[int, int, list[int]]]:
    """Pairs (a, b) with a < b that may be twins, and the offsets that speak for it, the likeliest first.

    With an offset, moment i of a is moment i - offset of b.
    """
    if len(prints) < 2:
        return []
    hashes, shot, moment = _gathered(prints)
    found = [_neighbours(hashes, shot, moment, band) for band in range(BANDS)]
    votes, counts = np.unique(np.concatenate(found), return_counts=True)
    pairs, begins = np.unique(votes >> OFFSET_BITS, return_index=True)
    if not len(pairs):
        return []
    first, second = pairs // len(prints), pairs % len(prints)
    kept = _most(first, second, np.add.reduceat(counts, begins))
    ends = np.append(begins[1:], len(votes))
    offsets = (votes & (2**OFFSET_BITS - 1)) - 2 ** (OFFSET_BITS - 1)
    return [
        (int(first[k]), int(second[k]), _offsets(offsets[begins[k] : ends[k]], counts[begins[k] : ends[k]]))
        for k in kept.tolist()
    ]


def _gathered(prints: Sequence[Print]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hashes (k, 2) of all moments, the shot and the moment of each; of equal ones that follow, the first."""
    fresh = [np.concatenate([[True], (one.hashes[1:] != one.hashes[:-1]).any(1)]) for one in prints]
    moment = np.concatenate([np.flatnonzero(new) for new in fresh])
    shot = np.repeat(np.arange(len(prints)), [int(new.sum()) for new in fresh])
    return np.concatenate([one.hashes[new] for one, new in zip(prints, fresh, strict=True)]), shot, moment


def _neighbours(hashes: np.ndarray, shot: np.ndarray, moment: np.ndarray, band: int) -> np.ndarray:
    """Votes for pairs of shots and an offset, as one number each: of hashes whose ``band`` is the same and that are
    close in the order of all bits that follow it."""
    word, turn = divmod(band, BANDS // 2)
    first, second = hashes[:, word], hashes[:, 1 - word]
    turned = first if not turn else (first << np.uint64(turn * BITS)) | (first >> np.uint64(64 - turn * BITS))
    order = np.lexsort((moment, shot, second, turned))
    first, turned, shot, moment = first[order], turned[order] >> np.uint64(64 - BITS), shot[order], moment[order]
    count, found = int(shot.max()) + 1, [np.empty(0, np.int64)]
    for step in range(1, WINDOW + 1):
        at = np.flatnonzero((turned[:-step] == turned[step:]) & (shot[:-step] != shot[step:]))
        at = at[np.bitwise_count(first[at] ^ first[at + step]) <= NEAR]
        swap = shot[at] > shot[at + step]
        a, b = np.where(swap, at + step, at), np.where(swap, at, at + step)
        offset = moment[a] - moment[b] + 2 ** (OFFSET_BITS - 1)
        found.append(((shot[a] * count + shot[b]) << OFFSET_BITS) | offset.clip(0, 2**OFFSET_BITS - 1))
    return np.concatenate(found)


def _most(first: np.ndarray, second: np.ndarray, votes: np.ndarray) -> np.ndarray:
    """Indices of pairs that are among the likeliest of one of their two."""
    ends = np.concatenate([first, second])
    order = np.lexsort((np.tile(-votes, 2), ends))
    ranked = ends[order]
    begins = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]]))
    place = np.arange(len(ranked)) - np.repeat(begins, np.diff(np.append(begins, len(ranked))))
    return np.unique(order[place < TRIES] % len(first))


def _offsets(offsets: np.ndarray, counts: np.ndarray, most: int = 3) -> list[int]:
    """The offsets with most votes, and their neighbours: the true one may lie between two moments."""
    best = offsets[np.lexsort((offsets, np.abs(offsets), -counts))][:most].tolist()
    return list(dict.fromkeys(near for offset in (*best, 0) for near in (offset, offset - 1, offset + 1)))


def agreed(one: Print, other: Print, offset: int) -> tuple[float, float] | None:
    """The share of each that both have when one's moment i is the other's i - offset; None if they differ there."""
    begin, end = max(0, offset), min(len(one.pictures), len(other.pictures) + offset)
    if end - begin < 3 or end - begin < PART * min(len(one.pictures), len(other.pictures)):
        return None
    if not alike(one.pictures[begin:end], other.pictures[begin - offset : end - offset]):
        return None
    return (end - begin) / len(one.pictures), (end - begin) / len(other.pictures)


def alike(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether tiny pictures (m, 864) show the same, moment by moment, but for how bright they are.

    What is still has to agree as a whole; what moves has to move alike, for scenes with the same ground differ in
    little else. Shots in which nothing moves have to agree everywhere, and in colour.
    """
    a, b = brightness(one), brightness(other)
    whole, gain = _correlated(a - a.mean(), b - b.mean())
    if whole < WHOLE or not 1 / GAIN < gain < GAIN:
        return False
    moving, moves = a - np.median(a, axis=0), gain * (b - np.median(b, axis=0))
    less, more = sorted((float((moving**2).mean()), float((moves**2).mean())))
    if more > STILL:
        return more < 2.5 * less + STILL and _correlated(moving, moves)[0] > MOVE
    spots = uniform_filter(np.abs(a - a.mean() - gain * (b - b.mean())).mean(0), 3)
    tints = [
        uniform_filter(np.abs(a - 128 - gain * (b - 128)), 3)
        for a, b in zip(colour(one).mean(0), colour(other).mean(0), strict=True)
    ]
    return float(spots.max()) < SPOT and float(np.max(tints)) < TINT


def _correlated(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """The correlation of what varies around 0, and the factor that makes b most like a."""
    both, of_a, of_b = float((a * b).mean()), float((a * a).mean()), float((b * b).mean())
    return both / max((of_a * of_b) ** 0.5, 1e-9), both / max(of_b, 1e-9)
