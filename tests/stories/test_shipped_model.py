"""The model that ships, for real: what is asked for is seen, and moves."""

from pathlib import Path

import numpy as np
import pytest

from praxino import checkpoint
from praxino.generation.film import make
from praxino.media import read
from praxino.request import Request, Shot

HUES = {"red": 0, "yellow": 54, "green": 125, "blue": 222}  # degrees


def moving(film: np.ndarray) -> tuple[float, float]:
    """Of the saturated pixels that move: the median hue's angle in degrees, and the drift, as a share of the width."""
    film = film[::4]
    x = film.astype(np.float32) / 255
    high, low = x.max(-1), x.min(-1)
    span = np.maximum(high - low, 1e-6)
    r, g, b = x[..., 0], x[..., 1], x[..., 2]
    hue = np.where(high == r, (g - b) / span % 6, np.where(high == g, (b - r) / span + 2, (r - g) / span + 4)) * 60
    away = np.abs(film.astype(int) - np.median(film, 0)).max(-1) > 40
    mask = away & (span / np.maximum(high, 1e-6) > 0.35) & (high > 0.2)
    assert mask.sum() > 100, "nothing coloured moves"
    angle = np.angle(np.exp(1j * np.deg2rad(hue[mask])).mean(), deg=True) % 360
    across = [np.nonzero(m)[1].mean() / film.shape[2] for m in mask if m.sum() > 10]
    third = max(1, len(across) // 3)
    return float(angle), float(np.mean(across[-third:]) - np.mean(across[:third]))


ASKED = (  # a prompt, its colour and its way; the seed is its place in this list
    ("a red ball rolls to the right on a plain grey floor", "red", 1),
    ("一个蓝色的立方体在灰色地面上向左滑动", "blue", -1),
    ("a green ball rolls to the left on a plain grey floor", "green", -1),
    ("a yellow cube slides to the right on a plain grey floor", "yellow", 1),
    ("一个红色的球在灰色地面上向左滚动", "red", -1),
    ("a blue cylinder slides to the right on a plain grey floor", "blue", 1),
)


@pytest.mark.slow
def test_the_colour_and_the_direction_asked_for_are_seen(tmp_path: Path) -> None:
    colours, ways = [], []
    for seed, (prompt, colour, way) in enumerate(ASKED):
        request = Request(shots=(Shot(seconds=2, prompt=prompt),), seed=seed, width=256, height=144)
        assert make(request, tmp_path / "a.mp4")["warnings"] == []
        angle, drift = moving(read.read(tmp_path / "a.mp4").frames)
        colours.append(abs((angle - HUES[colour] + 180) % 360 - 180) < 30)
        ways.append(np.sign(drift) == way)
    assert np.mean(colours) >= 0.8, colours
    assert np.mean(ways) >= 0.65, ways


def test_the_model_that_ships_is_small_and_says_what_it_knows() -> None:
    folder = checkpoint.find("pocket")
    assert 2**20 < (folder / "weights.safetensors").stat().st_size <= 60 * 2**20
    card = checkpoint.card(folder)["card"]
    assert card["rung"] == "one"
    assert {"ball", "红色"} <= set(card["words"])


def test_the_autoencoder_that_ships_keeps_what_it_should() -> None:
    import torch

    from praxino.generation.parts import open_autoencoder
    from praxino.pixels import unit
    from praxino.training.source import clip

    model = open_autoencoder(checkpoint.find("pocket"))
    square, moved = [], []
    for seed in range(900, 906):
        frames = clip(seed, rung="one", size=(256, 144), frames=17).frames
        true = unit(frames)
        with torch.inference_mode():
            error = ((model.decode(model.encode(true[None]))[0].clamp(-1, 1) - true) / 2).square().mean(-1).numpy()
        away = np.abs(frames.astype(int) - np.median(frames, 0)).max(-1) > 24
        square.append(error.mean())
        moved += [error[away]] if away.any() else []
    assert -10 * np.log10(np.mean(square)) > 31.5
    assert -10 * np.log10(np.concatenate(moved).mean()) > 22.5
