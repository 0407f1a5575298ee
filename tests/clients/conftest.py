"""A live server for other people's clients."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.service import Server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("clients"), tiny_model, more={"PRAXINO_PRIVATE_WEBHOOKS": "1"})
    try:
        made.start()
        yield made
    finally:
        made.kill()


@pytest.fixture(scope="session")
def key(server: Server) -> str:
    return server.key("ann")
