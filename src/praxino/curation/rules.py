"""Which shots are good enough, as a recipe that one can read, and how good they are taken together.

A recipe is a value: a Python file that makes one (`recipe = replace(default(), ...)`) or a JSON file that holds one.
Tags are written once; recipes are applied to them as often as one likes.
"""

import json
import math
import runpy
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from praxino import config
from praxino.curation.clip import Tag

Comparison = Literal[">=", "<=", "==", "!="]
VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What a tag has to be. A tag that is not known breaks no rule."""

    tag: str
    comparison: Comparison
    threshold: float | int | bool | str
    reason: str  # what a shot is that breaks it
    stage: str = "filter"  # under which it is counted

    def broken(self, tags: Mapping[str, Tag]) -> str:
        """Why a shot with these tags is dropped: stage, reason, tag, value and threshold; "" where it is not."""
        value = tags.get(self.tag)
        if value is None or self._holds(value):
            return ""
        shown = f"{value:.4g}" if isinstance(value, float) else str(value)
        opposite = {">=": "<", "<=": ">", "==": "!=", "!=": "=="}[self.comparison]
        bound = f"{self.threshold:g}" if isinstance(self.threshold, float) else str(self.threshold)
        return f"{self.stage}: {self.reason} ({self.tag} {shown} {opposite} {bound})"

    def _holds(self, value: float | bool | str) -> bool:
        if self.comparison in {"==", "!="}:
            return (value == self.threshold) == (self.comparison == "==")
        if isinstance(value, str) or isinstance(self.threshold, str):
            raise ValueError(f"rule {self.tag} {self.comparison} {self.threshold} compares words; use == or !=")
        return value >= self.threshold if self.comparison == ">=" else value <= self.threshold


@dataclass(frozen=True, kw_only=True)
class Linear:
    """A suitability score: a logistic regression on tags, fitted to which clips helped a model to learn."""

    tags: tuple[str, ...]
    means: tuple[float, ...]  # of the tags where it was fitted; they stand in for what is not known
    scales: tuple[float, ...]
    weights: tuple[float, ...]
    bias: float = 0.0

    def score(self, tags: Mapping[str, Tag]) -> float:
        """From 0, it harms, to 1, it helps."""
        total = self.bias
        for name, mean, scale, weight in zip(self.tags, self.means, self.scales, self.weights, strict=True):
            value = tags.get(name)
            number = mean if value is None or isinstance(value, str) else float(value)
            total += weight * (number - mean) / scale
        return 1 / (1 + math.exp(-max(-60.0, min(60.0, total))))


class Suitability(Protocol):
    """What says how much a shot will help a model to learn. `Linear` is one; a network may be another."""

    def score(self, tags: Mapping[str, Tag]) -> float:
        """From 0 to 1."""
        ...


@dataclass(frozen=True, kw_only=True)
class Balance:
    """How to keep a dataset from being mostly the same."""

    by: Literal["looks", "words"] = "looks"  # what a concept is: a cluster of fingerprints, or a word of captions
    most: int | None = None  # shots of a concept
    root: bool = False  # keep of each concept in proportion to the square root of its size
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides which shots are kept, once they are tagged."""

    name: str
    rules: tuple[Rule, ...]
    dedupe: bool = True
    suitability: Linear | None = None
    suitable: float = 0.5  # score from which on a shot is kept, where there is a score
    balance: Balance | None = None
    caption_seed: int = 0


def _rules(stage: str, *lines: tuple[str, Comparison, float | str, str]) -> tuple[Rule, ...]:
    return tuple(
        Rule(tag=tag, comparison=comparison, threshold=threshold, reason=reason, stage=stage)
        for tag, comparison, threshold, reason in lines
    )


RULES = (
    *_rules(
        "size",
        ("seconds", ">=", 0.8, "too short"),
        ("width", ">=", 128.0, "too narrow"),
        ("height", ">=", 96.0, "too low"),
        ("fps", ">=", 11.5, "too few frames a second"),
    ),
    *_rules(
        "light",
        ("black", "<=", 0.5, "black"),
        ("brightness", ">=", 30.0, "too dark"),
        ("brightness", "<=", 245.0, "too bright"),
        ("dark_share", "<=", 0.6, "underexposed"),
        ("bright_share", "<=", 0.25, "overexposed"),
        ("range", ">=", 29.0, "too flat"),
        ("contrast", ">=", 7.0, "too flat"),
    ),
    *_rules(
        "picture",
        ("softness", "<=", 4.2, "blurred"),
        ("noise", "<=", 4.0, "noisy"),
        ("blockiness", "<=", 2.5, "coarsely encoded"),
    ),
    *_rules(
        "motion",
        ("static", "<=", 0.4, "nothing moves"),
        ("motion", ">=", 0.0005, "nothing moves"),
        ("freeze", "<=", 0.45, "the picture freezes"),
        ("duplicated", "<=", 0.06, "frames are doubled"),
        ("dropped", "<=", 0.035, "frames are missing"),
        ("shake", "<=", 40.0, "shaken"),
    ),
    *_rules(
        "overlay",
        ("text_area", "<=", 0.002, "written on"),
        ("logo", "==", "none", "a mark in the corner"),  # of a shot without one the tag is not known
    ),
)
"""In the order asked. From distributions over clean and spoilt clips of the world."""


def default() -> Recipe:
    """Thresholds for footage of any kind; each value is explained in docs/curation.md."""
    return Recipe(name="default", rules=RULES)


def broken(recipe: Recipe, tags: Mapping[str, Tag]) -> str:
    """The first rule that a shot breaks, in words; "" where it breaks none."""
    found = next(filter(None, (rule.broken(tags) for rule in recipe.rules)), "")
    if found or recipe.suitability is None:
        return found
    score = recipe.suitability.score(tags)
    return (
        "" if score >= recipe.suitable else f"suitability: will hardly help (score {score:.3f} < {recipe.suitable:g})"
    )


def read(path: Path) -> Recipe:
    """The recipe in a file: `recipe` of a Python program, or JSON. Raises ValueError where there is none."""
    if not path.is_file():
        raise ValueError(f"recipe {path} does not exist; give a .py file that sets `recipe`, or a .json file")
    if path.suffix == ".json":
        try:
            held: Any = json.loads(path.read_bytes())
        except ValueError as error:
            raise ValueError(f"recipe {path} is no JSON: {error}") from None
        if not isinstance(held, dict):
            raise ValueError(f"recipe {path} must hold an object")
        return config.from_json(Recipe, held.get("recipe", held) if "rules" not in held else held)
    if path.suffix != ".py":
        raise ValueError(f"recipe {path} must end in .py or .json")
    try:
        found = runpy.run_path(str(path)).get("recipe")
    except Exception as error:  # noqa: BLE001 - a person's program may do anything
        raise ValueError(f"recipe {path} failed: {type(error).__name__}: {error}") from None
    found = found() if callable(found) else found
    if not isinstance(found, Recipe):
        raise ValueError(f"recipe {path} sets no `recipe`; write: recipe = replace(default(), ...)")
    return found
