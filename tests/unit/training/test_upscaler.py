"""The upscaler begins as resampling, learns what that lacks, and does the same in pieces as at once."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from praxino.pixels import unit, whole
from praxino.training import recipes
from praxino.training.parallel import Team
from praxino.training.recipes import Recipe
from praxino.training.upscaler import HELD_OUT, Crops, begin, crops, keep, measure, one_step, opened
from praxino.upscaler.config import tiny
from praxino.upscaler.model import Upscaler
from praxino.upscaler.resample import resample


@pytest.fixture
def recipe() -> Recipe:
    small = recipes.tiny()
    return replace(small, learn_upscaler=replace(small.learn_upscaler, rate=5e-3, batch=8))


def edges(count: int) -> Crops:
    """Films of a bright bar that moves: sharp, and made small."""
    generator = torch.Generator().manual_seed(2)
    large = torch.full((count, 3, 32, 32, 3), 40, dtype=torch.uint8)
    for i in range(count):
        at = int(torch.randint(4, 20, (), generator=generator))
        for f in range(3):
            large[i, f, :, at + f : at + f + 8] = 220
    small = F.avg_pool2d(large.flatten(0, 1).permute(0, 3, 1, 2).float(), 2).round().byte()
    return Crops(small=small.permute(0, 2, 3, 1).unflatten(0, (count, 3)), large=large)


def test_it_begins_as_resampling() -> None:
    frames = torch.randint(256, (3, 6, 8, 3), dtype=torch.uint8)
    assert torch.equal(whole(Upscaler(tiny())(unit(frames))), resample(frames, height=12, width=16))


def test_pieces_equal_the_whole() -> None:
    model, frames = Upscaler(tiny()), torch.rand(5, 6, 8, 3) * 2 - 1
    torch.nn.init.normal_(model.leave.weight, std=0.1)
    with torch.no_grad():
        whole = model(frames)
        pieces = torch.cat([model(frames[:2]), model(frames[2:], frames[1:2])])
    torch.testing.assert_close(pieces, whole)


def test_in_whole_numbers_it_is_the_same() -> None:
    model, frames = Upscaler(tiny()), torch.rand(5, 6, 8, 3) * 2 - 1
    torch.nn.init.normal_(model.leave.weight, std=0.1)
    with torch.no_grad():
        exact, quick = whole(model(frames)), model.enlarged(frames)
    assert quick.dtype == torch.uint8
    assert int((exact.int() - quick.int()).abs().max()) <= 1, "it is rounded once instead of twice"


def test_it_learns_what_resampling_lacks(recipe: Recipe, tmp_path: Path) -> None:
    held, run = edges(HELD_OUT + 40), begin(recipe, tmp_path, "cpu")
    for _ in range(400):
        one_step(Team(), run, recipe.learn_upscaler, held, rate=1.0)
    figures = measure(run.model, held)
    assert figures["upscaler"] > figures["bicubic"] + 1
    keep(run.model, tmp_path)
    assert measure(opened(tmp_path), held) == figures


def test_crops_are_taken_where_things_are(recipe: Recipe) -> None:
    from praxino.autoencoder.model import Autoencoder

    recipe = replace(recipe, learn_upscaler=replace(recipe.learn_upscaler, clips=3))
    held = crops(recipe, Autoencoder(recipe.autoencoder), data=None)
    assert held.small.shape == (3, 5, 32, 32, 3)
    assert held.large.shape == (3, 5, 64, 64, 3)
    assert held.large.float().std() > 5
