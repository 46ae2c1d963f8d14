"""What a run wrote, kept as compressed columns: packed, and unpacked as rows of texts."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from sync import arrow_text
from sync.arrow_text import text_of
from sync.model import Row, Table

BEGINNING = b"\xff\xff\xff\xff"
"""How a stream of Arrow begins, and no other block does."""
FIRST_ROWS = 1000
"""So many rows are written before all others, so that staging is at work at once."""
FEW_BYTES = 2**24
"""Batches of so many are not joined with others: cells may be large."""
COMPRESSED = pa.ipc.IpcWriteOptions(compression=pa.Codec("zstd", 1))


def key_type(table: Table) -> Any:
    """Of what type keys are as `key_in_one` gives them."""
    return pa.int64() if has_numbers(table) else pa.string()


def has_numbers(table: Table) -> bool:
    """Whether a table's key is one whole number."""
    return len(table.key) == 1 and table.column(table.key[0]).shape == "integer"


def pack(names: Sequence[str], columns: Sequence[Any]) -> bytes:
    """Columns of one length as bytes."""
    batch = pa.record_batch(list(columns), names=list(names))
    made = pa.BufferOutputStream()
    with pa.ipc.new_stream(made, batch.schema, options=COMPRESSED) as writer:
        writer.write_batch(batch)
    return bytes(made.getvalue())


def unpack(content: bytes) -> tuple[list[str], list[Any]]:
    """The names of columns, and the columns."""
    (batch,) = pa.ipc.open_stream(content)
    return batch.schema.names, batch.columns


def check(columns: Sequence[Any]) -> None:
    """Raises Unfit where `rows_of` could not spell a cell."""
    for column in columns:
        arrow_text.check(column)


def rows_of(columns: Sequence[Any]) -> list[Row]:
    """Columns as rows of PostgreSQL's texts."""
    cells = [text_of(column).to_pylist() for column in columns]
    return list(zip(*cells, strict=True))


def some(columns: Sequence[Any], places: Sequence[int]) -> list[Any]:
    """Some rows of columns, by where they stand."""
    return [column.take(pa.array(places, pa.int64())) for column in columns]


def joined(columns: Sequence[Any]) -> Any:
    """Columns of one type, one behind the other."""
    return pa.concat_arrays(list(columns))


def grown(batches: Iterable[list[Any]], most: int) -> Iterator[list[Any]]:
    """Batches of columns joined to larger ones: a little of the first, its rest, then two, up to
    so many, or to as many bytes as are held at once without harm.

    What is made once for each value that a column holds takes longest in the first piece, and who
    writes has nothing to do until it comes.
    """
    wanted, parts = 1, list[list[Any]]()
    for number, batch in enumerate(batches):
        if number == 0 and len(batch[0]) > FIRST_ROWS:
            yield [column[:FIRST_ROWS] for column in batch]
            batch = [column[FIRST_ROWS:] for column in batch]
        parts.append(batch)
        if len(parts) == wanted or sum(each.nbytes for part in parts for each in part) > FEW_BYTES:
            yield _one(parts)
            wanted, parts = min(most, 2 * wanted), []
    if parts:
        yield _one(parts)


def _one(parts: list[list[Any]]) -> list[Any]:
    return parts[0] if len(parts) == 1 else [joined(each) for each in zip(*parts, strict=True)]


def texts(cells: Sequence[str | None]) -> Any:
    """Texts as a column."""
    return pa.array(cells, pa.string())


def numbers(values: Sequence[int]) -> Any:
    """Whole numbers as a column."""
    return pa.array(values, pa.int64())


def chosen(column: Any, which: Any) -> Any:
    """The rows of a column that a mask tells."""
    return column.filter(pa.array(which))


def mask(which: Any) -> Any:
    """What is true of each row, as a column."""
    return pa.array(which, pa.bool_())


def whole(column: Any) -> Any:
    """A column as whole numbers, whether it holds these or their texts."""
    return column.cast(pa.int64())
