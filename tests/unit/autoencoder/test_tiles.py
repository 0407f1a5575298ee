"""Frames decoded tile by tile."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from praxino.autoencoder import config
from praxino.autoencoder.model import Autoencoder
from praxino.autoencoder.tiles import Tiling, decoder, runs
from praxino.autoencoder.wan import WanAutoencoder
from praxino.autoencoder.wan_config import WanAutoencoderConfig


def awake(network: torch.nn.Module) -> torch.nn.Module:
    """Random weights where training would have left some: zeros hide mistakes."""
    generator = torch.Generator().manual_seed(0)
    for p in network.parameters():
        if p.abs().max() == 0:
            torch.nn.init.normal_(p, std=0.1, generator=generator)
    return network.eval().requires_grad_(False)


def ours() -> Autoencoder:
    torch.manual_seed(0)
    return awake(Autoencoder(config.tiny())).double()  # pyright: ignore[reportReturnType]


def off(got: torch.Tensor, want: torch.Tensor) -> float:
    return float((got - want).norm() / want.norm())


@pytest.mark.parametrize("tiling", [Tiling(most=14), Tiling(most=16, shared=7)])
def test_tiles_that_share_enough_make_what_the_whole_makes(tiling: Tiling) -> None:
    autoencoder, state = ours(), dict[str, torch.Tensor]()
    latents = torch.randn(1, 4, 23, 37, 8, generator=torch.Generator().manual_seed(1)).double()
    cut = decoder(autoencoder, tiling)
    for piece in latents.split([1, 2, 1], 1):
        whole = autoencoder.decode(piece, state=state)
        torch.testing.assert_close(cut(piece), whole, rtol=1e-12, atol=1e-12)


def test_tiles_that_share_less_are_blended() -> None:
    autoencoder = ours()
    latents = torch.randn(1, 2, 30, 30, 8, generator=torch.Generator().manual_seed(1)).double()
    whole = autoencoder.decode(latents)
    by = [off(decoder(autoencoder, Tiling(most=12, shared=n))(latents), whole) for n in (0, 2)]
    assert 0 < by[1] < by[0]


def test_wans_tiles_are_blended_within_a_bound() -> None:
    torch.manual_seed(0)
    settings = WanAutoencoderConfig(
        latents_mean=(0.0,) * 4, latents_std=(1.0,) * 4, base_dim=4, z_dim=4, dim_mult=(1, 2, 2, 2), num_res_blocks=1
    )
    vae = awake(WanAutoencoder(settings))
    latents = torch.randn(1, 2, 12, 20, 4, generator=torch.Generator().manual_seed(1))
    whole, cut = vae.decode(latents), decoder(vae, Tiling(most=14, shared=8))(latents)
    assert cut.shape == whole.shape
    assert 0 < off(cut, whole) < 0.05  # of white noise; with nothing shared it is 0.3


def test_tiles_that_share_all_they_have_are_refused() -> None:
    with pytest.raises(ValueError, match="tiles of 8 latents cannot share 8; try 2"):
        decoder(ours(), Tiling(most=8, shared=8))


@given(count=st.integers(1, 90), most=st.integers(4, 30), times=st.integers(1, 4), sharp=st.booleans(), data=st.data())
def test_shares_of_tiles_add_up_to_one(count: int, most: int, times: int, sharp: bool, data: st.DataObject) -> None:
    shared = data.draw(st.integers(0, most - 1))
    total = torch.zeros(count * times)
    for run in runs(count, most=most, shared=shared, sharp=sharp, times=times):
        assert 0 < run.end - run.begin <= most
        assert run.share.min() >= 0
        total[run.begin * times : run.end * times] += run.share
    torch.testing.assert_close(total, torch.ones_like(total))
