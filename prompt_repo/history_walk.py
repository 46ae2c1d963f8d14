"""All paths at a commit in order, a stretch at a time: what must not hold everything at once."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from prompt_repo.history_values import held_of
from prompt_repo.model import FileChange, Held

PATHS = """
SELECT id, path FROM paths WHERE path > ? AND path < ? ORDER BY path LIMIT ?
"""
STANDING = """
SELECT s.path, v.id, v.number, c.oid, v.blob, v.parent, max(s.position)
FROM json_each(?) AS wanted JOIN states s ON s.path = wanted.value
LEFT JOIN versions v ON v.id = s.version LEFT JOIN commits c ON c.id = v.commit_id
WHERE s.lane = ? AND s.position <= ? GROUP BY s.path
"""
TOUCHED = """
SELECT p.id, p.path, v.blob FROM states s JOIN paths p ON p.id = s.path
LEFT JOIN versions v ON v.id = s.version WHERE s.lane = ? AND s.position = ? ORDER BY p.path
"""
FIRST = "SELECT oid FROM commits WHERE lane = ? ORDER BY position LIMIT 1"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Paths with what stands at each (removed ones included); `last` is None at the end."""

    held: Sequence[tuple[str, Held]]
    last: str | None


@dataclass(frozen=True, slots=True)
class Walk:
    """What stands at one commit.

    `lanes` lead to it, the nearest first, each with the last position on it.
    """

    connection: sqlite3.Connection
    lanes: Sequence[tuple[int, int]]

    def stretch(self, folder: str, after: str, limit: int) -> Stretch:
        """Some of the paths that begin with `folder`, from the one after `after` on."""
        end = f"{folder[:-1]}{chr(ord(folder[-1]) + 1)}"
        rows = self.connection.execute(PATHS, (max(folder, after), end, limit)).fetchall()
        found: dict[int, Held | None] = {}
        for lane, position in self.lanes:
            left = json.dumps([ident for ident, _ in rows if ident not in found])
            for path, *row, _ in self.connection.execute(STANDING, (left, lane, position)):
                found[path] = held_of(*row) if row[0] is not None else None
        held = [(path, each) for ident, path in rows if (each := found.get(ident)) is not None]
        return Stretch(held, rows[-1][1] if rows and len(rows) == limit else None)

    def changes(self, before: "Walk | None") -> list[FileChange]:
        """What this commit changed against its first parent, whose walk is given; in order.

        Asked is only about paths where it began something; no tree is looked at.
        """
        rows = self.connection.execute(TOUCHED, self.lanes[0]).fetchall()
        old: dict[int, str | None] = {}
        for lane, position in before.lanes if before is not None else ():
            left = json.dumps([ident for ident, *_ in rows if ident not in old])
            for path, *row, _ in self.connection.execute(STANDING, (left, lane, position)):
                old[path] = held_of(*row).blob if row[0] is not None else None
        new = (
            (ident, path, blob.hex() if blob is not None else None) for ident, path, blob in rows
        )
        return [
            FileChange(path, old.get(ident), blob)
            for ident, path, blob in new
            if old.get(ident) != blob
        ]

    def origin(self) -> str:
        """Where its line of first parents begins, which names the repository for good."""
        oid: str = self.connection.execute(FIRST, (self.lanes[-1][0],)).fetchone()[0].hex()
        return oid
