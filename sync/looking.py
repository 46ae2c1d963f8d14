"""A database looked at from outside, for a page of health: is it there, what is it, how quick."""

import shutil
import sqlite3
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sync.tables import dialect_of, open_source
from sync.tables_sqlite_files import path_of

SECONDS = 4


@dataclass(frozen=True, slots=True)
class Looked:
    """What one look at a database found; `identity` tells it from others."""

    dialect: str
    version: str
    milliseconds: float
    bytes: int
    tables: int
    identity: frozenset[str]
    free: int | None
    """Bytes left where it stands; a server on another machine does not tell."""


def look(url: str) -> Looked:
    """Opens a database read-only and asks it a few things; raises SyncError in some seconds."""
    began = time.monotonic()
    database: Any = open_source(impatient(url))
    try:
        identity = database.identity()
        took = (time.monotonic() - began) * 1000
        sqlite = database.dialect == "sqlite"
        version = sqlite3.sqlite_version if sqlite else database.ask("SHOW server_version")[0][0]
        tables = database.schema().tables
        size = (
            path_of(url).stat().st_size if sqlite else sum(each.bytes for each in tables.values())
        )
        return Looked(
            database.dialect, str(version), round(took, 1), size, len(tables), identity,
            _free(path_of(url).parent if sqlite else database.folder()),
        )  # fmt: skip
    finally:
        database.close()


def _free(folder: Path | None) -> int | None:
    """Bytes left on a folder's disk; None where we may not see it."""
    with suppress(OSError):
        return shutil.disk_usage(folder).free if folder else None
    return None


def impatient(url: str) -> str:
    """An address by which a server that does not answer is given up after some seconds."""
    if dialect_of(url) == "sqlite" or "connect_timeout=" in url:
        return url
    return f"{url}{'&' if '?' in url else '?'}connect_timeout={SECONDS}"
