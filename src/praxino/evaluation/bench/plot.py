"""All figures of a run as one picture: how many times what each is held against."""

from collections.abc import Sequence
from pathlib import Path

from praxino.evaluation.bench.figure import Figure


def draw(figures: Sequence[Figure], path: Path) -> None:
    """Write a PNG with a bar for each figure, on a logarithmic axis; 1 is what it is held against."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    shown = [figure for figure in figures if figure.value > 0 and figure.reference > 0][::-1]
    drawing, axes = plt.subplots(figsize=(9, 0.32 * len(shown) + 1), layout="constrained")
    axes.barh([f"{one.what} / {one.against}" for one in shown], [one.ratio for one in shown], color="#1f6feb")
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.set_xlabel("times what it is held against")
    drawing.savefig(path, dpi=110)
    plt.close(drawing)
