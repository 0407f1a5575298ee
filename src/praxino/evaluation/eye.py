"""The eye: a small network that sees which things of the world a picture shows, and where.

Things are points (Zhou et al. 2019, "Objects as Points"): a map of how likely a thing's middle is in each cell, and for
each cell what the thing there would be. It is trained on the world's exact truth (`evaluation.teach`) and never sees a
prompt.
Shapes: b pictures, h rows, w columns of pixels; h/4 rows, w/4 columns of cells.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from praxino.world import vocabulary

COLOURS = tuple(vocabulary.COLOURS)
SHAPES = tuple(vocabulary.SHAPE_WORDS)
SIZES = tuple(vocabulary.SIZE_WORDS)
LOOKS = tuple(vocabulary.LOOK_WORDS)
KINDS = {"colour": COLOURS, "shape": SHAPES, "size": SIZES, "look": LOOKS}
"""What the eye tells of a thing, and the names it can give."""


@dataclass(frozen=True, kw_only=True)
class EyeConfig:
    """Sizes of the eye."""

    width: int = 40  # channels at a quarter of the picture's resolution; twice that at an eighth and a sixteenth
    depth: int = 3  # residual blocks at each resolution, on the way down and on the way up


@dataclass(frozen=True, kw_only=True)
class Fields:
    """What the eye says of every cell."""

    middle: Tensor  # (b, h/4, w/4) logit: is a thing's middle here
    place: Tensor  # (b, h/4, w/4, 3): the middle from the cell's corner, right and down; log of the radius; in cells
    kinds: dict[str, Tensor]  # name -> (b, h/4, w/4, n) logits


class Eye(nn.Module):
    """Pictures (b, h, w, 3) in -1..1, h and w multiples of 16 -> `Fields`."""

    unknown: Tensor  # names it does not give, in the order of `KINDS`

    def __init__(self, config: EyeConfig) -> None:
        super().__init__()
        self.config = config
        c, d = config.width, 2 * config.width
        self.enter = nn.Sequential(nn.Conv2d(3, c, 5, stride=2, padding=2), nn.SiLU(), nn.Conv2d(c, c, 3, 2, 1))
        self.fine = nn.Sequential(*(_Block(c) for _ in range(config.depth)))
        self.down = nn.Conv2d(c, d, 3, stride=2, padding=1)
        self.middle = nn.Sequential(*(_Block(d) for _ in range(config.depth)))
        self.deeper = nn.Conv2d(d, d, 3, stride=2, padding=1)
        self.deep = nn.Sequential(*(_Block(d) for _ in range(2 * config.depth)))
        self.up, self.last_up = nn.Conv2d(d, d, 1), nn.Conv2d(d, c, 1)
        self.middle_up = nn.Sequential(*(_Block(d) for _ in range(config.depth)))
        self.fine_up = nn.Sequential(*(_Block(c) for _ in range(config.depth)))
        outputs = 4 + sum(map(len, KINDS.values()))
        self.register_buffer("unknown", torch.zeros(outputs - 4, dtype=torch.bool), persistent=False)
        self.leave = nn.Conv2d(c, outputs, 3, padding=1)
        nn.init.zeros_(self.leave.weight)
        with torch.no_grad():
            assert self.leave.bias is not None
            self.leave.bias.copy_(torch.tensor([-4.0] + [0.0] * (outputs - 1)))  # most cells hold no middle

    def forward(self, pictures: Tensor) -> Fields:
        x = pictures.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
        fine = self.fine(self.enter(x))
        middle = self.middle(self.down(fine))
        deep = self.deep(self.deeper(middle))
        middle = self.middle_up(middle + F.interpolate(self.up(deep), scale_factor=2.0))
        fine = self.fine_up(fine + F.interpolate(self.last_up(middle), scale_factor=2.0))
        out = self.leave(fine).permute(0, 2, 3, 1).float()  # (b, h/4, w/4, 4 + kinds)
        likely, place, names = out.split([1, 3, len(self.unknown)], -1)
        kinds = names.masked_fill(self.unknown, -30.0).split([*map(len, KINDS.values())], -1)
        return Fields(middle=likely[..., 0], place=place, kinds=dict(zip(KINDS, kinds, strict=True)))


class _Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(8, width)
        self.one, self.two = nn.Conv2d(width, width, 3, padding=1), nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.two.weight)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.two(F.silu(self.one(F.silu(self.norm(x)))))


WEIGHTS = Path(__file__).parent / "eye.safetensors"
"""The eye that comes with Praxino; `praxino train eye` made it."""


def open_eye(path: Path = WEIGHTS, *, names: Mapping[str, Sequence[str]] | None = None) -> Eye:
    """A trained eye; of the kinds in ``names`` it gives these names only. Raises ValueError where there is none."""
    try:
        held = load_file(path)
    except (OSError, SafetensorError):
        raise ValueError(f"{path} holds no eye; `praxino train eye --into FOLDER` teaches one") from None
    eye = Eye(EyeConfig())
    eye.load_state_dict({name: value.float() for name, value in held.items()})
    flags = [name not in (names or {}).get(kind, of_kind) for kind, of_kind in KINDS.items() for name in of_kind]
    eye.unknown.copy_(torch.tensor(flags))
    return eye.eval().requires_grad_(False)


def save_eye(eye: Eye, path: Path) -> None:
    """Write an eye's weights, whole or not at all, in bfloat16."""
    temporary = path.with_suffix(".tmp")
    save_file({name: value.bfloat16().contiguous() for name, value in eye.state_dict().items()}, temporary)
    temporary.replace(path)
