"""A film from a prompt.

python examples/make_film.py "a red ball bounces on a checker floor" --into films
"""

import argparse
from pathlib import Path

from praxino.generation.film import Options, make
from praxino.geometry import parse_size
from praxino.request import Request, Shot

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
parser.add_argument("prompt", nargs="?", default="a red ball bounces on a checker floor", help="English or Chinese")
parser.add_argument("--into", type=Path, default=Path("films"), help="folder for the film")
parser.add_argument("--model", default="pocket", help="a model that ships, or a model's folder")
parser.add_argument("--seconds", type=float, default=4)
parser.add_argument("--size", default="512x288", help="width and height in pixels")
parser.add_argument("--seed", type=int, default=7)
asked = parser.parse_args()

width, height = parse_size(asked.size)
request = Request(
    shots=(Shot(seconds=asked.seconds, prompt=asked.prompt),),
    width=width,
    height=height,
    seed=asked.seed,
    model=asked.model,
)
asked.into.mkdir(parents=True, exist_ok=True)
done = make(request, asked.into / "film.mp4", options=Options(sheet=asked.into / "film.png"))
for warning in done["warnings"]:
    print("warning:", warning)
print(f"{done['file']}: {done['frames']} frames, seed {done['seed']}, by {done['model']}")
