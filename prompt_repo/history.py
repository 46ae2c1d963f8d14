"""Version chains of every prompt: a derived index that costs each commit once."""

import json
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime
from functools import update_wrapper
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Concatenate, ParamSpec, TypeVar

from prompt_repo.errors import (
    InvalidCursor,
    RevisionNotFound,
    StorageFailed,
    VersionNotFound,
)
from prompt_repo.git_store import GitStore
from prompt_repo.history_build import (
    OID,
    take_all,
    take_continuing,
    trailer_parents,
    uncollected,
)
from prompt_repo.history_check import against_tree, differences
from prompt_repo.history_rows import Rows
from prompt_repo.history_sql import (
    AUTHORS,
    BACK,
    BESIDES,
    DESCEND,
    HELD,
    LINE,
    PARENTS,
    PLACE,
    REASONS,
    SPAN,
    STAYS,
    VERSION,
)
from prompt_repo.history_tables import ROOM, Tables, edition, empty
from prompt_repo.history_taking import take_reachable
from prompt_repo.history_values import held_of, version_of
from prompt_repo.history_walk import Walk
from prompt_repo.model import Commit, Held, HistoryPage, Version
from prompt_repo.progress import Progress, silent

PAGE, LONGEST_PAGE = 50, 500

P = ParamSpec("P")
R = TypeVar("R")


def _healed(
    method: Callable[Concatenate["History", P], R],
) -> Callable[Concatenate["History", P], R]:
    """Makes the file anew, once, where SQLite says that it is broken: it is derived.

    Where the file can't be used for another reason (the disk is full), raises StorageFailed.
    """

    def attempt(self: "History", /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(self, *args, **kwargs)
        except sqlite3.OperationalError as error:
            raise StorageFailed(str(self.tables.file), str(error)) from error
        except OSError as error:
            raise StorageFailed.of(error, self.tables.file.parent) from error
        except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
            raise
        except sqlite3.DatabaseError:
            self.tables.forget()
            self._take(self._tips())
            return method(self, *args, **kwargs)

    return update_wrapper(attempt, method)


class History:
    """The history index of one repository; safe for many threads and processes.

    Every read that names a commit wants it indexed: `ensure` it first.
    """

    def __init__(self, store: GitStore, file: Path | None = None) -> None:
        self._store = store
        file = file or store.derived / "history.sqlite3"
        self.tables = Tables(file, edition(store.path))

    @_healed
    def ensure(self, commit: str) -> None:
        """Takes in all that is reachable from a commit and not in yet; raises RevisionNotFound."""
        if self._find(commit) is None:
            self._take([commit])

    @_healed
    def record(self, commit: Commit) -> None:
        """Takes in a commit just made, without reading it from Git again."""
        with self.tables.writing() as connection:
            rows = Rows(connection, self.tables.key)
            if all(rows.find(oid) for oid in (*commit.parents, *trailer_parents(commit))):
                take_all(rows, [commit])
                return
        self.ensure(commit.oid)

    @_healed
    def record_continuing(
        self, commit: Commit, rows: Collection[int]
    ) -> dict[str, Held | None] | None:
        """Takes in a commit just made, at all of whose paths another parent's version goes on.

        `rows` are those versions, one for each path that the commit changed. Gives what stands
        anew besides them; None where the commit was taken in by looking at it, for its parents
        were not there, or it is in already.
        """
        with self.tables.writing() as connection:
            connection.execute(ROOM)
            index = Rows(connection, self.tables.key)
            parents = (*commit.parents, *trailer_parents(commit))
            if index.find(commit.oid) is None and all(map(index.find, parents)):
                at, moved = take_continuing(index, commit, rows)
                if not moved:
                    return {}
                found = connection.execute(BESIDES, (at.lane, at.position, json.dumps(moved)))
                return {path: held_of(*row) if row[0] is not None else None for path, *row in found}
        self.ensure(commit.oid)
        return None

    @_healed
    def held(self, commit: str, path: str) -> Held | None:
        """The version that stands at a path; None where there never was one.

        Raises RevisionNotFound for a commit that isn't indexed.
        """
        for lane, position in self._line(commit):
            row = self._sql(HELD, (path, lane, position)).fetchone()
            if row is not None:
                return held_of(*row) if row[0] is not None else None
        return None

    @_healed
    def state(self, commit: str) -> dict[str, Held]:
        """The version that stands at every path, removed ones included."""
        found: dict[str, Held | None] = {}
        for lane, position in self._line(commit):
            found = {**self._span(lane, -1, position), **found}
        return {path: held for path, held in found.items() if held is not None}

    @_healed
    def walk(self, commit: str) -> Walk:
        """What stands at a commit, to be gone through a stretch at a time."""
        return Walk(self.tables.connection(), tuple(self._line(commit)))

    @_healed
    def moved(self, old: str, new: str) -> dict[str, Held | None] | None:
        """What stands anew at `new` if it follows on `old` by first parents.

        None as a value: there, as if never made. None as the answer: `new` does not follow.
        """
        target, start = self._place(old)
        found: dict[str, Held | None] = {}
        for lane, position in self._line(new):
            if lane == target and start <= position:
                return {**self._span(lane, start, position), **found}
            found = {**self._span(lane, -1, position), **found}
        return None

    @_healed
    def follows(self, commit: str, on: str) -> bool:
        """Whether a commit is another one, or follows on it by first parents; both are indexed.

        No for what is not in: a trailer may name anything.
        """
        place = self._find(on) if OID.fullmatch(on) else None
        return place is not None and any(
            lane == place[0] and place[1] <= position for lane, position in self._line(commit)
        )

    @_healed
    def page(
        self, commit: str, path: str, cursor: str | None = None, limit: int = PAGE
    ) -> HistoryPage:
        """Some versions of a prompt, newest first; costs the same however long the history is.

        `cursor` is `next_cursor` of the page before. Raises InvalidCursor, also for a version
        that isn't in this commit's past, and RevisionNotFound.
        """
        limit = max(1, min(limit, LONGEST_PAGE))
        held = self.held(commit, path)
        start = held.row if held is not None else None
        if cursor is not None:
            start = self._from_cursor(held, path, cursor)
        if start is None:
            return HistoryPage((), None)
        versions = self.line(start, limit + 1)
        return HistoryPage(versions[:limit], versions[limit].commit if versions[limit:] else None)

    @_healed
    def line(self, row: int, limit: int) -> tuple[Version, ...]:
        """Some versions, newest first, from one on that `held` or `state` gave."""
        return tuple(version_of(*each) for each in self._sql(LINE, (row, limit - 1)))

    @_healed
    def stays(self, commit: str, path: str, limit: int) -> list[tuple[str, Held | None]]:
        """What stood at a path along a commit's first parents, newest first.

        Each with the commit it began to stand by; None: as if never made.
        """
        found: list[tuple[str, Held | None]] = []
        for lane, position in self._line(commit):
            left = limit - len(found)
            for oid, row, *rest in self._sql(STAYS, (path, lane, position, left)):
                found.append((oid.hex(), held_of(row, *rest) if row is not None else None))
        return found

    @_healed
    def numbered(self, commit: str, path: str, number: int) -> Version:
        """A version by its number along the chain; raises VersionNotFound."""
        held = self.held(commit, path)
        if held is None or not 1 <= number <= held.number:
            raise VersionNotFound(path, number)
        return self.version(self._back(held.row, held.number - number))

    @_healed
    def version(self, row: int) -> Version:
        """All about a version that `held` or `state` gave; raises LookupError for no such row."""
        found = self._sql(VERSION, (row,)).fetchone()
        if found is None:
            raise LookupError(f"the history index has no version {row}")
        return version_of(*found)

    @_healed
    def reasons(self, rows: Iterable[int]) -> dict[int, tuple[str, str]]:
        """Why versions that `held` or `state` gave were made, and by whom, by their rows."""
        found = self._sql(REASONS, (json.dumps(list(rows)),))
        return {row: (reason, name) for row, reason, name in found}

    @_healed
    def first(self, row: int) -> Version:
        """The version where a chain began: who made this prompt, and when."""
        origin = self._sql("SELECT origin FROM versions WHERE id = ?", (row,)).fetchone()
        if origin is None:
            raise LookupError(f"the history index has no version {row}")
        return self.version(origin[0])

    @_healed
    def authors(self, rows: Iterable[int]) -> dict[int, str]:
        """The names of those who wrote versions, by rows that `held` or `state` gave."""
        return dict(self._sql(AUTHORS, (json.dumps(list(rows)),)).fetchall())

    @_healed
    def descend(self, pairs: Iterable[tuple[int, int]]) -> set[tuple[int, int]]:
        """Those of the pairs of rows whose first version has the second in its past.

        A version that joined two has both in its past. Two queries answer for all pairs: most
        are a version and the one right before it.
        """
        asked = list(pairs)
        parents = dict(self._sql(PARENTS, (json.dumps([start for start, _ in asked]),)).fetchall())
        near = {(start, goal) for start, goal in asked if parents.get(start) == goal}
        far = [pair for pair in asked if pair not in near]
        found = self._sql(DESCEND, (json.dumps(far),)) if far else ()
        return near | {(start, goal) for start, goal in found}

    @_healed
    def before(self, commit: str, moment: datetime) -> str | None:
        """The newest commit made at or before a moment, of this one and its first parents."""
        for lane, position in self._line(commit):
            row = self._sql(
                "SELECT oid FROM commits WHERE lane = ? AND position <= ? AND committed <= ?"
                " ORDER BY position DESC LIMIT 1",
                (lane, position, int(moment.timestamp())),
            ).fetchone()
            if row is not None:
                oid: str = row[0].hex()
                return oid
        return None

    @_healed
    def rebuild(self, progress: Progress = silent) -> int:
        """Makes the index anew from all branches and tags; gives the number of commits."""
        with self.tables.writing() as connection:
            empty(connection)
            self._take(self._tips(), progress)
            count: int = connection.execute("SELECT count(*) FROM commits").fetchone()[0]
        return count

    @_healed
    def check(self, progress: Progress = silent) -> list[str]:
        """How the index differs from one made afresh, and that from the trees Git holds."""
        tips = self._tips()
        self._take(tips)
        with TemporaryDirectory() as folder:
            fresh = History(self._store, Path(folder) / "history.sqlite3")
            fresh._take(tips, progress)
            wrong = differences(self.tables.connection(), fresh.tables.connection())
        for tip in sorted(tips):
            wrong += against_tree(tip, self.state(tip), self._store.files(tip))
        return wrong

    def _tips(self) -> set[str]:
        return {*self._store.branches().values(), *self._store.tags().values()}

    def _take(self, tips: Iterable[str], progress: Progress = silent) -> None:
        """Takes in all that is reachable from `tips`, parents first."""
        with uncollected(), self.tables.writing() as connection:
            take_reachable(Rows(connection, self.tables.key), self._store, tips, progress)

    def _sql(self, query: str, values: tuple[object, ...] = ()) -> sqlite3.Cursor:
        return self.tables.connection().execute(query, values)

    def _find(self, commit: str) -> tuple[int, int] | None:
        """A commit's lane and position."""
        if not OID.fullmatch(commit):
            raise RevisionNotFound(commit)
        found: tuple[int, int] | None = self._sql(PLACE, (bytes.fromhex(commit),)).fetchone()
        return found

    def _place(self, commit: str) -> tuple[int, int]:
        found = self._find(commit)
        if found is None:
            raise RevisionNotFound(commit)
        return found

    def _line(self, commit: str) -> Iterator[tuple[int, int]]:
        """The lanes that lead to a commit by first parents, each with the last position on it."""
        place: tuple[int, int] | None = self._place(commit)
        while place is not None:
            yield place
            lane, position = self._sql(
                "SELECT from_lane, from_position FROM lanes WHERE id = ?", (place[0],)
            ).fetchone()
            place = (lane, position) if lane is not None else None

    def _span(self, lane: int, after: int, upto: int) -> dict[str, Held | None]:
        """What stands at the paths that changed on a stretch of a lane."""
        return {
            path: held_of(row, number, oid, blob, parent) if row is not None else None
            for path, row, number, oid, blob, parent, _ in self._sql(SPAN, (lane, after, upto))
        }

    def _back(self, row: int, steps: int) -> int:
        """The version some steps back along a chain, or where the chain begins."""
        found: int = self._sql(BACK, (row, steps)).fetchone()[0]
        return found

    def _from_cursor(self, held: Held | None, path: str, cursor: str) -> int:
        """The version a cursor names; it must be in the past of the one that stands."""
        row = None
        if held is not None and OID.fullmatch(cursor):
            row = self._sql(
                "SELECT v.id, v.number FROM versions v JOIN commits c ON c.id = v.commit_id"
                " WHERE c.oid = ? AND v.path = (SELECT id FROM paths WHERE path = ?)",
                (bytes.fromhex(cursor), path),
            ).fetchone()
        if held is None or row is None or self._back(held.row, held.number - row[1]) != row[0]:
            raise InvalidCursor(cursor)
        ident: int = row[0]
        return ident
