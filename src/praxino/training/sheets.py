"""Pictures of what a model in training can do."""

from pathlib import Path

import numpy as np
import torch
from einops import rearrange
from PIL import Image
from torch import Tensor

from praxino.autoencoder.model import Autoencoder
from praxino.pixels import unit, whole


@torch.inference_mode()
def compare(model: Autoencoder, frames: Tensor, path: Path) -> None:
    """Originals (n, f, h, w, 3 uint8) beside what the autoencoder makes of them, three moments of up to six clips."""
    rows = []
    for clip in frames[:6]:
        back = whole(model.decode(model.encode(unit(clip[None])))[0]).numpy()
        moments = (0, len(clip) // 2, len(clip) - 1)
        rows.append(np.concatenate([x for f in moments for x in (clip.numpy()[f], back[f])], 1))
    Image.fromarray(np.concatenate(rows)).save(path)


def grid(pictures: np.ndarray, path: Path, *, columns: int) -> None:
    """Pictures (n, h, w, 3) uint8 as one PNG; the last row is filled with grey."""
    n, h, w, _ = pictures.shape
    missing = -n % columns
    padded = np.concatenate([pictures, np.full((missing, h, w, 3), 128, np.uint8)])
    Image.fromarray(rearrange(padded, "(r c) h w k -> (r h) (c w) k", c=columns)).save(path)
