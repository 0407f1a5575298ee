"""A service with accounts, on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event
from tests.purses import NAMES
from tests.stories.test_service_postgres import WHY, Postgres

from praxino.jobs import turns
from praxino.jobs.database import jobs
from praxino.jobs.settings import Settings
from praxino.jobs.turns import Database


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def db(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    settings = Settings(data=tmp_path_factory.mktemp("credits"), accounts=True, queued=10_000, tenant_queued=1000)
    if request.param == "sqlite":
        opened = _hasty(turns.opened(settings), "PRAGMA synchronous=OFF")
        yield opened
        opened.engine.dispose()
        return
    if WHY is not None:
        pytest.skip(WHY)
    postgres = Postgres()
    try:
        postgres.make()
        opened = _hasty(turns.opened(replace(settings, database=postgres.url)), "SET synchronous_commit=off")
        yield opened
        opened.engine.dispose()
    finally:
        postgres.remove()


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
