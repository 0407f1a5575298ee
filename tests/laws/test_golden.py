"""A film that must stay what it is: tiny, random weights, float32, one seed.

After a change that is meant to change films, remove golden.png: the test paints it anew, and fails once to say so.
"""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

GOLDEN = Path(__file__).parent / "golden.png"


def paint(model: Path, folder: Path) -> np.ndarray:
    """Four moments of the film, side by side: (48, 4 * 64, 3) uint8."""
    from praxino.generation.film import make
    from praxino.media import read
    from praxino.request import Request, Shot

    shots = (Shot(seconds=0.5, prompt="a red ball rolls"),)
    request = Request(shots=shots, seed=11, model=str(model), width=64, height=64, guidance=3)
    make(request, folder / "golden.mp4")
    return np.concatenate(list(read.read(folder / "golden.mp4").frames[[0, 4, 9, 14]]), 1)


def test_the_golden_film_is_what_it_was(tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from praxino.layers import precision

    monkeypatch.setattr(precision, "fastest", lambda _device: torch.float32)  # the same on every machine
    made = paint(tiny_model, tmp_path)
    if not GOLDEN.exists():
        Image.fromarray(made).save(GOLDEN)
        pytest.fail(f"{GOLDEN.name} was missing and has been painted anew; look at it")
    golden = np.asarray(Image.open(GOLDEN)).astype(int)
    assert made.shape == golden.shape
    assert np.abs(made - golden).mean() < 2
