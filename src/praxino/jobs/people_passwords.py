"""Passwords: argon2's digests of them, and whether one is right. Slow by intent: a quarter of a second of a core."""

from functools import cache

from pwdlib import PasswordHash

LEAST, MOST = 10, 1000
"""Characters."""


def hashed(password: str) -> str:
    """What is kept of a password."""
    return PasswordHash.recommended().hash(password)


def matches(password: str, kept: str | None) -> bool:
    """Whether it is the one. It takes as long where there is none, so that time does not tell who has an account."""
    decoy = _decoy()
    return PasswordHash.recommended().verify(password, decoy if kept is None else kept) and kept is not None


def checked(password: str, name: str) -> None:
    """Raises ValueError naming the remedy where nobody should use it."""
    if not LEAST <= len(password) <= MOST:
        raise ValueError(f"a password has {LEAST} to {MOST} characters, and this one has {len(password)}")
    if password.casefold() == name.casefold() or len(set(password)) < 3:
        raise ValueError("the password is easy to guess; choose one that is not the name, of more than two characters")


@cache
def _decoy() -> str:
    return hashed("nobody's password")
