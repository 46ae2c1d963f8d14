"""The tables of the history index: a SQLite file in the repository folder, derived from Git."""

import fcntl
import os
import secrets
import sqlite3
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FORMAT = 3
"""Raised when the tables or the rule they follow change; an older file is made anew."""

WAIT = 120.0  # seconds for another process that takes commits in; 100,000 of them need about four
KEY_BYTES = 16
PAGES = 4000  # in the journal before they are worked in, which waits for the disk: 16 MB
ROOM = "PRAGMA cache_size = -8000"
"""For who writes thousands of rows: 8 MB of pages, or they go to the journal several times."""

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
    commit_id INTEGER NOT NULL, parent_id INTEGER NOT NULL, path INTEGER NOT NULL,
    PRIMARY KEY (commit_id, parent_id, path)
) WITHOUT ROWID;
"""
"""commits   each on a lane (a first-parent chain) at a position
lanes     where each branched off another; `tip` is its last position
versions  `blob` NULL: a removal; `parent`: what its number counts on from; `origin`: the first
states    what stands at a path from a position of a lane on; NULL: none, as if never made
edges     for all parents but the first, and those of trailers: the paths whose standing version
          differs (path 0 says only that the edge is there)
"""
NAMES = ("commits", "lanes", "paths", "versions", "states", "edges")


class Tables:
    """Connections to the file: one for each thread of each process.

    A file made for another `edition` than this one's is made anew.
    """

    def __init__(self, file: Path, edition: int = 0) -> None:
        self.file = file
        self._wanted = (FORMAT, edition)
        self.key = b""
        """A secret that outlives the file, so that nobody can foresee the ids of rows."""
        self._local = threading.local()
        self._inherited: list[sqlite3.Connection] = []

    def connection(self) -> sqlite3.Connection:
        """This thread's connection; the file is made where it is missing or not ours."""
        known: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if known is not None and self._local.pid == os.getpid():
            return known
        if known is not None:  # a forked child must neither use nor close its parent's
            self._inherited.append(known)
        return self._open()

    def forget(self) -> None:
        """Throws the file away, for one that SQLite can't read; a newer one is left alone."""
        self._local.connection.close()
        self._local.connection = None
        with self._alone():
            if _stamp(self.file) == self._local.stamp:
                self._remove()

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
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")

    def _open(self) -> sqlite3.Connection:
        self.file.parent.mkdir(exist_ok=True)
        with self._alone() as fd:
            self.key = os.pread(fd, KEY_BYTES, 0)
            try:
                opened = self._prepared()
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError:
                self._remove()
                opened = self._prepared()
            self._local.connection, self._local.pid = opened, os.getpid()
            self._local.stamp = _stamp(self.file)
        return opened

    def _prepared(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.file, timeout=WAIT, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        # Derived: after a power cut the file may lack its last commits, and takes them in again.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {PAGES}")
        names = ("user_version", "application_id")
        found = tuple(connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names)
        if found != self._wanted:
            connection.execute("BEGIN IMMEDIATE")
            _create(connection)
            for name, value in zip(names, self._wanted, strict=True):
                connection.execute(f"PRAGMA {name} = {value}")
            connection.execute("COMMIT")
        return connection

    def _remove(self) -> None:
        for suffix in ("-wal", "-shm", ""):
            self.file.with_name(self.file.name + suffix).unlink(missing_ok=True)

    @contextmanager
    def _alone(self) -> Iterator[int]:
        """Keeps other processes from opening, making or removing the file; gives the key's file."""
        fd = os.open(self.file.with_suffix(".key"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            if os.fstat(fd).st_size < KEY_BYTES:
                os.pwrite(fd, secrets.token_bytes(KEY_BYTES), 0)
            yield fd
        finally:
            os.close(fd)


def empty(connection: sqlite3.Connection) -> None:
    """Takes every row out, within the transaction that will put them in again."""
    for name in NAMES:
        connection.execute(f"DELETE FROM {name}")  # noqa: S608 - names of our own


def edition(path: Path) -> int:
    """Stands for where a shallow clone ends: its numbers are others once it is deepened."""
    try:
        return zlib.crc32((path / "shallow").read_bytes()) >> 1
    except FileNotFoundError:
        return 0


def _create(connection: sqlite3.Connection) -> None:
    found = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    ).fetchall()
    for (name,) in found:
        connection.execute(f'DROP TABLE "{name}"')
    for statement in TABLES.split(";"):
        connection.execute(statement)


def _stamp(file: Path) -> tuple[int, int] | None:
    """Which file stands at a path now, whatever it holds."""
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
