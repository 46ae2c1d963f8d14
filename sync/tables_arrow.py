"""PostgreSQL read as columns of Arrow, by ADBC; the fast way beside COPY's text."""

import contextlib
from collections.abc import Iterator
from typing import Any

import adbc_driver_postgresql.dbapi as adbc
import pyarrow as pa
from adbc_driver_manager import AdbcStatusCode

from sync.arrow_text import fits
from sync.errors import Unfit
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


def connect_for_columns(url: str, autocommit: bool) -> Any:
    """A connection of ADBC with settings under which values have one spelling."""
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
        self._connection = connect_for_columns(url, autocommit=True)
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


def read_beside(url: str, query: str) -> Iterator[list[Any]]:
    """What a query gives, as lists of columns, by a connection of its own."""
    with contextlib.closing(connect_for_columns(url, autocommit=True)) as connection:
        yield from _read(connection, query)


FAILURES = (adbc.Error,)
"""What is raised where columns can't be read."""
