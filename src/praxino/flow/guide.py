"""Classifier-free guidance (Ho & Salimans 2022), only where it helps (Kynkäänniemi et al. 2024)."""

from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import normalize

from praxino.flow.path import ends

EDGE = 1e-6
"""Times of float32 that are no further from the boundary are on it."""


@dataclass(frozen=True, kw_only=True)
class GuidanceConfig:
    """``scale`` 1 turns guidance off; outside the times ``since`` to ``until`` it is off; see `guide` on ``projected``.

    Above them it draws copies of the subject, below them it adds to the fine detail what the words do not say, and
    each latent's brightness and texture part from those of the one before.
    """

    scale: float = 3.0
    since: float = 0.0
    until: float = 0.97
    projected: bool = True
    boundary: float = 0.0
    below: float | None = None  # the scale at times below the boundary; None: as above it

    def active(self, time: float) -> bool:
        """Whether a step at this time needs the unguided prediction as well."""
        return self.at(time) != 1 and self.since <= time <= self.until

    def at(self, time: float) -> float:
        """The scale of a step at this time."""
        return self.scale if self.below is None or time >= self.boundary - EDGE else self.below

    @property
    def anywhere(self) -> bool:
        """Whether any step may need it."""
        return self.scale != 1 or self.below not in {None, 1}


def guide(
    wanted: Tensor, unwanted: Tensor, latents: Tensor, time: Tensor, *, scale: float, projected: bool = True
) -> Tensor:
    """From the velocity for the empty or negative text towards, and past, the one for the prompt.

    Where it is ``projected``, of each frame's difference the part along its own guess of the clean latents is left out:
    it makes what is there stronger, brighter and more saturated, not different (projected guidance, Sadat et al. 2024,
    with their eta 0). Velocities and latents (b, t, h, w, c), time (b, t).
    """
    if not projected:
        return unwanted + scale * (wanted - unwanted)
    clean, _ = ends(latents, wanted, time)
    difference = (wanted - unwanted).flatten(2)
    along = normalize(clean.flatten(2), dim=2)
    across = difference - (difference * along).sum(2, keepdim=True) * along
    return wanted + (scale - 1) * across.view_as(wanted)
