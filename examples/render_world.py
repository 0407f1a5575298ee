"""The world that models learn from: one clip, its captions, and everything that is true of it. Needs no model.

python examples/render_world.py --seed 5 --into films
"""

import argparse
import json
from pathlib import Path

from praxino.geometry import parse_size
from praxino.media.write import Writer
from praxino.world.film import film

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
parser.add_argument("--seed", type=int, default=5)
parser.add_argument("--into", type=Path, default=Path("films"), help="folder for world.mp4 and world.json")
parser.add_argument("--rung", choices=("one", "all"), default="one", help="one thing and a still camera, or everything")
parser.add_argument("--frames", type=int, default=121)
parser.add_argument("--size", default="512x288", help="width and height in pixels")
asked = parser.parse_args()

width, height = parse_size(asked.size)
made = film(asked.seed, rung=asked.rung, width=width, height=height, frames=asked.frames)
asked.into.mkdir(parents=True, exist_ok=True)
with Writer(asked.into / "world.mp4", width=width, height=height, fps=made.fps) as out:
    for frame in made.frames:
        out.write(frame)
about = {"captions": made.captions, "truth": made.truth}
(asked.into / "world.json").write_text(json.dumps(about, ensure_ascii=False), encoding="utf-8")
print(made.captions["en"], made.captions["zh"], sep="\n")
for t in range(0, len(made.frames), 30):
    x, y, z = made.truth["poses"][t][0][:3]  # of the first thing: to the right, away from the camera, up
    print(f"frame {t}: it is at {x:.2f}, {y:.2f}, {z:.2f}")
