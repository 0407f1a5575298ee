"""What low memory costs: the most memory, seconds of a pass, and error, of one random model opened in each way.

Each way is a process of its own. Memory is what was held at most, above what was before the model was opened: of the
process on a CPU (the kernel's VmHWM), of the GPU on a GPU. Error is of the velocity, against the same weights in
float32 with all of them at hand: the norm of the difference over the norm.
"""

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from praxino import checkpoint, config, heap
from praxino.evaluation.bench.figure import Figure, Report
from praxino.evaluation.bench.place import place
from praxino.layers import precision
from praxino.transformer.config import TransformerConfig
from praxino.transformer.model import Transformer

WAYS = ("whole", "offload", "int8", "int8-dynamic", "fp8")
BOUNDS = {"whole": 0.02, "offload": 0.02, "int8": 0.03, "int8-dynamic": 0.06, "fp8": 0.12}
"""Errors that are still said to be small; those of the first two are of bfloat16."""
WORDS = 64


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How large the model is, and the clip it sees."""

    width: int = 1536
    heads: int = 12
    ffn: int = 8960
    depth: int = 8
    clip: tuple[int, int, int] = (5, 40, 40)  # latent frames, rows, columns: 2,000 tokens
    rounds: int = 3
    ways: tuple[str, ...] = WAYS

    @property
    def sizes(self) -> TransformerConfig:
        """Wan's block, so many times."""
        return TransformerConfig(
            width=self.width, depth=self.depth, heads=self.heads, ffn=self.ffn, latent_channels=16, text_channels=512,
            patch=2, chunk=self.clip[0], marks_first=False, pools_text=False, preconditioned=False,
        )  # fmt: skip


QUICK = Scale(width=768, heads=6, ffn=3072, clip=(5, 20, 20))
CUDA = Scale(depth=30, clip=(20, 40, 40), rounds=5)
"""As large as Wan 1.3B, at 8,000 tokens."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """What one process does."""

    folder: str
    way: str
    device: str
    dtype: str
    clip: tuple[int, int, int]
    rounds: int
    out: str


def measured(report: Report, *, device: str | None, quick: bool) -> list[Figure]:
    """`memory` on a device, by name; None: on a GPU, if there is one. Raises ValueError for what is not here."""
    where = place(device)
    return memory(report, QUICK if quick else CUDA if where.type == "cuda" else Scale(), device=where)


def memory(report: Report, scale: Scale, *, device: torch.device) -> list[Figure]:
    """For each way: the most memory and the passes a second beside those of the whole model, and the error."""
    dtype = precision.fastest(device)
    with tempfile.TemporaryDirectory() as kept:
        folder = Path(kept) / "model"
        size = _save(folder, scale.sizes, dtype)
        usual = Order(
            folder=str(folder), way="whole", device=str(device), dtype="float32", clip=scale.clip, rounds=0,
            out=str(Path(kept) / "out.safetensors"),
        )  # fmt: skip
        exact = _told(usual)[1]
        told: dict[str, tuple[dict[str, Any], Tensor]] = {}
        for n, way in enumerate(scale.ways):
            name = str(dtype).removeprefix("torch.")
            told[way] = _told(replace(usual, way=way, dtype=name, rounds=scale.rounds))
            report("memory", (n + 1) / len(scale.ways))
    figures = [Figure(what="weights", value=size / 1e6, unit="MB", against="themselves", reference=size / 1e6)]
    whole, said = told[scale.ways[0]]
    for way, (one, made) in told.items():
        figures += [
            _beside(f"{way}, most memory", one["bytes"] / 1e6, "MB", whole["bytes"] / 1e6),
            _beside(f"{way}, speed", 1 / one["seconds"], "passes/s", 1 / whole["seconds"]),
            Figure(
                what=f"{way}, error",
                value=float((made - exact).norm() / exact.norm()),
                unit="of float32",
                against="bound",
                reference=BOUNDS[way],
            ),
        ]
    if "offload" in told:
        same = float(torch.equal(told["offload"][1], said))
        figures.append(Figure(what="offload_equals_whole", value=same, unit="", against="target", reference=1.0))
    return figures


def _beside(what: str, value: float, unit: str, whole: float) -> Figure:
    return Figure(what=what, value=value, unit=unit, against="whole", reference=whole)


def _save(folder: Path, sizes: TransformerConfig, dtype: torch.dtype) -> int:
    """A model's folder with a random transformer; its bytes."""
    torch.manual_seed(0)
    model = Transformer(sizes).to(dtype)
    torch.nn.init.normal_(model.patch_out.weight, std=0.05)
    tensors = {f"transformer.{name}": value for name, value in model.state_dict().items()}
    about = {"format": checkpoint.FORMAT, "name": "random", "transformer": config.to_json(sizes)}
    checkpoint.save(folder, tensors, about)
    return (folder / checkpoint.WEIGHTS).stat().st_size


def _told(order: Order) -> tuple[dict[str, Any], Tensor]:
    """What a process of its own says, and the velocity it came to, in float32."""
    command = [sys.executable, "-m", "praxino.evaluation.bench.memory", json.dumps(asdict(order))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ourselves
    if done.returncode:
        last = (done.stderr.strip() or "no word").splitlines()[-1]
        raise ValueError(f"{order.way} on {order.device} cannot be measured: {last}")
    return json.loads(done.stdout.strip().splitlines()[-1]), load_file(order.out)["made"]


def _measured(order: Order) -> dict[str, float]:
    """In the process: open the model, and go through it."""
    from praxino.generation.parts import open_transformer

    device, dtype = torch.device(order.device), getattr(torch, order.dtype)
    heap.keep()  # as every program of ours does
    _warmed(device, rounded="8" in order.way)
    before = _held(device)
    way: Any = None if order.way == "whole" else order.way
    model = open_transformer(Path(order.folder), device=device, dtype=dtype, how=way)
    generator = torch.Generator().manual_seed(0)
    latents, words = (
        torch.randn(shape, generator=generator).to(device)
        for shape in ((1, *order.clip, 16), (1, WORDS, model.config.text_channels))
    )
    when, taken = torch.full((1, order.clip[0]), 0.7, device=device), list[float]()
    with torch.inference_mode():
        heard = model.read(words.to(dtype))
        made = model(latents, when, heard)
        save_file({"made": made.float().cpu().contiguous()}, order.out)
        for _ in range(order.rounds):
            begun = time.perf_counter()
            model(latents, when, heard).cpu()
            taken.append(time.perf_counter() - begun)
    return {"bytes": _most(device) - before, "seconds": min(taken, default=0.0)}


def _warmed(device: torch.device, *, rounded: bool) -> None:
    """What libraries take when they are first used is not the model's."""
    sizes = TransformerConfig(
        width=48, depth=1, heads=2, ffn=96, latent_channels=16, text_channels=64, patch=2, marks_first=False,
        pools_text=False, preconditioned=False,
    )  # fmt: skip
    with torch.inference_mode():
        tiny = Transformer(sizes).to(device)
        tiny(*(torch.randn(shape, device=device) for shape in ((1, 1, 4, 4, 16), (1, 1), (1, 4, 64))))
    if rounded:
        from praxino.layers import quantized

        quantized.library("int8")


def _held(device: torch.device) -> int:
    return torch.cuda.memory_allocated(device) if device.type == "cuda" else _status("VmRSS")


def _most(device: torch.device) -> int:
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else _status("VmHWM")


def _status(name: str) -> int:
    """Bytes that the kernel of Linux says this process holds. Raises ValueError elsewhere."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        raise ValueError("the most memory of a process is asked of the kernel of Linux; measure there") from None
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


if __name__ == "__main__":
    said = json.loads(sys.argv[1])
    print(json.dumps(_measured(Order(**said | {"clip": tuple(said["clip"])}))))  # noqa: T201 - to who asked
