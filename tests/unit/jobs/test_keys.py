"""API keys."""

from pathlib import Path

import pytest

from praxino.jobs import keys, turns
from praxino.jobs.settings import Settings, settings


def test_a_key_opens_its_tenant_until_it_is_taken_back(tmp_path: Path):
    db = turns.opened(Settings(data=tmp_path))
    one, two = keys.create(db, "ann"), keys.create(db, "bob")
    assert (keys.tenant_of(db, one), keys.tenant_of(db, two)) == ("ann", "bob")
    assert keys.tenant_of(db, one[:-1] + ("A" if one[-1] != "A" else "B")) is None
    assert keys.tenant_of(db, "sk-something") is None
    keys.revoke(db, one.split("_")[1])
    assert keys.tenant_of(db, one) is None
    with pytest.raises(ValueError, match="there is no key"):
        keys.revoke(db, "nobody")
    with pytest.raises(ValueError, match="name"):
        keys.create(db, "a/b")


def test_the_database_holds_no_key(tmp_path: Path):
    db = turns.opened(Settings(data=tmp_path))
    key = keys.create(db, "ann")
    db.engine.dispose()
    held = b"".join(path.read_bytes() for path in tmp_path.glob("praxino.sqlite*"))
    assert key.encode() not in held
    assert key.split("_", 2)[2].encode() not in held


@pytest.mark.parametrize(
    ("name", "value"), [("PRAXINO_DATABASE_URL", "mysql://x"), ("PRAXINO_QUEUED", "many"), ("PRAXINO_KEEP_DAYS", "-1")]
)
def test_settings_that_cannot_be_used_are_named(name: str, value: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=name):
        settings()
