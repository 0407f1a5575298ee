"""A clip (or a picture) goes on: its own frames come first, untouched, and new ones follow.

python examples/continue_clip.py films/film.mp4 "a red ball bounces on a checker floor" --into films
"""

import argparse
from pathlib import Path

from praxino.generation.film import make
from praxino.media import read
from praxino.request import Request, Shot

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
parser.add_argument("start", type=Path, help="the clip or picture to continue")
parser.add_argument("prompt", help="what is seen, in English or Chinese")
parser.add_argument("--into", type=Path, default=Path("films"), help="folder for the film")
parser.add_argument("--model", default="pocket", help="a model that ships, or a model's folder")
parser.add_argument("--seconds", type=float, default=2, help="how much is added")
asked = parser.parse_args()

about = read.probe(asked.start)  # its headers and first frame only
request = Request(
    shots=(Shot(seconds=asked.seconds, prompt=asked.prompt),),
    start=str(asked.start),
    width=about.width // 2 * 2,  # H.264 wants even sides
    height=about.height // 2 * 2,
    fps=about.fps,
    seed=1,
    model=asked.model,
)
asked.into.mkdir(parents=True, exist_ok=True)
done = make(request, asked.into / "continued.mp4")
print(f"{done['file']}: {about.frames} frames given, {done['frames']} in all")
