"""What `praxino bench` measures, at tiny sizes: that the figures are there and mean what they say, not how fast."""

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch

from praxino.evaluation.bench import denoise, films, forward, honesty, lengths, memory, peak
from praxino.evaluation.bench.figure import Figure, side_by_side
from praxino.evaluation.bench.plot import draw
from praxino.generation import price, speed
from praxino.generation.parts import Parts, open_parts
from praxino.request import Request, Shot


@pytest.fixture(scope="module")
def parts(tiny_model: Path) -> Parts:
    return open_parts(tiny_model)


def named(figures: list[Figure]) -> dict[str, Figure]:
    return {figure.what: figure for figure in figures}


def silent(_stage: str, _done: float) -> None:
    pass


def test_works_are_measured_in_turns() -> None:
    order: list[str] = []
    taken = side_by_side({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, rounds=2)
    assert order == ["a", "b"] * 3
    assert set(taken) == {"a", "b"}


def test_our_forward_computes_what_diffusers_computes() -> None:
    scale = forward.Scale(heads=1, channels=24, depth=1, clips=((2, 4, 4), (1, 4, 6)), rounds=1)
    found = named(forward.forward(silent, scale))
    assert found["forward_error_float32"].value < 1e-4
    assert {"forward_vs_diffusers_bf16", "forward_vs_diffusers_float32"} <= found.keys()
    assert "forward of 8 tokens, width 24, depth 1, bf16" in found


def test_cost_and_length_and_peak(parts: Parts) -> None:
    scale = lengths.Scale(lengths=(1, 2, 4), again=(1, 2, 4), steps=1, rounds=1)
    found = named([*lengths.lengths(silent, scale, parts), *peak.peak(silent, parts, rounds=1)])
    assert {"length_exponent", "recompute_exponent", "denoise_peak_share", "decode_peak_share"} <= found.keys()
    assert 0 < found["denoise_peak_share"].value < 1


def test_tokens_of_a_minute(tiny_model: Path, tmp_path: Path) -> None:
    (figure,) = films.tokens(str(tiny_model))
    assert figure.value == 6 * 8 * (1 + 450)  # 64x48 at 8 pixels a latent; 1 + 4 n frames of 1,800
    draw([figure], tmp_path / "bench.png")
    assert (tmp_path / "bench.png").stat().st_size > 1000


def test_honesty_counts_what_was_quoted_against_what_it_took(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    model = price.opened(str(tiny_model))

    def make(request: Request, _path: Path) -> dict[str, Any]:
        """As a machine on which everything always costs the same."""
        units = price.units_of(request, model)
        seconds = dict.fromkeys(units, 0.0) | {name: 1e-3 * units[name] for name in ("beginning", "denoising")}
        total = sum(seconds.values())
        frames, pixels = round(30 * request.seconds), request.width * request.height
        speed.record(
            speed.Run(
                model=model.digest, machine=speed.machine(), units=units, seconds=seconds,
                total=total, pixels=pixels, frames=frames, peak_rss_bytes=1, file_bytes=1,
            )
        )  # fmt: skip
        return {"timings": {"total": total}}

    for width, height in honesty.SIZES:  # nothing has to be made to see what it costs
        shot = Shot(seconds=2, prompt="a ball")
        make(Request(shots=(shot,), width=width, height=height, seed=0, model=str(tiny_model)), tmp_path)
    found = named(honesty.honesty(silent, str(tiny_model), runs=12, make=make))
    assert found["within the 90% bound, of 12"].value > 0.7
    assert found["median error of the quote"].value < 0.15


def test_a_denoise_of_ours_ends_where_that_of_diffusers_does() -> None:
    clips = ((2, 4, 4), (4, 4, 6))
    scale = denoise.Scale(heads=1, channels=24, depth=1, clips=clips, steps=2, rounds=1, compiled=False)
    found = named(denoise.denoise(silent, scale, device=torch.device("cpu")))
    assert found["denoise_error_float32"].value < 1e-4
    assert "24 tokens in 2 steps, width 24, depth 1, eager, ours 1 frames after 1, theirs at once" in found
    assert "denoise_vs_diffusers_bf16_eager" in found


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel of Linux")
def test_memory_falls_as_is_said() -> None:
    ways = ("whole", "offload", *(["int8"] if find_spec("torchao") else []))
    scale = memory.Scale(width=512, heads=4, ffn=3072, depth=12, clip=(1, 4, 4), rounds=1, ways=ways)
    found = named(memory.memory(silent, scale, device=torch.device("cpu")))
    size = found["weights"].value
    assert found["offload_equals_whole"].value == 1
    for way, saved in (("offload", 0.7), ("int8", 0.4)):  # ten of twelve blocks; a half of each, if not three quarters
        if way in ways:
            assert found["whole, most memory"].value - found[f"{way}, most memory"].value > saved * size
            assert found[f"{way}, error"].ratio < 1
