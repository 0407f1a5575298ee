"""Films that are made at the same time, with one transformer: each is as if it were alone."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch
from torch import Tensor

from praxino.generation import gather
from praxino.generation.engine import Own
from praxino.generation.film import Options, make
from praxino.generation.gather import Gathered, Shared
from praxino.generation.tracing import Tracing
from praxino.media import labels, read
from praxino.request import Request, Shot
from praxino.transformer.cache import Cache
from praxino.transformer.config import TransformerConfig, pocket_cpu, tiny
from praxino.transformer.model import Transformer
from praxino.transformer.several import Behind, Call

SIZES = {"tiny": (tiny(), (6, 8)), "pocket": (replace(pocket_cpu(), depth=2), (9, 16))}


def network(config: TransformerConfig, dtype: torch.dtype) -> Transformer:
    torch.manual_seed(0)
    made = Transformer(config).eval().requires_grad_(False)
    torch.nn.init.normal_(made.patch_out.weight, std=0.05)  # zero, untrained
    return made.to(dtype)


def begun(made: Transformer, number: int, size: tuple[int, int], *, chunks: int = 2) -> Call:
    """The next call of a film that has some chunks behind it: of other and more words, at another place and time."""
    config, random = made.config, torch.Generator().manual_seed(number)
    words = torch.randn(1, 5 + number, config.text_channels, generator=random).to(made.dtype)
    text = made.read(words, torch.arange(5 + number)[None] < 5)
    cache, start = Cache(), 0
    shape = (1, config.chunk, *size, config.latent_channels)
    for chunk in range(chunks + number):
        start = chunk * config.chunk
        latents, time = torch.randn(shape, generator=random), torch.full(shape[:2], 0.1)
        made(latents, time, text, start=start, cache=cache, remember=True)
    time = torch.full(shape[:2], 0.3 + 0.2 * number)
    noise = torch.randn(shape, generator=random)
    return Call(latents=noise, time=time, text=text, start=start + config.chunk, cache=cache)


def alone(made: Transformer, call: Call, *, remember: bool = False) -> Tensor:
    how = {"start": call.start, "cache": call.cache, "remember": remember}
    return made(call.latents, call.time, call.text, **how)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("size", SIZES)
@torch.inference_mode()
def test_calls_of_several_films_give_what_each_gives_alone(size: str, dtype: torch.dtype):
    config, area = SIZES[size]
    made = network(config, dtype)
    calls = [begun(made, number, area, chunks=config.window) for number in range(4)]
    assert len({call.kind(config) for call in calls}) == 1
    assert len({call.start for call in calls}) == 4
    for count in (2, 3, 4):
        together = made.several(calls[:count])
        for call, one in zip(calls, together, strict=False):
            assert torch.equal(one, alone(made, call))


@torch.inference_mode()
def test_what_is_remembered_of_several_films_is_what_each_remembers_alone():
    made = network(tiny(), torch.float32)
    (one, two), (same, _) = ([begun(made, number, (6, 8)) for number in range(2)] for _ in range(2))
    made.several([replace(call, remember=True) for call in (one, two)])
    alone(made, same, remember=True)
    assert one.cache.chunks == same.cache.chunks
    assert len(one.cache.chunks) == tiny().window
    for ours, theirs in zip(one.cache.spans, same.cache.spans, strict=True):
        assert all(torch.equal(a.k, b.k) and torch.equal(a.v, b.v) for a, b in zip(ours, theirs, strict=True))
    assert len(one.cache.spans[0][0].k) == 1


def at_once(works: Sequence[Callable[[], object]]) -> None:
    """Each in a thread of its own, to the end."""
    with ThreadPoolExecutor(len(works)) as pool:
        for work in [pool.submit(work) for work in works]:
            work.result(timeout=60)


@torch.inference_mode()
def test_calls_of_another_kind_are_made_alone_and_nobody_waits_for_ever():
    made = network(tiny(), torch.float32)
    gathered = Gathered(made)
    calls = [begun(made, 0, (6, 8)), begun(made, 1, (8, 6)), begun(made, 2, (6, 8), chunks=0)]
    got: dict[int, list[Tensor]] = {0: [], 1: [], 2: []}

    @torch.inference_mode()
    def film(number: int, steps: int) -> None:
        for _ in range(steps):
            got[number].append(alone(cast("Transformer", gathered), calls[number]))

    at_once([lambda: film(0, 9), lambda: film(1, 4), lambda: film(2, 2)])  # who has ended is not waited for
    for number, answers in got.items():
        assert all(torch.equal(answer, alone(made, calls[number])) for answer in answers)
    assert gathered.made[1] >= 6  # the first kind's calls, and the second's


class Other(Transformer):
    """One whose products of several films round otherwise."""

    def several(self, calls: Sequence[Call], *, after: Behind | None = None) -> list[Tensor]:
        return [made + 1e-6 for made in super().several(calls, after=after)]


@torch.inference_mode()
def test_where_bits_would_change_calls_are_made_alone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(gather, "PATIENCE", 100.0)  # so that they meet, on a busy machine too
    monkeypatch.setattr(gather, "LONGEST", 1.0)
    torch.manual_seed(0)
    made = Other(tiny()).eval().requires_grad_(False)
    gathered, start = Gathered(made), threading.Barrier(2)
    calls, got = [begun(made, number, (6, 8)) for number in range(2)], list[bool]()

    @torch.inference_mode()
    def film(call: Call) -> None:
        start.wait()
        got.extend(
            torch.equal(alone(cast("Transformer", gathered), call), alone(made, call)) for _ in range(20)
        )  # fmt: skip

    at_once([lambda: film(calls[0]), lambda: film(calls[1])])
    assert got == [True] * 40
    assert gathered.made[2] == 1  # once, to see


def asked(folder: Path, seed: int, **more: object) -> Request:
    shot = Shot(seconds=1, prompt="a red ball rolls")
    return replace(
        Request(shots=(shot,), width=128, height=96, seed=seed, steps=3, best_of=1, model=str(folder)), **more
    )


def same(one: Path, other: Path) -> bool:
    """Whether two films show and tell the same."""
    told = labels.read_recipe(one) == labels.read_recipe(other)
    return told and np.array_equal(read.read(one).frames, read.read(other).frames)


def test_films_made_at_once_are_those_made_alone(tiny_model: Path, tmp_path: Path):
    requests = [asked(tiny_model, 1), asked(tiny_model, 2), asked(tiny_model, 3, guidance=2.0)]
    for n, request in enumerate(requests):
        make(request, tmp_path / f"alone-{n}.mp4")
    shared, models = Shared(), list[Own]()

    def film(n: int) -> None:
        def opened(name: str) -> Own:
            models.append(cast("Own", shared.opened(name)))
            return models[-1]

        make(requests[n], tmp_path / f"beside-{n}.mp4", options=Options(opened=opened))

    at_once([lambda n=n: film(n) for n in range(3)])
    for n in range(3):
        assert same(tmp_path / f"alone-{n}.mp4", tmp_path / f"beside-{n}.mp4")
    made = cast("Gathered", models[0].parts.transformer).made
    assert len({id(model) for model in models}) == 1  # one model for all
    assert sum(times for films, times in made.items() if films > 1) > 20


def test_a_film_that_is_called_off_leaves_the_others_whole(tiny_model: Path, tmp_path: Path):
    shared, wanted = Shared(), tmp_path / "wanted.mp4"
    make(asked(tiny_model, 1), tmp_path / "alone.mp4")

    class CalledOffError(Exception):
        pass

    def stop(stage: str, done: float) -> None:
        if stage == "sampling" and done > 0.3:
            raise CalledOffError

    def called_off() -> None:
        with pytest.raises(CalledOffError):
            make(asked(tiny_model, 2), tmp_path / "off.mp4", options=Options(opened=shared.opened), report=stop)

    at_once([called_off, lambda: make(asked(tiny_model, 1), wanted, options=Options(opened=shared.opened))])
    assert same(wanted, tmp_path / "alone.mp4")
    assert not (tmp_path / "off.mp4").exists()


def test_who_makes_a_program_has_the_networks_for_itself():
    tracing, inside, seen = Tracing(), list[str](), list[list[str]]()
    gate = threading.Barrier(3)

    def call(name: str) -> None:
        gate.wait()
        for _ in range(200):
            with tracing.calling(), tracing.calling():
                inside.append(name)
                inside.remove(name)

    def program() -> None:
        gate.wait()
        for _ in range(20):
            with tracing.making(), tracing.calling():
                seen.append([*inside])

    at_once([lambda: call("a"), lambda: call("b"), program])
    assert seen == [[]] * 20
