"""What is true of a part of a video, as numbers: written once, judged later by rules.

Shapes: n frames of the part.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from praxino.curation import motion, overlays
from praxino.curation.clip import Look, Scan, Tag
from praxino.curation.looks import inside
from praxino.curation.sound import AUDIBLE, loudness

VERSION = 3


@dataclass(frozen=True, kw_only=True)
class About:
    """What a tag says."""

    unit: str
    range: str
    says: str
    source: str = ""


TAGS: dict[str, About] = {
    "width": About(unit="pixels", range="1..8192", says="upright, of square pixels"),
    "height": About(unit="pixels", range="1..8192", says="upright"),
    "fps": About(unit="frames/s", range="> 0", says="average over the part"),
    "seconds": About(unit="s", range="> 0", says="length of the part"),
    "variable_rate": About(unit="", range="bool", says="the frame rate varies"),
    "interlaced": About(unit="", range="bool", says="pictures are two fields each"),
    "hdr": About(unit="", range="bool", says="PQ or HLG; it was tone-mapped"),
    "truncated": About(unit="", range="bool", says="the file ends early or has broken packets"),
    "bits_per_pixel": About(unit="bits", range="> 0", says="of the whole file, per pixel of a frame"),
    "sharpness": About(
        unit="", range="0..10", says="variance of the Laplacian over the variance of luma", source="Pech-Pacheco 2000"
    ),
    "blur": About(
        unit="pixels at 720 lines", range="0..15", says="standard deviation of the blur of edges; about 1 is sharp",
        source="Zhuo & Sim 2011",
    ),
    "brightness": About(unit="levels", range="0..255", says="mean luma inside borders"),
    "brightness_low": About(unit="levels", range="0..255", says="mean luma of the darkest look"),
    "brightness_high": About(unit="levels", range="0..255", says="mean luma of the brightest look"),
    "contrast": About(unit="levels", range="0..128", says="standard deviation of luma"),
    "range": About(unit="levels", range="0..255", says="from the 1st to the 99th percentile of luma"),
    "dark_share": About(unit="", range="0..1", says="pixels below 5", source="UltraVideo 2025"),
    "bright_share": About(unit="", range="0..1", says="pixels above 250", source="UltraVideo 2025"),
    "blown_share": About(unit="", range="0..1", says="pixels of a small picture with a channel above 250"),
    "noise": About(
        unit="levels", range="0..60", says="standard deviation of noise in the calmest fifth", source="Immerkaer 1996"
    ),
    "blockiness": About(
        unit="", range=">= 1", says="steps on the 8x8 grid of the codec against those between; 1 is none",
        source="after Wang, Sheikh & Bovik 2002",
    ),
    "colourfulness": About(unit="", range="0..150", says="0 is grey", source="Hasler & Suesstrunk 2003"),
    "text_area": About(unit="", range="0..1", says="share of the picture under lines of letters that stay in place"),
    "text_top": About(unit="", range="0..1 or none", says="upper edge of most of the text, from the top"),
    "text_bottom": About(unit="", range="0..1 or none", says="lower edge of most of the text, from the top"),
    "logo": About(unit="", range="top_left, ... or none", says="corner in which a mark stays while the rest changes"),
    "logo_area": About(unit="", range="0..0.06", says="share of the picture under it"),
    "border": About(unit="", range="none, letterbox, pillarbox, both", says="black bars; the crop leaves them out"),
    "border_area": About(unit="", range="0..1", says="share of the picture under black bars"),
    "black": About(unit="", range="0..1", says="share of looks that are black all over"),
    "static": About(unit="", range="0..1", says="share of frames that are the one before again"),
    "freeze": About(unit="s", range=">= 0", says="longest standstill that sets in or ends at once"),
    "duplicated": About(unit="", range="0..1", says="share of frames repeated, one or two in a row, amid motion"),
    "dropped": About(unit="", range="0..1", says="share of frames missing: by the clock, or by a leap amid motion"),
    "motion": About(unit="widths/s", range="0..", says="of camera and things together"),
    "camera_motion": About(unit="widths/s", range="0..", says="mean flow that a camera explains"),
    "object_motion": About(unit="widths/s", range="0..", says="95th percentile of flow that it does not explain"),
    "camera": About(
        unit="", range="still, pan_left, pan_right, tilt_up, tilt_down, zoom_in, zoom_out, roll, shake",
        says="what the camera does",
    ),
    "shake": About(unit="thousandths of a width/frame", range="0..", says="unrest of the camera about its smooth way"),
    "sound": About(unit="", range="bool", says=f"something is louder than {AUDIBLE:.0f} dBFS"),
    "sound_share": About(unit="", range="0..1", says="time in which it is"),
    "loudness": About(unit="dBFS", range="-100..0 or none", says="root mean square; none without a track"),
}  # fmt: skip
"""Every tag, in the order written. Of looks, the median over the part's looks is taken."""
MEDIANS = (
    "sharpness", "blur", "brightness", "contrast", "range", "dark_share", "bright_share", "blown_share", "noise",
    "blockiness", "colourfulness",
)  # fmt: skip


class Scorer(Protocol):
    """A port for what needs learned weights: faces, watermarks, aesthetics, safety. None is shipped."""

    name: str
    """Of the tag it writes."""

    def score(self, scan: Scan, begin: int, end: int) -> float | bool | str | None:
        """Of frames [begin, end)."""
        ...


def tags(scan: Scan, begin: int, end: int, scorers: tuple[Scorer, ...] = ()) -> dict[str, Tag]:
    """Everything in ``TAGS`` of frames [begin, end), and what scorers add. Raises ValueError on an empty part."""
    if not 0 <= begin < end <= len(scan.times):
        raise ValueError(f"frames {begin}..{end} are not a part of {len(scan.times)} frames")
    found: dict[str, Tag] = {
        **_container(scan, begin, end),
        **_seen(scan, begin, end),
        **_moving(scan, begin, end),
        **_heard(scan, begin, end),
    }
    ordered = {name: _short(found[name]) for name in TAGS}
    return ordered | {scorer.name: scorer.score(scan, begin, end) for scorer in scorers}


def borders(scan: Scan, begin: int, end: int) -> tuple[int, int, int, int] | None:
    """What black bars leave of frames [begin, end): left, top, width, height in upright pixels.

    None where there are no bars, or nothing but black.
    """
    probe = scan.probe
    lit = [look for look in looks(scan, begin, end) if _lit(look)]
    held = [(look.rows, look.columns) for look in lit if look.rows is not None and look.columns is not None]
    held = [pair for pair in held if pair[0].shape == held[0][0].shape and pair[1].shape == held[0][1].shape]
    if not held:
        return None
    rows, columns = (np.max([pair[n] for pair in held], axis=0).astype(np.float32) for n in (0, 1))
    inner = inside(rows[0], columns[0])
    top, bottom = _bars(rows, inner.top, inner.bottom)
    left, right = _bars(columns, inner.left, inner.right)
    high, wide = probe.height / rows.shape[1], probe.width / columns.shape[1]
    crop = (
        round(left * wide), round(top * high),
        round((columns.shape[1] - left - right) * wide), round((rows.shape[1] - top - bottom) * high),
    )  # fmt: skip
    return None if crop == (0, 0, probe.width, probe.height) else crop


def looks(scan: Scan, begin: int, end: int) -> list[Look]:
    """The looks in [begin, end), or else the nearest one before or after."""
    found = [look for look in scan.looks if begin <= look.frame < end]
    if found or not scan.looks:
        return found
    middle = (begin + end) // 2
    return [min(scan.looks, key=lambda look: abs(look.frame - middle))]


def _bars(profile: np.ndarray, first: int, last: int) -> tuple[int, int]:
    """How many lines before and after the picture, [first, last) of a profile, are bars: black, with a sharp edge."""
    least = max(2, profile.shape[1] // 200)
    before, after = _bar(profile[1], first), _bar(profile[1][::-1], profile.shape[1] - last)
    return before if before >= least else 0, after if after >= least else 0


def _bar(levels: np.ndarray, wide: int) -> int:
    """``wide`` if that many first lines are black up to their end, and the picture begins at once; else 0."""
    near = levels[max(0, wide - 12) : max(1, wide - 2)]
    return wide if wide and near.mean() < 5 and levels[wide : wide + 5].max() > near.mean() + 8 else 0


def _lit(look: Look) -> bool:
    return look.tags["brightness"] > 2 and look.tags["range"] > 8


def _container(scan: Scan, begin: int, end: int) -> dict[str, Tag]:
    probe, count = scan.probe, end - begin
    times = scan.times[begin:end]
    fps = (count - 1) / float(times[-1] - times[0]) if count > 1 and times[-1] > times[0] else probe.fps
    pixels = probe.width * probe.height * len(scan.times)
    return {
        "width": probe.width,
        "height": probe.height,
        "fps": fps,
        "seconds": float(times[-1] - times[0]) + 1 / fps,
        "variable_rate": probe.variable,
        "interlaced": probe.interlaced,
        "hdr": probe.hdr,
        "truncated": probe.truncated,
        "bits_per_pixel": 8 * probe.bytes / pixels,
    }


def _seen(scan: Scan, begin: int, end: int) -> dict[str, Tag]:
    part = looks(scan, begin, end)
    lit = [look for look in part if _lit(look)]
    found: dict[str, Tag] = {name: _median(lit or part, name) for name in MEDIANS}
    means = [look.tags["brightness"] for look in part] or [0.0]
    area, box = overlays.text(part, _beside(scan, part))
    mark = _logo(scan, part) or _logo(scan, scan.looks)  # over the cuts of a file, only what was laid over it stays
    crop = borders(scan, begin, end)
    across, down = (crop[2] < scan.probe.width, crop[3] < scan.probe.height) if crop else (False, False)
    kept = crop[2] * crop[3] / (scan.probe.width * scan.probe.height) if crop else 1.0
    return found | {
        "brightness_low": min(means),
        "brightness_high": max(means),
        "text_area": area,
        "text_top": box[1] if box else None,
        "text_bottom": box[3] if box else None,
        "logo": mark[0] if mark else None,
        "logo_area": (mark[1][2] - mark[1][0]) * (mark[1][3] - mark[1][1]) if mark else 0.0,
        "border": {(True, True): "both", (True, False): "pillarbox", (False, True): "letterbox"}.get((across, down)),
        "border_area": 1 - kept,
        "black": 1 - len(lit) / len(part) if part else 0.0,
    }


def _beside(scan: Scan, part: Sequence[Look]) -> list[Look]:
    """The looks right before and after these: what was laid over a film stays where it is over its cuts."""
    frames = [look.frame for look in part]
    before = [look for look in scan.looks if look.frame < min(frames, default=0)]
    after = [look for look in scan.looks if look.frame > max(frames, default=0)]
    return [*before[-1:], *after[:1]]


def _logo(scan: Scan, part: Sequence[Look]) -> tuple[str, overlays.Box] | None:
    return overlays.logo(part, scan.small[[look.frame for look in part]])


def _moving(scan: Scan, begin: int, end: int) -> dict[str, Tag]:
    blocks = scan.moves[begin + 1 : end] if scan.moves is not None else None  # the first step comes from another shot
    if blocks is None or len(blocks) == 0:
        return dict.fromkeys((*_STILL, "camera"))
    count, times = end - begin, scan.times[begin:end]
    fps = (count - 1) / max(float(times[-1] - times[0]), 1e-6)
    change = blocks[..., 4]
    found = motion.moves(blocks)
    shake = motion.shake(found, fps)
    leaps = motion.leaps(change, found.amount) if shake < motion.SHAKEN else 0
    return {
        "static": float(motion.same(change).mean()),
        "freeze": motion.freezes(change) / fps,
        "duplicated": motion.repeats(change) / count,
        "dropped": (_missing(times, variable=scan.probe.variable) + leaps) / count,
        "motion": float(found.amount.mean()) * fps,
        "camera_motion": float(found.camera.mean()) * fps,
        "object_motion": float(found.things.mean()) * fps,
        "camera": motion.kind(found, fps),
        "shake": shake,
    }


_STILL = ("static", "freeze", "duplicated", "dropped", "motion", "camera_motion", "object_motion", "shake")


def _missing(times: np.ndarray, *, variable: bool) -> int:
    """Frames that a steady clock left out."""
    gaps = np.diff(times)
    if variable or len(gaps) < 4:
        return 0
    usual = float(np.median(gaps))
    return int(np.maximum(np.round(gaps / usual) - 1, 0).sum())


def _heard(scan: Scan, begin: int, end: int) -> dict[str, Tag]:
    if scan.sound is None:
        return {"sound": False, "sound_share": 0.0, "loudness": None}
    after = scan.times[end] if end < len(scan.times) else scan.probe.seconds
    level, share = loudness(scan.sound, float(scan.times[begin]), float(after))
    return {"sound": share > 0, "sound_share": share, "loudness": level}


def _median(part: list[Look], name: str) -> float | None:
    return float(np.median([look.tags[name] for look in part])) if part else None


def _short(value: Tag) -> Tag:
    """Six digits say all that was measured, and are the same everywhere."""
    return float(f"{value:.6g}") if isinstance(value, float) else value
