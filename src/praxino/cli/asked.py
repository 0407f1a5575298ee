"""From the options of `praxino generate` to a Request: what is given, then a recipe, then defaults."""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from praxino import config, geometry, request
from praxino.media import labels
from praxino.request import Request, Shot

SECONDS, ASPECT, RESOLUTION = 4.0, "16:9", "288p"
MOST_BYTES = 1_000_000  # of a storyboard


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The options as given; None (or no shots) where one was not."""

    prompt: str | None = None
    seconds: float | None = None
    shots: Sequence[str] = ()
    storyboard: Path | None = None
    size: str | None = None
    aspect: str | None = None
    resolution: str | None = None
    base: Path | None = None  # a film whose recipe is the start
    others: dict[str, Any]  # further fields of Request, by name; None where not given


def asked(given: Asked) -> Request:
    """The request that the options make. Raises ValueError naming the value and the remedy."""
    base = _recipe_of(given.base) if given.base else {}
    values = base | {name: value for name, value in given.others.items() if value is not None}
    values["shots"] = config.to_json(_shots(given, base))
    size = _size(given)
    if size is not None:
        values["width"], values["height"] = size
    values.setdefault("seed", secrets.randbelow(2**31))
    return request.from_json(values)


def _recipe_of(film: Path) -> dict[str, Any]:
    recipe = labels.read_recipe(film)
    if recipe is None:
        raise ValueError(f"{film} carries no recipe; give a film that Praxino made, whose metadata was kept")
    try:
        return request.to_json(request.from_json(recipe["request"]))
    except ValueError as error:
        raise ValueError(f"{film} carries a recipe that cannot be used ({error}); give its options anew") from None


def _shots(given: Asked, base: dict[str, Any]) -> tuple[Shot, ...]:
    ways = {"a prompt": given.prompt is not None, "--shot": bool(given.shots), "--storyboard": bool(given.storyboard)}
    chosen = [name for name, is_given in ways.items() if is_given]
    if len(chosen) > 1:
        raise ValueError(f"{' and '.join(chosen)} exclude one another; give one of them")
    if given.seconds is not None and (given.shots or given.storyboard):
        raise ValueError(f"--seconds {given.seconds:g} and a storyboard exclude one another; each shot has its seconds")
    if given.storyboard:
        return _storyboard(given.storyboard)
    if given.shots:
        return tuple(_shot(text) for text in given.shots)
    before = tuple(config.from_json(Shot, shot) for shot in base.get("shots", []))
    return _words(given, before)


def _words(given: Asked, before: tuple[Shot, ...]) -> tuple[Shot, ...]:
    """A prompt, or the shots of a recipe with what was given in place of theirs."""
    length = sum(shot.seconds for shot in before) or SECONDS
    seconds = length if given.seconds is None else given.seconds
    if given.prompt is not None:
        return (Shot(seconds=seconds, prompt=given.prompt),)
    if not before:
        raise ValueError(
            'there is no prompt; say what to show, such as praxino generate "a red ball bounces" -o film.mp4'
        )
    if given.seconds is None:
        return before
    first, *others = before
    if others:
        raise ValueError(f"--seconds {seconds:g} does not say which of {len(before)} shots; give them anew with --shot")
    return (Shot(seconds=seconds, prompt=first.prompt),)


def _shot(text: str) -> Shot:
    seconds, colon, words = text.partition(":")
    try:
        length = float(seconds)
    except ValueError:
        length = None
    if not colon or length is None:
        raise ValueError(f'shot {text!r} is not of the form "SECONDS: WORDS"; try "2: a red ball rolls"')
    return Shot(seconds=length, prompt=words.strip())


def _storyboard(path: Path) -> tuple[Shot, ...]:
    form = 'write [{"seconds": 2, "prompt": "a red ball rolls"}, ...]'
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ValueError(f"storyboard {path} has more than {MOST_BYTES} bytes; {form}")
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"storyboard {path} cannot be read ({error.strerror}); {form}") from None
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
        raise ValueError(f"storyboard {path} is not JSON; {form}") from None
    if not isinstance(values, list):
        raise ValueError(f"storyboard {path} is not a list of shots; {form}")
    return tuple(config.from_json(Shot, shot) for shot in cast("list[Any]", values))


def _size(given: Asked) -> tuple[int, int] | None:
    if given.size is not None and (given.aspect is not None or given.resolution is not None):
        raise ValueError("--size excludes --aspect and --resolution; give one or the other")
    if given.size is not None:
        return geometry.parse_size(given.size)
    if given.aspect is None and given.resolution is None:
        return None
    return geometry.size_of(given.aspect or ASPECT, given.resolution or RESOLUTION)
