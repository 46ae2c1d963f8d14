"""Columns written into a PostgreSQL staging by COPY, in transactions of their own."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, ClassVar

import psycopg

from sync.errors import Unfit, UnusableDatabase
from sync.model import Table
from sync.tables_postgres_text import cancel, connect, names_of, said, table_name


class ColumnWriter(ABC):
    """A connection that writes columns, beside the run's own."""

    waits: ClassVar[int] = 0
    """For so many seconds for what others hold, or for ever."""

    @abstractmethod
    def encoded(self, table: Table, columns: Sequence[Any]) -> Any:
        """Rows as `put` takes them: made by whoever has time, while others are being put."""

    @abstractmethod
    def put(self, table: Table, rows: Any) -> None:
        """Rows into a table. Raises Unfit where staging does not take them so."""

    @abstractmethod
    def run(self, statement: str, values: Sequence[Any] = ()) -> None:
        """Carries out a statement with $1, $2 … for values. Raises Unfit."""

    @abstractmethod
    def commit(self) -> None:
        """Makes what was done last. Raises Unfit: what is put off is checked here."""

    @abstractmethod
    def rollback(self) -> None:
        """Takes back what was done since the last commit; of a connection that is lost, nothing."""

    @abstractmethod
    def cancel(self) -> None:
        """Ends what is under way, from another thread; that raises Unfit, or another error."""

    @abstractmethod
    def close(self) -> None:
        """Ends the connection."""

    def begin(self, replica: bool) -> None:
        """What a new connection does first."""
        if replica:
            self.run("SET session_replication_role = replica")
        self.run(f"SET lock_timeout = '{self.waits}s'")
        self.commit()


class CopyWriter(ColumnWriter):
    """Writes in one of COPY's forms, by psycopg."""

    form: ClassVar[str]
    refused: ClassVar[tuple[type[psycopg.Error], ...]]
    """What staging answers where rows are to be written in another form."""

    def __init__(self, url: str, replica: bool) -> None:
        self._connection = connect(url)
        try:
            self.begin(replica)
        except (Unfit, psycopg.Error) as error:
            self._connection.close()
            raise UnusableDatabase(f"staging can't be written to: {error}") from error

    def put(self, table: Table, rows: bytes | memoryview) -> None:
        """Rows into a table. Raises Unfit where staging does not take them so."""
        statement = (
            f"COPY {table_name(table)} ({names_of(table.names)}) FROM STDIN (FORMAT {self.form})"
        )
        with (
            self._refusing(), self._connection.cursor() as cursor,
            cursor.copy(statement.encode()) as copy,
        ):  # fmt: skip
            copy.write(rows)

    def run(self, statement: str, values: Sequence[Any] = ()) -> None:
        """Carries out a statement with $1, $2 … for values. Raises Unfit."""
        with self._refusing(), psycopg.RawCursor(self._connection) as cursor:
            cursor.execute(statement.encode(), list(values) if values else None)

    def commit(self) -> None:
        """Makes what was done last. Raises Unfit: what is put off is checked here."""
        with self._refusing():
            self._connection.commit()

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except self.refused as error:
            raise Unfit(said(error)) from error

    def rollback(self) -> None:
        """Takes back what was done since the last commit; of a connection that is lost, nothing."""
        with suppress(psycopg.Error):
            self._connection.rollback()

    def cancel(self) -> None:
        """Ends what is under way, from another thread."""
        cancel(self._connection)

    def close(self) -> None:
        """Ends the connection."""
        self._connection.close()
