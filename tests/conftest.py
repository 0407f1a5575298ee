"""What several tests need: a tiny model with random weights, and small films to start from."""

import os
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(autouse=True, scope="session")
def _cache_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What films cost here is no one else's business: quotes rest on it. Nor is the key that they are signed with."""
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))
    os.environ["XDG_STATE_HOME"] = str(tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a whole tiny model; its weights are random, its films noise."""
    import torch

    from praxino import checkpoint, config
    from praxino.autoencoder.model import Autoencoder
    from praxino.critic.model import Critic
    from praxino.text import vocabulary
    from praxino.text.encoder import TextEncoder
    from praxino.training import recipes
    from praxino.transformer.model import Transformer

    torch.manual_seed(0)
    recipe = recipes.tiny()
    words = vocabulary.learn(["a red ball rolls", "一个红色的球"], size=400)
    networks = {
        "autoencoder": Autoencoder(recipe.autoencoder),
        "text": TextEncoder(recipe.text),
        "transformer": Transformer(recipe.transformer),
    }
    torch.nn.init.normal_(networks["transformer"].patch_out.weight, std=0.05)
    networks["critic"] = Critic(recipe.critic)
    tensors = {f"{name}.{k}": v for name, network in networks.items() for k, v in network.state_dict().items()}
    about = {name: config.to_json(network.config) for name, network in networks.items()}
    card = {"sizes": [[64, 48], [48, 64]], "fps": 30, "rung": "one", "words": ["a", "red", "ball", "rolls"], "steps": 4}
    folder = tmp_path_factory.mktemp("models") / "tiny"
    about |= {"format": 1, "name": "tiny", "card": card}
    checkpoint.save(folder, tensors, about, {"tokenizer.json": words.to_bytes()})
    return folder


@pytest.fixture(scope="session")
def gradient() -> np.ndarray:
    """A smooth clip (25, 96, 128, 3) uint8 with a square that moves."""
    rows, columns = np.mgrid[:96, :128]
    clip = np.stack([np.stack([columns + 60, rows + 60, np.full_like(rows, 90)], -1)] * 25).astype(np.uint8)
    for i, frame in enumerate(clip):
        frame[30:50, 10 + 3 * i : 30 + 3 * i] = (220, 40, 40)
    return clip
