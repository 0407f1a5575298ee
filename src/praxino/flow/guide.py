"""Classifier-free guidance (Ho & Salimans 2022), only where it helps (Kynkäänniemi et al. 2024)."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class GuidanceConfig:
    """``scale`` 1 turns guidance off; outside the times ``since`` to ``until`` it is off.

    Above them it draws copies of the subject, below them it adds to the fine detail what the words do not say, and
    each latent's brightness and texture part from those of the one before.
    """

    scale: float = 3.0
    since: float = 0.0
    until: float = 0.97

    def active(self, time: float) -> bool:
        """Whether a step at this time needs the unguided prediction as well."""
        return self.scale != 1 and self.since <= time <= self.until


def guide(wanted: Tensor, unwanted: Tensor, scale: float) -> Tensor:
    """Away from the prediction for the empty or negative text, towards the one for the prompt."""
    return unwanted + scale * (wanted - unwanted)
