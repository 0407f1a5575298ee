"""What moves: the camera, by a similarity fitted to the flow of the whole picture; things, by what that leaves.

Flow is measured from each frame to the next on a small picture, while the video is decoded, and kept by block.
Shapes: n frames, 9 x 16 blocks; of a block (along, down, slope along, slope down, change).
Lengths are in widths of the picture.
"""
# pyright: reportUnknownMemberType=false, reportCallIssue=false, reportArgumentType=false
# (OpenCV's own types are loose)

from dataclasses import dataclass

import cv2
import numpy as np

BLOCKS = (9, 16)
PLAIN = 0.3
"""Levels a pixel that a block's luma has to slope by in a direction, for its flow to say anything of that one."""
SMALLEST = 12
"""Pixels a side that flow can be measured in."""
WIDE = 0.5
"""Share of the picture's width that a camera's move is seen over, at least."""
STILL = 0.35
"""Levels that a block's luma changes by, at most, from one frame to the same again."""
QUIET = 0.0006
"""Widths a frame, below which flow is unrest of the encoding."""
LEAP = 1.6
"""Times the usual change, and root of the times of the usual way, from which on a step leaps over missing frames."""
SHAKEN = 3.0
"""Thousandths of a width a frame of a camera's unrest, from which on a leap is the hand's."""
FARTHEST = 3.5
"""Times the usual change that a step over missing frames may be."""


class Eye:
    """Sees frame after frame, and says how each differs from the one before."""

    def __init__(self) -> None:
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self._before: np.ndarray | None = None

    def move(self, now: np.ndarray) -> np.ndarray:
        """(9, 16, 5) float32 of a frame's thumb (h, w) uint8; zeros for the first."""
        before, self._before = self._before, now
        out = np.zeros((*BLOCKS, 5), np.float32)
        if before is None or before.shape != now.shape:
            return out
        change = cv2.absdiff(now, before)
        slopes = [
            cv2.convertScaleAbs(cv2.Sobel(now, cv2.CV_16S, x, 1 - x, ksize=3)).astype(np.float32) / 8 for x in (1, 0)
        ]
        for way, slope in enumerate(slopes):
            out[..., 2 + way] = _blocks(slope)
        if change.max() >= 4 and min(now.shape) >= SMALLEST:  # not the same again
            flow = self._flow.calc(before, now, None)
            for way, slope in enumerate(slopes):  # an edge says nothing of what goes along it
                carried = _blocks(flow[..., way] * (slope + 1e-3))
                out[..., way] = carried / (out[..., 2 + way] + 1e-3) / now.shape[1]
        out[..., 4] = _blocks(change.astype(np.float32))
        return out


def _blocks(plane: np.ndarray) -> np.ndarray:
    return cv2.resize(plane, (BLOCKS[1], BLOCKS[0]), interpolation=cv2.INTER_AREA)


@dataclass(frozen=True, kw_only=True)
class Moves:
    """Of each of n steps from one frame to the next, in widths and radians."""

    along: np.ndarray  # (n,) the picture's content goes to the right
    down: np.ndarray
    grow: np.ndarray  # it grows, by this share
    roll: np.ndarray  # it turns clockwise
    camera: np.ndarray  # mean length of the camera's flow
    things: np.ndarray  # what the camera does not explain: the 95th percentile of blocks
    sure: np.ndarray  # share of blocks that say anything

    @property
    def amount(self) -> np.ndarray:
        """(n,) of everything."""
        return np.hypot(self.camera, self.things)


def moves(blocks: np.ndarray) -> Moves:
    """Fit a similarity to the flow of each step, (n, 9, 16, 5), robustly (Cauchy weights, reweighted least squares)."""
    count = len(blocks)
    flat = np.moveaxis(blocks.reshape(count, -1, 5), -1, 1).astype(np.float64)  # (n, 5, blocks)
    flow, trust = flat[:, :2], np.clip(flat[:, 2:4] / PLAIN - 0.5, 0, 1)
    down, along = np.meshgrid(*(((np.arange(size) + 0.5) / size - 0.5) for size in BLOCKS), indexing="ij")
    x, y = along.ravel(), down.ravel() * BLOCKS[0] / BLOCKS[1]
    one, none = np.ones_like(x), np.zeros_like(x)
    A = np.stack([np.stack([one, none, x, -y], -1), np.stack([none, one, y, x], -1)])  # (2, blocks, 4)
    found = np.zeros((count, 4))
    found[:, :2] = _middles(flow, trust)  # what most blocks do, even where a few fast things fill the rest
    off = _length(flow - found[:, :2, None], trust)  # (n, blocks)
    known, weight = trust.max(1, keepdims=True), trust
    for _ in range(8):
        scale = np.maximum(_middles(off[:, None], known), 0.0005)
        weight = trust / (1 + (off / (1.5 * scale)) ** 2)[:, None]
        left = np.einsum("ncb,cbi,cbj->nij", weight, A, A) + np.diag([1e-3, 1e-3, 1e-2, 1e-2])
        right = np.einsum("ncb,cbi,ncb->ni", weight, A, flow)
        found = np.linalg.solve(left, right[..., None])[..., 0]
        off = _length(flow - np.einsum("cbi,ni->ncb", A, found), trust)
    # What only a few columns of blocks say is a thing's way, not the camera's: (n, 2) share of columns that say so.
    agree = (weight > 0.4).reshape(count, 2, *BLOCKS).any(2).mean(-1)
    found[:, :2] *= np.clip((agree - WIDE) * 5, 0, 1)
    found[:, 2:] *= np.clip((agree.min(1, keepdims=True) - WIDE) * 5, 0, 1)
    off = _length(flow - np.einsum("cbi,ni->ncb", A, found), trust)
    model = np.linalg.norm(np.einsum("cbi,ni->ncb", A, found), axis=1)
    return Moves(
        along=found[:, 0], down=found[:, 1], grow=found[:, 2], roll=found[:, 3], camera=model.mean(1),
        things=np.quantile(np.maximum(off - QUIET, 0), 0.95, axis=1), sure=(known > 0).mean((1, 2)),
    )  # fmt: skip


def _length(flow: np.ndarray, trust: np.ndarray) -> np.ndarray:
    """(n, blocks) of flow (n, 2, blocks), each direction as far as it is trusted."""
    return np.sqrt(np.sum(trust * np.square(flow), axis=1))


def _middles(values: np.ndarray, trust: np.ndarray) -> np.ndarray:
    """(n, c) medians of (n, c, blocks), each block counting as much as it is trusted, (n, c, blocks)."""
    order = np.argsort(values, axis=-1)
    share = np.cumsum(np.take_along_axis(trust, order, -1), -1)
    at = np.argmax(share >= share[..., -1:] / 2, axis=-1)[..., None]
    return np.take_along_axis(values, np.take_along_axis(order, at, -1), -1)[..., 0]


def shake(found: Moves, fps: float) -> float:
    """Unrest of the camera: thousandths of a width a frame, root mean square, about its smooth way."""
    paths = np.stack([found.along, found.down])
    if paths.shape[1] < 5:
        return 0.0
    long = max(3, round(0.3 * fps)) | 1
    padded = np.pad(paths, ((0, 0), (long // 2, long // 2)), "edge")
    smooth = np.stack([np.convolve(path, np.full(long, 1 / long), "valid") for path in padded])
    rest = np.hypot(*(paths - smooth))
    return float(1000 * np.sqrt(np.mean(np.minimum(rest, np.quantile(rest, 0.95)) ** 2)))


def kind(found: Moves, fps: float) -> str:
    """What the camera does: still, shake, pan_left, pan_right, tilt_up, tilt_down, zoom_in, zoom_out or roll."""
    seconds = max(len(found.along) / fps, 1e-6)
    along, down = float(found.along.sum()), float(found.down.sum())
    way = {
        "pan_left" if along > 0 else "pan_right": abs(along),
        "tilt_up" if down > 0 else "tilt_down": abs(down),
        "zoom_in" if found.grow.sum() > 0 else "zoom_out": 0.35 * abs(float(found.grow.sum())),
        "roll": 0.35 * abs(float(found.roll.sum())),
    }
    most = max(way, key=lambda name: way[name])
    went, walked = way[most], float(np.hypot(found.along, found.down).sum())
    if shake(found, fps) > 1.5 and went < 0.35 * walked:
        return "shake"
    return most if went > 0.012 and went / seconds > 0.008 else "still"


def same(change: np.ndarray) -> np.ndarray:
    """(n,) whether a step, (n, 9, 16) of changes, shows the same picture again."""
    return _strength(change) < STILL


def runs(flags: np.ndarray) -> list[tuple[int, int]]:
    """[begin, end) of each run of true."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def repeats(change: np.ndarray) -> int:
    """How many frames of a moving picture are the one before again, by ones and twos."""
    strength, mean = _strength(change), change.reshape(len(change), -1).mean(1)
    total = 0
    for begin, end in runs(strength < _hardly(strength)):
        if end - begin <= 2 and begin > 0 and end < len(strength):
            around = min(strength[begin - 1], strength[end])
            usual = float(np.median(np.r_[mean[max(0, begin - 3) : begin], mean[end : end + 3]]))
            slows = min(mean[begin - 1], mean[end]) < 0.65 * usual
            sudden = around > 3 * max(STILL, float(strength[begin:end].max())) and not slows
            total += (end - begin) * bool(sudden)  # what turns back slows down before it does
    return total


def freezes(change: np.ndarray) -> int:
    """Steps of the longest standstill that sets in at once: motion right before it, or it all goes on right after.

    An encoder lets it drift a little, but not all along: that is a slow camera, however fast it was before.
    """
    strength = _strength(change)
    longest = 0
    for begin, end in runs(strength < _hardly(strength)):
        if np.median(strength[begin:end]) > STILL:
            continue
        before, after = strength[max(0, begin - 6) : begin][::-1], strength[end : end + 6]
        if any(len(side) >= 2 and side[0] > max(5 * STILL, 0.5 * float(np.median(side))) for side in (before, after)):
            longest = max(longest, end - begin)
    return longest


def leaps(change: np.ndarray, amount: np.ndarray) -> int:
    """Steps on which far more happens than on those before and after them, which are alike: frames are missing there.

    Two witnesses are asked, how much pictures change (n, 9, 16) and how far things went (n,): pictures change more now
    and then for the encoder's reasons, and flow has its own errors, but hardly both at once. The more restless the
    motion is anyway, the further a leap has to go. One or two frames are missed in a row, so that a step is two or
    three. What leaps further is a thing that hits another; one leap alone may be that, too.
    """
    mean = np.maximum(change - STILL, 0).reshape(len(change), -1).mean(1) + 0.02
    found, unrest = list[float](), list[float]()
    for n in range(2, len(mean) - 2):
        near = [n - 2, n - 1, n + 1, n + 2]
        least, most = float(mean[near].min()), float(mean[near].max())
        times = float(mean[n]) / most
        further = float(amount[n] + QUIET) / float(amount[near].max() + QUIET)
        unrest.append(abs(float(np.log(mean[n] / np.median(mean[near])))))
        if least > 0.04 and least > 0.4 * most and 1.3 < times < FARTHEST:
            found.append(float(np.log(times * further**0.5)))
    bound = max(float(np.log(LEAP)), 2.5 * float(np.median(unrest))) if unrest else 0.0
    total = sum(one > bound for one in found)
    return total if total > 1 else 0


def _strength(change: np.ndarray) -> np.ndarray:
    return change.reshape(len(change), -1).max(1)


def _hardly(strength: np.ndarray) -> float:
    """Levels that count as no change where so much usually changes: an encoder lets a repeated frame drift a little."""
    return float(np.clip(0.15 * np.quantile(strength, 0.8), STILL, 1.2))
