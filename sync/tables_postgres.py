"""PostgreSQL as production: read in bulk by COPY, and never written to."""

from collections.abc import Iterator, Sequence
from typing import Any

from sync.model import Row, Schema, Table
from sync.tables import Selection
from sync.tables_postgres_schema import read_schema
from sync.tables_postgres_text import (
    after_key,
    checksum_of,
    connect,
    copied_out,
    from_table,
    identity_of,
    names_of,
    order_of,
    quoted,
)


class PostgresSource:
    """Production in one repeatable-read, read-only transaction."""

    dialect = "postgresql"

    def __init__(self, url: str) -> None:
        self._connection = connect(url, autocommit=True)
        self._connection.execute("SET default_transaction_read_only = on")
        self._connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        self._connection.execute("SELECT 1")
        self.connection = self._connection

    def identity(self) -> frozenset[str]:
        """What tells this database from others."""
        return identity_of(self._connection)

    def ask(self, query: str, values: Sequence[Any] | None = None) -> list[tuple[Any, ...]]:
        """What a query gives."""
        return self._connection.execute(query, values).fetchall()

    def schema(self) -> Schema:
        """The tables."""
        return read_schema(self.ask)

    def snapshot(self) -> str:
        """PostgreSQL's own name of what is visible; it moves with each transaction that writes."""
        return str(self.ask("SELECT pg_current_snapshot()::text")[0][0])

    def read(self, table: Table, selection: Selection) -> Iterator[list[Row]]:
        """The rows in order of the key, in batches."""
        query = f"SELECT {self._columns(table, selection)} {self._rows(table, selection)}"
        if selection.ordered and table.key:
            query += f" ORDER BY {', '.join(order_of(table))}"
        query += f" LIMIT {selection.limit}" if selection.limit else ""
        return copied_out(self._connection, query)

    def _columns(self, table: Table, selection: Selection) -> str:
        return ", ".join([names_of(table.names, "t."), *selection.extras])

    def _rows(self, table: Table, selection: Selection) -> str:
        behind = after_key(table, selection.after)
        wanted = [f"({each})" for each in (selection.where, behind) if each]
        where = f" WHERE {' AND '.join(wanted)}" if wanted else ""
        return f"FROM {from_table(table)} t {selection.joins}{where}"

    def checksum(self, table: Table, selection: Selection) -> str:
        """The number of rows and the sum of their hashes."""
        columns, rows = self._columns(table, selection), self._rows(table, selection)
        return str(self.ask(f"SELECT {checksum_of(columns)} {rows}")[0][0])

    def sample(self, table: Table, most: int) -> list[Row]:
        """A few rows."""
        query = f"SELECT {names_of(table.names)} FROM {from_table(table)} LIMIT {most}"
        return [row for batch in copied_out(self._connection, query) for row in batch]

    def folding(self, table: Table, column: str) -> int:
        """How many values differ from another one only by case or blanks."""
        name = quoted(column)
        found = self.ask(
            f"SELECT count(*) FROM (SELECT 1 FROM {from_table(table)} WHERE {name} IS NOT NULL "
            f"GROUP BY lower(btrim({name}::text)) HAVING count(*) > 1) f"
        )
        return int(found[0][0])

    def quoted(self, name: str) -> str:
        """A name as SQL writes it."""
        return quoted(name)

    def close(self) -> None:
        """Ends the snapshot."""
        self._connection.close()
