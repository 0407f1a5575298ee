"""A model on disk, whole or not at all."""

import json
from pathlib import Path

import pytest
import torch

from praxino import checkpoint

CONFIG = {"format": 1, "name": "mine", "card": {"sizes": [[64, 64]], "words": ["红色"]}}


def tensors(value: float = 1.0) -> dict[str, torch.Tensor]:
    return {"a.weight": torch.full((2, 3), value), "b": torch.arange(4).bfloat16()}


def test_a_checkpoint_opens_as_it_was_saved(tmp_path: Path):
    checkpoint.save(tmp_path / "m", tensors(), CONFIG, {"tokenizer.json": b"{}"})
    held, about = checkpoint.load(tmp_path / "m")
    assert about == CONFIG
    assert held.keys() == tensors().keys()
    assert all(
        torch.equal(held[name], tensor) and held[name].dtype == tensor.dtype for name, tensor in tensors().items()
    )
    assert (tmp_path / "m" / "tokenizer.json").read_bytes() == b"{}"


def test_saving_replaces_the_model_and_leaves_other_files(tmp_path: Path):
    checkpoint.save(tmp_path, tensors(), CONFIG)
    (tmp_path / "log.jsonl").write_text("kept")
    before = checkpoint.digest(tmp_path)
    checkpoint.save(tmp_path, tensors(2.0), CONFIG | {"name": "new"})
    assert checkpoint.card(tmp_path)["name"] == "new"
    assert checkpoint.digest(tmp_path) != before
    assert (tmp_path / "log.jsonl").read_text() == "kept"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", "log.jsonl", "weights.safetensors"]


def test_a_save_that_fails_leaves_the_old_model(tmp_path: Path):
    checkpoint.save(tmp_path, tensors(), CONFIG)
    with pytest.raises(ValueError, match="Out of range float"):
        checkpoint.save(tmp_path, tensors(2.0), CONFIG | {"loss": float("nan")})
    held, about = checkpoint.load(tmp_path)
    assert about == CONFIG
    assert held["a.weight"][0, 0] == 1
    assert len(list(tmp_path.iterdir())) == 2


def test_a_save_that_a_crash_cut_short_is_finished_by_the_next_reader(tmp_path: Path):
    checkpoint.save(tmp_path / "old", tensors(), CONFIG)
    checkpoint.save(tmp_path / "new", tensors(2.0), CONFIG | {"name": "new"})
    (tmp_path / "old" / ".saved").mkdir()
    for name in ("weights.safetensors", "config.json"):
        (tmp_path / "new" / name).rename(tmp_path / "old" / ".saved" / name)
    held, about = checkpoint.load(tmp_path / "old")
    assert (about["name"], held["a.weight"][0, 0].item()) == ("new", 2.0)
    assert not (tmp_path / "old" / ".saved").exists()


def test_the_digest_is_that_of_the_weights(tmp_path: Path):
    checkpoint.save(tmp_path / "a", tensors(), CONFIG)
    checkpoint.save(tmp_path / "b", tensors(), CONFIG | {"name": "other"})
    assert checkpoint.digest(tmp_path / "a") == checkpoint.digest(tmp_path / "b")
    assert len(checkpoint.digest(tmp_path / "a")) == 16


def test_a_folder_is_found_by_its_path(tmp_path: Path):
    checkpoint.save(tmp_path / "m", tensors(), CONFIG)
    assert checkpoint.find(str(tmp_path / "m")) == tmp_path / "m"


def test_every_model_that_ships_is_found_by_its_name():
    for folder in checkpoint.list_models():
        assert checkpoint.find(folder.name) == folder


def test_a_model_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="model 'nothing-like-it' does not exist; choose"):
        checkpoint.find("nothing-like-it")


def test_a_folder_without_weights_is_refused(tmp_path: Path):
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    with pytest.raises(ValueError, match="holds no weights.safetensors"):
        checkpoint.find(str(tmp_path))


@pytest.mark.parametrize("text", ["{", "[]", '{"format": 2}', "{}", "\xff"])
def test_a_config_that_cannot_be_used_is_refused(tmp_path: Path, text: str):
    (tmp_path / "config.json").write_text(text, encoding="latin-1")
    with pytest.raises(ValueError, match=r"config\.json"):
        checkpoint.card(tmp_path)


def test_broken_weights_are_refused(tmp_path: Path):
    checkpoint.save(tmp_path, tensors(), CONFIG)
    (tmp_path / "weights.safetensors").write_bytes(b"\0" * 100)
    with pytest.raises(ValueError, match="cannot be read"):
        checkpoint.load(tmp_path)


def test_a_config_without_its_format_is_not_saved(tmp_path: Path):
    with pytest.raises(ValueError, match="this version writes 1"):
        checkpoint.save(tmp_path, tensors(), {"name": "x"})
