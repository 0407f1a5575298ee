"""Shot boundaries: hard cuts to the exact frame, fades, dissolves and wipes; flashes and fast pans are none.

What a scan's small pictures show is measured for each frame (`cuts_measure`) and read by a small network over time, 31
thousand numbers that `evaluation.teach_cuts` learned on footage whose cuts are planted. Shapes: n frames, f figures.
"""

from functools import cache
from importlib.resources import files

import numpy as np

from praxino.curation.clip import COLUMNS, ROWS, Cut
from praxino.curation.cuts_measure import LAGS, measure

VERSION = 2
MOVED = 3 * len(LAGS)
"""Which figure is the first of those that tell what is left of a step when each part of it went its best way."""
KINDS = ("none", "fade", "dissolve", "wipe")
"""What a frame may be part of, in the order of the network's outputs; before them comes whether a shot begins here."""
LAYERS = ((5, 1), (5, 2), (5, 4), (3, 8))
"""Width and dilation of each layer over time."""
HARD = 0.5
"""How likely a hard cut has to be."""
GRADUAL = 0.5
"""How likely it has to be, at its likeliest, that a frame is part of a transition; and half of that around it."""
SHORTEST = 3
"""Frames of a transition; shorter ones are noise."""
BRIDGED = 3
"""Frames that a transition may be interrupted, by a flash."""
COLOURS = 1
"""Which figure tells how far the colours of two frames are apart."""
OTHER = 0.7, 5.0
"""How far those are apart, or how many levels the best way of each part leaves, where a picture is another one."""
NEW, SUDDEN = 8.0, 5.0
"""Levels that a step leaves unexplained, and times as many as those around it, where no network has to be asked."""
PIECE = 4096
"""Frames that the network reads at a time, so that long films need no more memory."""


def cuts(small: np.ndarray, times: np.ndarray | None = None) -> list[Cut]:
    """Where shots of a film begin, from its small pictures (n, 36, 64, 3) uint8 RGB.

    ``times`` (n,), seconds, is there for the contract's sake: boundaries are found in frames, whatever their rate.
    """
    del times
    if small.ndim != 4 or small.shape[1:] != (ROWS, COLUMNS, 3) or small.dtype != np.uint8:
        raise ValueError(f"pictures are {small.dtype} {small.shape}; they must be uint8 (n, {ROWS}, {COLUMNS}, 3)")
    if len(small) < 2:
        return []
    figures = measure(small)
    hard, parts = likely(figures)
    gradual = [cut for cut in _gradual(parts) if cut.kind == "fade" or _leads(small, cut)]
    sharp = sorted({frame for frame in _peaks(hard, HARD) if frame > 0} | set(_breaks(figures)))
    # A cut at the border of a transition is that border, seen sharply; one inside it is the same transition.
    sharp = [frame for frame in sharp if not any(cut.begin - 1 <= frame <= cut.end for cut in gradual)]
    found = [Cut(frame=frame, kind="hard", begin=frame, end=frame) for frame in sharp]
    return sorted(found + gradual, key=lambda cut: cut.frame)


def shots(cuts: list[Cut], n: int) -> list[tuple[int, int]]:
    """Frames [start, end) of each shot, without what is transition; empty ones are left out."""
    starts = [0, *(cut.end for cut in cuts)]
    ends = [*(cut.begin for cut in cuts), n]
    return [(start, end) for start, end in zip(starts, ends, strict=True) if start < end]


def likely(figures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of figures (n, f): how likely a shot begins at each frame (n,), and what each is part of (n, kinds)."""
    reach = sum((width // 2) * dilation for width, dilation in LAYERS)
    out = list[np.ndarray]()
    for begin in range(0, len(figures), PIECE):
        first = max(0, begin - reach)
        read = _read(figures[first : begin + PIECE + reach])
        out.append(read[begin - first : begin - first + PIECE])
    scores = np.concatenate(out)
    parts = np.exp(scores[:, 1:] - scores[:, 1:].max(1, keepdims=True))
    return 1 / (1 + np.exp(-scores[:, 0])), parts / parts.sum(1, keepdims=True)


def _read(figures: np.ndarray) -> np.ndarray:
    """(n, f) -> scores (n, 1 + kinds)."""
    net = _network()
    x = np.clip((figures - net["mean"]) / net["std"], -5, 5)
    x = np.maximum(x @ net["in.weight"] + net["in.bias"], 0)
    for number, (width, dilation) in enumerate(LAYERS):
        half = width // 2 * dilation
        padded = np.pad(x, ((half, half), (0, 0)))
        weight = net[f"{number}.weight"]
        y = net[f"{number}.bias"] + sum(padded[k * dilation : k * dilation + len(x)] @ weight[k] for k in range(width))
        x = x + np.maximum(y, 0)
    return x @ net["out.weight"] + net["out.bias"]


@cache
def _network() -> dict[str, np.ndarray]:
    with files("praxino.curation").joinpath("cuts.npz").open("rb") as held, np.load(held) as arrays:
        return {name: arrays[name].astype(np.float32) for name in arrays.files}


def _peaks(likely: np.ndarray, least: float) -> list[int]:
    """Frames that are likely enough and likelier than their neighbours."""
    before, after = np.concatenate([[0], likely[:-1]]), np.concatenate([likely[1:], [0]])
    return np.flatnonzero((likely >= least) & (likely > before) & (likely >= after)).tolist()


def _breaks(figures: np.ndarray) -> list[int]:
    """Frames of figures (n, f) at which all is new at once and stays so, though nothing moved much before or after.

    The network has only seen joins of clips of the world, which differ in more than where things are; of two shots of
    the same wall, colours and brightness say that they are one. No doubt is left where even the best way of each part
    of the picture does not explain a step, and all steps around it are explained.
    """
    left = np.exp(figures[:, MOVED : MOVED + 6 : 2]) - 0.3  # (n, 3): what the way leaves of a step of 1, 2, 5 frames
    found = list[int]()
    for frame in range(3, len(left) - 4):
        step = float(left[frame, 0])
        around = float(np.r_[left[frame - 3 : frame, 0], left[frame + 1 : frame + 4, 0]].max())
        stays = min(left[frame + 1, 1], left[frame + 4, 2]) > 0.6 * step  # a flash goes
        if step > NEW and step > SUDDEN * around and stays:
            found.append(frame)
    return found


def _leads(small: np.ndarray, cut: Cut) -> bool:
    """Whether a dissolve or wipe ends at another picture than it began with: a camera's slow move does not.

    A fade may well come back to what it left.
    """
    apart = np.exp(measure(small[[max(cut.begin - 1, 0), min(cut.end, len(small) - 1)]])[1])
    return bool(apart[COLOURS] > OTHER[0] or apart[MOVED] > OTHER[1])


def _gradual(parts: np.ndarray) -> list[Cut]:
    """Runs of frames that are likely part of a transition."""
    inside = 1 - parts[:, 0]
    edges = np.flatnonzero(np.diff(np.concatenate([[0], (inside >= GRADUAL / 2).astype(np.int8), [0]])))
    runs = list[list[int]]()
    for begin, end in edges.reshape(-1, 2).tolist():
        if runs and begin - runs[-1][1] <= BRIDGED:
            runs[-1][1] = end
        else:
            runs.append([begin, end])
    found = list[Cut]()
    for begin, end in runs:
        strong = begin + np.flatnonzero(inside[begin:end] >= GRADUAL)
        if len(strong) >= SHORTEST:
            begin, end = int(strong[0]), int(strong[-1]) + 1
            kind = KINDS[1 + int(parts[begin:end, 1:].sum(0).argmax())]
            found.append(Cut(frame=(begin + end) // 2, kind=kind, begin=begin, end=end))
    return [cut for cut in found if cut.begin > 0 and cut.end < len(parts)]
