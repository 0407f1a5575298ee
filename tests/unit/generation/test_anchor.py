"""Tones are drawn to those of the beginning, and nothing else is touched."""

import torch
from torch import Tensor

from praxino.generation.anchor import OPENING, Anchor


def latents(seed: int, *, mean: float = 0.0, spread: float = 1.0, count: int = 1) -> Tensor:
    noise = torch.randn((1, count, 6, 8, 3), generator=torch.Generator().manual_seed(seed))
    return mean + spread * noise


def begun(strength: float = 0.5) -> Anchor:
    anchor = Anchor(strength)
    for seed in range(OPENING):
        anchor.see(latents(seed), "a ball")
    return anchor


def new(count: int = 1) -> Tensor:
    return torch.zeros(count, dtype=torch.bool)


def test_what_grows_is_drawn_back_and_what_is_as_it_was_hardly_moves() -> None:
    loud = latents(9, mean=2.0, spread=3.0)
    drawn = begun().draw(loud, "a ball", known=new())
    assert drawn.mean() < 0.6 * loud.mean()
    assert drawn.std() < 0.7 * loud.std()
    usual = latents(10)
    assert (begun().draw(usual, "a ball", known=new()) - usual).abs().mean() < 0.15


def test_what_is_quieter_is_not_made_louder() -> None:
    quiet = latents(9, spread=0.2)
    assert begun(1.0).draw(quiet, "a ball", known=new()).std() <= quiet.std() + 1e-3


def test_known_latents_stay_bit_for_bit() -> None:
    loud, known = latents(9, mean=2.0, count=2), torch.tensor([True, False])
    drawn = begun().draw(loud, "a ball", known=known)
    assert torch.equal(drawn[:, 0], loud[:, 0])
    assert not torch.equal(drawn[:, 1], loud[:, 1])


def test_other_words_begin_anew_and_a_beginning_is_left_alone() -> None:
    anchor, loud = begun(), latents(9, mean=2.0)
    assert torch.equal(anchor.draw(loud, "a cube", known=new()), loud)
    for _ in range(OPENING):
        anchor.see(loud, "a cube")
    assert torch.allclose(anchor.draw(loud, "a cube", known=new()), loud, atol=1e-5)


def test_without_strength_nothing_is_drawn() -> None:
    loud = latents(9, mean=2.0, spread=3.0)
    assert torch.equal(begun(0.0).draw(loud, "a ball", known=new()), loud)
