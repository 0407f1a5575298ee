"""Concepts in balance: of what there is very much, less is kept. Which, is drawn from what each shot is, so that more
footage changes little of what was drawn before."""

import hashlib
import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
from scipy.fft import dctn

from praxino.curation.fingerprint import Print, brightness, colour
from praxino.curation.rules import Balance

COMMON = frozenset(
    [
        "a",
        "an",
        "the",
        "of",
        "in",
        "on",
        "at",
        "to",
        "and",
        "with",
        "from",
        "by",
        "is",
        "are",
        "it",
        "its",
        "this",
        "that",
        "across",
        "over",
        "under",
        "into",
        "through",
        "for",
        "then",
        "as",
        "he",
        "she",
        "they",
        "there",
        "very",
        "camera",
        "shot",
        "video",
        "film",
        "scene",
    ]
)


def balance(names: Sequence[str], concepts: Sequence[Sequence[str]], how: Balance) -> dict[int, str]:
    """Shots to leave out, each with the reason. ``names`` are theirs, and as unlike one another as lots can be.

    A shot stays while at least one of its concepts has room; one without any concept stays.
    """
    sizes = Counter(concept for held in concepts for concept in set(held))
    room = {concept: _room(size, sizes, how) for concept, size in sizes.items()}
    taken: Counter[str] = Counter()
    out: dict[int, str] = {}
    for i in sorted(range(len(names)), key=lambda i: _lot(names[i], how.seed)):
        mine = sorted(set(concepts[i]), key=lambda concept: (sizes[concept], concept))
        if mine and all(taken[concept] >= room[concept] for concept in mine):
            out[i] = f"balance: enough of it ({how.by} {mine[0]}: {room[mine[0]]} of {sizes[mine[0]]} kept)"
        else:
            taken.update(mine)
    return out


def looks(one: Print) -> str:
    """The concept that a fingerprint belongs to: what fills the picture, and which colours, coarsely."""
    mean = brightness(one.pictures).mean(0)
    waves = np.asarray(dctn(mean, norm="ortho"))[:3, :3].ravel()[1:]
    tint = colour(one.pictures).mean((0, 2, 3)) - 128
    signs = "".join("01"[int(wave > 0)] for wave in waves)
    tints = "".join("-0+"[int(np.sign(round(float(one) / 12))) + 1] for one in tint)
    return f"{int(mean.mean()) // 64}{signs}{tints}"


def words(caption: str) -> list[str]:
    """The words of an English caption that say something."""
    held = [word.strip(".,;:!?\"'()").lower() for word in caption.split()]
    return [word for word in held if word and word not in COMMON]


def _room(size: int, sizes: Counter[str], how: Balance) -> int:
    room = size
    if how.root:
        room = math.ceil(math.sqrt(size * min(sizes.values())))
    return room if how.most is None else min(room, how.most)


def _lot(name: str, seed: int) -> str:
    return hashlib.sha256(f"{seed} {name}".encode()).hexdigest()
