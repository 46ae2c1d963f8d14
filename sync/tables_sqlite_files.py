"""SQLite's files: found by address, opened to be read or written, held by one run at a time."""

import fcntl
import time
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from sync.errors import UnusableDatabase

TRIES, PAUSE = 5, 0.02
"""A run that begins waits for whoever only looks whether one goes on."""


def path_of(url: str) -> Path:
    """The file of an address; raises UnusableDatabase."""
    try:
        database = make_url(url).database
    except ArgumentError as error:
        raise UnusableDatabase("this is no address of a database") from error
    if not database or database == ":memory:":
        raise UnusableDatabase("a SQLite database in memory can't be synced; name a file")
    return Path(database).expanduser()


def check_place(path: Path, make: bool) -> None:
    """Raises UnusableDatabase where there is no file, or no folder that one could be made in.

    Folders are never made: one that isn't there is most likely a slip in the address.
    """
    if not path.parent.is_dir():
        raise UnusableDatabase(
            f"there is no folder {path.parent.absolute()} for a SQLite database; is the address "
            "right? Nothing was made; make the folder if it is"
        )
    if not make and not path.is_file():
        raise UnusableDatabase(f"there is no SQLite database at {path.absolute()}")


def connect(path: Path, read_only: bool) -> Connection:
    """A connection whose transactions are begun and ended by hand; raises UnusableDatabase."""
    if read_only:
        check_place(path, make=False)
    mode = "ro" if read_only else "rwc"
    quoted_path = str(path.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    address = f"sqlite:///file:{quoted_path}?mode={mode}&uri=true"
    engine = create_engine(address, poolclass=NullPool, connect_args={"timeout": 30})

    @event.listens_for(engine, "connect")
    def _prepared(connection: Any, _: object) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys = OFF")

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    try:
        connection = engine.connect()
        connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").fetchall()
    except SQLAlchemyError as error:
        why = getattr(error, "orig", None) or error
        raise UnusableDatabase(f"{path} can't be opened: {why}") from error
    return connection


def identity(path: Path) -> frozenset[str]:
    """The file's own number on its disk, which no link or spelling changes."""
    about = path.stat()
    return frozenset({f"sqlite {about.st_dev} {about.st_ino}"})


class Hold:
    """A database held by one run, by a lock on a file beside it; a killed process lets it go."""

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(database.name + ".sync-lock")
        self._held: Any = None

    def take(self) -> bool:
        """Holds it until `let_go`; False where another run does."""
        self._held = self._path.open("w")
        for _ in range(TRIES):
            if _locked(self._held, fcntl.LOCK_EX):
                return True
            time.sleep(PAUSE)
        return False

    def is_taken(self) -> bool:
        """Whether a run holds it now; makes no file."""
        if not self._path.is_file():
            return False
        with self._path.open() as looked:
            return not _locked(looked, fcntl.LOCK_SH)

    def let_go(self) -> None:
        """Another run may have it."""
        if self._held is not None:
            self._held.close()


def _locked(file: Any, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
