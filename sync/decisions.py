"""What is kept of single rows: decisions, open conflicts, and rows that are to be deleted."""

import json
from collections.abc import Sequence
from typing import Any

from sync.comparing import Conflict
from sync.model import Cell, Key, Row, Table
from sync.overlays import spread
from sync.packing import packed, unpacked
from sync.tables import Target, key_reader


class Decisions:
    """The tables of single rows in staging; nothing here commits."""

    def __init__(self, target: Target) -> None:
        self._target, self._at = target, target.state

    def _decided(self, table: Table) -> dict[Key, Row | None]:
        of = key_reader(table)
        rows = self._target.run(
            f"SELECT row_key, content FROM {self._at}decided WHERE table_name = ?", [table.name]
        )
        return {
            of(spread(table, unpacked(str(key)) or ())): unpacked(None if row is None else str(row))
            for key, row in rows
        }

    def decide(self, table: str, key: Sequence[Cell], row: Row | None) -> None:
        """From now on the last sync wrote `row` there, or nothing."""
        self.forget_decided(table, key)
        self._target.run(
            f"INSERT INTO {self._at}decided (table_name, row_key, content) VALUES (?, ?, ?)",
            [table, packed(key), None if row is None else packed(row)],
        )

    def has_decided(self, table: str) -> bool:
        """Whether anything was decided about rows of a table since it was walked through."""
        query = f"SELECT 1 FROM {self._at}decided WHERE table_name = ? LIMIT 1"
        return bool(self._target.run(query, [table]))

    def decided(self, table: str) -> list[tuple[Row, Row | None]]:
        """The keys of rows that were decided about, and what stands for each."""
        query = f"SELECT row_key, content FROM {self._at}decided WHERE table_name = ?"
        return [
            (unpacked(str(key)) or (), unpacked(None if content is None else str(content)))
            for key, content in self._target.run(query, [table])
        ]

    def forget_decided(self, table: str, key: Sequence[Cell]) -> None:
        """Takes back what `decide` said."""
        self._target.run(
            f"DELETE FROM {self._at}decided WHERE table_name = ? AND row_key = ?",
            [table, packed(key)],
        )

    def clear_decided(self, table: str) -> None:
        """Nothing that was decided about rows of a table counts any more."""
        self._target.run(f"DELETE FROM {self._at}decided WHERE table_name = ?", [table])

    def add_conflicts(self, conflicts: Sequence[Conflict], run: str) -> None:
        """Notes conflicts of one table; decisions about the very same ones stay."""
        if not conflicts:
            return
        known = {
            row[0]: row[1:]
            for row in self._target.run(
                f"SELECT row_key, base, production, staging FROM {self._at}conflicts "
                "WHERE table_name = ?",
                [conflicts[0].table],
            )
        }
        fresh = []
        for each in conflicts:
            sides = (each.base, each.production, each.staging)
            texts = tuple(None if side is None else packed(side) for side in sides)
            key = packed(each.key)
            if known.get(key) != texts:
                fresh.append((each.table, key, run, *texts, None))
        self._target.put(
            f"{self._at}conflicts",
            ("table_name", "row_key", "run", "base", "production", "staging", "decision"),
            fresh,
            2,
        )

    def drop_conflict(self, table: str, key: Sequence[Cell]) -> None:
        """A conflict is none any more."""
        self._target.run(
            f"DELETE FROM {self._at}conflicts WHERE table_name = ? AND row_key = ?",
            [table, packed(key)],
        )

    def clear_conflicts(self) -> None:
        """No conflict is open any more."""
        self._target.run(f"DELETE FROM {self._at}conflicts")

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
        self._target.put(
            f"{self._at}gone",
            ("table_name", "row_key", "content"),
            [(table.name, packed([row[place] for place in places]), packed(row)) for row in rows],
            2,
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
