"""A service with accounts, on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import event
from tests.postgres import settled
from tests.purses import NAMES

from praxino.jobs import turns
from praxino.jobs.database import jobs
from praxino.jobs.settings import Settings
from praxino.jobs.turns import Database


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def db(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    settings = Settings(data=tmp_path_factory.mktemp("credits"), accounts=True, queued=10_000, tenant_queued=1000)
    saying = {"sqlite": "PRAGMA synchronous=OFF", "postgresql": "SET synchronous_commit=off"}[request.param]
    with settled(request.param, settings) as there:
        opened = _hasty(turns.opened(there), saying)
        yield opened
        opened.engine.dispose()


@pytest.fixture
def ann(db: Database) -> str:
    """A person without credits; nobody else has a job."""
    with db.engine.begin() as connection:
        connection.execute(jobs.delete())
    return next(NAMES)


def _hasty(db: Database, saying: str) -> Database:
    """It does not wait for the disk: nobody pulls the plug here."""

    def hurry(connection: Any, _record: object) -> None:
        connection.execute(saying)
        connection.commit()

    event.listen(db.engine, "connect", hurry)
    db.engine.dispose()
    return db
