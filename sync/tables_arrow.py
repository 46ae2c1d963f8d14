"""PostgreSQL read and written as columns of Arrow, by ADBC; the fast way beside COPY's text."""

from collections.abc import Iterator, Sequence
from typing import Any

import adbc_driver_postgresql.dbapi as adbc
import pyarrow as pa
from adbc_driver_manager import AdbcStatusCode

from sync.arrow_text import fits
from sync.errors import Unfit
from sync.model import Table
from sync.tables_postgres_text import SETTINGS, literal
from sync.threads import Ahead

SIZE_OF_BATCH = 3 << 19
"""Bytes: few, so that the first rows are written while others are still being read."""
MOST_EXPECTED = 8
"""So many batches are held of what nobody has asked for yet."""
SURE = (
    r"(smallint|integer|bigint|text|character varying(\(\d+\))?|character\(\d+\)|boolean|date|uuid|"
    r"bytea|jsonb?|timestamp(\(\d\))? with(out)? time zone)"
)
"""Types whose cells Arrow holds and we can spell; others go as text."""


def _connect(url: str, autocommit: bool) -> Any:
    scheme, colon, rest = url.partition(":")
    connection = adbc.connect(scheme.partition("+")[0] + colon + rest, autocommit=autocommit)
    with connection.cursor() as cursor:
        for setting in [*SETTINGS.split("; "), "SET application_name = 'prompt-repo sync'"]:
            cursor.execute(setting)
    return connection


def _read(connection: Any, query: str) -> Iterator[list[Any]]:
    with connection.cursor() as cursor:
        cursor.adbc_statement.set_options(
            **{"adbc.postgresql.batch_size_hint_bytes": str(SIZE_OF_BATCH)}
        )
        cursor.execute(query)
        with cursor.fetch_record_batch() as batches:
            wrong = [field for field in batches.schema if not fits(field.type)]
            if wrong:
                raise Unfit(f"{wrong[0].name} is of {wrong[0].type}")
            try:
                for batch in batches:
                    if batch.num_rows:
                        yield batch.columns
            except (OSError, pa.ArrowException) as error:  # so Arrow tells what ADBC met on the way
                raise adbc.DatabaseError(str(error), status_code=AdbcStatusCode.IO) from error


class ArrowReader:
    """Production as columns, in the snapshot that another connection exported."""

    def __init__(self, url: str, snapshot: str) -> None:
        self._expected: tuple[str, Ahead[list[Any]]] | None = None
        self._connection = _connect(url, autocommit=True)
        with self._connection.cursor() as cursor:
            cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            cursor.execute(f"SET TRANSACTION SNAPSHOT {literal(snapshot)}")

    def expect(self, query: str) -> "ArrowReader":
        """Begins to read what is asked for next; not while something else is being read.

        Gives the reader itself.
        """
        self._forget()
        self._expected = query, Ahead(_read(self._connection, query), MOST_EXPECTED)
        return self

    def read(self, query: str) -> Iterator[list[Any]]:
        """What a query gives, as lists of columns. Raises Unfit where a type has no sure text."""
        if self._expected is not None and self._expected[0] == query:
            begun, self._expected = self._expected[1], None
            return iter(begun)
        self._forget()
        return _read(self._connection, query)

    def _forget(self) -> None:
        if self._expected is not None:
            self._expected[1].close()
            self._expected = None

    def close(self) -> None:
        """Ends the connection."""
        self._forget()
        self._connection.close()


class ArrowWriter:
    """Staging as columns, in transactions of its own beside the text connection's."""

    def __init__(self, url: str, replica: bool) -> None:
        self._connection = _connect(url, autocommit=False)
        if replica:
            self.run("SET session_replication_role = replica")
        self.commit()

    def run(self, statement: str, values: Sequence[Any] = ()) -> None:
        """Carries out a statement with $1, $2 … for values."""
        with self._connection.cursor() as cursor:
            cursor.execute(statement, list(values) if values else None)

    def read(self, query: str) -> Iterator[list[Any]]:
        """What a query gives, as lists of columns."""
        return _read(self._connection, query)

    def put(self, table: Table, columns: Sequence[Any]) -> None:
        """Rows into a table, by COPY in its binary form."""
        batch = pa.record_batch(list(columns), names=list(table.names))
        with self._connection.cursor() as cursor:
            cursor.adbc_ingest(table.bare, batch, mode="append", db_schema_name=table.schema)

    def commit(self) -> None:
        """Makes what was done last."""
        self._connection.commit()

    def rollback(self) -> None:
        """Takes back what was done since the last commit."""
        self._connection.rollback()

    def close(self) -> None:
        """Ends the connection."""
        self._connection.close()


FAILURES = (adbc.Error,)
"""What is raised where columns can't be read or written."""
