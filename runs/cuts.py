"""Teach the shot detector anew: its numbers go to src/praxino/curation/cuts.npz. About half an hour on two cores."""

from pathlib import Path

from praxino.evaluation.teach_cuts import teach

if __name__ == "__main__":
    into = Path(__file__).parents[1] / "src/praxino/curation/cuts.npz"
    teach(
        into, lessons=400, clips=420, seconds=600, report=lambda stage, done: print(f"{stage} {done:.0%}", flush=True)
    )
