"""What the sync remembers in staging, beside the rows and in the same transactions as they.

Per table there are attempts, each a row of blocks with what it wrote, in order of the key. The
newest attempt speaks for all keys up to where it came; the one before it for those behind, and so
on. A finished attempt replaces all others.
"""

import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sync.comparing import Conflict
from sync.model import Cell, Key, Row, Table
from sync.tables import Target, key_reader

LATELY = 4
BINARY = {"postgresql": "bytea", "sqlite": "BLOB"}
TABLES = (
    "{0}runs (id TEXT PRIMARY KEY, started TEXT NOT NULL, finished TEXT, status TEXT NOT NULL, "
    "manifest TEXT NOT NULL, counts TEXT NOT NULL, error TEXT NOT NULL DEFAULT '')",
    "{0}attempts (number BIGINT PRIMARY KEY, table_name TEXT NOT NULL, run TEXT NOT NULL, "
    "snapshot TEXT NOT NULL, last_key TEXT, done BIGINT NOT NULL DEFAULT 0, blocks BIGINT NOT NULL "
    "DEFAULT 0, seen BIGINT NOT NULL DEFAULT 0, kept BIGINT NOT NULL DEFAULT 0, mark TEXT)",
    "{0}blocks (attempt BIGINT NOT NULL, number BIGINT NOT NULL, content {1} NOT NULL, tags {1}, "
    "PRIMARY KEY (attempt, number))",
    "{0}decided (table_name TEXT NOT NULL, row_key TEXT NOT NULL, content TEXT, "
    "PRIMARY KEY (table_name, row_key))",
    "{0}conflicts (table_name TEXT NOT NULL, row_key TEXT NOT NULL, run TEXT NOT NULL, base TEXT, "
    "production TEXT, staging TEXT, decision TEXT, PRIMARY KEY (table_name, row_key))",
    "{0}gone (table_name TEXT NOT NULL, row_key TEXT NOT NULL, content TEXT NOT NULL, "
    "PRIMARY KEY (table_name, row_key))",
)


Tagged = tuple[list[Row], bytes]
"""A block's rows, and for each of them a tag of what it was made from."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One walk through a table, and how far it came."""

    number: int
    run: str
    snapshot: str
    last_key: Row | None
    done: bool
    blocks: int
    seen: int
    kept: int = 0
    mark: str = ""
    """What both sides' tables held at its end, where nothing was left to do."""


def packed(value: Any) -> str:
    """Cells as text that holds them exactly."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_bytes)


def _bytes(value: bytes) -> dict[str, str]:
    return {"hex": value.hex()}


def unpacked(text: str | None) -> Row | None:
    """Cells out of their text."""
    return None if text is None else tuple(_cell(each) for each in json.loads(text))


def _cell(value: Any) -> Cell:
    return bytes.fromhex(value["hex"]) if isinstance(value, dict) else value


def _compressed(names: Sequence[str], rows: Sequence[Row]) -> bytes:
    return zlib.compress(packed([list(names), *rows]).encode("utf-8", "surrogatepass"), 1)


class State:
    """The sync's own tables in staging; nothing here commits."""

    def __init__(self, target: Target) -> None:
        self._target, self._at = target, target.state
        self._lately: dict[tuple[int, int], tuple[list[Row], bytes]] = {}

    def prepare(self) -> None:
        """Makes the tables where they are not there yet."""
        if self._target.dialect == "postgresql":
            self._target.run(f"CREATE SCHEMA IF NOT EXISTS {self._at.removesuffix('.')}")
        for table in TABLES:
            name = table.format(self._at, BINARY[self._target.dialect])
            self._target.run(f"CREATE TABLE IF NOT EXISTS {name}")

    @property
    def there(self) -> bool:
        """Whether the tables were made before."""
        return self._target.has_state()

    # Runs

    def begin(self, run: str, started: str, manifest: dict[str, str]) -> None:
        """Notes a new run."""
        self._target.run(
            f"INSERT INTO {self._at}runs (id, started, status, manifest, counts) "
            "VALUES (?, ?, 'running', ?, '{}')",
            [run, started, json.dumps(manifest)],
        )

    def note(self, run: str, status: str, counts: Any, finished: str | None, error: str) -> None:
        """How a run stands."""
        self._target.run(
            f"UPDATE {self._at}runs SET status = ?, counts = ?, finished = ?, error = ? "
            "WHERE id = ?",
            [status, json.dumps(counts), finished, error, run],
        )

    def runs(self, most: int = 20) -> list[Row]:
        """The latest runs: id, started, finished, status, manifest, counts, error."""
        return self._target.run(
            f"SELECT id, started, finished, status, manifest, counts, error FROM {self._at}runs "
            f"ORDER BY started DESC, id DESC LIMIT {int(most)}"
        )

    # Attempts and their blocks

    def attempts(self, table: str) -> list[Attempt]:
        """A table's attempts, newest first."""
        rows = self._target.run(
            f"SELECT number, run, snapshot, last_key, done, blocks, seen, kept, coalesce(mark, '') "
            f"FROM {self._at}attempts WHERE table_name = ? ORDER BY number DESC",
            [table],
        )
        return [
            Attempt(
                int(str(number)), str(run), str(snapshot),
                unpacked(None if last is None else str(last)),
                int(str(done)) == 1, int(str(blocks)), int(str(seen)),
                int(str(kept)), str(mark),
            )
            for number, run, snapshot, last, done, blocks, seen, kept, mark in rows
        ]  # fmt: skip

    def attempt(self, table: str, run: str, snapshot: str) -> Attempt:
        """A new attempt."""
        latest = self._target.run(f"SELECT coalesce(max(number), 0) FROM {self._at}attempts")
        number = int(str(latest[0][0])) + 1
        self._target.run(
            f"INSERT INTO {self._at}attempts (number, table_name, run, snapshot) "
            "VALUES (?, ?, ?, ?)",
            [number, table, run, snapshot],
        )
        return Attempt(number, run, snapshot, None, False, 0, 0)

    def add_block(
        self, attempt: int, number: int, names: Sequence[str], rows: Sequence[Row], tags: bytes
    ) -> None:
        """What an attempt wrote, or left, for one stretch of keys; see `remembering` for tags."""
        content = self._as_it_was(rows) or _compressed(names, rows)
        self._target.run(
            f"INSERT INTO {self._at}blocks (attempt, number, content, tags) VALUES (?, ?, ?, ?)",
            [attempt, number, content, tags],
        )

    def advance(self, attempt: int, last: Sequence[Cell], blocks: int, seen: int) -> None:
        """The checkpoint: how far an attempt came."""
        self._target.run(
            f"UPDATE {self._at}attempts SET last_key = ?, blocks = ?, seen = ? WHERE number = ?",
            [packed(last), blocks, seen, attempt],
        )

    def mark(self, attempt: int, mark: str, kept: int) -> None:
        """What both tables held when an attempt had nothing left to do."""
        self._target.run(
            f"UPDATE {self._at}attempts SET mark = ?, kept = ? WHERE number = ?",
            [mark, kept, attempt],
        )

    def finish(self, table: str, attempt: int) -> None:
        """An attempt came through: it stands for the whole table, and earlier ones go."""
        others = f"SELECT number FROM {self._at}attempts WHERE table_name = ? AND number <> ?"
        self._target.run(
            f"DELETE FROM {self._at}blocks WHERE attempt IN ({others})", [table, attempt]
        )
        self._target.run(
            f"DELETE FROM {self._at}attempts WHERE table_name = ? AND number <> ?", [table, attempt]
        )
        self._target.run(f"UPDATE {self._at}attempts SET done = 1 WHERE number = ?", [attempt])
        self._target.run(f"DELETE FROM {self._at}decided WHERE table_name = ?", [table])

    def base(
        self, table: Table, attempts: Sequence[Attempt], after: Row | None
    ) -> Iterator[list[tuple[Key, Row]]]:
        """What was written last for each key, in their order, behind a key."""
        of = key_reader(Table(table.name, "", "", table.columns, table.key))
        cut = None if after is None else of(_spread(table, after))
        decided = sorted(
            (each for each in self._decided(table).items() if cut is None or each[0] > cut),
            key=lambda each: each[0],
        )
        for attempt in attempts:
            for number in range(attempt.blocks):
                block = [(of(row), row) for row in self._block(attempt.number, number, table)]
                if cut is not None and block and block[0][0] <= cut:
                    block = [each for each in block if each[0] > cut]
                if decided and block:
                    block = _overridden(block, decided)
                if block:
                    yield block
            if attempt.done:
                break
            if attempt.last_key is not None:
                end = of(_spread(table, attempt.last_key))
                cut = end if cut is None else max(cut, end)
        if rest := [(key, row) for key, row in decided if row is not None]:
            yield rest

    def remembered(self, table: Table, attempts: Sequence[Attempt]) -> Iterator[Tagged]:
        """The blocks of a finished attempt with their tags, in order of the key."""
        for attempt in attempts:
            if attempt.done:
                for number in range(attempt.blocks):
                    rows = self._block(attempt.number, number, table)
                    yield rows, self._tags(attempt.number, number)

    def _tags(self, attempt: int, number: int) -> bytes:
        found = self._target.run(
            f"SELECT tags FROM {self._at}blocks WHERE attempt = ? AND number = ?", [attempt, number]
        )[0][0]
        return found if isinstance(found, bytes) else b""

    def _as_it_was(self, rows: Sequence[Row]) -> bytes | None:
        """The content of a block read lately that holds the very same rows."""
        for block, content in self._lately.values():
            if len(block) == len(rows) and block == rows:
                return content
        return None

    def _block(self, attempt: int, number: int, table: Table) -> list[Row]:
        """A block's rows; the latest few are kept, for they are asked for again at once."""
        if (attempt, number) not in self._lately:
            rows = self._target.run(
                f"SELECT content FROM {self._at}blocks WHERE attempt = ? AND number = ?",
                [attempt, number],
            )
            content = rows[0][0]
            assert isinstance(content, bytes)
            if len(self._lately) >= LATELY:
                del self._lately[next(iter(self._lately))]
            self._lately[attempt, number] = self._rows(content, table), content
        return self._lately[attempt, number][0]

    def _rows(self, content: bytes, table: Table) -> list[Row]:
        names, *found = json.loads(zlib.decompress(content).decode("utf-8", "surrogatepass"))
        if self._target.dialect == "sqlite":  # PostgreSQL's cells are all text
            found = [[_cell(cell) for cell in row] for row in found]
        if names == [*table.names]:
            return [tuple(row) for row in found]
        places = [names.index(name) if name in names else None for name in table.names]
        return [
            tuple(UNKNOWN if place is None else row[place] for place in places) for row in found
        ]

    # Decisions, conflicts, rows to delete

    def _decided(self, table: Table) -> dict[Key, Row | None]:
        of = key_reader(table)
        rows = self._target.run(
            f"SELECT row_key, content FROM {self._at}decided WHERE table_name = ?", [table.name]
        )
        return {
            of(_spread(table, unpacked(str(key)) or ())): unpacked(
                None if row is None else str(row)
            )
            for key, row in rows
        }

    def decide(self, table: str, key: Sequence[Cell], row: Row | None) -> None:
        """From now on the last sync wrote `row` there, or nothing."""
        self.forget_decided(table, key)
        self._target.run(
            f"INSERT INTO {self._at}decided (table_name, row_key, content) VALUES (?, ?, ?)",
            [table, packed(key), None if row is None else packed(row)],
        )

    def forget_decided(self, table: str, key: Sequence[Cell]) -> None:
        """Takes back what `decide` said."""
        self._target.run(
            f"DELETE FROM {self._at}decided WHERE table_name = ? AND row_key = ?",
            [table, packed(key)],
        )

    def add_conflict(self, conflict: Conflict, run: str) -> None:
        """Notes a conflict; a decision about the very same one stays."""
        key = packed(conflict.key)
        sides = [
            None if side is None else packed(side)
            for side in (conflict.base, conflict.production, conflict.staging)
        ]
        found = self._target.run(
            f"SELECT base, production, staging FROM {self._at}conflicts "
            "WHERE table_name = ? AND row_key = ?",
            [conflict.table, key],
        )
        if found and list(found[0]) == sides:
            return
        self.drop_conflict(conflict.table, conflict.key)
        self._target.run(
            f"INSERT INTO {self._at}conflicts "
            "(table_name, row_key, run, base, production, staging) VALUES (?, ?, ?, ?, ?, ?)",
            [conflict.table, key, run, *sides],
        )

    def drop_conflict(self, table: str, key: Sequence[Cell]) -> None:
        """A conflict is none any more."""
        self._target.run(
            f"DELETE FROM {self._at}conflicts WHERE table_name = ? AND row_key = ?",
            [table, packed(key)],
        )

    def conflicts(self) -> list[tuple[Conflict, dict[str, Any] | None]]:
        """All open conflicts, and what was decided about them."""
        rows = self._target.run(
            f"SELECT table_name, row_key, base, production, staging, decision "
            f"FROM {self._at}conflicts ORDER BY table_name, row_key"
        )
        found = []
        for table, key, *sides, decision in rows:
            base, production, staging = (
                unpacked(None if side is None else str(side)) for side in sides
            )
            conflict = Conflict(str(table), unpacked(str(key)) or (), base, production, staging)
            found.append((conflict, json.loads(str(decision)) if decision else None))
        return found

    def record_decision(self, conflict: Conflict, decision: dict[str, Any]) -> None:
        """What somebody decided about a conflict."""
        self._target.run(
            f"UPDATE {self._at}conflicts SET decision = ? WHERE table_name = ? AND row_key = ?",
            [json.dumps(decision), conflict.table, packed(conflict.key)],
        )

    def add_gone(self, table: Table, rows: Sequence[Row]) -> None:
        """Rows to be deleted once all tables are filled."""
        places = table.positions(table.key)
        for row in rows:
            key = packed([row[place] for place in places])
            self._target.run(
                f"DELETE FROM {self._at}gone WHERE table_name = ? AND row_key = ?",
                [table.name, key],
            )
            self._target.run(
                f"INSERT INTO {self._at}gone (table_name, row_key, content) VALUES (?, ?, ?)",
                [table.name, key, packed(row)],
            )

    def gone(self, table: str) -> list[Row]:
        """The rows of a table that are to be deleted."""
        rows = self._target.run(f"SELECT content FROM {self._at}gone WHERE table_name = ?", [table])
        return [row for (content,) in rows if (row := unpacked(str(content))) is not None]

    def clear_gone(self, table: str | None = None) -> None:
        """Nothing is to be deleted any more."""
        if table is None:
            self._target.run(f"DELETE FROM {self._at}gone")
        else:
            self._target.run(f"DELETE FROM {self._at}gone WHERE table_name = ?", [table])


UNKNOWN: Cell = "\x00 no such column then"
"""Stands for the cell of a column that was not there when the row was written."""


def filled(base: Row | None, staging: Row | None) -> Row | None:
    """The base with what staging holds in columns that are younger than it."""
    if base is None or UNKNOWN not in base:
        return base
    beside = staging or (None,) * len(base)
    return tuple(ours if was == UNKNOWN else was for was, ours in zip(base, beside, strict=True))


def _spread(table: Table, key: Sequence[Cell]) -> Row:
    """A key's cells in the places they have in a row."""
    row: list[Cell] = [None] * len(table.columns)
    for place, cell in zip(table.positions(table.key), key, strict=True):
        row[place] = cell
    return tuple(row)


def _overridden(
    block: list[tuple[Key, Row]], decided: list[tuple[Key, Row | None]]
) -> list[tuple[Key, Row]]:
    """A block with the decisions up to its end in place; they are taken out of `decided`."""
    high = block[-1][0]
    count = sum(1 for key, _ in decided if key <= high)
    rows: dict[Key, Row | None] = dict(block)
    rows.update(decided[:count])
    del decided[:count]
    return [(key, rows[key]) for key in sorted(rows) if rows[key] is not None]  # type: ignore[misc]
