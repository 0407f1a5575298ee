"""Where a measurement is made."""

import torch


def place(device: str | None) -> torch.device:
    """The device of this name; None: a GPU, if there is one. Raises ValueError for what is not here."""
    where = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    if where.type == "cuda" and not torch.cuda.is_available():
        raise ValueError("there is no GPU here; try --device cpu")
    return where
