"""Columns of Arrow written into a PostgreSQL staging in the binary form of COPY.

`pgpq` makes that form in a third of the time that ADBC's writer takes, and before its turn to be
sent, where ADBC's server waits for the whole of a piece. It comes ready made for some processors
only; on others ADBC writes.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import adbc_driver_postgresql.dbapi as adbc
import psycopg
import pyarrow as pa

from sync.errors import Unfit, UnusableDatabase
from sync.model import Table
from sync.tables_arrow import connect_for_columns
from sync.tables_writing import ColumnWriter, CopyWriter

try:
    from pgpq import ArrowToPostgresBinaryEncoder
    from pgpq.encoders import StringEncoderBuilder
    from pgpq.schema import Jsonb
except ImportError:
    has_pgpq = False
else:
    has_pgpq = True

MOST_WAITED = 10
"""Seconds. Two that write one table may hold rows that stand in each other's way while one waits
here for the other's turn to end, which the database takes for waiting alone.
"""


class BinaryWriter(CopyWriter):
    """By psycopg, out of what pgpq makes."""

    waits = MOST_WAITED
    form = "binary"
    refused = (psycopg.Error,)  # as texts they are told better what is wrong

    def encoded(self, table: Table, columns: Sequence[Any]) -> bytes:
        """Rows as `put` takes them. The types are those that `arrow_text.fits` tells of.

        Raises Unfit.
        """
        plain = [each.storage if isinstance(each, pa.ExtensionArray) else each for each in columns]
        batch = pa.record_batch(plain, names=list(table.names))
        ways = {field.name: _way(table, field) for field in batch.schema}
        encoder = ArrowToPostgresBinaryEncoder.new_with_encoders(batch.schema, ways)
        try:
            parts = encoder.write_header(), encoder.write_batch(batch), encoder.finish()
        except ValueError as error:  # a cell that this form has no room for
            raise Unfit(str(error)) from error
        return b"".join(parts)


def _way(table: Table, field: Any) -> Any:
    if table.column(field.name).type == "jsonb":  # a text behind the number of its version
        return StringEncoderBuilder.new_with_output(field, Jsonb())
    return ArrowToPostgresBinaryEncoder.infer_encoder(field)


class ArrowWriter(ColumnWriter):
    """By ADBC alone."""

    waits = MOST_WAITED

    def __init__(self, url: str, replica: bool) -> None:
        self._connection = connect_for_columns(url, autocommit=False)
        try:
            self.begin(replica)
        except Unfit as error:
            self._connection.close()
            raise UnusableDatabase(f"staging can't be written to: {error}") from error

    def encoded(self, table: Table, columns: Sequence[Any]) -> Any:
        """Rows as `put` takes them."""
        return pa.record_batch(list(columns), names=list(table.names))

    def put(self, table: Table, rows: Any) -> None:
        """Rows into a table. Raises Unfit where staging does not take them so."""
        with _refusing(), self._connection.cursor() as cursor:
            cursor.adbc_ingest(table.bare, rows, mode="append", db_schema_name=table.schema)

    def run(self, statement: str, values: Sequence[Any] = ()) -> None:
        """Carries out a statement with $1, $2 … for values. Raises Unfit."""
        with _refusing(), self._connection.cursor() as cursor:
            cursor.execute(statement, list(values) if values else None)

    def commit(self) -> None:
        """Makes what was done last. Raises Unfit: what is put off is checked here."""
        with _refusing():
            self._connection.commit()

    def rollback(self) -> None:
        """Takes back what was done since the last commit; of a connection that is lost, nothing."""
        with suppress(adbc.Error):
            self._connection.rollback()

    def cancel(self) -> None:
        """Ends what is under way, from another thread."""
        with suppress(adbc.Error):
            self._connection.adbc_cancel()

    def close(self) -> None:
        """Ends the connection."""
        self._connection.close()


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except adbc.Error as error:
        raise Unfit(str(error)) from error


def open_writer(url: str, replica: bool) -> ColumnWriter:
    """What writes columns of Arrow on this machine."""
    return BinaryWriter(url, replica) if has_pgpq else ArrowWriter(url, replica)
