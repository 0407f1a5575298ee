"""What became of raw footage, as one HTML file that opens offline: what each stage left, where its thresholds lie among
all shots, and what was kept and dropped, to look at."""

import base64
import hashlib
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from praxino import config
from praxino.curation import cutout, study
from praxino.curation.clip import Clip, Source
from praxino.curation.rules import Recipe

KEPT, DROPPED = 24, 8
"""Shots shown: kept ones, and dropped ones of each stage."""
WIDTH = 272  # pixels of a picture
GREEN, RED, INK = "#2f9e7e", "#d9a35f", "#b3261e"
TITLES = {
    "ingest": "could be read", "size": "long and large enough", "light": "well exposed", "picture": "sharp and clean",
    "motion": "moving, and whole", "overlay": "nothing written on it", "dedupe": "not there already",
    "balance": "not too much of it", "suitability": "likely to help", "cutout": "could be encoded",
}  # fmt: skip
VERSION = 1


def write(
    path: Path, clips: Sequence[Clip], sources: Sequence[Source], *, summary: Mapping[str, Any], recipe: Recipe
) -> None:
    """Write the report, unless the one that is there is of the same clips and recipe."""
    mark = f"<!-- {_mark(clips, recipe)} -->"
    if path.exists() and mark in path.read_text(encoding="utf-8")[:400]:
        return
    text = page(clips, sources, summary=summary, recipe=recipe, work=path.parent / ".work", mark=mark)
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def page(
    clips: Sequence[Clip],
    sources: Sequence[Source],
    *,
    summary: Mapping[str, Any],
    recipe: Recipe,
    work: Path,
    mark: str = "",
) -> str:
    """The report as HTML."""
    shown = _Pictures(sources, work)
    stages: dict[str, list[Clip]] = {}
    for clip in clips:
        if not clip.kept:
            stages.setdefault(clip.reason.split(":")[0], []).append(clip)
    dropped = [
        {
            "stage": stage,
            "count": len(held),
            "samples": [_sample(clip, clips, shown) for clip in _spread(held, DROPPED)],
        }
        for stage, held in stages.items()
    ]
    order = {row["stage"]: i for i, row in enumerate(summary["survival"])}
    dropped.sort(key=lambda group: order.get(group["stage"], 99))
    kept = [clip for clip in clips if clip.kept]
    reasons: dict[str, int] = {}
    for clip in clips:
        if not clip.kept:
            about = (
                clip.reason.split(": ", 1)[-1].split(" (")[0]
                if "dedupe" not in clip.reason
                else " ".join(clip.reason.split()[1:4])
            )
            name = f"{clip.reason.split(':')[0]}: {about}"
            reasons[name] = reasons.get(name, 0) + 1
    template = Environment(loader=PackageLoader("praxino.curation", "."), autoescape=True).get_template("report.html")
    return template.render(
        mark=mark,
        summary=summary,
        recipe=recipe,
        titles=TITLES,
        kept=[_sample(clip, clips, shown) for clip in _spread(kept, KEPT)],
        dropped=dropped,
        reasons=sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))[:14],
        plots=_plots(clips, recipe),
    )


def _mark(clips: Sequence[Clip], recipe: Recipe) -> str:
    held = (
        repr([(c.source, c.start, c.end, c.kept, c.reason, c.captions) for c in clips]),
        config.to_json(recipe),
        VERSION,
    )
    return hashlib.sha256(repr(held).encode()).hexdigest()


def _spread(clips: Sequence[Clip], most: int) -> list[Clip]:
    """Up to so many, evenly from all."""
    chosen = np.unique(np.linspace(0, len(clips) - 1, min(most, len(clips))).round().astype(int)) if clips else []
    return [clips[int(i)] for i in chosen]


def _sample(clip: Clip, clips: Sequence[Clip], shown: "_Pictures") -> dict[str, Any]:
    twin = None
    if clip.reason.startswith("dedupe: ") and " frame " in clip.reason:
        name, _, frame = clip.reason.rpartition(" frame ")
        twin = next((one for one in clips if name.endswith(f" {one.source}") and _shot(one)[0] == int(frame)), None)
    value = clip.tags.get("seconds")
    return {
        "picture": shown.of(clip),
        "twin": shown.of(twin) if twin else "",
        "name": clip.source,
        "frames": "{}–{}".format(*_shot(clip)) if clip.end else "",
        "seconds": f"{value:.1f} s" if isinstance(value, float) else "",
        "reason": clip.reason.split(": ", 1)[-1],
        "en": clip.captions.get("en_long", ""),
        "zh": clip.captions.get("zh", ""),
    }


def _shot(clip: Clip) -> tuple[int, int]:
    return clip.shot or (clip.start, clip.end)


class _Pictures:
    """Pictures of shots, decoded when they are asked for."""

    def __init__(self, sources: Sequence[Source], work: Path) -> None:
        self._sources = {source.uri: source for source in sources}
        self._work = work

    def of(self, clip: Clip) -> str:
        """A JPEG from the middle of a shot, in base 64; "" where there is nothing to see."""
        if clip.end <= clip.start or clip.source not in self._sources:
            return ""
        known = study.opened(self._work, clip.digest)
        if known.probe is None:
            return ""
        middle = float(study.times(self._work, clip.digest)[(clip.start + clip.end) // 2])
        image = cutout.still(self._sources[clip.source], known.probe, middle, WIDTH)
        if image is None:  # the source has gone; a tiny picture of each shot is kept
            number = next((i for i, shot in enumerate(known.shots) if shot.start == clip.start), None)
            if number is None:
                return ""
            tiny = Image.fromarray(study.stills(self._work, clip.digest)[number])
            image = tiny.resize(
                (WIDTH, round(WIDTH * known.probe.height / known.probe.width)), Image.Resampling.BICUBIC
            )
        held = io.BytesIO()
        image.save(held, format="JPEG", quality=80)
        return base64.b64encode(held.getvalue()).decode()


def _plots(clips: Sequence[Clip], recipe: Recipe) -> list[dict[str, Any]]:
    """A histogram for each tag that a rule asks for, with its thresholds."""
    out: list[dict[str, Any]] = []
    for tag in dict.fromkeys(rule.tag for rule in recipe.rules):
        pairs = [(float(value), clip.kept) for clip in clips if isinstance(value := clip.tags.get(tag), int | float)]
        limits = [rule for rule in recipe.rules if rule.tag == tag and isinstance(rule.threshold, int | float)]
        if not pairs or not limits:
            continue
        values = np.array([value for value, _ in pairs])
        kept = np.array([kept for _, kept in pairs])
        broken = sum(any(rule.broken({tag: value}) for rule in limits) for value in values.tolist())
        picture = _histogram(values, kept, [float(rule.threshold) for rule in limits])
        rules = ", ".join(f"{rule.comparison} {rule.threshold:g}" for rule in limits)
        out.append({"tag": tag, "picture": picture, "rule": rules, "broken": broken, "stage": limits[0].stage})
    return out


def _histogram(values: np.ndarray, kept: np.ndarray, limits: list[float]) -> str:
    low, high = float(np.quantile(values, 0.005)), float(np.quantile(values, 0.995))
    near = [limit for limit in limits if low - 1.5 * (high - low) <= limit <= high + 1.5 * (high - low)] or limits[:1]
    low, high = min(low, *near), max(high, *near)
    pad = 0.04 * (high - low or 1)
    edges = np.linspace(low - pad, high + pad, 41)
    held = [values[kept].clip(edges[0], edges[-1]), values[~kept].clip(edges[0], edges[-1])]
    figure = Figure(figsize=(3.1, 1.45), layout="constrained")
    axes: Axes = figure.subplots()
    axes.hist(held, bins=edges.tolist(), stacked=True, color=[GREEN, RED])
    for limit in limits:
        if edges[0] <= limit <= edges[-1]:
            axes.axvline(limit, color=INK, lw=1.3, ls="--")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.set_yticks([])
    axes.tick_params(labelsize=8, length=2)
    axes.set_xlim(edges[0], edges[-1])
    out = io.BytesIO()
    with rc_context({"svg.hashsalt": "praxino"}):  # else names in the picture are drawn by lot
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None})
    return base64.b64encode(out.getvalue()).decode()
