"""Passwords."""

import time

import pytest

from praxino.jobs import people_passwords


def test_passwords_are_argon2s_and_an_unknown_name_takes_as_long_as_a_wrong_one():
    kept = people_passwords.hashed("correct horse")
    assert kept.startswith("$argon2id$")
    assert people_passwords.matches("correct horse", kept)
    assert not people_passwords.matches("correct house", kept)
    assert not people_passwords.matches("nobody's password", None)
    took: dict[str | None, list[float]] = {kept: [], None: []}
    for _ in range(3):
        for digest, times in took.items():
            begun = time.process_time()
            people_passwords.matches("wrong", digest)
            times.append(time.process_time() - begun)
    assert 0.5 < min(took[kept]) / min(took[None]) < 2
    for weak in ("short", "a" * 20, "annannannann"):
        with pytest.raises(ValueError, match="password"):
            people_passwords.checked(weak, "Annannannann")
