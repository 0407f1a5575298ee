"""Where a service keeps things, and how much it takes on."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from praxino.jobs import guard
from praxino.jobs.guard import GuardSettings

VERSION = "1"
"""Of what jobs in the database mean; jobs of another version wait for workers of theirs."""

TOGETHER = 16
"""Films that a device makes at once, at most."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One service; the same on all its machines but for ``data``."""

    data: Path  # a folder of this machine: the database and the media by default, and scratch
    database: str | None = None  # postgresql://...; None: SQLite in ``data``
    storage: str | None = None  # s3://...; None: a folder in ``data``
    tenant_queued: int = 100  # jobs that a tenant may have waiting
    queued: int = 1000  # jobs that may wait in all
    keep_days: float = 30  # finished films and their jobs
    private_webhooks: bool = False  # whether webhooks may go to http and to this network
    accounts: bool = False  # whether people may apply and log in
    together: int = 1  # films that a device makes at once
    guard: GuardSettings = field(default_factory=GuardSettings)  # what is not made here

    @property
    def database_url(self) -> str:
        """As SQLAlchemy writes it."""
        if self.database is None:
            return f"sqlite:///{self.data.absolute() / 'praxino.sqlite'}"
        scheme, _, rest = self.database.partition("://")
        return f"postgresql+psycopg://{rest}" if scheme in {"postgres", "postgresql"} else self.database

    @property
    def scratch(self) -> Path:
        """Where workers of this machine keep films in the making."""
        return self.data / "scratch"


def settings(data: Path | None = None) -> Settings:
    """The settings that the environment asks for. Raises ValueError naming the variable and the remedy."""
    env = os.environ
    home = Path(env.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    database = env.get("PRAXINO_DATABASE_URL") or None
    if database is not None and not database.startswith(("postgresql://", "postgres://", "postgresql+psycopg://")):
        raise ValueError(f"PRAXINO_DATABASE_URL {database.partition('@')[0]!r} must begin with postgresql://")
    return Settings(
        data=data or Path(env.get("PRAXINO_DATA") or home / "praxino"),
        database=database,
        storage=env.get("PRAXINO_STORAGE_URL") or None,
        tenant_queued=_whole("PRAXINO_TENANT_QUEUED", 100),
        queued=_whole("PRAXINO_QUEUED", 1000),
        keep_days=_number("PRAXINO_KEEP_DAYS", 30),
        private_webhooks=env.get("PRAXINO_PRIVATE_WEBHOOKS") == "1",
        accounts=env.get("PRAXINO_ACCOUNTS") == "1",
        together=_together(),
        guard=guard.settings(),
    )


def _number(name: str, usual: float) -> float:
    text = os.environ.get(name) or str(usual)
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 0 < value < 1e9:
        raise ValueError(f"{name} {text!r} must be a number above 0; try {usual:g}")
    return value


def _whole(name: str, usual: int) -> int:
    return round(_number(name, usual))


def _together() -> int:
    count = _number("PRAXINO_TOGETHER", 1)
    if count not in range(1, TOGETHER + 1):
        raise ValueError(f"PRAXINO_TOGETHER {count:g} must be a whole number from 1 to {TOGETHER}; try 2")
    return int(count)
