"""What must never break where the tokens of one film are spread over ranks."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from torch.multiprocessing.spawn import spawn

from praxino.transformer.cache import Cache
from praxino.transformer.config import TransformerConfig, tiny
from praxino.transformer.model import Transformer
from praxino.transformer.sequence import Alone, shares, split

RANKS = 2
UNEVEN = replace(tiny(), heads=3)  # of 3 heads and 25 tokens one rank has 2 and 13, the other 1 and 12
SHAPE = (1, 6, 5, 5, 8)  # three chunks


def network(config: TransformerConfig) -> Transformer:
    torch.manual_seed(0)
    made = Transformer(config)
    for weight in made.parameters():
        if not weight.any():
            torch.nn.init.normal_(weight, std=0.05)
    return made


def film(model: Transformer) -> tuple[torch.Tensor, Cache]:
    """Velocities of three chunks, each of which sees those before it, and what is remembered in the end."""
    random, cache, out = torch.Generator().manual_seed(1), Cache(), []
    latents = torch.randn(SHAPE, generator=random)
    text = torch.randn(1, 4, model.config.text_channels, generator=random)
    with torch.inference_mode():
        heard = model.read(text)
        for start in range(0, SHAPE[1], 2):
            one, when = latents[:, start : start + 2], torch.full((1, 2), 0.5)
            out.append(model(one, when, heard, start=start, cache=cache))
            model(one, 0.1 * when, heard, start=start, cache=cache, remember=True)
    return torch.cat(out, 1), cache


def lesson(model: Transformer) -> dict[str, torch.Tensor]:
    """The gradient of each weight, where all chunks of a film are taught at once."""
    random = torch.Generator().manual_seed(2)
    clean, latents, target = (torch.randn(SHAPE, generator=random) for _ in range(3))
    when, text = torch.rand(SHAPE[:2], generator=random), torch.randn(1, 4, 32, generator=random)
    made = model.taught(latents, when, text, past=(clean, torch.zeros(SHAPE[:2])))
    assert made.open is not None
    ((made.velocity - target) ** 2 + made.open).mean().backward()
    return {name: weight.grad for name, weight in model.named_parameters() if weight.grad is not None}


def _member(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=RANKS)
    mesh = init_device_mesh("cpu", (RANKS,))
    told: dict[str, Any] = {}
    for name, config in {"even": tiny(), "uneven": UNEVEN}.items():
        model = network(config)
        alone, everything = film(model)
        model.mesh = mesh
        together, mine = film(model)
        model.mesh = None
        grads = lesson(model)
        model.mesh = mesh
        model.zero_grad()
        shared = lesson(model)
        for grad in shared.values():
            dist.all_reduce(grad)
            grad /= RANKS
        told[name] = {
            "film": together,
            "alone": alone,
            "held": sum(span.k.numel() for spans in mine.spans for span in spans),
            "all": sum(span.k.numel() for spans in everything.spans for span in spans),
            "grads": (grads, shared),
        }
    torch.save(told, f"{folder}/{rank}.pt")
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("sequence")
    spawn(_member, args=(str(folder),), nprocs=RANKS)
    return [torch.load(Path(folder) / f"{rank}.pt") for rank in range(RANKS)]


@pytest.mark.parametrize("name", ["even", "uneven"])
def test_two_ranks_say_of_a_film_what_one_says_and_each_holds_its_heads_of_the_past(told: list[Any], name: str) -> None:
    first, second = (one[name] for one in told)
    torch.testing.assert_close(first["film"], first["alone"], rtol=1e-5, atol=1e-6)
    assert torch.equal(first["film"], second["film"]), "all ranks get the same answer, bit for bit"
    assert first["held"] + second["held"] == first["all"]
    share = {"even": 1 / 2, "uneven": 2 / 3}[name]
    assert first["held"] == pytest.approx(share * first["all"])


@pytest.mark.parametrize("name", ["even", "uneven"])
def test_the_mean_of_the_ranks_gradients_is_that_of_one(told: list[Any], name: str) -> None:
    for one in told:
        alone, shared = one[name]["grads"]
        assert alone.keys() == shared.keys()
        for weight, grad in alone.items():
            scale = float(grad.abs().max())
            torch.testing.assert_close(
                shared[weight], grad, rtol=1e-4, atol=1e-5 * scale, msg=lambda m, w=weight: w + m
            )


def test_shares_are_even_and_none_is_lost() -> None:
    assert shares(7, 3) == (3, 2, 2)
    assert shares(6, 2) == (3, 3)
    assert isinstance(split(None, tokens=1, heads=1), Alone)
