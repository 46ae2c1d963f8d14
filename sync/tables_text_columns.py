"""PostgreSQL read and written as columns of texts, by COPY's text; for types that have no other.

It stands in for `tables_arrow` wherever a table has a column that Arrow can't hold exactly.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from psycopg import errors
from pyarrow import csv

from sync.model import Table
from sync.tables_arrow import SIZE_OF_BATCH
from sync.tables_postgres_text import (
    connect,
    lines_out,
    literal,
    unescaped,
)
from sync.tables_writing import CopyWriter

PARSED = csv.ParseOptions(
    delimiter="\t", quote_char=False, double_quote=False, escape_char=False,
    newlines_in_values=False, ignore_empty_lines=False,
)  # fmt: skip
ESCAPES = (("\\", "\\\\"), ("\n", "\\n"), ("\t", "\\t"), ("\r", "\\r"))


class TextReader:
    """Production as columns of texts, in the snapshot that another connection exported."""

    def __init__(self, url: str, snapshot: str) -> None:
        self._connection = connect(url, autocommit=True)
        self._connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        self._connection.execute(f"SET TRANSACTION SNAPSHOT {literal(snapshot)}".encode())

    def read(self, query: str, width: int) -> Iterator[list[Any]]:
        """What a query of so many columns gives, as lists of columns."""
        for lines in lines_out(self._connection, query, SIZE_OF_BATCH):
            yield text_columns(lines, width)

    def close(self) -> None:
        """Ends the connection."""
        self._connection.close()


def text_columns(lines: bytes, width: int) -> list[Any]:
    """COPY's lines as so many columns of texts."""
    if not lines:
        return [pa.array([], pa.string()) for _ in range(width)]
    names = [f"c{place}" for place in range(width)]
    found = csv.read_csv(
        pa.BufferReader(lines),
        csv.ReadOptions(column_names=names, block_size=len(lines) + 1, use_threads=False),
        PARSED,
        csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), null_values=["\\N"],
            strings_can_be_null=True,
        ),
    )  # fmt: skip
    plain = b"\\" not in lines
    columns = [pa.concat_arrays(column.chunks) for column in found.columns]
    return columns if plain else [_unescaped(column) for column in columns]


def _unescaped(column: Any) -> Any:
    odd = pc.fill_null(pc.match_substring(column, "\\"), False)
    if not pc.any(odd).as_py():
        return column
    cells = [unescaped(cell) for cell in column.filter(odd).to_pylist()]
    return pc.replace_with_mask(column, odd, pa.array(cells, pa.string()))


class TextWriter(CopyWriter):
    """Staging as columns of texts."""

    form = "text"
    refused = (errors.IntegrityError, errors.DataError)

    def encoded(self, table: Table, columns: Sequence[Any]) -> memoryview:
        """Rows as `put` takes them."""
        return lines_of_columns(columns)


def lines_of_columns(columns: Sequence[Any]) -> memoryview:
    """Columns as COPY takes them; one piece of memory."""
    texts = [column.cast(pa.string()) for column in columns]
    cells = [pc.fill_null(_escaped(column), "\\N") for column in texts]
    rows = pc.binary_join_element_wise(*cells, "\t")
    lines = pc.binary_join_element_wise(rows, "", "\n")
    offsets, content = lines.buffers()[1:]
    ends = memoryview(offsets).cast("i")
    return memoryview(content)[ends[lines.offset] : ends[lines.offset + len(lines)]]


def _escaped(column: Any) -> Any:
    content = column.buffers()[2]
    whole = b"" if content is None else memoryview(content).tobytes()
    for letter, written in ESCAPES:
        if letter.encode() in whole:
            column = pc.replace_substring(column, letter, written)
    return column
