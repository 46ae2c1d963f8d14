"""Passwords as argon2 hashes; the only importer of argon2."""

import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST, LONGEST = 8, 1024  # characters
_hasher = PasswordHasher()


class PasswordError(ValueError):
    """A password that can't be taken; says why."""


def hashed(password: str) -> str:
    """What is stored of a password; raises PasswordError."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise PasswordError(f"a password has {SHORTEST} to {LONGEST} characters")
    return _hasher.hash(password)


def matches(stored: str, password: str) -> bool:
    """Whether this is the password that was stored."""
    if len(password) > LONGEST:
        return False
    try:
        return _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


def one_time() -> str:
    """A password for somebody to log in by once: 64 random bits, easily read out and typed."""
    return "-".join(secrets.token_hex(2) for _ in range(4))


def is_dated(stored: str) -> bool:
    """Whether it was hashed more cheaply than is done today."""
    return _hasher.check_needs_rehash(stored)


@cache
def nobodys() -> str:
    """Compared where no account has a name, so that the answer takes as long as where one does."""
    return _hasher.hash(secrets.token_hex())
