"""The films of docs/gallery: each with its recipe, and one sheet with a row for each. Prompts and seeds are fixed.

python runs/gallery.py [MODEL] [FOLDER]
"""

import json
import sys
from pathlib import Path

import numpy as np

from praxino.generation.film import make
from praxino.media import fit, labels, read, sheet
from praxino.request import Request, Shot

PROMPTS = (
    "a red ball bounces on a checker floor",
    "a blue cube slides to the left on a plain grey floor",
    "一个绿色的球在木地板上向右滚动",
    "an orange cone slides to the right on grass",
    "a yellow ball is thrown to the right on sand",
    "一个紫色的圆柱体在沙地上旋转",
    "a large pink ball rolls toward the camera on a wooden floor",
    "a cyan cube falls on a checker floor",
    "a red cone spins on a wooden floor",
    "一个小的黄色立方体在灰色地面上静止不动",
    "a large blue cylinder rolls to the left on grass",
    "a small orange ball is thrown to the left on a checker floor",
)
MOMENTS, WIDTH, HEIGHT = 6, 224, 126


def main(model: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for seed, prompt in enumerate(PROMPTS):
        film = folder / f"{seed:02d}.mp4"
        request = Request(shots=(Shot(seconds=4, prompt=prompt),), seed=seed, model=model)
        done = make(request, film)
        film.with_suffix(".json").write_text(json.dumps(labels.read_recipe(film), ensure_ascii=False, indent=1) + "\n")
        frames = read.read(film).frames
        moments = frames[np.linspace(0, len(frames) - 1, MOMENTS).round().astype(int)]
        rows.append(np.concatenate(list(fit.fit(moments, width=WIDTH, height=HEIGHT, mode="crop")), 1))
        print(f"{film}: {prompt} ({done['timings']})")
    sheet.save(np.concatenate(rows), folder / "sheet.png")


if __name__ == "__main__":
    main(*(sys.argv[1:2] or ["pocket"]), Path(*(sys.argv[2:3] or ["docs/gallery"])))
