"""What the rest of Praxino knows of video: frames and a rate."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Frames = NDArray[np.uint8]  # (t, h, w, 3), RGB


@dataclass(frozen=True, kw_only=True)
class Clip:
    """Frames at a constant rate; a picture is a clip of one frame."""

    frames: Frames  # (t, h, w, 3)
    fps: float

    @property
    def seconds(self) -> float:
        """How long it is shown."""
        return len(self.frames) / self.fps
