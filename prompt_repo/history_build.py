"""Commits into the history index, by the rule of versions.

* A commit whose blob at a path equals a parent's is no new version: it continues that parent's
  chain, the one with the highest number if several.
* Otherwise it is a new version, numbered one more than the highest among its parents. Removing
  is a version too, without a blob.
* A trailer Promoted-From, Rolled-Back-To or Hotfix-From with a full commit id counts as one more
  parent for the paths that have a version there whose blob is equal (both removed is equal too).
"""

import heapq
import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from prompt_repo.history_tables import version_id
from prompt_repo.layout import place_of
from prompt_repo.model import Commit

PARENT_TRAILERS = frozenset({"promoted-from", "rolled-back-to", "hotfix-from"})
OID = re.compile(r"[0-9a-f]{40}")

STANDING = """
SELECT v.id, v.number, v.blob, v.origin FROM states s LEFT JOIN versions v ON v.id = s.version
WHERE s.path = ? AND s.lane = ? AND s.position <= ? ORDER BY s.position DESC LIMIT 1
"""


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


@dataclass(slots=True)
class _Parent:
    at: At
    trailer: bool


def trailer_parents(commit: Commit) -> list[str]:
    """The commits that a commit's trailers name as further parents."""
    return [
        value
        for key, value in commit.trailers
        if key.lower() in PARENT_TRAILERS and OID.fullmatch(value)
    ]


class Builder:
    """Takes commits in, parents first, within one transaction of one connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._sql = connection.execute
        self._paths: dict[str, int] = {}
        self._lanes: dict[int, tuple[int | None, int | None]] = {}

    def find(self, oid: str) -> At | None:
        """Where a commit stands in the index."""
        row = self._sql(
            "SELECT id, lane, position FROM commits WHERE oid = ?", (bytes.fromhex(oid),)
        ).fetchone()
        return At(*row) if row else None

    def take(self, commit: Commit) -> None:
        """Takes one commit in, whose parents are in; one that is in already is passed over."""
        if self.find(commit.oid) is not None:
            return
        parents = [_Parent(at, False) for oid in commit.parents if (at := self.find(oid))]
        parents += [_Parent(at, True) for oid in trailer_parents(commit) if (at := self.find(oid))]
        first = parents[0] if parents and not parents[0].trailer else None
        at = self._place(commit, first.at if first else None)
        if first is not None and len(parents) == 1:
            self._plain(commit, at, first.at)
        else:
            self._joined(commit, at, first.at if first else None, parents)

    def _place(self, commit: Commit, first: At | None) -> At:
        """A commit's row: next on its first parent's lane, or first on a new one."""
        lane, position = self._next(first)
        row = self._sql(
            "INSERT INTO commits (oid, lane, position, name, email, at, committed, reason)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                bytes.fromhex(commit.oid),
                lane,
                position,
                commit.author.name,
                commit.author.email,
                int(commit.authored_at.timestamp()),
                int(commit.committed_at.timestamp()),
                commit.reason,
            ),
        )
        return At(row.lastrowid or 0, lane, position)

    def _next(self, first: At | None) -> tuple[int, int]:
        if first is not None:
            continued = self._sql(
                "UPDATE lanes SET tip = tip + 1 WHERE id = ? AND tip = ?",
                (first.lane, first.position),
            )
            if continued.rowcount:
                return first.lane, first.position + 1
        origin = (first.lane, first.position) if first else (None, None)
        made = self._sql(
            "INSERT INTO lanes (from_lane, from_position, tip) VALUES (?, ?, 0)", origin
        )
        return made.lastrowid or 0, 0

    def _plain(self, commit: Commit, at: At, first: At) -> None:
        """A commit with one parent: every changed path is a new version."""
        for change in commit.changes:
            if place_of(change.path) is None:
                continue
            path = self._path(change.path)
            before = self._standing(first, path)
            blob = bytes.fromhex(change.new) if change.new else None
            if (before.blob if before else None) != blob:
                row = self._version(commit, at, change.path, blob, before, None)
                self._state(path, at, row)

    def _joined(self, commit: Commit, at: At, first: At | None, parents: list[_Parent]) -> None:
        """A root, a merge, or a commit whose trailers name further parents."""
        blobs = {
            self._path(change.path): (
                change.path,
                bytes.fromhex(change.new) if change.new else None,
            )
            for change in commit.changes
            if place_of(change.path) is not None
        }
        others = [parent for parent in parents if parent.at is not first]
        paths = set(blobs)
        for other in others:
            paths |= self._differing(first, other.at)
        edges: dict[int, list[int]] = {other.at.id: [] for other in others}
        for path in paths:
            before = self._standing(first, path) if first else None
            here = blobs[path][1] if path in blobs else (before.blob if before else None)
            sides = [(other, self._standing(other.at, path)) for other in others]
            name = blobs[path][0] if path in blobs else self._name(path)
            row = self._decided(commit, at, name, here, before if first else None, sides, first)
            if (row.id if row else None) != (before.id if before else None):
                self._state(path, at, row)
            for other, standing in sides:
                if (row.id if row else None) != (standing.id if standing else None):
                    edges[other.at.id].append(path)
        self._edges(at, edges)

    def _decided(
        self,
        commit: Commit,
        at: At,
        path: str,
        blob: bytes | None,
        before: Row | None,
        sides: Sequence[tuple[_Parent, Row | None]],
        first: At | None,
    ) -> Row | None:
        """The version that stands at a path: a parent's, or a new one."""
        real = [before] if first is not None else []
        real += [standing for parent, standing in sides if not parent.trailer]
        named = [standing for parent, standing in sides if parent.trailer and standing]
        equal = [row for row in (*real, *named) if (row.blob if row else None) == blob]
        if equal:
            return max(equal, key=_number)
        if blob is None and not real:
            return None
        best = max(real, key=_number, default=None)
        joined = next((row for row in real if row and best and row.id != best.id), None)
        return self._version(commit, at, path, blob, best, joined)

    def _version(
        self,
        commit: Commit,
        at: At,
        path: str,
        blob: bytes | None,
        parent: Row | None,
        joined: Row | None,
    ) -> Row:
        ident = version_id(path, commit.oid)
        row = Row(
            ident, parent.number + 1 if parent else 1, blob, parent.origin if parent else ident
        )
        self._sql(
            "INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                ident,
                self._path(path),
                row.number,
                at.id,
                blob,
                parent.id if parent else None,
                joined.id if joined else None,
                row.origin,
            ),
        )
        return row

    def _state(self, path: int, at: At, row: Row | None) -> None:
        self._sql(
            "INSERT INTO states VALUES (?, ?, ?, ?)",
            (path, at.lane, at.position, row.id if row else None),
        )

    def _edges(self, at: At, edges: dict[int, list[int]]) -> None:
        for parent, paths in edges.items():
            for path in (0, *paths):
                self._sql("INSERT OR IGNORE INTO edges VALUES (?, ?, ?)", (at.id, parent, path))

    def _standing(self, at: At, path: int) -> Row | None:
        """The version that stands at a path at a commit: on its lane, else where that began."""
        lane: int | None = at.lane
        position: int | None = at.position
        while lane is not None:
            row = self._sql(STANDING, (path, lane, position)).fetchone()
            if row is not None:
                return Row(*row) if row[0] is not None else None
            lane, position = self._origin(lane)
        return None

    def _origin(self, lane: int) -> tuple[int | None, int | None]:
        known = self._lanes.get(lane)
        if known is None:
            known = self._sql(
                "SELECT from_lane, from_position FROM lanes WHERE id = ?", (lane,)
            ).fetchone()
            self._lanes[lane] = known
        return known

    def _path(self, path: str) -> int:
        known = self._paths.get(path)
        if known is None:
            self._sql("INSERT OR IGNORE INTO paths (path) VALUES (?)", (path,))
            known = self._sql("SELECT id FROM paths WHERE path = ?", (path,)).fetchone()[0]
            self._paths[path] = known
        return known

    def _name(self, path: int) -> str:
        name: str = self._sql("SELECT path FROM paths WHERE id = ?", (path,)).fetchone()[0]
        return name

    def _differing(self, one: At | None, other: At) -> set[int]:
        """Paths whose standing versions may differ between two commits.

        States differ only along the edges of some way from one commit to the other through a
        common ancestor, so the cheapest such way is sought from both ends. A production that
        merges staging again and again is one edge away from what it last merged.
        """
        if one is None:
            return self._all_paths()
        ways: tuple[dict[int, tuple[int, At] | None], ...] = ({one.id: None}, {other.id: None})
        settled: tuple[set[int], set[int]] = (set(), set())
        front = [(0, 0, one), (0, 1, other)]
        cost = ({one.id: 0}, {other.id: 0})
        while front:
            spent, side, at = heapq.heappop(front)
            if at.id in settled[side]:
                continue
            settled[side].add(at.id)
            if at.id in settled[1 - side]:
                return self._along(ways[0], at) | self._along(ways[1], at)
            for parent, size in self._parents(at):
                total = spent + 1 + size
                if total < cost[side].get(parent.id, total + 1):
                    cost[side][parent.id] = total
                    ways[side][parent.id] = (at.id, at)
                    heapq.heappush(front, (total, side, parent))
        return self._all_paths()

    def _along(self, ways: dict[int, tuple[int, At] | None], end: At) -> set[int]:
        paths: set[int] = set()
        at = end
        while (step := ways[at.id]) is not None:
            paths |= self._edge(step[1], at)
            at = step[1]
        return paths

    def _parents(self, at: At) -> Iterator[tuple[At, int]]:
        """A commit's parents with how many paths differ on the way to each."""
        first = self._first_parent(at)
        if first is not None:
            size = self._sql(
                "SELECT count(*) FROM states WHERE lane = ? AND position = ?",
                (at.lane, at.position),
            ).fetchone()[0]
            yield first, size
        for ident, lane, position, size in self._sql(
            "SELECT c.id, c.lane, c.position, count(*) FROM edges e JOIN commits c"
            " ON c.id = e.parent_id WHERE e.commit_id = ? GROUP BY c.id",
            (at.id,),
        ).fetchall():
            yield At(ident, lane, position), size

    def _first_parent(self, at: At) -> At | None:
        lane, position = (at.lane, at.position - 1) if at.position else self._origin(at.lane)
        row = self._sql(
            "SELECT id, lane, position FROM commits WHERE lane = ? AND position = ?",
            (lane, position),
        ).fetchone()
        return At(*row) if row else None

    def _edge(self, child: At, parent: At) -> set[int]:
        """Paths that differ between a commit and one of its parents."""
        found: set[int] = set()
        if self._first_parent(child) == parent:
            found.update(
                path
                for (path,) in self._sql(
                    "SELECT path FROM states WHERE lane = ? AND position = ?",
                    (child.lane, child.position),
                )
            )
            return found
        rows = self._sql(
            "SELECT path FROM edges WHERE commit_id = ? AND parent_id = ? AND path > 0",
            (child.id, parent.id),
        )
        found.update(path for (path,) in rows)
        return found

    def _all_paths(self) -> set[int]:
        return {path for (path,) in self._sql("SELECT id FROM paths")}


def _number(row: Row | None) -> int:
    return row.number if row else 0
