"""The parser: what is truly to be seen, what the eye's fields say, and what is one thing from frame to frame."""

import numpy as np
import torch

from praxino.evaluation.eye import COLOURS, KINDS, Eye, EyeConfig, Fields
from praxino.evaluation.parse import Spot, found, link
from praxino.evaluation.sight import sight
from praxino.evaluation.teach import eye_loss, pictures
from praxino.world import physics, render
from praxino.world.sampling import sample


def test_the_middle_and_the_radius_of_a_ball_are_those_of_its_pixels() -> None:
    balls = 0
    for seed in range(30):
        scene = sample(seed, rung="one")
        if scene.things[0].shape != "sphere":
            continue
        motion = physics.simulate(scene, frames=40).part(39)
        _, ids = render.render(scene, motion, width=256, height=144, masks=True)
        true = sight(scene, motion, ids)
        if not true.seen[0, 0]:
            continue
        rows, columns = np.nonzero(ids[0] == 1)
        assert abs(columns.mean() + 0.5 - true.places[0, 0, 0] * 144) < 1
        assert abs(rows.mean() + 0.5 - true.places[0, 0, 1] * 144) < 1
        assert abs(np.sqrt(len(rows) / np.pi) / (true.radii[0, 0] * 144) - 1) < 0.1
        balls += 1
    assert balls > 5


def test_furniture_and_what_is_behind_it_are_not_seen() -> None:
    scene = next(s for s in (sample(n) for n in range(500)) if s.story.action == "is hidden")
    motion = physics.simulate(scene, frames=120)
    _, ids = render.render(scene, motion, width=128, height=72, masks=True)
    true = sight(scene, motion, ids)
    assert len(true.things) == 1
    assert true.seen[0, 0]
    assert not true.seen.all(), "it passes behind the wall"


def test_fields_that_tell_the_truth_are_found_again() -> None:
    middle, place = torch.full((1, 36, 64), -9.0), torch.zeros(1, 36, 64, 3)
    kinds = {kind: torch.zeros(1, 36, 64, len(names)) for kind, names in KINDS.items()}
    middle[0, 10, 20], middle[0, 10, 21], middle[0, 30, 50] = 4.0, 2.0, 3.0  # the second is the first one's slope
    place[0, 10, 20] = torch.tensor([0.25, 0.75, np.log(3.0)])
    kinds["colour"][0, 10, 20, COLOURS.index("blue")] = 8.0
    spots = found(Fields(middle=middle, place=place, kinds=kinds), 0)
    assert len(spots) == 2
    np.testing.assert_allclose(spots[0].place * 36, [20.25, 10.75], rtol=1e-6)
    assert abs(spots[0].radius * 36 - 3) < 1e-5
    assert COLOURS[int(spots[0].kinds["colour"].argmax())] == "blue"


def spot(x: float, colour: str) -> Spot:
    sure = {kind: np.full(len(names), 1 / len(names)) for kind, names in KINDS.items()}
    sure["colour"] = np.eye(len(COLOURS))[COLOURS.index(colour)]
    return Spot(place=np.array([x, 0.5]), radius=0.08, likely=0.9, kinds=sure)


def test_things_that_cross_stay_themselves() -> None:
    seen = [[spot(0.2 + 0.02 * t, "red"), spot(1.4 - 0.02 * t, "blue")] for t in range(60)]
    seen = [now if t % 2 else now[::-1] for t, now in enumerate(seen)]
    tracks = link(seen)
    assert sorted(track.name("colour") for track in tracks) == ["blue", "red"]
    assert all(len(track.frames) == 60 for track in tracks)
    assert all(np.ptp([s.kinds["colour"].argmax() for s in track.spots]) == 0 for track in tracks)


def test_a_thing_that_was_hidden_is_the_same_when_it_comes_back() -> None:
    seen = [[] if 20 < t < 45 else [spot(0.2 + 0.015 * t, "green")] for t in range(80)]
    assert len(link(seen)) == 1
    seen = [[spot(0.2, "green")] if t < 20 else [spot(1.2, "green")] for t in range(60)]
    assert len(link(seen)) == 2, "no thing jumps across the picture"


def test_an_eye_learns_what_it_is_shown() -> None:
    torch.manual_seed(0)
    shown = [one for seed in (4_000_000_000, 4_000_000_005) for one in pictures(seed)]
    eye = Eye(EyeConfig(width=16, depth=1))
    frames = torch.from_numpy(np.stack([one.frame for one in shown])).float() / 127.5 - 1
    optimizer, losses = torch.optim.AdamW(eye.parameters(), lr=5e-3), []
    for _ in range(25):
        loss = eye_loss(eye(frames), shown)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]
