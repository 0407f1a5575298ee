"""How loud a video is, tenth of a second by tenth of a second.

Shapes: m tenths of a second.
"""

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

RATE = 16_000
STEP = RATE // 10
"""Samples of a tenth of a second."""
SILENCE = -100.0
"""dBFS of digital silence; nothing is quieter."""
AUDIBLE = -60.0
"""dBFS above which there is sound."""


class Ear:
    """Hears an audio track once, from its first frame to its last."""

    def __init__(self) -> None:
        self._resampler = AudioResampler(format="fltp", layout="mono", rate=RATE)
        self._powers = list[np.ndarray]()
        self._rest = np.zeros(0, np.float32)
        self._begun = False
        self._early = 0  # samples before the first picture, still to be left out

    def hear(self, frame: AudioFrame, begin: float) -> None:
        """Take a decoded frame; ``begin`` is the time in seconds of the video's first picture."""
        if not self._begun:
            self._begun = True
            late = round(((frame.time or 0.0) - begin) * RATE)
            self._rest = np.zeros(min(max(late, 0), 60 * RATE), np.float32)
            self._early = max(-late, 0)
        for mono in self._resampler.resample(frame):
            self._take(mono.to_ndarray()[0])

    def deaf(self) -> None:
        """Begin again with a resampler that knows nothing: the track is not what it was."""
        self._resampler = AudioResampler(format="fltp", layout="mono", rate=RATE)

    def _take(self, samples: np.ndarray) -> None:
        if self._early:
            skipped = min(self._early, len(samples))
            self._early -= skipped
            samples = samples[skipped:]
        held = np.concatenate([self._rest, samples])
        whole = len(held) // STEP * STEP
        self._powers.append(np.square(held[:whole].reshape(-1, STEP)).mean(1, dtype=np.float64))
        self._rest = held[whole:]

    def levels(self) -> np.ndarray | None:
        """(m,) float32 root mean square in dBFS; None where nothing was heard."""
        if not self._begun:
            return None
        if len(self._rest) >= STEP // 2:
            self._powers.append(np.square(self._rest).mean(keepdims=True, dtype=np.float64))
        power = np.concatenate(self._powers) if self._powers else np.zeros(0)
        return (10 * np.log10(np.maximum(np.nan_to_num(power), 10 ** (SILENCE / 10)))).astype(np.float32)


def loudness(levels: np.ndarray, begin: float, end: float) -> tuple[float, float]:
    """Root mean square in dBFS of [begin, end) seconds, and the share of that time in which there is sound."""
    first = round(begin * 10)
    part = levels[first : max(first + 1, round(end * 10))]
    if len(part) == 0:
        return SILENCE, 0.0
    return float(10 * np.log10(np.mean(10 ** (part / 10)))), float(np.mean(part > AUDIBLE))
