"""What must never break in the networks."""

import pytest
import torch

from praxino.autoencoder import config as autoencoder_config
from praxino.autoencoder.model import Autoencoder
from praxino.flow.config import SampleConfig
from praxino.flow.guide import guide
from praxino.flow.loss import novelty
from praxino.flow.path import ends, hold, mix, velocity
from praxino.flow.sample import sample
from praxino.layers import attention, precision, rope
from praxino.layers.attention import attend, attend_slowly
from praxino.layers.gelu import gelu, gelu_slowly
from praxino.transformer import config as transformer_config
from praxino.transformer.cache import Cache
from praxino.transformer.config import TransformerConfig
from praxino.transformer.model import LEAST, Transformer
from praxino.transformer.wan import from_diffusers


def _awake(network: torch.nn.Module) -> torch.nn.Module:
    """Random weights where training would have left some: zeros hide mistakes."""
    torch.manual_seed(0)
    for p in network.parameters():
        if p.abs().max() == 0:
            torch.nn.init.normal_(p, std=0.1)
    return network.double().eval()


def _transformer(**changes: object) -> Transformer:
    settings = transformer_config.tiny().__dict__ | changes
    return _awake(Transformer(TransformerConfig(**settings)))  # pyright: ignore[reportReturnType, reportArgumentType]


def _text(b: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    mask = torch.ones(b, 5, dtype=torch.bool)
    mask[:, 3:] = False
    return torch.randn(b, 5, 32, generator=torch.Generator().manual_seed(2)).double(), mask


@pytest.mark.parametrize(("window", "sink"), [(1, 0), (2, 1), (1, 1)])
@torch.inference_mode()
def test_cached_roll_out_equals_uncached(window: int, sink: int) -> None:
    model, text = _transformer(window=window, sink=sink), _text()
    latents, time = torch.randn(1, 9, 3, 4, 8).double(), torch.rand(1, 9).double()
    whole, cache, pieces = model(latents, time, text), Cache(), []
    for start in range(0, 9, 2):
        span = slice(start, start + 2)
        pieces.append(model(latents[:, span], time[:, span], text, start=start, cache=cache, remember=True))
    torch.testing.assert_close(torch.cat(pieces, 1), whole)
    assert len(cache.chunks) <= window + sink, "memory grows with the film"


@pytest.mark.parametrize(("chunk", "window", "sink"), [(1, 3, 0), (2, 1, 0), (2, 2, 1)])
@torch.inference_mode()
def test_what_is_taught_at_once_is_what_a_roll_out_sees(chunk: int, window: int, sink: int) -> None:
    model, text = _transformer(chunk=chunk, window=window, sink=sink), _text()
    clean, latents = torch.randn(1, 7, 3, 4, 8).double(), torch.randn(1, 7, 3, 4, 8).double()
    when, time = 0.1 * torch.rand(1, 7).double(), torch.rand(1, 7).double()
    made = model.taught(latents, time, text, past=(clean, when))
    cache, pieces = Cache(), []
    for start in range(0, 7, chunk):
        span = slice(start, start + chunk)
        pieces.append(model.outlook(latents[:, span], time[:, span], text, start=start, cache=cache))
        model(clean[:, span], when[:, span], text, start=start, cache=cache, remember=True)
    torch.testing.assert_close(made.velocity, torch.cat([piece.velocity for piece in pieces], 1))
    for mine, theirs in ((made.past, [p.past for p in pieces]), (made.open, [p.open for p in pieces])):
        torch.testing.assert_close(mine, torch.cat(theirs, 1))


@torch.inference_mode()
def test_no_chunk_sees_a_later_one() -> None:
    model, text = _transformer(), _text()
    latents, time = torch.randn(1, 6, 3, 4, 8).double(), torch.rand(1, 6).double()
    before = model(latents, time, text)
    latents[:, 4:] += 1
    torch.testing.assert_close(model(latents, time, text)[:, :4], before[:, :4], rtol=0, atol=0)


@torch.inference_mode()
def test_padding_of_the_text_changes_nothing() -> None:
    model, (words, mask) = _transformer(), _text()
    latents, time = torch.randn(1, 2, 3, 4, 8).double(), torch.rand(1, 2).double()
    short = model(latents, time, (words[:, :3], mask[:, :3]))
    torch.testing.assert_close(model(latents, time, (words, mask)), short)


@torch.inference_mode()
def test_a_latent_that_nothing_is_new_in_is_the_one_before_even_out_of_noise() -> None:
    model, text = _transformer(chunk=1), _text()
    torch.nn.init.zeros_(model.patch_out.weight)
    torch.nn.init.zeros_(model.patch_out.bias)
    torch.nn.init.constant_(model.open_out.bias, -100.0)
    latents, time = torch.randn(1, 2, 3, 4, 8).double(), torch.tensor([[0.0, 1.0]]).double()
    clean = latents[:, 1] - model(latents, time, text)[:, 1]
    torch.testing.assert_close(clean, (1 - LEAST) ** 0.5 * latents[:, 0])


def test_novelty_is_least_at_the_true_share() -> None:
    generator, std = torch.Generator().manual_seed(0), torch.tensor([0.5, 2.0])
    past, fresh = (torch.randn(1, 1, 100, 100, 2, generator=generator) * std for _ in range(2))
    shares, known = (0.02, 0.1, 0.3, 0.6, 1.0), torch.zeros(1, 1, dtype=torch.bool)
    for true in shares:
        clean = (1 - true) ** 0.5 * past + true**0.5 * fresh
        found = [novelty(clean, past, torch.full_like(past, share), known=known, std=std) for share in shares]
        assert shares[int(torch.stack(found).argmin())] == true


@torch.inference_mode()
def test_encoding_and_decoding_in_pieces_equals_doing_it_at_once() -> None:
    model = _awake(Autoencoder(autoencoder_config.tiny()))
    assert isinstance(model, Autoencoder)
    frames = torch.randn(1, 1 + 4 * 5, 16, 24, 3).double()
    latents = model.encode(frames)
    assert latents.shape == (1, 6, 2, 3, 8)
    state: dict[str, torch.Tensor] = {}
    pieces = [model.encode(frames[:, a:z], state=state) for a, z in ((0, 1), (1, 13), (13, 21))]
    torch.testing.assert_close(torch.cat(pieces, 1), latents)
    whole, state = model.decode(latents), {}
    parts = [model.decode(latents[:, a:z], state=state) for a, z in ((0, 1), (1, 4), (4, 6))]
    torch.testing.assert_close(torch.cat(parts, 1), whole)
    assert whole.shape == frames.shape


@torch.inference_mode()
def test_bfloat16_weights_compute_nearly_what_float32_ones_do() -> None:
    model = _transformer().float()
    latents, time = torch.randn(1, 4, 3, 4, 8), torch.rand(1, 4)
    words, mask = _text()
    fine = model(latents, time, (words.float(), mask))
    coarse = model.bfloat16()(latents, time, (words.bfloat16(), mask))
    assert coarse.dtype == torch.float32, "noise and clean are mixed in the latents' own precision"
    assert (coarse - fine).square().mean() < 1e-3 * fine.square().mean()
    coder = _awake(Autoencoder(autoencoder_config.tiny())).float()
    frames = torch.rand(1, 9, 16, 16, 3) * 2 - 1
    back = coder.decode(coder.encode(frames))
    again = coder.bfloat16().decode(coder.encode(frames)).float()
    assert (again - back).square().mean() < 1e-3 * back.square().mean()


def test_frames_that_do_not_fill_latents_are_refused() -> None:
    with pytest.raises(ValueError, match="4 frames must be 1 \\+ a multiple of 4"):
        Autoencoder(autoencoder_config.tiny()).encode(torch.zeros(1, 4, 16, 16, 3))


def test_products_in_the_fastest_precision_are_those_of_float32_nearly() -> None:
    model, (words, mask) = _transformer().float(), _text()
    latents, time, text = torch.randn(1, 4, 3, 4, 8), torch.rand(1, 4), (words.float(), mask)
    exact = model(latents, time, text)
    with precision.mixed("cpu"):
        mixed = model(latents, time, text)
    assert mixed.dtype == torch.float32, "latents stay as fine as they were"
    assert (mixed - exact).square().mean() < 1e-3 * exact.square().mean()


def test_the_fast_attention_equals_the_slow_one() -> None:
    q, k, v = (torch.randn(2, 3, n, 16).double() for n in (5, 7, 7))
    torch.testing.assert_close(attend(q, k, v), attend_slowly(q, k, v))
    mask = torch.tensor([[True] * 4 + [False] * 3, [True] * 7])[:, None, None]
    torch.testing.assert_close(attend(q, k, v, mask=mask), attend_slowly(q, k, v, mask=mask))
    q, k, v = (x.bfloat16() for x in (q, k, v))
    with torch.no_grad():
        made = attend(q, k, v, mask=mask)
    taught = attend(q, k, v, mask=mask)
    torch.testing.assert_close(taught, made, rtol=0, atol=0.03)


def test_attention_by_tiles_is_that_of_all_queries_at_once_and_of_each_sample_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(attention, "TILE", 3 * 130 * 70)
    q, k, v = (torch.randn(2, n, 3, 16).transpose(1, 2).double() for n in (200, 130, 130))
    mask = (torch.rand(2, 130) < 0.7)[:, None, None]
    torch.testing.assert_close(attention.attend_by_tiles(q, k, v), attend_slowly(q, k, v))
    torch.testing.assert_close(attention.attend_by_tiles(q, k, v, mask=mask), attend_slowly(q, k, v, mask=mask))
    q, k, v = (x.bfloat16() for x in (q, k, v))
    exact = attend_slowly(q.double(), k.double(), v.double())
    together = attention.attend_by_tiles(q, k, v)
    assert (together - exact).norm() < 0.01 * exact.norm(), "about as exact as bfloat16 is"
    for i in range(2):
        assert torch.equal(attention.attend_by_tiles(q[i : i + 1], k[i : i + 1], v[i : i + 1]), together[i : i + 1])


def test_pairs_of_channels_turn_by_their_angles() -> None:
    angle = rope.angles((0, 7), size=(2, 3), channels=16)
    x = torch.randn(2, 3, 12, 16)
    want = torch.view_as_real(torch.view_as_complex(x.unflatten(-1, (-1, 2))) * torch.polar(torch.ones(12, 8), angle))
    torch.testing.assert_close(rope.rotate(x, rope.turning(angle)), want.flatten(-2))


def test_the_fast_gelu_equals_the_slow_one_as_far_as_its_precision_goes() -> None:
    x = torch.linspace(-8, 8, 4001, dtype=torch.float64)
    torch.testing.assert_close(gelu(x), gelu_slowly(x))
    rough = x.bfloat16()
    rounded = gelu_slowly(rough.double()).bfloat16().double() - gelu_slowly(rough.double())
    error = gelu(rough).double() - gelu_slowly(rough.double())
    assert error.square().mean() < 1.1 * rounded.square().mean()


def test_known_frames_come_back_bit_for_bit() -> None:
    known = torch.tensor([[True, False, False, True]])
    clean = torch.randn(1, 4, 2, 2, 3)
    generator = torch.Generator().manual_seed(0)
    out = sample(lambda x, t, now: x * 0.5, known, clean, config=SampleConfig(steps=4), generator=generator)
    assert torch.equal(out[known], clean[known])
    assert not torch.equal(out[~known], clean[~known])


def test_the_sampler_finds_what_a_perfect_network_points_to() -> None:
    target = torch.randn(1, 3, 2, 2, 4)
    known = torch.zeros(1, 3, dtype=torch.bool)
    generator = torch.Generator().manual_seed(0)

    def perfect(latents: torch.Tensor, time: torch.Tensor, now: float) -> torch.Tensor:
        return (latents - target) / now

    out = sample(perfect, known, torch.zeros_like(target), config=SampleConfig(steps=8), generator=generator)
    torch.testing.assert_close(out, target, atol=1e-5, rtol=1e-5)


def test_a_walk_from_the_middle_begins_with_what_is_there() -> None:
    clean, known = torch.full((1, 2, 2, 2, 4), 3.0), torch.zeros(1, 2, dtype=torch.bool)
    asked: list[float] = []

    def still(latents: torch.Tensor, time: torch.Tensor, now: float) -> torch.Tensor:
        if not asked:
            assert abs(latents.mean().item() - (1 - 0.2) * 3.0) < 0.3
        asked.append(now)
        return torch.zeros_like(latents)

    config = SampleConfig(steps=36, since=0.2)
    sample(still, known, clean, config=config, generator=torch.Generator().manual_seed(0))
    assert asked[0] == pytest.approx(0.2)
    assert asked == sorted(asked, reverse=True)
    assert 1 < len(asked) < 10


def test_path_and_velocity_agree() -> None:
    clean, noise, time = torch.randn(2, 3, 2, 2, 4), torch.randn(2, 3, 2, 2, 4), torch.rand(2, 3)
    back, forth = ends(mix(clean, noise, time), velocity(clean, noise), time)
    torch.testing.assert_close(back, clean, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(forth, noise, atol=1e-5, rtol=1e-4)
    assert torch.equal(hold(time, torch.ones(2, 3, dtype=torch.bool)), torch.zeros(2, 3))


def test_guidance_goes_past_the_wanted_without_making_what_is_there_stronger() -> None:
    latents, wanted, unwanted = (torch.randn(2, 3, 2, 2, 4, dtype=torch.float64) for _ in range(3))
    time = torch.rand(2, 3, dtype=torch.float64)
    torch.testing.assert_close(guide(wanted, unwanted, latents, time, scale=1.0), wanted)
    guess, further = (ends(latents, guide(wanted, unwanted, latents, time, scale=k), time)[0] for k in (1.0, 4.0))
    torch.testing.assert_close((further * guess).sum((2, 3, 4)), guess.square().sum((2, 3, 4)))
    assert (further - guess).abs().mean() > 0.1
    brighter = wanted + 0.5 * guess
    torch.testing.assert_close(guide(wanted, brighter, latents, time, scale=4.0), wanted)
    still = torch.zeros_like(latents)
    assert guide(still, still, still, time, scale=4.0).isfinite().all()


@torch.inference_mode()
def test_a_wan_transformer_converted_from_diffusers_computes_what_diffusers_computes() -> None:
    from diffusers import WanTransformer3DModel

    torch.manual_seed(0)
    theirs = WanTransformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=24, in_channels=4, out_channels=4,
        text_dim=32, freq_dim=256, ffn_dim=64, num_layers=2, rope_max_seq_len=32,
    ).eval()  # fmt: skip
    config = TransformerConfig(
        width=48, depth=2, heads=2, ffn=64, latent_channels=4, text_channels=32, patch=2,
        chunk=21, marks_first=False, pools_text=False, preconditioned=False,
    )  # fmt: skip
    ours = Transformer(config).eval()
    ours.load_state_dict(from_diffusers(theirs.state_dict()))
    latents, words = torch.randn(2, 4, 3, 6, 8), torch.randn(2, 7, 32)
    want = theirs(latents, torch.tensor([700, 700]), words, return_dict=False)[0]
    mask = torch.ones(2, 7, dtype=torch.bool)
    got = ours(latents.permute(0, 2, 3, 4, 1), torch.full((2, 3), 0.7), (words, mask))
    torch.testing.assert_close(got.permute(0, 4, 1, 2, 3), want, atol=2e-5, rtol=1e-4)
