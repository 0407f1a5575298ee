"""A storyboard: one film whose words change on the way. A journal keeps its finished parts in case it is interrupted.

python examples/storyboard.py --into films
"""

import argparse
from pathlib import Path

from praxino.generation.film import Options, make
from praxino.geometry import parse_size
from praxino.request import Request, Shot

STORY = (
    "a red ball rolls to the right on a plain grey floor",
    "a red ball bounces on a plain grey floor",
    "一个红色的球在灰色地面上向左滚动",
)

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
parser.add_argument("--into", type=Path, default=Path("films"), help="folder for the film")
parser.add_argument("--model", default="pocket", help="a model that ships, or a model's folder")
parser.add_argument("--seconds", type=float, default=2, help="of each shot")
parser.add_argument("--size", default="512x288", help="width and height in pixels")
asked = parser.parse_args()


def report(stage: str, share: float) -> None:
    """Hear how far the film is; whatever this raises would stop it."""
    print(f"\r{stage} {share:4.0%}", end="", flush=True)


width, height = parse_size(asked.size)
shots = tuple(Shot(seconds=asked.seconds, prompt=words) for words in STORY)
request = Request(shots=shots, width=width, height=height, seed=3, model=asked.model)
asked.into.mkdir(parents=True, exist_ok=True)
options = Options(journal=asked.into / "journal", sheet=asked.into / "storyboard.png")
done = make(request, asked.into / "storyboard.mp4", options=options, report=report)
print(f"\n{done['file']}: {len(shots)} shots, {done['seconds']} s; {options.sheet} shows it at a glance")
