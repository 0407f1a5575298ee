"""The colours that a shot mostly has, by name."""

import colorsys
from functools import cache

import numpy as np

NAMES = ("black", "white", "grey", "red", "orange", "brown", "yellow", "green", "cyan", "blue", "purple", "pink")
SHARE = 0.1
"""Of all pixels, from which on a colour is told."""
VERSION = 1


def palette(small: np.ndarray, *, most: int = 3) -> str:
    """Names of up to ``most`` colours that fill at least a tenth of pictures (n, h, w, 3) uint8, the fullest first,
    with a comma between."""
    pixels = small[:: max(1, len(small) // 12)].reshape(-1, 3) >> 4
    names = _table()[pixels[:, 0], pixels[:, 1], pixels[:, 2]]
    shares = np.bincount(names, minlength=len(NAMES)) / len(names)
    order = np.argsort(-shares, kind="stable")[:most]
    return ",".join(NAMES[i] for i in order if shares[i] >= SHARE)


@cache
def _table() -> np.ndarray:
    """(16, 16, 16) index into NAMES for red, green and blue in sixteenths."""
    out = np.zeros((16, 16, 16), np.uint8)
    for r, g, b in np.ndindex(out.shape):
        out[r, g, b] = NAMES.index(_name((r + 0.5) / 16, (g + 0.5) / 16, (b + 0.5) / 16))
    return out


def _name(red: float, green: float, blue: float) -> str:
    hue, saturation, value = colorsys.rgb_to_hsv(red, green, blue)
    degrees, chroma = hue * 360, saturation * value
    if value < 0.16:
        return "black"
    if chroma < 0.14 or saturation < 0.18:
        return "white" if value > 0.82 else "grey" if value > 0.2 else "black"
    if 15 <= degrees < 48 and value < 0.72:
        return "brown"
    edges = ((15, "red"), (40, "orange"), (68, "yellow"), (165, "green"), (195, "cyan"), (256, "blue"), (292, "purple"))
    named = next((name for edge, name in edges if degrees < edge), "pink" if degrees < 342 else "red")
    return "pink" if named == "red" and saturation < 0.5 and value > 0.75 else named
