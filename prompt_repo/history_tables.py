"""The tables of the history index: a SQLite file in the repository folder, derived from Git."""

import hashlib
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FORMAT = 1
"""Raised when the tables or the rule they follow change; an older file is made anew."""

TABLES = """
CREATE TABLE commits (
    id INTEGER PRIMARY KEY, oid BLOB NOT NULL UNIQUE, lane INTEGER NOT NULL,
    position INTEGER NOT NULL, name TEXT NOT NULL, email TEXT NOT NULL,
    at INTEGER NOT NULL, committed INTEGER NOT NULL, reason TEXT NOT NULL,
    UNIQUE (lane, position)
);
CREATE TABLE lanes (
    id INTEGER PRIMARY KEY, from_lane INTEGER, from_position INTEGER, tip INTEGER NOT NULL
);
CREATE TABLE paths (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE);
CREATE TABLE versions (
    id INTEGER PRIMARY KEY, path INTEGER NOT NULL, number INTEGER NOT NULL,
    commit_id INTEGER NOT NULL, blob BLOB, parent INTEGER, joined INTEGER, origin INTEGER NOT NULL
);
CREATE TABLE states (
    path INTEGER NOT NULL, lane INTEGER NOT NULL, position INTEGER NOT NULL, version INTEGER,
    PRIMARY KEY (path, lane, position)
) WITHOUT ROWID;
CREATE INDEX states_by_lane ON states (lane, position);
CREATE TABLE edges (
    commit_id INTEGER NOT NULL, parent_id INTEGER NOT NULL, path INTEGER,
    PRIMARY KEY (commit_id, parent_id, path)
);
CREATE INDEX edges_by_commit ON edges (commit_id);
"""
"""commits   each on a lane (a first-parent chain) at a position
lanes     where each branched off another; `tip` is its last position
versions  `blob` NULL: a removal; `parent` the version its number counts on from; `origin` the first
states    the version that stands at a path from a position of a lane on; NULL: none, as if never made
edges     for every parent but the first: paths whose standing version differs (path 0: just the edge)
"""


def version_id(path: str, oid: str) -> int:
    """A version's row: made of path and commit, so that rebuilding gives the same."""
    digest = hashlib.blake2b(f"{oid}{path}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) >> 1


class Tables:
    """Connections to the file: one for each thread of each process."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._local = threading.local()

    def connection(self) -> sqlite3.Connection:
        """This thread's connection; the file is made where it is missing or not ours."""
        known: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if known is None or self._local.pid != os.getpid():
            known = self._open()
            self._local.connection, self._local.pid = known, os.getpid()
        return known

    def forget(self) -> None:
        """Throws the file away, for one that SQLite can't read."""
        self._local.connection = None
        for suffix in ("", "-wal", "-shm"):
            self.file.with_name(self.file.name + suffix).unlink(missing_ok=True)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that no other process's can overtake; undone if the block raises."""
        connection = self.connection()
        if connection.in_transaction:
            yield connection
            return
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    def _open(self) -> sqlite3.Connection:
        try:
            return self._prepared()
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:
            self.forget()
            return self._prepared()

    def _prepared(self) -> sqlite3.Connection:
        self.file.parent.mkdir(exist_ok=True)
        connection = sqlite3.connect(self.file, timeout=60, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        # Derived: after a power cut the file may lack its last commits, and takes them in again.
        connection.execute("PRAGMA synchronous = NORMAL")
        if connection.execute("PRAGMA user_version").fetchone()[0] != FORMAT:
            connection.execute("BEGIN IMMEDIATE")
            if connection.execute("PRAGMA user_version").fetchone()[0] != FORMAT:
                _create(connection)
            connection.execute("COMMIT")
        return connection


def _create(connection: sqlite3.Connection) -> None:
    names = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    ).fetchall()
    for (name,) in names:
        connection.execute(f'DROP TABLE "{name}"')
    for statement in TABLES.split(";"):
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {FORMAT}")


def empty(connection: sqlite3.Connection) -> None:
    """Takes every row out, within the transaction that will put them in again."""
    for name in ("commits", "lanes", "paths", "versions", "states", "edges"):
        connection.execute(f"DELETE FROM {name}")  # noqa: S608 - names of our own
