"""Indexes and keys of empty tables taken down, and built again once the rows are in.

What was taken down is noted in the same transaction, so that whoever finds the note, after a kill
or a failure, can put it up again.
"""

from collections.abc import Sequence
from contextlib import closing, suppress

import psycopg

from sync.errors import UnusableDatabase
from sync.model import Row, Table
from sync.tables_postgres_target import PostgresTarget
from sync.tables_postgres_text import connect, said, table_name
from sync.threads import Soon

CONSTRAINTS = """
SELECT quote_ident(k.conname), k.conrelid::regclass::text, pg_get_constraintdef(k.oid)
FROM pg_constraint k
WHERE (k.conrelid = ANY (%s::text[]::regclass[]) OR k.confrelid = ANY (%s::text[]::regclass[]))
  AND k.contype IN ('p', 'u', 'x', 'f') AND k.conparentid = 0
ORDER BY position(k.contype::text IN 'fxup'), k.oid"""

INDEXES = """
SELECT i.indexrelid::regclass::text, i.indrelid::regclass::text, pg_get_indexdef(i.indexrelid)
FROM pg_index i
WHERE i.indrelid = ANY (%s::text[]::regclass[])
  AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid
    AND k.contype IN ('p', 'u', 'x'))
ORDER BY i.indexrelid"""


class Rebuilding:
    """The keys and indexes of staging that are down for the time of a run."""

    def __init__(self, target: PostgresTarget) -> None:
        self._target, self._notes = target, f"{target.state}rebuilding"
        self._down: dict[str, list[tuple[int, str]]] = {}
        """What each table alone needs built."""
        self._building: list[Soon[None]] = []

    @property
    def under_way(self) -> bool:
        """Whether something is down."""
        there = self._target.run("SELECT to_regclass(?) IS NOT NULL", [self._notes]) == [(True,)]
        return there and bool(self._target.run(f"SELECT 1 FROM {self._notes} LIMIT 1"))

    def take_down(self, tables: Sequence[Table]) -> None:
        """Takes down what stands on some tables, which are empty and not partitioned."""
        self._target.run(
            f"CREATE TABLE IF NOT EXISTS {self._notes} "
            "(number BIGINT PRIMARY KEY, statement TEXT NOT NULL)"
        )
        names = [table_name(table) for table in tables if not table.partitioned]
        constraints = self._texts(CONSTRAINTS, [names, names])
        indexes = self._texts(INDEXES, [names])
        added = [(where, f"ALTER TABLE {where} ADD CONSTRAINT {name} {how}")
                 for name, where, how in reversed(constraints)]  # fmt: skip
        foreign = [how for _, how in added if " FOREIGN KEY " in how]
        own = [each for each in added if each[1] not in foreign]
        own += [(where, how) for _, where, how in indexes]
        notes: list[Row] = list(enumerate([*(how for _, how in own), *foreign]))
        for number, (where, how) in enumerate(own):
            self._down.setdefault(where, []).append((number, how))
        for name, where, _ in constraints:
            self._target.run(f"ALTER TABLE {where} DROP CONSTRAINT {name}")
        for name, *_ in indexes:
            self._target.run(f"DROP INDEX {name}")
        self._target.put(self._notes, ("number", "statement"), notes, 1)
        self._target.commit()

    def _texts(self, query: str, values: list[list[str]]) -> list[list[str]]:
        rows = self._target.ask(query, values)
        return [[str(cell) for cell in row] for row in rows]

    def begin(self, table: Table) -> None:
        """Builds what a filled table alone needs, while others are being filled."""
        name = str(self._target.ask("SELECT %s::regclass::text", [table_name(table)])[0][0])
        self._target.rollback()
        if down := self._down.pop(name, []):
            self._building.append(Soon(lambda: self._build(down)))

    def _build(self, down: list[tuple[int, str]]) -> None:
        with closing(connect(self._target.url)) as connection, suppress(psycopg.Error):
            for number, statement in down:  # what fails is tried again, and told, by `put_up`
                connection.execute(statement.encode())
                connection.execute(f"DELETE FROM {self._notes} WHERE number = {number}".encode())
                connection.commit()

    def put_up(self) -> None:
        """Builds all that is down still; what is built is noted at once."""
        for building in self._building:
            building.get()
        for number, statement in self._target.ask(
            f"SELECT number, statement FROM {self._notes} ORDER BY number"
        ):
            try:
                self._target.run(statement)
            except psycopg.Error as error:
                self._target.rollback()
                raise UnusableDatabase(
                    f"staging's rows are in, but this can't be built over them ({said(error)}): "
                    f"{statement}; it is tried again in the next run"
                ) from error
            self._target.run(f"DELETE FROM {self._notes} WHERE number = ?", [number])
            self._target.commit()
        self._target.rollback()
