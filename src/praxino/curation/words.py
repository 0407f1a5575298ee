"""What people have written about a film: in its container, in a file beside it, as subtitles.

A side-car of video.mp4 is video.json (of `praxino world render`, or with any of the keys caption, caption_en,
caption_zh, title, description, and `shots` with frames and captions of their own), video.txt, video.srt or video.vtt.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from av.error import FFmpegError

from praxino.media.read import container_of

LONGEST = 300  # characters of what is taken over
ENDINGS = (".json", ".txt", ".srt", ".vtt")
Part = tuple[float, float, str]  # begin and end in seconds, words


@dataclass(frozen=True, kw_only=True)
class Told:
    """What is written about a film, by language (en, zh)."""

    captions: dict[str, str] = field(default_factory=dict)  # of the film as a whole
    title: dict[str, str] = field(default_factory=dict)
    shots: tuple[tuple[int, int, dict[str, str]], ...] = ()  # begin and end in frames, captions
    spoken: tuple[Part, ...] = ()  # subtitles

    def __bool__(self) -> bool:
        return bool(self.captions or self.title or self.shots or self.spoken)


def inside(path: Path) -> dict[str, str]:
    """Title and description in a container."""
    try:
        with container_of(path) as container:
            found = {key.lower(): clean(value) for key, value in container.metadata.items()}
    except (FFmpegError, OSError, ValueError):
        return {}
    names = {"title": "title", "description": "description", "comment": "description", "synopsis": "description"}
    told = {name: found[key] for key, name in reversed(names.items()) if found.get(key)}
    return {name: text for name, text in told.items() if not text.startswith("{")}  # a recipe is no description


def beside(path: Path, given: Iterable[Path], container: Mapping[str, str]) -> Told:
    """All that is written about the film at ``path``: side-cars ``given`` or of the same name, and its container."""
    files = {
        file.suffix.lower(): file for file in (*(path.with_suffix(end) for end in ENDINGS), *given) if file.is_file()
    }
    told = _facts(files[".json"]) if ".json" in files else Told()
    title = dict(told.title)
    texts = [_text(files[".txt"])] if ".txt" in files else []
    for text in map(clean, (*texts, container.get("title", ""), container.get("description", ""))):
        if text:
            title.setdefault(language(text), text)
    spoken = next((_parts(_text(files[end])) for end in (".srt", ".vtt") if end in files), ())
    return Told(captions=told.captions, title=title, shots=told.shots, spoken=spoken)


def language(text: str) -> str:
    """zh where most of it is Chinese, else en."""
    chinese = len(re.findall(r"[\u3400-\u9fff]", text))
    return "zh" if chinese > 0.25 * len(re.sub(r"\s", "", text)) else "en"


def clean(text: str) -> str:
    """One line, without tags, addresses and control characters."""
    text = re.sub(r"<[^>]*>|https?://\S+|[\x00-\x1f\x7f]+", " ", text)
    return re.sub(r"\s+", " ", text).strip()[:LONGEST]


def during(told: Told, begin: float, end: float) -> str:
    """The subtitles that are shown between two moments, in seconds."""
    return clean(" ".join(text for start, stop, text in told.spoken if start < end and stop > begin))


def _facts(path: Path) -> Told:
    try:
        about: Any = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return Told()
    if not isinstance(about, dict):
        return Told()
    held = cast("dict[str, Any]", about)
    captions = _captions(held)
    title: dict[str, str] = {}
    for key in ("title", "description"):
        if isinstance(held.get(key), str) and held[key].strip():
            title.setdefault(language(held[key]), clean(held[key]))
    shots: list[tuple[int, int, dict[str, str]]] = []
    for one in held["shots"] if isinstance(held.get("shots"), list) else []:
        if isinstance(one, dict):
            told = _captions(cast("dict[str, Any]", one))
            start, end = one.get("start_frame", one.get("start")), one.get("end_frame", one.get("end"))
            if told and isinstance(start, int) and isinstance(end, int):
                shots.append((start, end, told))
    return Told(captions=captions, title=title, shots=tuple(shots))


def _captions(held: Mapping[str, Any]) -> dict[str, str]:
    given: Any = held.get("captions")
    many: dict[str, Any] = cast("dict[str, Any]", given) if isinstance(given, dict) else {}
    found = {side: many[side] for side in ("en", "zh") if isinstance(many.get(side), str)}
    for side in ("en", "zh"):
        if isinstance(held.get(f"caption_{side}"), str):
            found.setdefault(side, held[f"caption_{side}"])
    if isinstance(held.get("caption"), str):
        found.setdefault(language(held["caption"]), held["caption"])
    return {side: clean(text) for side, text in found.items() if clean(text)}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError:
        return ""


def _parts(text: str) -> tuple[Part, ...]:
    """Subtitles of SubRip or WebVTT."""
    found: list[Part] = []
    for block in re.split(r"\r?\n\s*\r?\n", text):
        lines = block.strip().splitlines()
        at = next((i for i, line in enumerate(lines) if "-->" in line), None)
        moments = re.findall(r"(?:(\d+):)?(\d+):(\d+)[.,](\d+)", lines[at]) if at is not None else []
        if at is not None and len(moments) >= 2:
            begin, end = (int(h or 0) * 3600 + int(m) * 60 + float(f"{s}.{ms}") for h, m, s, ms in moments[:2])
            found.append((begin, end, clean(" ".join(lines[at + 1 :]))))
    return tuple(found)
