"""What a run tells while it runs: a CSV of figures, a curve, a line now and then."""

import csv
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw


class Log:
    """Appends to ``log.csv`` in a folder and draws ``curve.png`` beside it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path, self.curve = folder / "log.csv", folder / "curve.png"
        self.begun = time.monotonic()

    def write(self, *, step: int, samples: int, stage: str, loss: float) -> None:
        """One row; seconds count from the start of this process."""
        new = not self.path.exists()
        with self.path.open("a", newline="") as file:
            rows = csv.writer(file)
            if new:
                rows.writerow(["stage", "step", "samples", "seconds", "loss"])
            rows.writerow([stage, step, samples, f"{time.monotonic() - self.begun:.1f}", f"{loss:.6f}"])

    def draw(self) -> None:
        """The loss against steps, smoothed, both axes logarithmic, one colour per stage."""
        if not self.path.exists():
            return
        with self.path.open() as file:
            rows = [(row["stage"], int(row["step"]), float(row["loss"])) for row in csv.DictReader(file)]
        if len(rows) < 2:
            return
        _curve(rows).save(self.curve)


def say(stage: str, done: float, note: str) -> None:
    """One line on stderr: the stage, how much of it (0..1), and how it goes."""
    sys.stderr.write(f"{stage}: {100 * done:.0f}%  {note}\n")
    sys.stderr.flush()


def _curve(rows: list[tuple[str, int, float]]) -> Image.Image:
    width, height, edge = 720, 360, 40
    picture = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(picture)
    x = np.log([max(step, 1) for _, step, _ in rows])
    y = np.log([max(loss, 1e-6) for _, _, loss in rows])
    smooth = np.convolve(np.pad(y, (7, 7), "edge"), np.ones(15) / 15, "valid")
    left, right, low, high = x.min(), max(x.max(), x.min() + 1e-6), smooth.min(), max(smooth.max(), smooth.min() + 1e-6)
    across = edge + (x - left) / (right - left) * (width - 2 * edge)
    up = height - edge - (smooth - low) / (high - low) * (height - 2 * edge)
    stages = list(dict.fromkeys(stage for stage, _, _ in rows))
    for k, stage in enumerate(stages):
        at = [i for i, row in enumerate(rows) if row[0] == stage]
        colour = ("#1f6feb", "#d9480f", "#2b8a3e", "#862e9c")[k % 4]
        if len(at) > 1:
            pen.line([(across[i], up[i]) for i in at], fill=colour, width=2)
        pen.text((width - 140, 10 + 14 * k), stage, fill=colour)
    pen.text((edge, height - 25), f"step {rows[0][1]} .. {rows[-1][1]} (log)", fill="black")
    pen.text((5, 10), f"loss {np.exp(low):.3g} .. {np.exp(high):.3g} (log)", fill="black")
    return picture
