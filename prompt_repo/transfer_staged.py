"""What an import file says, put aside: a SQLite file, so that memory stays flat however long it is.

It lives as long as the import is looked at, and holds the plan beside what was read.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

from prompt_repo.documents import parse
from prompt_repo.errors import InvalidDocument, Problem
from prompt_repo.layout import CONFIGURATION, Kind, place_of
from prompt_repo.model import Author, Character, Prompt
from prompt_repo.parsed import Document, row_of
from prompt_repo.transfer_documents import blob_id
from prompt_repo.transfer_errors import SHOWN

TABLES = """
CREATE TABLE documents (
    path TEXT PRIMARY KEY, line INTEGER, column INTEGER, raw BLOB, blob TEXT,
    bytes INTEGER NOT NULL DEFAULT 0, notes INTEGER NOT NULL DEFAULT 0,
    tags INTEGER NOT NULL DEFAULT 0, versions INTEGER NOT NULL DEFAULT 0,
    kept_as TEXT, kept TEXT
) WITHOUT ROWID;
CREATE TABLE versions (
    path TEXT NOT NULL, number INTEGER NOT NULL, raw BLOB, blob TEXT, name TEXT NOT NULL,
    email TEXT NOT NULL, at INTEGER NOT NULL, reason TEXT NOT NULL, line INTEGER,
    mark BLOB NOT NULL, PRIMARY KEY (path, number)
) WITHOUT ROWID;
CREATE TABLE plan (
    path TEXT PRIMARY KEY, state TEXT NOT NULL, shared INTEGER NOT NULL, ours TEXT, base TEXT,
    merged BLOB, joins INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX plan_by_state ON plan (state, path);
CREATE TABLE problems (
    path TEXT NOT NULL, line INTEGER, column INTEGER, field TEXT NOT NULL, message TEXT NOT NULL,
    valid TEXT NOT NULL
);
CREATE TABLE told (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
"""
LATER = """
CREATE TABLE IF NOT EXISTS sent (path TEXT PRIMARY KEY, raw BLOB, blob TEXT, kept TEXT);
CREATE TABLE IF NOT EXISTS written (path TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;
"""
"""Tables that a file put aside by an earlier release lacks."""
"""documents  what stands in the file; `raw` NULL: removed there; sizes are held against limits, and
           `kept` is the value as parsed documents are kept
versions   those a file brings; `mark` stands for who, when, why and what
plan       what an import would do, by document
told       what a `Staged` knows beside the tables
sent       documents that a plan had say something else, as the file says them, if it does
written    texts that somebody wrote for conflicts
"""
BY_NUMBER = "SELECT raw, blob, name, email, at, reason, mark FROM versions WHERE path = ?"


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in the file, both from 1."""

    line: int | None = None
    column: int | None = None


@dataclass(frozen=True, slots=True)
class StagedVersion:
    """A version as the file tells it; `raw` is None where it removed the document."""

    raw: bytes | None
    author: Author
    at: int
    reason: str
    line: int | None = None

    @property
    def mark(self) -> bytes:
        """Equal for versions that are the same one."""
        blob = blob_id(self.raw) if self.raw is not None else None
        return mark_of(self.author, self.at, self.reason, blob)


@dataclass(frozen=True, slots=True)
class StagedDocument:
    """A document as the file tells it."""

    path: str
    raw: bytes | None
    blob: str | None
    place: Place
    versions: int


@dataclass(slots=True)
class Staged:
    """One import file as it was read; `name` is what its problems are told of."""

    connection: sqlite3.Connection
    name: str
    count: int = 0
    """How many problems there are; at most 200 of them are kept."""
    warnings: list[str] = field(default_factory=list)
    base: str | None = None
    """The commit that the file left from, where it names one."""
    began: Mapping[str, Any] = field(default_factory=dict)
    """What the file says of itself."""
    card: str = ""
    """The character that a card tells a part of."""
    columns: Mapping[str, int] = field(default_factory=dict)
    """The columns of a CSV by their names, counted from 1."""
    commit: str = ""
    """What the plan beside it is of."""

    @classmethod
    def make(cls, file: Path, name: str) -> "Staged":
        """An empty one at a path where nothing is yet."""
        connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.executescript(TABLES + LATER)
        connection.execute("BEGIN")
        return cls(connection, name)

    @classmethod
    def open(cls, file: Path, name: str, base: str | None, warnings: Sequence[str]) -> "Staged":
        """One that was made before and kept, with what is told beside it.

        What is written to it is only there once it is kept again, whatever happens meanwhile.
        """
        connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA synchronous = OFF")
        connection.executescript(LATER)
        connection.execute("BEGIN")
        told = dict(connection.execute("SELECT name, value FROM told"))
        return cls(
            connection,
            name,
            base=base,
            warnings=list(warnings),
            card=told.get("card", ""),
            columns=json.loads(told.get("columns", "{}")),
            commit=told.get("commit", ""),
        )

    def keep(self) -> None:
        """Closes the file so that it can be opened again."""
        self.connection.execute("COMMIT")
        self.connection.close()

    def pin(self, commit: str) -> None:
        """Notes what the plan is of, and what another plan will need to know of the file."""
        self.commit = commit
        told = {"card": self.card, "columns": json.dumps(self.columns), "commit": commit}
        self.connection.executemany("REPLACE INTO told VALUES (?, ?)", told.items())

    def close(self) -> None:
        """Closes the file, which is of no more use."""
        self.connection.close()

    def refuse(
        self,
        message: str,
        place: Place,
        name: str = "",
        valid: Sequence[str] = (),
        document: str = "",
    ) -> None:
        """Notes what is wrong at a place of the file; `name` is its field or column.

        What has no line is a file by itself, in a folder or a zip: there the `document` is told.
        """
        path = self.name if place.line or not document else document
        column = self.columns.get(name, place.column) if place.line else None
        self.refuse_all([Problem(path, message, place.line, column, name, tuple(valid))])

    def refuse_all(self, problems: Sequence[Problem]) -> None:
        """Notes problems; they are counted, and the first ones kept."""
        for each in problems:
            self.count += 1
            if self.count <= SHOWN:
                texts = each.path, each.field, each.message, "\n".join(each.valid)
                path, *others = (text.encode(errors="replace").decode() for text in texts)
                self.connection.execute(
                    "INSERT INTO problems VALUES (?, ?, ?, ?, ?, ?)",
                    (path, each.line, each.column, *others),
                )

    def problems(self) -> list[Problem]:
        """What is wrong, in the order of the file."""
        rows = self.connection.execute(
            "SELECT path, message, line, column, field, valid FROM problems"
            " ORDER BY path, line IS NULL, line, column"
        )
        return [_problem(*row) for row in rows]

    def add(
        self,
        path: str,
        value: Document | None,
        raw: bytes | None,
        place: Place,
        versions: Sequence[StagedVersion] = (),
    ) -> None:
        """Takes in a document; one that stands in the file already is a problem."""
        try:
            self._insert(path, value, raw, place, len(versions))
        except sqlite3.IntegrityError:
            first = self.document(path)
            before = f" in line {first.place.line}" if first and first.place.line else ""
            self.refuse(f"{subject(path)} stands in this file already{before}", place)
            return
        self.connection.executemany(
            "INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (_version_row(path, number, each) for number, each in enumerate(versions, 1)),
        )

    def add_version(self, path: str, number: int, version: StagedVersion) -> bool:
        """Takes in one version on its own; False where the file has one of that number already."""
        try:
            self.connection.execute(
                "INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                _version_row(path, number, version),
            )
        except sqlite3.IntegrityError:
            return False
        return True

    def told_versions(self) -> list[tuple[str, int, int, int | None]]:
        """Documents of which there are only versions: path, how many, the last, its line."""
        query = "SELECT path, count(*), max(number), max(line) FROM versions GROUP BY path"
        return self.connection.execute(query).fetchall()

    def stand(self, path: str, number: int) -> None:
        """Has a document say what its last version, of this number, says."""
        raw, line = self.connection.execute(
            "SELECT raw, line FROM versions WHERE path = ? AND number = ?", (path, number)
        ).fetchone()
        value = parse(raw, path) if raw is not None else None
        self._insert(path, value, raw, Place(line), number)

    def replace(self, path: str, raw: bytes) -> None:
        """Has a document say something else than the file did, until `restore`."""
        self.connection.execute(
            "INSERT OR IGNORE INTO sent SELECT path, raw, blob, kept FROM documents WHERE path = ?",
            (path,),
        )
        self.connection.execute(
            "UPDATE documents SET raw = ?, blob = ?, kept = NULL WHERE path = ?",
            (raw, blob_id(raw), path),
        )

    def supply(self, path: str, value: Document, raw: bytes, place: Place) -> None:
        """Takes in a document that the file lacks, until `restore`."""
        self.add(path, value, raw, place)
        self.connection.execute("INSERT INTO sent VALUES (?, NULL, NULL, NULL)", (path,))

    def restore(self) -> None:
        """Has all documents say again what the file does; its problems are forgotten."""
        self.connection.execute(
            "DELETE FROM documents WHERE path IN (SELECT path FROM sent WHERE blob IS NULL)"
        )
        self.connection.execute(
            "UPDATE documents SET raw = sent.raw, blob = sent.blob, kept = sent.kept"
            " FROM sent WHERE sent.path = documents.path"
        )
        self.connection.execute("DELETE FROM sent")
        self.connection.execute("DELETE FROM problems")
        self.count = 0

    def larger(self, column: str, most: int) -> list[tuple[str, int | None, int | None, int]]:
        """Documents of which something (`bytes`, `notes` or `tags`) is more than may be."""
        query = f"SELECT path, line, column, {column} FROM documents WHERE {column} > ?"  # noqa: S608
        return self.connection.execute(query, (most,)).fetchall()

    def document(self, path: str) -> StagedDocument | None:
        """A document by its path; None where the file has none."""
        return next(self._documents("WHERE path = ?", (path,)), None)

    def documents(self) -> Iterator[StagedDocument]:
        """All documents: the configuration first, then by path, characters before prompts."""
        yield from self._documents("WHERE path = ?", (CONFIGURATION,))
        yield from self._documents("WHERE path LIKE 'characters/%/character.yaml' ORDER BY path")
        yield from self._documents(
            "WHERE path <> ? AND path NOT LIKE 'characters/%/character.yaml' ORDER BY path",
            (CONFIGURATION,),
        )

    def versions(self, path: str) -> list[StagedVersion]:
        """The versions of a document, oldest first."""
        rows = self.connection.execute(f"{BY_NUMBER} ORDER BY number", (path,))
        return [StagedVersion(row[0], Author(row[2], row[3]), row[4], row[5]) for row in rows]

    def marks(self, path: str) -> list[bytes]:
        """What stands for the versions of a document, oldest first."""
        query = "SELECT mark FROM versions WHERE path = ? ORDER BY number"
        return [row[0] for row in self.connection.execute(query, (path,))]

    def stands(self, document: StagedDocument) -> bool:
        """Whether a document says what its last version does, however either is written."""
        query = "SELECT raw, blob FROM versions WHERE path = ? ORDER BY number DESC LIMIT 1"
        raw, blob = self.connection.execute(query, (document.path,)).fetchone()
        return document.blob == blob or same_said(document.raw, raw, document.path)

    def paths(self) -> set[str]:
        """The paths of all documents in the file."""
        return {row[0] for row in self.connection.execute("SELECT path FROM documents")}

    def __len__(self) -> int:
        found: int = self.connection.execute("SELECT count(*) FROM documents").fetchone()[0]
        return found

    def values(self) -> Iterator[tuple[str, str]]:
        """The values of all documents, as `Repository.learn` takes them."""
        query = "SELECT kept_as, kept FROM documents WHERE kept IS NOT NULL"
        yield from self.connection.execute(query)

    def _insert(
        self, path: str, value: Document | None, raw: bytes | None, place: Place, versions: int
    ) -> None:
        blob = blob_id(raw) if raw is not None else None
        kept = row_of(blob, path, value) if blob is not None and value is not None else None
        row = (path, place.line, place.column, raw, blob, *_sizes(value), versions)
        self.connection.execute(
            "INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*row, *(kept or (None, None))),
        )

    def _documents(self, which: str, values: Sequence[str] = ()) -> Iterator[StagedDocument]:
        query = "SELECT path, raw, blob, line, column, versions FROM documents"
        for path, raw, blob, line, column, versions in self.connection.execute(
            f"{query} {which}", tuple(values)
        ):
            yield StagedDocument(path, raw, blob, Place(line, column), versions)


def _problem(
    path: str, message: str, line: int | None, column: int | None, name: str, valid: str
) -> Problem:
    return Problem(path, message, line, column, name, tuple(valid.split("\n") if valid else ()))


def mark_of(author: Author, at: int, reason: str, blob: str | None) -> bytes:
    """What stands for a version: equal for those by one person, of one moment, reason and file."""
    parts = (author.name, author.email, str(at), reason, blob or "")
    return blake2b("\0".join(parts).encode(errors="replace"), digest_size=16).digest()


def same_said(one: bytes | None, other: bytes | None, path: str) -> bool:
    """Whether two files of a path say the same, however they are written."""
    if one is None or other is None:
        return one == other
    try:
        return parse(one, path) == parse(other, path)
    except InvalidDocument:
        return False


def subject(path: str) -> str:
    """A document as people call it."""
    place = place_of(path)
    if place is None or place.kind is Kind.CONFIGURATION:
        return "the configuration"
    if place.kind is Kind.CHARACTER:
        return f"the character “{place.character}”"
    if place.kind is Kind.DEFAULT:
        return f"the default of “{place.emotion}”"
    return f"{place.character}’s prompt for “{place.emotion}”"


def _sizes(value: Document | None) -> tuple[int, int, int]:
    if isinstance(value, Prompt):
        return len(value.text.encode()), len(value.notes.encode()), len(value.tags)
    return 0, 0, len(value.tags) if isinstance(value, Character) else 0


def _version_row(path: str, number: int, each: StagedVersion) -> tuple[object, ...]:
    blob = blob_id(each.raw) if each.raw is not None else None
    by = (each.author.name, each.author.email, each.at, each.reason)
    return (path, number, each.raw, blob, *by, each.line, each.mark)
