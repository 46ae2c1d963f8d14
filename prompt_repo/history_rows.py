"""Rows of the history index within one transaction: what was just written is at hand."""

import hashlib
import json
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import NamedTuple

from prompt_repo.layout import place_of
from prompt_repo.model import Commit

BATCH = 20_000  # commits and changed paths held back before they are written
KEPT = 20_000  # paths, and as many commits, of which is kept what was last seen of them
NOT_OURS = 0  # the id of every path where no document of ours may stand

STANDING = """
SELECT v.id, v.number, v.blob, v.origin FROM states s LEFT JOIN versions v ON v.id = s.version
WHERE s.path = ? AND s.lane = ? AND s.position <= ? ORDER BY s.position DESC LIMIT 1
"""
STANDING_OF_MANY = """
SELECT s.path, v.id, v.number, v.blob, v.origin, max(s.position) FROM json_each(?) j
JOIN states s ON s.path = j.value AND s.lane = ? AND s.position <= ?
LEFT JOIN versions v ON v.id = s.version GROUP BY s.path
"""
CHANGED = "SELECT json_group_array(path) FROM states WHERE lane = ? AND position = ?"
DESCENDS = """
WITH RECURSIVE chain (id, depth) AS (
    SELECT ?, 0 UNION ALL
    SELECT v.parent, depth + 1 FROM chain JOIN versions v ON v.id = chain.id WHERE depth < ?
) SELECT id FROM chain ORDER BY depth DESC LIMIT 1
"""
GO_ON = """
INSERT INTO states SELECT v.path, ?, ?, v.id FROM json_each(?) j JOIN versions v ON v.id = j.value
"""
INSERTS = {
    "commits": "INSERT INTO commits VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "paths": "INSERT INTO paths VALUES (?, ?)",
    "versions": "INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    "states": "INSERT INTO states VALUES (?, ?, ?, ?)",
    "edges": "INSERT INTO edges VALUES (?, ?, ?)",
}


class At(NamedTuple):
    """A commit's place in the index."""

    id: int
    lane: int
    position: int


class Row(NamedTuple):
    """A version that stands somewhere."""

    id: int
    number: int
    blob: bytes | None
    origin: int


Edge = tuple[At, Collection[int]]
"""A parent, and the paths whose standing version differs between it and the commit."""


@dataclass(slots=True)
class _Lane:
    """`standing` is what is known of its tip; a lane begun here is known whole."""

    origin: tuple[int, int] | None
    tip: int
    standing: dict[int, Row | None]
    whole: bool


class Rows:
    """What the index holds, read and written by one transaction; `flush` before it ends."""

    def __init__(self, connection: sqlite3.Connection, key: bytes) -> None:
        self._connection = connection
        self._sql = connection.execute
        self._key = key
        self._new = self._last("commits") == 0
        self._places: dict[str, At] = {}
        self._lanes: dict[int, _Lane] = {}
        self._moved: set[int] = set()
        self._paths: dict[str, int] = {}
        self._edges: dict[int, list[Edge]] = {}
        self._ids: dict[str, int] = {}
        self._held_back: dict[str, list[tuple[object, ...]]] = {name: [] for name in INSERTS}

    def find(self, oid: str) -> At | None:
        """Where a commit stands."""
        known = self._places.get(oid)
        if known is None and not self._new:
            row = self._sql(
                "SELECT id, lane, position FROM commits WHERE oid = ?", (bytes.fromhex(oid),)
            ).fetchone()
            if row is not None:
                known = self._places[oid] = At(*row)
        return known

    def next_id(self, table: str) -> int:
        """An id for a row to come."""
        self._ids[table] = self._last_id(table) + 1
        return self._ids[table]

    def _last_id(self, table: str) -> int:
        known = self._ids.get(table)
        return known if known is not None else self._last(table)

    def path(self, path: str) -> int:
        """The id of a path, given to it where it is new; NOT_OURS where no document may stand."""
        known = self._paths.get(path)
        if known is not None:
            return known
        row = self._sql("SELECT id FROM paths WHERE path = ?", (path,)).fetchone()
        if row is not None:
            known = int(row[0])
        elif place_of(path) is None:
            known = NOT_OURS
        else:
            known = self.next_id("paths")
            self._held_back["paths"].append((known, path))
        self._paths[path] = known
        return known

    def all_paths(self) -> set[int]:
        """The ids of all paths."""
        self.flush()
        return {path for (path,) in self._sql("SELECT id FROM paths")}

    def standing(self, at: At, path: int) -> Row | None:
        """The version that stands at a path: on the commit's lane, else where that began."""
        lane = self._lane(at.lane)
        if at.position != lane.tip:
            return self._looked_up(at, path)
        if path not in lane.standing:
            if not lane.whole:  # what it lacks is written
                lane.standing[path] = self._written(at, path)
            elif lane.origin is None:
                return None
            else:
                lane.standing[path] = self.standing(At(0, *lane.origin), path)
        return lane.standing[path]

    def foresee(self, at: At, paths: Iterable[int]) -> None:
        """Looks up at once what `standing` will be asked of many paths at a lane's tip."""
        lane = self._lane(at.lane)
        if at.position != lane.tip or lane.whole:
            return
        wanted = {path for path in paths if path not in lane.standing}
        if not wanted:
            return
        self.flush()
        place: tuple[int, int] | None = (at.lane, at.position)
        while place is not None and wanted:
            for path, *row, _ in self._sql(STANDING_OF_MANY, (json.dumps(list(wanted)), *place)):
                lane.standing[path] = Row(*row) if row[0] is not None else None
                wanted.discard(path)
            place = self._lane(place[0]).origin
        lane.standing.update(dict.fromkeys(wanted))

    def tips(self) -> list[str]:
        """The last commits of all lanes."""
        self.flush()
        query = "SELECT c.oid FROM lanes l JOIN commits c ON c.lane = l.id AND c.position = l.tip"
        return [oid.hex() for (oid,) in self._sql(query)]

    def descends(self, row: Row, of: Row) -> bool:
        """Whether a version's chain leads back to another one."""
        self.flush()
        steps = row.number - of.number
        found = self._sql(DESCENDS, (row.id, max(steps, 0))).fetchone()
        return bool(found[0] == of.id)

    def next_place(self, ident: int, first: At | None) -> At:
        """Where the next commit would stand by its first parent: at `place` it will."""
        lane = self._lane(first.lane) if first is not None else None
        if first is not None and lane is not None and lane.tip == first.position:
            return At(ident, first.lane, lane.tip + 1)
        return At(ident, self._last_id("lanes") + 1, 0)

    def place(self, commit: Commit, ident: int, first: At | None) -> At:
        """A commit's row: next on its first parent's lane, or the first of a new lane."""
        at = self.next_place(ident, first)
        if first is not None and at.lane == first.lane:
            self._lane(at.lane).tip = at.position
        else:
            self._ids["lanes"] = at.lane
            origin = (first.lane, first.position) if first is not None else None
            self._lanes[at.lane] = _Lane(origin, 0, {}, whole=True)
        self._moved.add(at.lane)
        self._places[commit.oid] = at
        author = commit.author
        self._held_back["commits"].append(
            (
                ident,
                bytes.fromhex(commit.oid),
                at.lane,
                at.position,
                author.name,
                author.email,
                int(commit.authored_at.timestamp()),
                int(commit.committed_at.timestamp()),
                commit.reason if commit.trailers else commit.message.strip(),
            ),
        )
        return at

    def version(
        self,
        path: tuple[int, str],
        commit: tuple[int, str],
        blob: bytes | None,
        parent: Row | None,
        joined: Row | None = None,
    ) -> Row:
        """A new version; path and commit are given by id and by name.

        Its id is made of those names, so that an index made anew knows the old ids.
        """
        ident = self.version_id(path[1], commit[1])
        row = Row(
            ident, parent.number + 1 if parent else 1, blob, parent.origin if parent else ident
        )
        self._held_back["versions"].append(
            (
                ident,
                path[0],
                row.number,
                commit[0],
                blob,
                parent.id if parent else None,
                joined.id if joined else None,
                row.origin,
            ),
        )
        return row

    def version_id(self, path: str, commit: str) -> int:
        """The id of the version that a commit makes at a path."""
        name = f"{commit}{path}".encode()
        return int.from_bytes(hashlib.blake2b(name, digest_size=8, key=self._key).digest()) >> 1

    def stand(
        self, at: At, first: At | None, moved: Sequence[tuple[int, Row | None]], edges: list[Edge]
    ) -> None:
        """What a commit just placed changed against its first parent, and against the others."""
        standing = self._lanes[at.lane].standing
        self._moved.add(at.lane)
        for path, row in moved:
            standing[path] = row
            self._held_back["states"].append((path, at.lane, at.position, row.id if row else None))
        for parent, differing in edges:
            for path in (0, *differing):
                self._held_back["edges"].append((at.id, parent.id, path))
        self._edges[at.id] = [(first, [path for path, _ in moved]), *edges] if first else edges
        if len(self._held_back["commits"]) + len(self._held_back["states"]) >= BATCH:
            self.flush()

    def go_on(self, at: At, versions: Collection[int]) -> set[int]:
        """Has versions stand from a place on where the next commit will be; gives their paths.

        One statement for all, in which SQLite lets other threads go on.
        """
        self.flush()
        self._sql(GO_ON, (at.lane, at.position, json.dumps(list(versions))))
        return set(json.loads(self._sql(CHANGED, (at.lane, at.position)).fetchone()[0]))

    def went_on(self, at: At) -> None:
        """Forgets what is known of a commit and its lane, which lacks versions that `go_on`."""
        self.flush()
        self._edges.pop(at.id, None)
        del self._lanes[at.lane]

    def edges(self, at: At) -> list[Edge]:
        """A commit's parents, those of trailers too, with the paths that differ from each."""
        known = self._edges.get(at.id)
        if known is None:
            known = self._edges[at.id] = [*self._first_edge(at), *self._further_edges(at)]
        return known

    def flush(self) -> None:
        """Writes what was held back."""
        if not self._moved:  # no commit since the last time
            return
        for table, rows in self._held_back.items():
            rows.sort(key=itemgetter(0))  # neighbours in the file are written together
            self._connection.executemany(INSERTS[table], rows)
            rows.clear()
        for ident in self._moved:
            lane = self._lanes[ident]
            self._sql(
                "INSERT OR REPLACE INTO lanes VALUES (?, ?, ?, ?)",
                (ident, *(lane.origin or (None, None)), lane.tip),
            )
        self._moved.clear()
        if len(self._paths) > KEPT:
            self.forget()
        if len(self._places) > KEPT:
            self._places, self._edges, self._new = {}, {}, False

    def forget_edges(self, at: At) -> None:
        """Has what a commit changed be looked up again."""
        self._edges.pop(at.id, None)

    def forget(self) -> None:
        """Has what is known of paths be looked up again, so that memory stays flat."""
        self.flush()
        self._paths = {}
        for lane in self._lanes.values():
            lane.standing, lane.whole = {}, False

    def _last(self, table: str) -> int:
        found: int | None = self._sql(f"SELECT max(id) FROM {table}").fetchone()[0]  # noqa: S608
        return found or 0

    def _lane(self, ident: int) -> _Lane:
        known = self._lanes.get(ident)
        if known is None:
            lane, position, tip = self._sql(
                "SELECT from_lane, from_position, tip FROM lanes WHERE id = ?", (ident,)
            ).fetchone()
            origin = (lane, position) if lane is not None else None
            known = self._lanes[ident] = _Lane(origin, tip, {}, whole=False)
        return known

    def _looked_up(self, at: At, path: int) -> Row | None:
        self.flush()
        return self._written(at, path)

    def _written(self, at: At, path: int) -> Row | None:
        place: tuple[int, int] | None = (at.lane, at.position)
        while place is not None:
            row = self._sql(STANDING, (path, *place)).fetchone()
            if row is not None:
                return Row(*row) if row[0] is not None else None
            place = self._lane(place[0]).origin
        return None

    def _first_edge(self, at: At) -> Iterable[Edge]:
        parent = (at.lane, at.position - 1) if at.position else self._lane(at.lane).origin
        if parent is not None:
            row = self._sql(
                "SELECT id, lane, position FROM commits WHERE lane = ? AND position = ?", parent
            ).fetchone()
            paths = self._sql(CHANGED, (at.lane, at.position)).fetchone()[0]
            yield At(*row), json.loads(paths)

    def _further_edges(self, at: At) -> Iterable[Edge]:
        found: dict[At, list[int]] = {}
        for path, *parent in self._sql(
            "SELECT e.path, c.id, c.lane, c.position FROM edges e"
            " JOIN commits c ON c.id = e.parent_id WHERE e.commit_id = ?",
            (at.id,),
        ):
            found.setdefault(At(*parent), []).extend([path] if path else [])
        return found.items()
