"""Rows of the history index as values."""

from datetime import UTC, datetime
from typing import Any

from prompt_repo.model import Author, Held, Version


def held_of(row: int, number: int, oid: bytes, blob: bytes | None, parent: int | None) -> Held:
    """What stands, from the row that HELD, SPAN or BESIDES gives."""
    return Held(row, number, oid.hex(), blob.hex() if blob is not None else None, parent)


def version_of(*row: Any) -> Version:
    """A version, from the FIELDS of its row."""
    number, oid, name, email, at, reason, blob, path, joined = row
    return Version(
        number=number,
        commit=oid.hex(),
        author=Author(name, email),
        created_at=datetime.fromtimestamp(at, UTC),
        reason=reason,
        blob=blob.hex() if blob is not None else None,
        path=path,
        joined=joined.hex() if joined is not None else None,
    )
