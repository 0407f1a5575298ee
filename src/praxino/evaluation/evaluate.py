"""Evaluate a model on the world suite: make its films, look at them, and hold every figure against its floors.

Floors: the same judge on the simulator's own renders (what the parser can see at best), on what the autoencoder keeps
of these, and on the model's films with the prompts exchanged (what chance gives).
"""

import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from praxino import checkpoint
from praxino.evaluation import report as reports
from praxino.evaluation.eye import Eye, open_eye
from praxino.evaluation.films import GIVEN, Studio
from praxino.evaluation.judge import Parsed, Row, hero_path, judge, lasting, path_of
from praxino.evaluation.metrics import binding, motion, picture, statistics
from praxino.evaluation.parse import link, parse, spots
from praxino.evaluation.sight import Sight, sight
from praxino.evaluation.suite import SECONDS, SPLITS, Case, cases, names
from praxino.generation.card import Card
from praxino.generation.parts import Parts, open_parts
from praxino.layers import precision
from praxino.pixels import unit, whole
from praxino.request import SMALLEST

Report = Callable[[str, float], None]
FLOORS = ("render", "reconstruction", "shuffled")
TIMES = (1, 4, 10)
"""How many lengths of a case a film is judged after, to see whether it lasts."""
ENDINGS = {"usual": "", "held out": "_held_out", "beyond": "_beyond"}
"""What the figures of each split are called by."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A mean over cases with its 95% interval, and the floors beside it. None where nothing could be measured."""

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    floor: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What a case's own film is."""

    frames: np.ndarray  # (t, h, w, 3) uint8
    sight: Sight
    moving: np.ndarray  # (t, h, w) bool: what moves, and what it covered before


@dataclass(kw_only=True)
class Bench:
    """Everything that an evaluation holds while it runs; ``rows[kind]`` has a row for each case, in order."""

    parts: Parts
    eye: Eye
    studio: Studio
    report: Report
    rows: dict[str, list[Row]] = field(default_factory=dict)
    paths: dict[str, list[motion.Path]] = field(default_factory=dict)

    def parsed(self, frames: np.ndarray) -> Parsed:
        """The frames as the parser sees them."""
        return Parsed(frames=frames, tracks=parse(self.eye, frames))

    def add(self, kind: str, row: Row) -> None:
        """Keep a row."""
        self.rows.setdefault(kind, []).append({name: round(value, 5) for name, value in row.items()})


def evaluate(model: str, into: Path, *, clips: int, report: Report) -> dict[str, Figure]:
    """Write ``into``/report.json and report.html; films stay in ``into``/films. Returns the figures by name.

    Raises ValueError for a model that does not exist, and for fewer than two clips.
    """
    if clips < 2:
        raise ValueError(f"clips {clips} must be at least 2, so that prompts can be exchanged; try 24")
    folder = checkpoint.find(model)
    _check(folder, model)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    parts = open_parts(folder, device=device, dtype=precision.fastest(device))
    films = into / "films"
    films.mkdir(parents=True, exist_ok=True)
    studio = Studio(model=model, digest=parts.digest, folder=films, report=report)
    rung, size = parts.card.rung, _asked(parts.card.sizes[0])
    bench = Bench(parts=parts, eye=open_eye(names=names(rung)), studio=studio, report=report)
    usual = cases(clips, rung=rung, size=size)
    held, beyond = (cases(max(2, clips // 2), rung=rung, split=split, size=size) for split in SPLITS[1:])
    for group in (usual, held):
        _look(bench, group)
    moving = [case for case in usual if case.story.action not in ("spins", "rests")]
    for group in (moving[: max(2, clips // 2)], held[: max(2, clips // 4)], beyond[: max(2, clips // 4)]):
        _continue(bench, group)
    _animate(bench, usual[: max(2, clips // 4)])
    spinning = [case for case in cases(max(40, 2 * clips), rung=rung, size=size) if case.story.action == "spins"]
    _last(bench, [case for case in spinning if case.scene.camera.move == "still"][: max(1, clips // 12)])
    figures = _figures(bench)
    content = {
        "model": {"name": parts.name, "digest": parts.digest, "rung": rung, "trained": dict(parts.card.trained)},
        "clips": clips,
        "seconds": SECONDS,
        "figures": {name: asdict(figure) for name, figure in figures.items()},
        "rows": bench.rows,
        "cases": [_told(case) for case in [*usual, *held]],
    }
    _write(into / "report.json", json.dumps(content, indent=1, ensure_ascii=False))
    _write(into / "report.html", reports.page(content, bench.paths, studio, [*usual, *held]))
    return figures


def _check(folder: Path, model: str) -> None:
    """Raises ValueError for a model that cannot make the films of the suite, before any is made."""
    if checkpoint.engine(folder) != checkpoint.OWN:
        raise ValueError(f"model {model!r} is a pipeline of another kind; the world suite judges Praxino's own models")
    about = checkpoint.card(folder).get("card", {})
    lacking = {"words", "start", "extend"} - set(about.get("takes", Card.takes))
    if lacking or about.get("frames") is not None:
        raise ValueError(
            f"model {model!r} makes single clips; the world suite begins with words, with pictures and with clips, and"
            " goes on for minutes; evaluate a model that rolls on"
        )


def _asked(native: tuple[int, int]) -> tuple[int, int]:
    """The size of the films: a model's own, or a multiple of it that can be asked for."""
    times = math.ceil(SMALLEST / min(native))
    return native[0] * times, native[1] * times


def compare(one: Path, two: Path) -> list[tuple[str, float, float, float, float, float]]:
    """(figure, value of one, value of two, and two - one with its 95% interval, case by case) of two reports.

    Raises ValueError where a folder holds no report, or the two were not made from the same cases.
    """
    a, b = (_read(folder / "report.json") for folder in (one, two))
    if a["clips"] != b["clips"] or a["cases"] != b["cases"]:
        raise ValueError(f"{one} and {two} judge different cases; evaluate both with as many --clips")
    out = []
    for kind in sorted(set(a["rows"]) & set(b["rows"])):
        if kind.endswith(FLOORS):
            continue
        for name in sorted({name for row in a["rows"][kind] for name in row}):
            pairs = [(x[name], y[name]) for x, y in zip(a["rows"][kind], b["rows"][kind], strict=True)
                     if name in x and name in y]  # fmt: skip
            if pairs:
                before, after = zip(*pairs, strict=True)
                change = statistics.paired(before, after)
                out.append((f"{kind}: {name}", float(np.mean(before)), float(np.mean(after)), *change))
    return out


def _look(bench: Bench, group: Sequence[Case]) -> None:
    """Make and judge the films of a split's cases."""
    split = group[0].split if group else ""
    made: list[Parsed] = []
    truths: list[Truth] = []
    for i, case in enumerate(group):
        bench.report(f"{split} scenes", i / len(group))
        truth = _true(case)
        truths.append(truth)
        bench.studio.true(case, truth.frames)
        again = _reconstructed(bench.parts, truth.frames)
        bench.add(f"{split} autoencoder", _fidelity(truth, again))
        for kind, frames in (("render", truth.frames), ("reconstruction", again)):
            seen = bench.parsed(frames)
            bench.add(f"{split} {kind}", judge(case, seen, truth.sight))
            _keep(bench, f"{split} {kind}", seen, case)
        bench.paths.setdefault(f"{split} true", []).append(hero_path(truth.sight))
        seen = bench.parsed(bench.studio.words(case, "en"))
        made.append(seen)
        bench.add(split, judge(case, seen, truth.sight))
        _keep(bench, split, seen, case)
        if split == "usual":
            chinese = bench.parsed(bench.studio.words(case, "zh"))
            bench.add(f"{split} zh", judge(case, chinese, truth.sight))
    for i, case in enumerate(group):
        other = _unlike(group, i)
        bench.add(f"{split} shuffled", judge(case, made[other], truths[i].sight))


def _keep(bench: Bench, kind: str, seen: Parsed, case: Case) -> None:
    way = path_of(binding.match(case.named, seen.tracks, frames=len(seen.frames)).hero)
    if way is not None:
        bench.paths.setdefault(kind, []).append(way)


def _true(case: Case) -> Truth:
    frames, ids = case.shown()
    true = sight(case.scene, case.motion, ids)
    return Truth(frames=frames, sight=true, moving=picture.moving(frames))


@torch.inference_mode()
def _reconstructed(parts: Parts, frames: np.ndarray) -> np.ndarray:
    """What the autoencoder keeps of frames (t, h, w, 3) uint8, as far as they fill latents."""
    time = parts.compression.time
    filling = frames[: 1 + (len(frames) - 1) // time * time]
    device = next(parts.autoencoder.parameters()).device
    back = parts.autoencoder.decode(parts.autoencoder.encode(unit(filling[None]).to(device)))[0].float().cpu()
    return whole(back).numpy()


def _fidelity(truth: Truth, again: np.ndarray) -> Row:
    """PSNR in dB, by mean squared error over the whole frames and over what moves."""
    true, moving = truth.frames[: len(again)], truth.moving[: len(again)]
    row = {"autoencoder_psnr": picture.psnr(true, again)}
    return row | ({"autoencoder_psnr_moving": picture.psnr(true[moving], again[moving])} if moving.any() else {})


def _unlike(group: Sequence[Case], index: int) -> int:
    """Another case whose first thing looks different, so that its film does not answer this case by accident."""
    hero = group[index].named[0]
    for step in range(1, len(group)):
        other = (index + step) % len(group)
        if (group[other].named[0].colour, group[other].named[0].shape) != (hero.colour, hero.shape):
            return other
    return (index + 1) % len(group)


def _continue(bench: Bench, group: Sequence[Case]) -> None:
    """Films from the simulator's first frames: velocities against its own, and the join."""
    for i, case in enumerate(group):
        bench.report(f"{case.split} continued", i / len(group))
        truth = _true(case)
        true = hero_path(truth.sight)
        if len(true.places) < GIVEN + 2 * motion.SMOOTH:
            continue
        made = bench.studio.continued(case, truth.frames)
        length = len(made)
        true = replace(true, places=true.places[:length], radii=true.radii[:length])
        for kind, frames in (("", made), (" render", truth.frames[:length])):
            found = binding.match(case.named, bench.parsed(frames).tracks, frames=length)
            error = motion.velocity_error(path_of(found.hero), true, after=GIVEN)
            bench.add(f"{case.split} continued{kind}", {"velocity_error": error, "seam": picture.seam(frames, GIVEN)})


def _animate(bench: Bench, group: Sequence[Case]) -> None:
    """Films from the simulator's first picture."""
    for i, case in enumerate(group):
        bench.report("animated pictures", i / len(group))
        true, _ = case.shown()
        frames = bench.studio.animated(case, true)
        bench.add("animated", {"first_frame_psnr": picture.psnr(frames[0], true[0])})


def _last(bench: Bench, group: Sequence[Case]) -> None:
    """Films of many lengths, of what never stops: how far they have drifted after each."""
    for i, case in enumerate(group):
        bench.report("long films", i / len(group))
        longer = replace(case, seconds=SECONDS * TIMES[-1])
        for kind, frames in (("", bench.studio.words(longer, "en")), (" render", longer.shown()[0])):
            seen = spots(bench.eye, frames)
            for times in TIMES:
                length = round(30 * SECONDS) * times
                bench.add(f"{times}x{kind}", lasting(case, Parsed(frames=frames[:length], tracks=link(seen[:length]))))


def _figures(bench: Bench) -> dict[str, Figure]:
    """Every figure by its name, as docs/evaluation.md defines them."""
    rows, out = bench.rows, dict[str, Figure]()
    for split, ending in ENDINGS.items():
        for name in _names(rows.get(split, [])):
            out[name + ending] = _figure(rows, split, name, floors=FLOORS)
        continued = f"{split} continued"
        out[f"velocity_error{ending}"] = _figure(rows, continued, "velocity_error", floors=("render",))
        out[f"velocity_error_ratio{ending}"] = _ratio(rows, continued)
    out["exact_scene_held_out"].floor["marginals"] = math.prod(
        out[name].value or 0 for name in ("colour", "shape", "count")
    )
    out["exact_scene_zh"] = _figure(rows, "usual zh", "exact_scene")
    out["language_gap"] = _gap(rows)
    out["count_exact"] = out["count"]
    for name in ("autoencoder_psnr", "autoencoder_psnr_moving"):
        out[name] = _figure(rows, "usual autoencoder", name)
    out["seam"] = _figure(rows, "usual continued", "seam", floors=("render",))
    out["first_frame_psnr"] = _figure(rows, "animated", "first_frame_psnr")
    for times in TIMES:
        for name in _names(rows.get(f"{times}x", [])):
            out[f"{name}_{times}x"] = _figure(rows, f"{times}x", name, floors=("render",))
    out["track_frechet"] = _distance(bench.paths)
    return out


def _distance(paths: dict[str, list[motion.Path]]) -> Figure:
    """How far the paths of the first things are from the simulator's, all together."""
    true = paths.get("usual true", [])
    far = {kind: motion.frechet(paths[kind], true) for kind in paths if kind.startswith("usual") and true}
    floor = {kind: far[f"usual {kind}"] for kind in FLOORS if f"usual {kind}" in far}
    return Figure(value=far.get("usual"), n=len(paths.get("usual", [])), floor=floor)


def _names(rows: Iterable[Row]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _values(rows: dict[str, list[Row]], kind: str, name: str) -> list[float]:
    return [row[name] for row in rows.get(kind, []) if name in row]


def _figure(rows: dict[str, list[Row]], kind: str, name: str, *, floors: Sequence[str] = ()) -> Figure:
    """The mean of a figure over the rows of a kind, beside that of the same rows' floors."""
    values = _values(rows, kind, name)
    if not values:
        return Figure(value=None)
    beside = {floor: _values(rows, f"{kind} {floor}", name) for floor in floors}
    value, low, high = statistics.interval(values)
    floor = {floor: float(np.mean(held)) for floor, held in beside.items() if held}
    return Figure(value=value, low=low, high=high, n=len(values), floor=floor)


def _gap(rows: dict[str, list[Row]]) -> Figure:
    """|exact scenes in English - in Chinese|, of the same cases and seeds."""
    english, chinese = (_values(rows, kind, "exact_scene") for kind in ("usual", "usual zh"))
    if not english:
        return Figure(value=None)
    value, low, high = statistics.paired(english, chinese)
    return Figure(value=abs(value), low=low, high=high, n=len(english))


def _ratio(rows: dict[str, list[Row]], kind: str) -> Figure:
    """Velocity error over the parser's own on true renders; resampled together."""
    ours, floor = (np.array(_values(rows, which, "velocity_error")) for which in (kind, f"{kind} render"))
    if not len(ours):
        return Figure(value=None)
    picks = np.random.default_rng(0).integers(len(ours), size=(statistics.ROUNDS, len(ours)))
    low, high = np.percentile(ours[picks].mean(1) / floor[picks].mean(1), (2.5, 97.5))
    value = float(ours.mean() / floor.mean())
    return Figure(value=value, low=float(low), high=float(high), n=len(ours))


def _told(case: Case) -> dict[str, Any]:
    return {"split": case.split, "number": case.number, "en": case.prompt(), "zh": case.prompt("zh"), "seed": case.seed}


def _read(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise ValueError(f"{path} is no report; `praxino evaluate MODEL --into {path.parent}` makes one") from None


def _write(path: Path, text: str) -> None:
    temporary = path.with_suffix(".tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
