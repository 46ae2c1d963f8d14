"""Parsed documents kept by blob id, so that each blob is parsed once, also across restarts."""

import json
import sqlite3
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import TypeVar

from prompt_repo import documents
from prompt_repo.errors import InvalidDocument
from prompt_repo.git_store import GitStore
from prompt_repo.layout import Kind, place_of
from prompt_repo.model import Character, Configuration, Prompt

SHAPE = 1
"""Raised when the rows below change shape; an older file is thrown away and made anew."""

Document = Configuration | Character | Prompt
Parsed = Document | InvalidDocument
"""A blob's value, or what is wrong with it: one broken file must not hide all others."""

WAIT = 5.0  # seconds for another process that writes; parsing 12,000 documents takes two
CHUNK = 500  # SQLite takes 999 parameters a statement on old builds
PENDING = 64  # blobs parsed one at a time are written to disk in batches of this size
REMEMBERED = 4096  # blobs kept in memory beside what catalogues hold

R = TypeVar("R")


class ParsedDocuments:
    """Values of blobs: from memory, else from a SQLite file, else read from Git and parsed.

    The file is derived from Git and may be deleted at any time.
    """

    def __init__(self, store: GitStore) -> None:
        self._store = store
        self._file = store.derived / "documents.sqlite3"
        self._recent: dict[str, Parsed] = {}
        self._pending: dict[str, Parsed] = {}
        self._lock = threading.Lock()

    def one(self, blob: str, path: str) -> Parsed:
        """The value of one blob that stands at `path`."""
        name = _name(blob, path)
        found = self._recent.get(name)
        if found is None:
            found = self.many({blob: path})[blob]
        return found

    def many(self, wanted: Mapping[str, str]) -> dict[str, Parsed]:
        """The values of blobs; `wanted` maps each blob to a path where it stands.

        One blob that stands at several paths of one kind is parsed once.
        """
        names = {_name(blob, path): blob for blob, path in wanted.items()}
        found = {name: self._recent[name] for name in names if name in self._recent}
        missing = [name for name in names if name not in found]
        if len(missing) > PENDING:
            found.update(self._kept(missing))
            missing = [name for name in missing if name not in found]
        parsed = {}
        for blob, raw in self._store.blobs([names[name] for name in missing]):
            parsed[_name(blob, wanted[blob])] = _parse(raw, wanted[blob])
        self._remember(found, parsed)
        found.update(parsed)
        return {names[name]: value for name, value in found.items()}

    def check(self, wanted: Mapping[str, str]) -> list[str]:
        """Which values of blobs the file holds wrongly, a line each; `wanted` as for `many`."""
        names = {_name(blob, path): blob for blob, path in wanted.items()}
        return [
            f"{wanted[names[name]]}: the kept value of blob {names[name]} is not what it says"
            for name, value in sorted(self._kept(names).items())
            if _parse(self._store.blob(names[name]), wanted[names[name]]) != value
        ]

    def learn(self, rows: Iterable[tuple[str, str]]) -> None:
        """Keeps values of blobs that were written just now, as `row_of` gave them."""
        query = "INSERT OR REPLACE INTO documents VALUES (?, ?)"
        with self._lock:
            _usable(self._file, lambda file: file.executemany(query, rows).rowcount, 0)

    def forget(self) -> None:
        """Throws all values away, those of the file too."""
        with self._lock:
            self._recent, self._pending = {}, {}
            _usable(self._file, lambda file: file.execute("DELETE FROM documents").rowcount, 0)

    def _kept(self, names: Iterable[str]) -> dict[str, Parsed]:
        none: dict[str, Parsed] = {}
        return _usable(self._file, lambda file: _read(file, names), none)

    def _remember(self, found: Mapping[str, Parsed], parsed: Mapping[str, Parsed]) -> None:
        with self._lock:
            if len(self._recent) + len(parsed) > REMEMBERED:
                self._recent.clear()
            if len(found) + len(parsed) <= PENDING:
                self._recent.update(found)
                self._recent.update(parsed)
            self._pending.update(parsed)
            if len(self._pending) >= PENDING:
                pending, self._pending = self._pending, {}
                _usable(self._file, lambda file: _write(file, pending), None)


def row_of(blob: str, path: str, value: Document) -> tuple[str, str] | None:
    """What `learn` takes of the value of a blob that stands at a path; None where it is nothing."""
    kept = _encode(value)
    return (_name(blob, path), kept) if kept is not None else None


def _name(blob: str, path: str) -> str:
    """What a value is kept under: the same bytes mean another thing at another kind of path."""
    place = place_of(path)
    kind = place.kind if place else None
    return f"{'c' if kind is Kind.CHARACTER else 'f' if kind is Kind.CONFIGURATION else 'p'}{blob}"


def _parse(raw: bytes, path: str) -> Parsed:
    try:
        return documents.parse(raw, path)
    except InvalidDocument as problem:
        return problem


def _usable(file: Path, use: Callable[[sqlite3.Connection], R], without: R) -> R:
    """What `use` makes of the file; `without` where it can't be used now.

    The file saves work and nothing else: where the disk is full or another process holds it for
    too long, blobs are parsed again. A broken one is thrown away.
    """
    try:
        with closing(_prepared(file)) as connection, connection:
            return use(connection)
    except (sqlite3.OperationalError, OSError):
        return without
    except sqlite3.DatabaseError:
        _remove(file)
        return without


def _remove(file: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)


def _prepared(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, timeout=WAIT)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = OFF")  # derived: losing it costs a parse, no more
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version != SHAPE:
        connection.execute("DROP TABLE IF EXISTS documents")
        connection.execute(
            "CREATE TABLE documents (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"
        )
        connection.execute(f"PRAGMA user_version = {SHAPE}")
    return connection


def _read(connection: sqlite3.Connection, names: Iterable[str]) -> dict[str, Parsed]:
    found: dict[str, Parsed] = {}
    remaining = iter(names)
    while chunk := list(islice(remaining, CHUNK)):
        marks = ",".join("?" * len(chunk))
        query = f"SELECT name, value FROM documents WHERE name IN ({marks})"  # noqa: S608 - only marks
        for name, row in connection.execute(query, chunk):
            value = _decode(name, row)
            if value is not None:
                found[name] = value
    return found


def _write(connection: sqlite3.Connection, values: Mapping[str, Parsed]) -> None:
    rows = [(name, row) for name, value in values.items() if (row := _encode(value)) is not None]
    connection.executemany("INSERT OR REPLACE INTO documents VALUES (?, ?)", rows)


def _encode(value: Parsed) -> str | None:
    """A row's text; None for what is cheap or rare enough to parse again."""
    if isinstance(value, Prompt):
        return json.dumps([value.text, value.notes, value.tags])
    if isinstance(value, Character):
        own = dict(value.variables)
        return json.dumps(
            [value.id, value.name, value.description, own, value.tags, value.archived]
        )
    return None


def _decode(name: str, row: str) -> Parsed | None:
    """The value in a row; None where the row is no longer what was written."""
    try:
        fields = json.loads(row)
        if name.startswith("p"):
            text, notes, tags = fields
            return Prompt(text, notes, tuple(tags))
        ident, label, description, own, tags, archived = fields
        return Character(ident, label, description, own, tuple(tags), archived)
    except (ValueError, TypeError):
        return None
