"""Copies of footage and broken files, with what is true of them."""

from pathlib import Path
from typing import Any

import numpy as np

from praxino.world import footage_files as files
from praxino.world.footage_files import Manner


def copies(rng: np.random.Generator, into: Path, held: dict[str, Any], *, fps: int) -> dict[str, Any]:
    """Whole files at other sizes and bitrates, and parts of them."""
    names = [name for name in sorted(held) if held[name]["kind"] == "reel"]
    chosen = rng.permutation(names)[: max(2, len(names) // 4)].tolist()
    out = dict[str, Any]()
    for number, name in enumerate(chosen):
        for form in ("copy", "part"):
            old = held[name]
            scale = float(rng.choice([0.5, 0.75, 1.25]))
            size = (round(old["width"] * scale) // 2 * 2, round(old["height"] * scale) // 2 * 2)
            begin, end = 0, old["frames"]
            if form == "part":
                begin = int(rng.integers(0, end // 3))
                end = int(rng.integers(begin + end // 3, end + 1))
            file = f"{form}-{number:03d}.mp4"
            quality = int(rng.integers(24, 33))
            shown = files.read(into / name, begin=begin, end=end, size=size)
            files.write(into / file, shown, fps=fps, manner=Manner(quality=quality))
            copied = {"file": name, "begin": begin, "end": end, "quality": quality}
            out[file] = {"kind": form} | old | {"kind": form, "copy_of": copied, "width": size[0], "height": size[1]}
            out[file] |= part(old, begin, end)
    return out


def part(truth: dict[str, Any], begin: int, end: int) -> dict[str, Any]:
    """What is true of frames [begin, end) of a file."""
    out: dict[str, Any] = {"frames": end - begin}
    for key, first, last in (
        ("shots", "start", "end"),
        ("transitions", "begin", "end"),
        ("events", "begin", "end"),
        ("overlays", "begin", "end"),
    ):
        kept = list[dict[str, Any]]()
        for one in truth[key]:
            a, b = max(one[first], begin), min(one[last], end)
            if a < b or (key == "transitions" and begin < a == b < end):
                moved = one | {first: a - begin, last: b - begin}
                if key == "transitions":
                    moved["frame"] = (a + b) // 2 - begin
                if key == "shots":
                    moved["world_frames"] = one["world_frames"][a - one["start"] : b - one["start"]]
                    moved["defects"] = [_within(defect, begin) for defect in one["defects"]]
                kept.append(moved)
        out[key] = kept
    return out


def _within(defect: dict[str, Any], begin: int) -> dict[str, Any]:
    moved = defect | {"begin": defect["begin"] - begin, "end": defect["end"] - begin}
    return moved | ({"frames": [frame - begin for frame in defect["frames"]]} if "frames" in defect else {})


def broken(rng: np.random.Generator, into: Path, held: dict[str, Any]) -> dict[str, Any]:
    """Files that no player opens, or not to their end."""
    whole = (into / max(name for name in held if held[name]["kind"] == "reel")).read_bytes()
    damaged = bytearray(whole)
    for at in rng.integers(len(damaged) // 4, len(damaged) // 2, 200).tolist():
        damaged[at] ^= 0xFF
    made = {
        "noise.mp4": rng.bytes(20_000),
        "empty.mp4": b"",
        "truncated.mp4": whole[: len(whole) // 2],
        "damaged.mp4": bytes(damaged),
    }
    for name, content in made.items():
        (into / name).write_bytes(content)
    return {name: {"kind": "broken", "copy_of": None} for name in made}
