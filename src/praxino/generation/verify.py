"""Does this machine make a film again, frame for frame?"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from praxino import checkpoint
from praxino.generation import engine, low_memory
from praxino.generation.film import Options, make
from praxino.generation.generate import Report
from praxino.generation.rollout import fingerprint
from praxino.media import labels, read
from praxino.request import Request


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What became of making a film again."""

    frames: int  # of the film
    same: int  # of them, how many came out pixel for pixel
    other: tuple[str, ...]  # what is not as it was when the film was made: model, noise, versions

    @property
    def reproduced(self) -> bool:
        """Whether every frame did."""
        return self.frames == self.same


def verify(film: Path, request: Request, *, report: Report) -> Verdict:
    """Make the film of ``request`` again, beside it, and compare what both show.

    A film whose model is not here is not made again. Raises ValueError where the film has no recipe.
    """
    recipe = labels.read_recipe(film)
    if recipe is None:
        raise ValueError(f"{film} carries no recipe; give a film that Praxino made, whose metadata was kept")
    if "retakes" in recipe:
        raise ValueError(f"{film} was retaken in part; verify the film it was made from")
    if "stopped" in recipe:
        raise ValueError(f"{film} was stopped before its end; make the whole of it with `praxino generate --from`")
    other = _other(recipe, request)
    frames = read.probe(film).frames
    if any(what.startswith("model") for what in other):
        return Verdict(frames=frames, same=0, other=other)
    with tempfile.TemporaryDirectory() as folder:
        again = Path(folder) / "again.mp4"
        how = low_memory.told(str((recipe.get("model") or {}).get("digest")))[1]
        options = Options(opened=partial(engine.opened, how=how)) if how else Options()
        make(request, again, options=options, report=report)
        pairs = list(_pairs(film, again))
    return Verdict(frames=len(pairs), same=sum(pairs), other=other)


def _pairs(one: Path, two: Path) -> Iterator[bool]:
    """Of each frame of the longer film: whether it is the same in both."""
    for a, b in zip_longest(read.stream(one), read.stream(two)):
        yield a is not None and b is not None and np.array_equal(a, b)


def _other(recipe: dict[str, Any], request: Request) -> tuple[str, ...]:
    """What differs from when the film was made, as (what then, what now) in words."""
    then, versions = recipe.get("versions") or {}, labels.versions()
    made, here = (recipe.get("model") or {}).get("digest"), checkpoint.digest(checkpoint.find(request.model))
    made = made and low_memory.told(made)[0]
    out = [] if made == here else [f"model {made} then, {here} now"]
    noise = fingerprint(request.seed)
    if recipe.get("noise", noise) != noise:
        out.append(f"noise {recipe['noise']} then, {noise} now")
    names = sorted({*then, *versions})
    out += [f"{name} {then.get(name)} then, {versions.get(name)} now" for name in names
            if then.get(name) != versions.get(name)]  # fmt: skip
    return tuple(out)
