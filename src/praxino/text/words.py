"""Which words of a prompt a model was never taught. Needs no torch."""

import re
from collections.abc import Collection

_RUNS = re.compile(r"[A-Za-z]+(?:['’-][A-Za-z]+)*|[一-鿿]+|\d+(?:\.\d+)?|[^\W\d_]+")


def unknown_words(prompt: str, words: Collection[str]) -> list[str]:
    """The words of ``prompt``, in order and once each, that are not among ``words`` (lower case).

    A run of Chinese characters is cut greedily into the longest known words; what is left over is unknown.
    Any other run of letters is a word; English plurals and verb forms of known words count as known.
    """
    known, longest = set(words), max((len(w) for w in words), default=1)
    unknown: list[str] = []
    for run in _RUNS.findall(prompt):
        if "一" <= run[0] <= "鿿":
            unknown += _left_over(run, known, longest)
        elif not any(form in known for form in _forms(run.lower())):
            unknown.append(run)
    return list(dict.fromkeys(unknown))


def _left_over(run: str, known: set[str], longest: int) -> list[str]:
    out, rest, i = [], "", 0
    while i < len(run):
        size = next((n for n in range(min(longest, len(run) - i), 0, -1) if run[i : i + n] in known), 0)
        rest += "" if size else run[i]
        if size and rest:
            out, rest = [*out, rest], ""
        i += size or 1
    return [*out, rest] if rest else out


def _forms(word: str) -> list[str]:
    """The word itself and what it may be a form of: balls -> ball, bouncing -> bounce, rolled -> roll."""
    forms = [word, word.removesuffix("'s"), word.removesuffix("’s")]
    for ending in ("s", "es", "ing", "ed", "d", "ly", "er", "est"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            stem = word[: -len(ending)]
            forms += [stem, stem + "e", stem[:-1] if stem[-1] == stem[-2] else stem]
            forms += [stem + "s", stem + "es", stem + "ing", stem + "ed"]
    return [*forms, word + "s", word + "es"]
