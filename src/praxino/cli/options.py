"""The options that say which film is meant: the same for every command that takes them."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from praxino import checkpoint
from praxino.cli.asked import Asked, asked
from praxino.generation import able
from praxino.generation.low_memory import LowMemory
from praxino.media import read
from praxino.request import Request

Option = typer.Option

Prompt = Annotated[str | None, typer.Argument(help="What to show, in English or Chinese.")]
Start = Annotated[Path | None, Option(help="Picture or clip that the film continues; a clip comes first in it.")]
End = Annotated[Path | None, Option(help="Picture that the film ends on.")]
Seconds = Annotated[float | None, Option(help="How long; of a clip that is continued, how much is added (default: 4).")]
Size = Annotated[str | None, Option(help="Width and height in pixels (default: 512x288).", metavar="WxH")]
Aspect = Annotated[str | None, Option(help="Shape of the picture, such as 16:9, 9:16 or 1:1.", metavar="W:H")]
Resolution = Annotated[str | None, Option(help="Short side: 288p, 540p or 1080p.")]
Fit = Annotated[
    Literal["crop", "pad"] | None, Option(help="How pictures and clips of other shapes fit (default: crop).")
]
Fps = Annotated[float | None, Option(help="Frames a second (default: 30).")]
Seed = Annotated[int | None, Option(help="Same seed, same film (default: drawn at random, and told).")]
Negative = Annotated[str | None, Option(help="What not to show.")]
Guidance = Annotated[float | None, Option(help="How closely to follow the words, 0 to 20 (default: the model's).")]
Steps = Annotated[int | None, Option(help="Steps of the sampler, 1 to 200 (default: the model's).")]
BestOf = Annotated[
    int | None,
    Option(help="Beginnings, 1 to 32; the one that fits the words best goes on (default: the model's)."),
]
Shots = Annotated[list[str] | None, Option("--shot", help='One shot of several, "SECONDS: WORDS"; repeat it.')]
Storyboard = Annotated[Path | None, Option(help='JSON file of shots: [{"seconds": 2, "prompt": "..."}, ...].')]
Model = Annotated[str | None, Option(help="A model that ships, or a model's folder (default: pocket).")]
Base = Annotated[
    Path | None, Option("--from", help="Film whose recipe to use; other options change it.", metavar="FILM")
]
Output = Annotated[Path, Option("-o", "--output", help="The film to write, .mp4.", metavar="FILM")]
Journal = Annotated[Path | None, Option(help="Folder that keeps finished parts; an interrupted film goes on from it.")]
Sheet = Annotated[Path | None, Option(help="Contact sheet to write as well, .png.")]
Draft = Annotated[
    bool, Option("--draft", help="At the model's own small size; `praxino finish` shows the same film at full size.")
]
Label = Annotated[
    bool, Option("--label", help='Show "AI 生成 / AI-generated" on the first two seconds, as GB 45438-2025 asks for.')
]
Devices = Annotated[
    int | None,
    Option(
        help="GPUs, or processes on a share of the cores each, to make the film on (default: 1, or torchrun's ranks).",
        min=1,
        max=64,
    ),
]
Apart = Annotated[
    bool, Option("--decode-apart", help="Of several devices, the first decodes and writes while the others denoise.")
]
Frugal = Annotated[
    LowMemory | None,
    Option(
        "--low-memory",
        help="Take less memory: bring weights when their turn comes, which changes nothing, or hold them in 8 bits.",
    ),
]
AsJson = Annotated[bool, Option("--json", help="Print the summary as one line of JSON.")]

SHAPED = ("prompt", "seconds", "storyboard", "size", "aspect", "resolution", "base")
"""Options that `Asked` knows by name; the others are fields of a Request."""
OTHERS = ("start", "end", "fps", "seed", "negative", "guidance", "steps", "best_of", "fit", "model")


def wanted(given: dict[str, Any]) -> Request:
    """The request that a command's options (its parameters, by name) make. Raises ValueError; opens nothing big."""
    others = {name: str(given[name]) if isinstance(given[name], Path) else given[name] or None for name in OTHERS}
    others |= {name: given[name] for name in ("fps", "seed", "guidance", "steps", "best_of")}  # 0 is a number
    others["visible_label"] = given.get("visible_label") or None
    shaped = {name: given[name] for name in SHAPED}
    request = asked(Asked(shots=tuple(given["shot"] or ()), others=others, **shaped))
    check_sources(request)
    return request


def check_sources(request: Request) -> None:
    """Raises ValueError where the model, the start or the end cannot be used; reads headers and a first frame."""
    checkpoint.card(checkpoint.find(request.model))
    moving = request.start is not None and read.probe(Path(request.start)).kind == "clip"
    if request.end is not None and read.probe(Path(request.end)).kind != "picture":
        raise ValueError(f"{request.end} is a clip; --end takes a picture")
    able.ask(request, moving=moving)
