"""What is imported and exported again is a folder of which diffusers makes the same films."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DiffusionPipeline
from PIL import Image
from tests import wan
from tests.laws.test_wan_films import SIDE, asked, error
from torch import Tensor

from praxino import checkpoint
from praxino.cli.main import run
from praxino.generation import generate, wan_export, wan_import
from praxino.generation.frame import frame_of
from praxino.generation.parts import open_parts
from praxino.generation.prefix import prefix
from praxino.generation.rollout import _generator, rollout
from praxino.request import Request
from praxino.transformer.wan_import import Terms

BOUND = 1e-4
FILMS = (("words", 0), ("picture", 1), ("pictures", 2), ("5B", 0), ("turns", 0), ("turns, shown", 1))


def imported(place: Path, kind: str, source: Path | None = None, **sight: int) -> Path:
    source = source or wan.folder(place / "theirs", kind, by_unipc=True)
    into = place / ("again" if source.name == "back" else "ours")
    wan_import.bring(source, into, Terms(sight=tuple(sight.items())), wan_import.Whole(size=(SIDE, SIDE)))
    return into


def ours(request: Request, model: Path) -> tuple[Tensor, Tensor]:
    """The latents (1, t, h, w, c) of our film, and its noise."""
    parts = open_parts(model)
    known = prefix(request, parts, frame_of(SIDE, SIDE, parts.card.sizes))
    manner, score = generate._manner(request, parts, known), generate._score(request, parts, known)
    ((_, made),) = rollout(score, parts, manner=manner, done={}, step=lambda: None)
    return made, torch.randn(known.latents.shape, generator=_generator(request.seed, 0))


def theirs(folder: Path, request: Request, pictures: list[Image.Image], noise: Tensor) -> Tensor:
    """The latents of the film that diffusers makes of the folder as it is, but for what a request says."""
    pipe: Any = DiffusionPipeline.from_pretrained(folder)
    pipe.set_progress_bar_config(disable=True)
    card = json.loads((folder.parent / "ours" / "config.json").read_text())["card"]
    said: dict[str, Any] = {"guidance_scale": card["guidance"]}
    if card["walk"]["guidance_low"] is not None:
        said["guidance_scale_2"] = card["walk"]["guidance_low"]
    if pictures:
        said |= {"image": pictures[0], "last_image": pictures[1] if len(pictures) > 1 else None}
    return pipe(
        prompt=request.shots[0].prompt, negative_prompt=request.negative, height=SIDE, width=SIDE,
        num_frames=1 + 4 * (noise.shape[1] - 1), num_inference_steps=request.steps,
        latents=noise.permute(0, 4, 1, 2, 3), output_type="latent", **said,
    ).frames.permute(0, 2, 3, 4, 1)  # fmt: skip


@pytest.mark.parametrize(("kind", "given"), FILMS)
@torch.inference_mode()
def test_diffusers_makes_the_same_film_of_what_is_exported_and_it_comes_back_as_it_was(
    kind: str, given: int, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    pictures = [Image.fromarray(rng.integers(0, 255, (SIDE, SIDE, 3), np.uint8)) for _ in range(given)]
    files = [tmp_path / f"{number}.png" for number in range(given)]
    for picture, file in zip(pictures, files, strict=True):
        picture.save(file)
    model = imported(tmp_path, kind)
    assert run(["models", "export", str(model), "--into", str(tmp_path / "back")]) == 0
    request = asked(*files)
    made, noise = ours(request, model)
    assert error(made, theirs(tmp_path / "back", request, pictures, noise)) <= BOUND
    again = imported(tmp_path, kind, tmp_path / "back")
    assert checkpoint.digest(again) == checkpoint.digest(model)
    assert checkpoint.card(again)["card"] == checkpoint.card(model)["card"]
    assert checkpoint.card(again)["licence"] == {"id": "apache-2.0"}


def test_many_files_are_one_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = imported(tmp_path, "turns")
    monkeypatch.setattr(wan_export.wan, "SHARD", 10_000)
    wan_export.send(model, tmp_path / "back")
    assert len(list((tmp_path / "back" / "text_encoder").glob("model-*-of-*.safetensors"))) > 1
    assert checkpoint.digest(imported(tmp_path, "turns", tmp_path / "back")) == checkpoint.digest(model)
    assert DiffusionPipeline.from_pretrained(tmp_path / "back").transformer_2 is not None


def test_what_diffusers_cannot_make_in_the_same_way_is_a_transformer_alone(tmp_path: Path) -> None:
    model = imported(tmp_path, "words", chunk=3)
    assert wan_export.send(model, tmp_path / "back") == []
    assert sorted(file.name for file in (tmp_path / "back").iterdir()) == [
        "config.json", "diffusion_pytorch_model.safetensors",
    ]  # fmt: skip


def test_two_transformers_have_the_folders_of_wans_own_code(tmp_path: Path) -> None:
    model = imported(tmp_path, "turns")
    assert wan_export.send(model, tmp_path / "back", layout="original") == ["high_noise_model", "low_noise_model"]
    parts = wan_import.Whole(size=(SIDE, SIDE), parts=tmp_path / "theirs")
    wan_import.bring(tmp_path / "back", tmp_path / "again", Terms(accepted=True), parts)
    assert checkpoint.digest(tmp_path / "again") == checkpoint.digest(model)


def test_what_diffusers_opens_already_is_not_exported(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "config.json").write_text(json.dumps({"format": 1, "name": "m", "engine": "diffusers"}))
    with pytest.raises(ValueError, match="is a pipeline of another kind; its folder is what diffusers opens"):
        wan_export.send(tmp_path / "m", tmp_path / "back")
    assert not (tmp_path / "back").exists()
