"""UniPC is what diffusers computes, of order two, and keeps what is known."""

from typing import Literal

import pytest
import torch
from diffusers import UniPCMultistepScheduler
from torch import Tensor

from praxino.flow import unipc
from praxino.flow.config import SampleConfig
from praxino.flow.sample import sample

SHAPE = (2, 3, 4, 4, 2)
TICKS = 1000


def network(latents: Tensor, time: Tensor, _now: float) -> Tensor:
    """Some velocity that bends."""
    when = time[:, :, None, None, None].to(latents)
    return latents.sin() + (3 * when).cos() * latents.roll(1, 2) - 0.5 * when


def theirs(noise: Tensor, *, steps: int, shift: float) -> tuple[Tensor, list[int]]:
    """What diffusers makes of the noise by the same network, and the times that it tells it."""
    scheduler = UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=shift)
    scheduler.set_timesteps(steps)
    for step in scheduler.timesteps:
        time = torch.full(noise.shape[:2], float(step) / TICKS, dtype=noise.dtype)
        noise = scheduler.step(network(noise, time, 0.0), step, noise, return_dict=False)[0]
    return noise, scheduler.timesteps.tolist()


def ours(clean: Tensor, config: SampleConfig, known: Tensor | None = None, *, seed: int = 0) -> Tensor:
    known = torch.zeros(clean.shape[:2], dtype=torch.bool) if known is None else known
    return sample(network, known, clean, config=config, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("dtype", "bound"), [(torch.float32, 3e-6), (torch.float64, 1e-6)])
@pytest.mark.parametrize("steps", [1, 2, 3, 8, 30])
@pytest.mark.parametrize("shift", [1.0, 3.0, 12.0])
def test_it_is_the_one_of_diffusers(dtype: torch.dtype, bound: float, steps: int, shift: float) -> None:
    config = SampleConfig(steps=steps, shift=shift, churn=0.0, solver="unipc", ticks=TICKS)
    noise = torch.randn(SHAPE, generator=torch.Generator().manual_seed(0)).to(dtype)
    want, _ = theirs(noise, steps=steps, shift=shift)
    got = ours(torch.zeros(SHAPE, dtype=dtype), config)
    assert float((got - want).abs().max() / want.abs().max()) < bound


@pytest.mark.parametrize("shift", [1.0, 3.0, 5.0, 8.0, 12.0])
def test_the_network_is_told_the_times_that_diffusers_tells_it(shift: float) -> None:
    for steps in range(1, 60):
        scheduler = UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=shift)
        scheduler.set_timesteps(steps)
        config = SampleConfig(steps=steps, shift=shift, churn=0.0, solver="unipc")
        said = [round(TICKS * unipc.told(time, TICKS)) for time in unipc.clock(config)[:-1]]
        assert said == scheduler.timesteps.tolist(), (steps, shift)


def clouds(latents: Tensor, time: Tensor, now: float) -> Tensor:
    """The velocity where what is clean has mean 2 and deviation 0.6, exactly."""
    centre, variance = (1 - now) * 2.0, ((1 - now) * 0.6) ** 2 + now**2
    return (now - (1 - now) * 0.36) / variance * (latents - centre) - 2.0


@pytest.mark.parametrize(("solver", "low", "high"), [("euler", 1.8, 2.2), ("unipc", 4.0, 6.0)])
def test_twice_the_steps_leave_at_most_a_fourth_of_the_error_and_half_of_eulers(
    solver: Literal["euler", "unipc"], low: float, high: float
) -> None:
    noise = torch.randn(SHAPE, generator=torch.Generator().manual_seed(0)).double()
    errors = []
    for steps in (20, 160):
        config = SampleConfig(steps=steps, shift=1.0, churn=0.0, solver=solver)
        known, clean = torch.zeros(SHAPE[:2], dtype=torch.bool), torch.zeros(SHAPE, dtype=torch.float64)
        got = sample(clouds, known, clean, config=config, generator=torch.Generator().manual_seed(0))
        errors.append(float((got - (2.0 + 0.6 * noise)).abs().max()))
    assert low < (errors[0] / errors[1]) ** (1 / 3) < high, errors


def test_known_frames_come_back_bit_for_bit_and_the_same_seed_makes_the_same() -> None:
    config = SampleConfig(steps=5, churn=0.0, solver="unipc", ticks=TICKS)
    known, clean = torch.tensor([[True, False, False], [False, False, True]]), torch.randn(SHAPE)
    one, again, other = (ours(clean, config, known, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(one[known], clean[known])
    assert torch.equal(one, again)
    assert not torch.equal(one[~known], other[~known])


@pytest.mark.parametrize("solver", ["euler", "unipc"])
def test_a_known_frame_is_seen_clean_with_the_time_of_clean_frames(solver: Literal["euler", "unipc"]) -> None:
    known, clean = torch.tensor([[True, False]]), torch.randn(1, 2, 2, 2, 1)
    asked: list[Tensor] = []

    def looking(latents: Tensor, time: Tensor, now: float) -> Tensor:
        assert torch.equal(latents[known], clean[known])
        asked.append(time)
        return network(latents, time, now)

    config = SampleConfig(steps=4, churn=0.0, solver=solver)
    sample(looking, known, clean, config=config, generator=torch.Generator().manual_seed(0))
    times = torch.cat(asked)
    assert (times[:, 0] == 0).all()
    assert (times[1:, 1] < times[:-1, 1]).all()
    assert len(times) == 4


def still(latents: Tensor, _time: Tensor, _now: float) -> Tensor:
    return torch.zeros_like(latents)


def test_a_walk_from_the_middle_begins_with_what_is_there() -> None:
    config = SampleConfig(steps=20, churn=0.0, solver="unipc", since=0.3)
    times = unipc.clock(config)
    assert (times[0], times[-1]) == (0.3, 0.0)
    assert 2 < len(times) < 21
    clean = 5 + torch.zeros(SHAPE)
    known = torch.zeros(SHAPE[:2], dtype=torch.bool)
    got = sample(still, known, clean, config=config, generator=torch.Generator().manual_seed(0))
    assert float(got.mean()) == pytest.approx(0.7 * 5, abs=0.2)


def test_fresh_noise_on_the_way_is_refused() -> None:
    with pytest.raises(ValueError, match=r"churn 0\.7 must be 0 with UniPC"):
        SampleConfig(solver="unipc")
