"""Every film carries its recipe: read it, and with --again make the same film anew and compare every pixel.

python examples/read_recipe.py films/film.mp4 --again --into films
"""

import argparse
import json
from pathlib import Path

from praxino.generation.film import make
from praxino.media import labels, read
from praxino.request import from_json

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
parser.add_argument("film", type=Path, help="a film that Praxino made")
parser.add_argument("--again", action="store_true", help="make it again")
parser.add_argument("--into", type=Path, default=Path("films"), help="folder for the second film")
asked = parser.parse_args()

recipe = labels.read_recipe(asked.film)
if recipe is None:
    raise SystemExit(f"{asked.film} carries no recipe; give a film that Praxino made")
print(json.dumps(recipe, ensure_ascii=False, indent=1))
print("AIGC label:", labels.read_label(asked.film))
if asked.again:
    asked.into.mkdir(parents=True, exist_ok=True)
    make(from_json(recipe["request"]), asked.into / "again.mp4")
    first, second = read.read(asked.film).frames, read.read(asked.into / "again.mp4").frames
    print("the same pixels" if (first == second).all() else "other pixels: another machine, model or version?")
