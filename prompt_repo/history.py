"""Version chains of every prompt: a derived index that costs each commit once."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import update_wrapper
from graphlib import TopologicalSorter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Concatenate, ParamSpec, TypeVar

from prompt_repo import git_cli
from prompt_repo.errors import InvalidCursor, RevisionNotFound, VersionNotFound
from prompt_repo.git_store import GitStore
from prompt_repo.history_build import Builder, trailer_parents
from prompt_repo.history_tables import Tables, empty
from prompt_repo.layout import place_of
from prompt_repo.model import Author, Commit, Held, HistoryPage, Version

NEAR = 50  # commits read one by one before `git log` is asked for all of them
PAGE = 50
LONGEST_PAGE = 500

HELD = """
SELECT v.id, v.number, c.oid, v.blob FROM states s LEFT JOIN versions v ON v.id = s.version
LEFT JOIN commits c ON c.id = v.commit_id
WHERE s.path = (SELECT id FROM paths WHERE path = ?) AND s.lane = ? AND s.position <= ?
ORDER BY s.position DESC LIMIT 1
"""
STATE = """
SELECT p.path, v.id, v.number, c.oid, v.blob, max(s.position) FROM states s
JOIN paths p ON p.id = s.path LEFT JOIN versions v ON v.id = s.version
LEFT JOIN commits c ON c.id = v.commit_id
WHERE s.lane = ? AND s.position > ? AND s.position <= ? GROUP BY s.path
"""
VERSION = """
SELECT v.number, c.oid, c.name, c.email, c.at, c.reason, v.blob, p.path, o.oid FROM versions v
JOIN commits c ON c.id = v.commit_id JOIN paths p ON p.id = v.path
LEFT JOIN versions j ON j.id = v.joined LEFT JOIN commits o ON o.id = j.commit_id
WHERE v.id = ?
"""
CHAIN = """
WITH RECURSIVE chain (id, depth) AS (
    SELECT ?, 0 UNION ALL
    SELECT v.parent, depth + 1 FROM chain JOIN versions v ON v.id = chain.id
    WHERE v.parent IS NOT NULL AND depth < ?
) SELECT id FROM chain ORDER BY depth
"""

P = ParamSpec("P")
R = TypeVar("R")


def _healed(
    method: Callable[Concatenate["History", P], R],
) -> Callable[Concatenate["History", P], R]:
    """Makes the file anew, once, where SQLite says that it is broken: it is derived."""

    def attempt(self: "History", /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(self, *args, **kwargs)
        except (sqlite3.OperationalError, sqlite3.IntegrityError, sqlite3.ProgrammingError):
            raise
        except sqlite3.DatabaseError:
            self.tables.forget()
            self.rebuild()
            return method(self, *args, **kwargs)

    return update_wrapper(attempt, method)


class History:
    """The history index of one repository; safe for many threads and processes.

    Every read that names a commit wants it indexed: `ensure` it first.
    """

    def __init__(self, store: GitStore, file: Path | None = None) -> None:
        self._store = store
        self.tables = Tables(file or store.path / "prompt-repo" / "history.sqlite3")

    @_healed
    def ensure(self, commit: str) -> None:
        """Takes in all that is reachable from a commit and not in yet; raises RevisionNotFound."""
        if Builder(self.tables.connection()).find(commit) is None:
            self._take([commit])

    @_healed
    def record(self, commit: Commit) -> None:
        """Takes in a commit just made, without reading it from Git again."""
        with self.tables.writing() as connection:
            builder = Builder(connection)
            known = all(builder.find(parent) for parent in commit.parents)
            if known and not trailer_parents(commit):
                builder.take(commit)
                return
        self.ensure(commit.oid)

    @_healed
    def held(self, commit: str, path: str) -> Held | None:
        """The version that stands at a path; None where there never was one.

        Raises RevisionNotFound for a commit that isn't indexed.
        """
        lane, position = self._place(commit)
        while lane is not None:
            row = self._sql(HELD, (path, lane, position)).fetchone()
            if row is not None:
                return _held(*row) if row[0] is not None else None
            lane, position = self._origin(lane)
        return None

    @_healed
    def state(self, commit: str) -> dict[str, Held]:
        """The version that stands at every path, removed ones included."""
        lane, position = self._place(commit)
        found: dict[str, Held | None] = {}
        while lane is not None:
            for path, held in self._span(lane, -1, position or 0):
                found.setdefault(path, held)
            lane, position = self._origin(lane)
        return {path: held for path, held in found.items() if held is not None}

    @_healed
    def moved(self, old: str, new: str) -> dict[str, Held | None] | None:
        """What stands anew at `new` if it follows on `old` by first parents.

        None as a value: there, as if never made. None as the answer: `new` does not follow.
        """
        target, start = self._place(old)
        lane, position = self._place(new)
        found: dict[str, Held | None] = {}
        while lane is not None:
            ends_here = lane == target and (start or 0) <= (position or 0)
            for path, held in self._span(lane, (start or 0) if ends_here else -1, position or 0):
                found.setdefault(path, held)
            if ends_here:
                return found
            lane, position = self._origin(lane)
        return None

    @_healed
    def page(
        self, commit: str, path: str, cursor: str | None = None, limit: int = PAGE
    ) -> HistoryPage:
        """Some versions of a prompt, newest first; costs the same however long the history is.

        `cursor` is `next_cursor` of the page before. Raises InvalidCursor, RevisionNotFound.
        """
        limit = max(1, min(limit, LONGEST_PAGE))
        if cursor is None:
            held = self.held(commit, path)
            start = held.row if held else None
        else:
            start = self._from_cursor(path, cursor)
        if start is None:
            return HistoryPage((), None)
        rows = [row for (row,) in self._sql(CHAIN, (start, limit))]
        versions = tuple(self.version(row) for row in rows[:limit])
        return HistoryPage(versions, self.version(rows[limit]).commit if rows[limit:] else None)

    @_healed
    def numbered(self, commit: str, path: str, number: int) -> Version:
        """A version by its number along the chain; raises VersionNotFound."""
        held = self.held(commit, path)
        if held is None or not 1 <= number <= held.number:
            raise VersionNotFound(path, number)
        rows = self._sql(CHAIN, (held.row, held.number - number)).fetchall()
        return self.version(rows[-1][0])

    @_healed
    def version(self, row: int) -> Version:
        """All about a version that `held`, `state` or `page` gave."""
        found = self._sql(VERSION, (row,)).fetchone()
        if found is None:
            raise LookupError(f"the history index has no version {row}")
        number, oid, name, email, at, reason, blob, path, joined = found
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

    def first(self, row: int) -> Version:
        """The version where a chain began: who made this prompt, and when."""
        origin = self._sql("SELECT origin FROM versions WHERE id = ?", (row,)).fetchone()
        if origin is None:
            raise LookupError(f"the history index has no version {row}")
        return self.version(origin[0])

    @_healed
    def before(self, commit: str, moment: datetime) -> str | None:
        """The newest first-parent ancestor committed at or before a moment, or the commit itself."""
        lane, position = self._place(commit)
        while lane is not None:
            row = self._sql(
                "SELECT oid FROM commits WHERE lane = ? AND position <= ? AND committed <= ?"
                " ORDER BY position DESC LIMIT 1",
                (lane, position, int(moment.timestamp())),
            ).fetchone()
            if row is not None:
                oid: str = row[0].hex()
                return oid
            lane, position = self._origin(lane)
        return None

    def rebuild(self) -> int:
        """Makes the index anew from all branches and tags; gives the number of commits."""
        tips = [*self._store.branches().values(), *self._store.tags().values()]
        with self.tables.writing() as connection:
            empty(connection)
            self._take(tips)
            count: int = connection.execute("SELECT count(*) FROM commits").fetchone()[0]
        return count

    def check(self) -> list[str]:
        """How the index differs from one made afresh, and that from the trees Git holds."""
        tips = self._store.branches()
        for tip in tips.values():
            self.ensure(tip)
        with TemporaryDirectory() as folder:
            fresh = History(self._store, Path(folder) / "history.sqlite3")
            fresh.rebuild()
            return [*_differences(self, fresh), *self._against_trees(tips.values())]

    def _against_trees(self, tips: Iterable[str]) -> Iterator[str]:
        for tip in set(tips):
            index = {path: held.blob for path, held in self.state(tip).items() if held.blob}
            git = {path: blob for path, blob in self._store.files(tip) if place_of(path)}
            for path in sorted({*index, *git}):
                if index.get(path) != git.get(path):
                    yield (
                        f"{path} at {tip[:12]}: the index holds {index.get(path)}, "
                        f"Git {git.get(path)}"
                    )

    def _take(self, tips: Iterable[str]) -> None:
        """Takes in all that is reachable from `tips`, parents first."""
        with self.tables.writing() as connection:
            builder = Builder(connection)
            found: dict[str, Commit] = {}
            wanted = [tip for tip in tips if builder.find(tip) is None]
            while wanted:
                self._collect(builder, wanted, found)
                named = {oid for commit in found.values() for oid in trailer_parents(commit)}
                wanted = [
                    oid
                    for oid in sorted(named - found.keys())
                    if builder.find(oid) is None and self._store.exists(oid)
                ]
            for oid in _parents_first(found):
                builder.take(found[oid])

    def _collect(self, builder: Builder, tips: Iterable[str], found: dict[str, Commit]) -> None:
        """Reads commits that aren't in: a few one by one, many by one `git log`."""
        front = list(tips)
        near: dict[str, Commit] = {}
        while front and len(near) < NEAR:
            oid = front.pop()
            if oid in near or oid in found or builder.find(oid) is not None:
                continue
            near[oid] = self._store.commit(oid)
            front.extend(near[oid].parents)
        if not front:
            found.update(near)
            return
        known = [
            oid.hex()
            for (oid,) in self._sql(
                "SELECT c.oid FROM lanes l JOIN commits c ON c.lane = l.id AND c.position = l.tip"
            )
        ]
        exclude = [oid for oid in (*known, *found) if self._store.exists(oid)]
        for commit in git_cli.log_raw(self._store.path, tips, exclude):
            found[commit.oid] = commit

    def _sql(self, query: str, values: tuple[object, ...] = ()) -> sqlite3.Cursor:
        return self.tables.connection().execute(query, values)

    def _place(self, commit: str) -> tuple[int | None, int | None]:
        try:
            oid = bytes.fromhex(commit)
        except ValueError as wrong:
            raise RevisionNotFound(commit) from wrong
        row = self._sql("SELECT lane, position FROM commits WHERE oid = ?", (oid,)).fetchone()
        if row is None:
            raise RevisionNotFound(commit)
        lane, position = row
        return lane, position

    def _origin(self, lane: int) -> tuple[int | None, int | None]:
        row = self._sql(
            "SELECT from_lane, from_position FROM lanes WHERE id = ?", (lane,)
        ).fetchone()
        return (row[0], row[1]) if row else (None, None)

    def _span(self, lane: int, after: int, upto: int) -> Iterator[tuple[str, Held | None]]:
        """What stands at the paths that changed on a stretch of a lane."""
        for path, row, number, oid, blob, _ in self._sql(STATE, (lane, after, upto)):
            yield path, _held(row, number, oid, blob) if row is not None else None

    def _from_cursor(self, path: str, cursor: str) -> int:
        try:
            oid = bytes.fromhex(cursor)
        except ValueError as wrong:
            raise InvalidCursor(cursor) from wrong
        row = self._sql(
            "SELECT v.id FROM versions v JOIN commits c ON c.id = v.commit_id"
            " WHERE c.oid = ? AND v.path = (SELECT id FROM paths WHERE path = ?)",
            (oid, path),
        ).fetchone()
        if row is None:
            raise InvalidCursor(cursor)
        ident: int = row[0]
        return ident


def _held(row: int, number: int, oid: bytes, blob: bytes | None) -> Held:
    return Held(row, number, oid.hex(), blob.hex() if blob is not None else None)


def _parents_first(found: dict[str, Commit]) -> Iterator[str]:
    """The commits in an order where parents, also those that trailers name, come first."""
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for oid, commit in found.items():
        sorter.add(oid, *(p for p in (*commit.parents, *trailer_parents(commit)) if p in found))
    return iter(sorter.static_order())


FACTS = (
    (
        "version",
        "SELECT p.path, v.number, c.oid, v.blob, pc.oid, jc.oid FROM versions v"
        " JOIN paths p ON p.id = v.path JOIN commits c ON c.id = v.commit_id"
        " LEFT JOIN versions pv ON pv.id = v.parent LEFT JOIN commits pc ON pc.id = pv.commit_id"
        " LEFT JOIN versions jv ON jv.id = v.joined LEFT JOIN commits jc ON jc.id = jv.commit_id",
    ),
    (
        "standing",
        "SELECT p.path, v.number, c.oid, vc.oid, NULL, NULL FROM states s"
        " JOIN paths p ON p.id = s.path JOIN commits c ON c.lane = s.lane"
        " AND c.position = s.position LEFT JOIN versions v ON v.id = s.version"
        " LEFT JOIN commits vc ON vc.id = v.commit_id",
    ),
)
"""What an index says in terms of paths and commits, so that two of them can be compared."""


def _differences(kept: History, fresh: History) -> Iterator[str]:
    """Facts that only one of two indexes holds; a kept one may know more commits (pruned since)."""
    indexed = {oid for (oid,) in fresh.tables.connection().execute("SELECT oid FROM commits")}
    for kind, query in FACTS:
        mine = {row for row in kept.tables.connection().execute(query) if row[2] in indexed}
        theirs = set(fresh.tables.connection().execute(query))
        for verdict, rows in (("is wrong", mine - theirs), ("is missing", theirs - mine)):
            for path, number, oid, *_ in sorted(rows, key=str):
                yield f"{path} at {oid.hex()[:12]}: the {kind} numbered {number} {verdict}"
