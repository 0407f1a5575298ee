"""The report of an evaluation as one HTML file that opens offline: tables, plots, and films beside the true ones."""

import base64
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from praxino.evaluation.films import Studio
from praxino.evaluation.metrics.motion import Path as Way
from praxino.evaluation.suite import Case

SHOWN = 12
"""Cases whose films are in the report."""
SHARES = (
    "exact_scene", "exact_scene_held_out", "exact_scene_zh", "thing", "colour", "shape", "size", "look", "count",
    "action", "direction", "discard_rate",
)  # fmt: skip
"""Figures from 0 to 1, drawn beside each other."""
SECTIONS = {
    "What is there": ("exact_scene", "thing", "colour", "shape", "size", "look", "count", "language_gap", "relation"),
    "What happens": ("action", "direction", "event_order", "returns", "camera", "freeze", "discard_rate"),
    "How it moves": (
        "velocity_error", "track_frechet", "gravity", "restitution", "momentum", "bounciness", "overlap",
        "return_error", "smoothness",
    ),
    "Whether it stays": (
        "births", "deaths", "merges", "colour_drift", "shape_drift", "size_drift", "brightness_drift", "liveliness",
    ),
    "Pictures": ("autoencoder_psnr", "first_frame_psnr", "seam", "flicker", "sharpness"),
}  # fmt: skip
"""Sections of the table, by the first words of the figures in them."""
MARKS = {"render": ("|", "#2b8a3e"), "reconstruction": ("x", "#1f6feb"), "shuffled": (".", "#868e96")}


def page(content: dict[str, Any], paths: dict[str, list[Way]], studio: Studio, cases: Sequence[Case]) -> str:
    """The report of ``content`` (as in report.json); ``paths`` are tracks by kind, as `evaluate` collects them."""
    template = Environment(loader=PackageLoader("praxino.evaluation", "."), autoescape=True).get_template("report.html")
    films = [
        {"prompt": case.prompt(), "made": _film(studio.path(case, "en")), "true": _film(studio.path(case, "true"))}
        for case in cases[:SHOWN]
    ]
    plots = [_shares(content["figures"]), _speeds(paths), _fidelity(content["rows"])]
    known = {name: one for name, one in content["figures"].items() if one["value"] is not None}
    sections = {title: {name: one for name, one in known.items() if _section(name) == title} for title in SECTIONS}
    floors = [kind for kind in (*MARKS, "marginals") if any(kind in one["floor"] for one in known.values())]
    about = {"sections": sections, "floors": floors, "films": films, "plots": [plot for plot in plots if plot]}
    return template.render(content, **about, number=_number)


def _section(name: str) -> str:
    """The title of the section a figure belongs to: the one with the longest stem of its name."""
    stems = [(stem, title) for title, stems in SECTIONS.items() for stem in stems if name.startswith(stem)]
    return max(stems, key=lambda pair: len(pair[0]))[1] if stems else "Pictures"


def _shares(figures: dict[str, dict[str, Any]]) -> str:
    names = [name for name in SHARES if figures.get(name, {}).get("value") is not None]
    figure = Figure(figsize=(7.5, 0.5 + 0.32 * len(names)), layout="constrained")
    axes: Axes = figure.subplots()
    for row, name in enumerate(names):
        one = figures[name]
        axes.barh(row, one["value"], height=0.55, color="#ffd8a8")
        axes.plot([one["low"], one["high"]], [row, row], color="#d9480f", lw=2)
        for kind, (mark, colour) in MARKS.items():
            if kind in one["floor"]:
                axes.plot(one["floor"][kind], row, mark, color=colour, ms=11, mew=2)
    for kind, (mark, colour) in MARKS.items():
        axes.plot([], [], mark, color=colour, ms=9, mew=2, label=kind)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlim(-0.02, 1.02)
    axes.legend(loc="lower right", fontsize=8)
    axes.set_title("Shares of clips: the model (bar, 95% interval) and its floors", fontsize=10)
    return _png(figure)


def _speeds(paths: dict[str, list[Way]]) -> str:
    kinds = [(kind, paths[kind]) for kind in ("usual true", "usual render", "usual") if paths.get(kind)]
    if not kinds:
        return ""
    figure = Figure(figsize=(7.5, 3), layout="constrained")
    axes: Axes = figure.subplots()
    for kind, ways in kinds:
        speeds = np.concatenate([np.hypot(*way.velocities.T) for way in ways])
        names = {"usual true": "simulator", "usual render": "parser on true renders", "usual": "model"}
        axes.hist(speeds, bins=np.linspace(0, 1.5, 46).tolist(), histtype="step", density=True, label=names[kind])
    axes.set_xlabel("speed of the first thing, picture heights a second")
    axes.set_yscale("log")
    axes.legend(fontsize=8)
    return _png(figure)


def _fidelity(rows: dict[str, list[dict[str, float]]]) -> str:
    held = rows.get("usual autoencoder", [])
    if not held:
        return ""
    figure = Figure(figsize=(7.5, 2.6), layout="constrained")
    axes: Axes = figure.subplots()
    for name, label in (("autoencoder_psnr", "full frame"), ("autoencoder_psnr_moving", "where it moves")):
        axes.hist([row[name] for row in held if name in row], bins=20, alpha=0.6, label=label)
    axes.set_xlabel("PSNR of the autoencoder, dB")
    axes.legend(fontsize=8)
    return _png(figure)


def _png(figure: Figure) -> str:
    held = io.BytesIO()
    figure.savefig(held, format="png", dpi=110)
    return base64.b64encode(held.getvalue()).decode()


def _film(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}" if abs(value) < 10 else f"{value:.1f}"
