"""PostgreSQL as production: read in bulk by COPY, and never written to."""

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from psycopg import errors

from sync.model import Row, Schema, Table
from sync.sums import SQL, Sums
from sync.tables import Selection
from sync.tables_arrow import SURE, ArrowReader
from sync.tables_failures import refusal
from sync.tables_postgres_identity import identity_of
from sync.tables_postgres_schema import read_schema
from sync.tables_postgres_text import (
    after_key,
    cancel,
    checksum_of,
    connect,
    copied_out,
    from_table,
    has_key,
    key_in_one,
    literal,
    names_of,
    order_of,
    quoted,
    until_key,
)
from sync.tables_text_columns import TextReader
from sync.threads import Soon

HASHED = (
    r"(smallint|integer|bigint|text|character varying(\(\d+\))?|boolean|date|uuid|bytea|"
    r"timestamp(\(\d\))? with(out)? time zone)"
)
"""Types whose equal cells are spelled alike: 1.0 and 1.00 are equal numbers, and not alike."""
LATE = "1 hour"
"""So long may a transaction of production's take without its rows being overlooked."""
BY_BYTES = ' COLLATE "C"'
UNFOLDED = "[^!-@[-~]"
"""Letters that an email may have and its folded form not: told at a third of what folding costs."""


class PostgresSource:
    """Production in one repeatable-read, read-only transaction."""

    dialect = "postgresql"

    def __init__(self, url: str, snapshot: str = "") -> None:
        """`snapshot` is what another connection, which is still open, has `shared`."""
        self.url = url
        self._arrow: Soon[ArrowReader] | None = None
        self._text: TextReader | None = None
        self._connection = connect(url, autocommit=True)
        self._connection.execute("SET default_transaction_read_only = on")
        self._connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        if snapshot:
            self._connection.execute(f"SET TRANSACTION SNAPSHOT {literal(snapshot)}")
        self._connection.execute("SELECT 1")
        self.connection = self._connection

    def identity(self) -> frozenset[str]:
        """What tells this database from others."""
        return identity_of(self._connection)

    def ask(self, query: str, values: Sequence[Any] | None = None) -> list[tuple[Any, ...]]:
        """What a query gives."""
        return self._connection.execute(query, values).fetchall()

    def folder(self) -> Path | None:
        """Where a server on this machine keeps its data, if its role may know that."""
        host = self._connection.info.host
        if not (host.startswith("/") or host in ("localhost", "127.0.0.1", "::1")):
            return None
        try:
            return Path(str(self.ask("SHOW data_directory")[0][0]))
        except errors.InsufficientPrivilege:
            return None

    def schema(self) -> Schema:
        """The tables."""
        return read_schema(self.ask)

    def snapshot(self) -> str:
        """PostgreSQL's own name of what is visible; it moves with each transaction that writes."""
        return str(self.ask("SELECT pg_current_snapshot()::text")[0][0])

    def read(self, table: Table, selection: Selection) -> Iterator[list[Row]]:
        """The rows in order of the key, in batches."""
        query = f"SELECT {self._columns(table, selection)} {self.rows(table, selection)}"
        if selection.ordered and table.key:
            query += f" ORDER BY {', '.join(order_of(table))}"
        query += f" LIMIT {selection.limit}" if selection.limit else ""
        return copied_out(self._connection, query)

    def _columns(self, table: Table, selection: Selection) -> str:
        return ", ".join([names_of(table.names, "t."), *selection.extras])

    def rows(self, table: Table, selection: Selection) -> str:
        """Which rows a selection is of, as SQL says it."""
        ends = after_key(table, selection.after), until_key(table, selection.until)
        wanted = [f"({each})" for each in (selection.where, *ends) if each]
        where = f" WHERE {' AND '.join(wanted)}" if wanted else ""
        return f"FROM {from_table(table)} t {selection.joins}{where}"

    def checksum(self, table: Table, selection: Selection) -> str:
        """The number of rows and the sum of their hashes."""
        columns, rows = self._columns(table, selection), self.rows(table, selection)
        return str(self.ask(f"SELECT {checksum_of(columns)} {rows}")[0][0])

    def sample(self, table: Table, most: int) -> list[Row]:
        """A few rows."""
        query = f"SELECT {names_of(table.names)} FROM {from_table(table)} LIMIT {most}"
        return [row for batch in copied_out(self._connection, query) for row in batch]

    def refusal(self, table: Table, where: str) -> str:
        """What PostgreSQL says of it when it plans to read those rows; the snapshot stays."""

        def plan(query: str) -> None:
            with self._connection.transaction():
                self.ask(query)

        return refusal(plan, f"EXPLAIN SELECT 1 {self.rows(table, Selection(where=where))}")

    def folding(self, table: Table, column: str) -> int:
        """How many values differ from another one only by case or blanks."""
        name, folded = quoted(column), f"lower(btrim({quoted(column)}::text))"
        odd = f'{name}::text COLLATE "C" ~ {literal(UNFOLDED)}'
        if not self.ask(f"SELECT bool_or({odd}) FROM {from_table(table)}")[0][0]:
            return 0
        spelled = f"SELECT 1 FROM {from_table(table)} WHERE {name}::text <> {folded} LIMIT 1"
        if not self.ask(spelled):  # all are folded already, and each is there once
            return 0
        found = self.ask(
            f"SELECT count(*) FROM (SELECT 1 FROM {from_table(table)} WHERE {name} IS NOT NULL "
            f"GROUP BY {folded} HAVING count(*) > 1) f"
        )
        return int(found[0][0])

    def quoted(self, name: str) -> str:
        """A name as SQL writes it."""
        return quoted(name)

    def shared(self) -> str:
        """A name by which other connections see the same snapshot, as long as this one is open."""
        return str(self.ask("SELECT pg_export_snapshot()")[0][0])

    def get_ready(self) -> Soon[ArrowReader]:
        """Opens the connection that reads columns, while others go on."""
        if self._arrow is None:
            snapshot = self.shared()
            self._arrow = Soon(lambda: ArrowReader(self.url, snapshot))
        return self._arrow

    def holds(self, table: Table) -> bool:
        """Whether Arrow holds a table's cells exactly; else they go as texts."""
        return all(re.fullmatch(SURE, column.type) for column in table.columns)

    def columns(
        self, table: Table, selection: Selection, as_text: bool = False
    ) -> Iterator[list[Any]]:
        """The rows as columns of Arrow, in order of the key: a table's own, those read beside them
        as text, then the key as `key_in_one` gives it, and a hash of all. Raises Unfit.
        """
        number, wanted = self._wanted(table, selection)
        if as_text:
            if self._text is None:
                self._text = TextReader(self.url, self.shared())
            width = len(table.names) + len(wanted) - 1  # the first are all of its own columns
            found = self._text.read(self._query(table, selection, wanted), width)
        else:
            found = self._in_order(table, selection, wanted)
        if not number:
            return found
        (place,) = table.positions(table.key)
        return ([*rest, rest[place], hashes] for *rest, hashes in found)

    def expect_columns(self, table: Table, selection: Selection) -> None:
        """Begins to read what `columns` is asked for next, once the connection for it is open.

        Waits for nothing; where nobody has had that connection opened it does nothing.
        """
        opening = self._arrow
        if opening is not None and self.holds(table):
            query = self._query(table, selection, self._wanted(table, selection)[1])
            self._arrow = Soon(lambda: opening.get().expect(query))

    def _wanted(self, table: Table, selection: Selection) -> tuple[bool, list[str]]:
        """Whether the key is a whole number, which stands among the columns; what is read."""
        own, beside = names_of(table.names, "t."), [f"({each})::text" for each in selection.extras]
        number = len(table.key) == 1 and table.column(table.key[0]).shape == "integer"
        key = [] if number else [key_in_one(table)]
        return number, [own, *beside, *key, self.hash_of(table, selection)]

    def hashes(self, table: Table, selection: Selection) -> Iterator[list[Any]]:
        """Each row's key, as `key_in_one` gives it, and the hash of all that `read` would give."""
        return self.get_ready().get().read(self._hashes(table, selection))

    def expect_hashes(self, table: Table, selection: Selection) -> None:
        """Begins to read what `hashes` is asked for next."""
        self.get_ready().get().expect(self._hashes(table, selection))

    def _hashes(self, table: Table, selection: Selection) -> str:
        wanted = [key_in_one(table), self.hash_of(table, selection)]
        return self._query(table, selection, wanted)

    def changed_since(
        self, table: Table, selection: Selection, watermark: str, value: str
    ) -> list[tuple[Any, int]]:
        """The same of rows whose watermark is not well below a value, or empty; in no order."""
        changed = replace(
            selection, where=both(selection.where, late_rows(table, watermark, value))
        )
        wanted = f"{key_in_one(table)}, {self.hash_of(table, changed)}"
        return self.ask(f"SELECT {wanted} {self.rows(table, changed)}")

    def boundaries(self, table: Table, selection: Selection, parts: int) -> list[Row]:
        """Keys at which a table's rows fall into parts of about one size; none for a single one."""
        count = int(self.ask(f"SELECT count(*) {self.rows(table, selection)}")[0][0])
        cells = ", ".join(f"({names_of([name], 't.')})::text" for name in table.key)
        order, ends = ", ".join(order_of(table)), list[Row]()
        for _ in range(1, min(parts, count)):
            behind = replace(selection, after=ends[-1] if ends else selection.after)
            skipped = count // parts - 1
            query = f"SELECT {cells} {self.rows(table, behind)} ORDER BY {order}"
            ends += self.ask(f"{query} OFFSET {skipped} LIMIT 1")
        return ends

    def greatest(self, table: Table, watermark: str) -> str:
        """The greatest value of a watermark; empty where there is none."""
        column = f"max({quoted(watermark)})::text"
        return str(self.ask(f"SELECT coalesce({column}, '') FROM {from_table(table)}")[0][0])

    def sums(self, table: Table, selection: Selection, watermark: str) -> Soon[tuple[Sums, str]]:
        """Sums of all keys, which are whole numbers, and the greatest value of a watermark.

        Made while others go on, by a connection of its own that sees the same.
        """
        asked = f"{SQL.format(key_in_one(table))}, coalesce(max(t.{quoted(watermark)})::text, '')"
        query, snapshot = f"SELECT {asked} {self.rows(table, selection)}", self.shared()

        def of() -> tuple[Sums, str]:
            with closing(PostgresSource(self.url, snapshot)) as beside:
                count, plain, squares, mark = beside.ask(query)[0]
            return Sums(int(count), int(plain), int(squares)), str(mark)

        return Soon(of)

    def keys(self, table: Table, selection: Selection) -> Iterator[list[Any]]:
        """Each row's key alone."""
        return self._in_order(table, selection, [key_in_one(table)])

    def _in_order(
        self, table: Table, selection: Selection, wanted: Sequence[str]
    ) -> Iterator[list[Any]]:
        return self.get_ready().get().read(self._query(table, selection, wanted))

    def _query(self, table: Table, selection: Selection, wanted: Sequence[str]) -> str:
        query = f"SELECT {', '.join(wanted)} {self.rows(table, selection)}"
        return f"{query} ORDER BY {', '.join(order_of(table))}"

    def hash_of(self, table: Table, selection: Selection) -> str:
        """A hash that moves whenever any cell's text does; of the cells themselves where it can."""
        exact = all(re.fullmatch(HASHED, column.type) for column in table.columns)
        if not exact or self._connection.info.server_version < 140_000:
            return f"hashtextextended(ROW({self._columns(table, selection)})::text, 0)"
        cells = [
            f"t.{quoted(column.name)}{BY_BYTES if column.shape == 'text' else ''}"
            for column in table.columns
        ]
        beside = [f"({each})::text{BY_BYTES}" for each in selection.extras]
        return f"hash_record_extended(ROW({', '.join([*cells, *beside])}), 0)"

    def hashes_at(
        self, table: Table, selection: Selection, keys: Sequence[int | str]
    ) -> list[tuple[str, int]]:
        """The hashes of the rows that have some keys."""
        rows = replace(selection, where=both(selection.where, has_key(table, keys)))
        wanted = f"{key_in_one(table)}::text, {self.hash_of(table, rows)}"
        found = self.ask(f"SELECT {wanted} {self.rows(table, rows)}")
        return [(str(key), int(hashed)) for key, hashed in found]

    def rows_at(
        self, table: Table, selection: Selection, keys: Sequence[int | str]
    ) -> list[tuple[Row, str, int]]:
        """The rows that have some keys, with the key and the hash of each."""
        rows = replace(selection, where=both(selection.where, has_key(table, keys)))
        return self._with_hashes(table, rows)

    def _with_hashes(self, table: Table, rows: Selection) -> list[tuple[Row, str, int]]:
        query = (
            f"SELECT {self._columns(table, rows)}, {key_in_one(table)}, "
            f"{self.hash_of(table, rows)} {self.rows(table, rows)}"
        )
        query += f" LIMIT {rows.limit}" if rows.limit else ""
        return [
            (row[:-2], str(row[-2]), int(str(row[-1])))
            for batch in copied_out(self._connection, query)
            for row in batch
        ]

    def cancel(self) -> None:
        """Ends what is being asked, from another thread."""
        cancel(self._connection)

    def close(self) -> None:
        """Ends the snapshot."""
        if self._arrow is not None:
            self._arrow.end(ArrowReader.close)
        if self._text is not None:
            self._text.close()
        self._connection.close()


def late_rows(table: Table, watermark: str, value: str) -> str:
    """The condition that a row's watermark is not well below a value, or empty."""
    column, type_ = f"t.{quoted(watermark)}", table.column(watermark).type
    return f"{column} >= {literal(value)}::{type_} - interval '{LATE}' OR {column} IS NULL"


def both(one: str, other: str) -> str:
    """Two conditions, the first of which may be none."""
    return f"({one}) AND ({other})" if one else other
