"""Between the model's native picture and the picture asked for.

The output shows the largest centred part of the native picture that has the output's aspect.
Shapes: f frames, h rows, w columns.
"""

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from praxino import geometry
from praxino.media import fit
from praxino.pixels import whole
from praxino.upscaler.model import Upscaler
from praxino.upscaler.resample import resample


@dataclass(frozen=True, kw_only=True)
class Frame:
    """One film's two sizes, in pixels."""

    width: int
    height: int
    native_width: int
    native_height: int

    @property
    def box(self) -> tuple[int, int, int, int]:
        """(left, top, width, height) of the part of the native picture that is shown."""
        box = geometry.crop_box((self.native_width, self.native_height), (self.width, self.height))
        left, top = round(box.left), round(box.top)
        return left, top, round(box.right) - left, round(box.bottom) - top

    def into_native(self, frames: np.ndarray) -> np.ndarray:
        """Output-sized frames (f, h, w, 3) uint8 -> native ones; what the output does not show repeats its edge."""
        left, top, width, height = self.box
        small = fit.fit(frames, width=width, height=height, mode="crop")
        right, bottom = self.native_width - left - width, self.native_height - top - height
        return np.pad(small, ((0, 0), (top, bottom), (left, right), (0, 0)), "edge")

    def out_of_native(self, frames: Tensor, *, finer: Upscaler | None = None, before: Tensor | None = None) -> Tensor:
        """Native frames (f, h, w, 3) in -1..1 -> output-sized ones, uint8: by the upscaler, then by resampling.

        ``before`` (1, h, w, 3) is the native frame before them. Without an upscaler, and where the output is not larger
        than native, all is resampling.
        """
        left, top, width, height = self.box
        shown = frames[:, top : top + height, left : left + width]
        if finer is None or self.width <= width:
            return resample(whole(shown), height=self.height, width=self.width)
        past = None if before is None else before[:, top : top + height, left : left + width]
        return resample(finer.enlarged(shown, past), height=self.height, width=self.width)


def frame_of(width: int, height: int, sizes: tuple[tuple[int, int], ...]) -> Frame:
    """The frame of an output size for a model with these native sizes."""
    native = geometry.native_size(width, height, sizes)
    return Frame(width=width, height=height, native_width=native[0], native_height=native[1])
