"""The chain of the audit log: what an entry's hash is made of. Anybody can work it out again."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

GENESIS = bytes(32)
"""What stands before the first entry of all."""
COVERED = (
    "id",
    "at",
    "actor",
    "action",
    "subject",
    "path",
    "commit",
    "outcome",
    "status",
    "address",
    "request_id",
    "detail",
)
"""The columns that an entry's hash covers, in this order: all but the hashes."""
_json = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


def digest(previous: bytes, entry: Mapping[str, Any]) -> bytes:
    """The hash of an entry: SHA-256 of the one before it, and of its own content as JSON."""
    told = [_plain(entry[name]) for name in COVERED]
    return hashlib.sha256(previous + _json(told).encode()).digest()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return value
