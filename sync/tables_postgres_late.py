"""Production's rows that a watermark tells of, and what all its keys come to: in one pass."""

from dataclasses import dataclass, replace
from typing import Any

from sync import arrow_blocks
from sync.model import Table
from sync.sums import SQL, Sums
from sync.tables import Selection
from sync.tables_postgres import PostgresSource, both, late_rows
from sync.tables_postgres_text import key_in_one, lines_out, names_of, quoted
from sync.tables_text_columns import text_columns

LARGE = 2**30
"""Bytes of a table that several processes of its server are better let loose on, twice."""
COUNTER = "prompt_repo.late"
"""A setting of our transaction alone: how many rows were taken along."""
PIECE = 2**24


@dataclass(frozen=True, slots=True)
class Late:
    """Rows whose watermark moved, as columns of texts, their keys and hashes; then of all rows
    the sums of the keys and the greatest watermark.
    """

    columns: list[Any]
    keys: Any
    hashes: Any
    sums: Sums
    mark: str


def late(
    source: PostgresSource, table: Table, selection: Selection, watermark: str, value: str,
    most: int,
) -> Late | None:  # fmt: skip
    """All of it, of a table whose key is one whole number; None where more than some moved."""
    if table.bytes > LARGE:
        return _in_two(source, table, selection, watermark, value, most)
    source.ask(f"SELECT set_config('{COUNTER}', '0', true)")
    given = ", ".join(f"{quoted(column.name)} {column.type}" for column in table.columns)
    query = (
        f"SELECT {_wanted(source, table, selection)}, s.told FROM ("
        f"SELECT concat_ws(' ', {_summed(table, watermark)}) AS told, "
        f"array_agg(ROW({names_of(table.names, 't.')})) "
        f"FILTER (WHERE ({late_rows(table, watermark, value)}) AND {_counted(most)}) AS late "
        f"{source.rows(table, selection)}) s LEFT JOIN LATERAL unnest(s.late) t ({given}) ON true"
    )
    *columns, told = _columns(source, query, len(table.names) + 3)
    count, plain, squares, mark = told[0].as_py().split(" ", 3)
    some = len(told) if columns[-2][0].is_valid else 0  # none leaves a line for the sums
    if some > most:
        return None
    return _late(
        [each[:some] for each in columns], Sums(int(count), int(plain), int(squares)), mark
    )


def _counted(most: int) -> str:
    """Counts a row, and says whether it is taken: so no more are held than can be of use."""
    now = f"current_setting('{COUNTER}')::int"
    return f"{now} <= {most} AND set_config('{COUNTER}', ({now} + 1)::text, true) <> ''"


def _in_two(
    source: PostgresSource, table: Table, selection: Selection, watermark: str, value: str,
    most: int,
) -> Late | None:  # fmt: skip
    """The same by two passes at once, each of which its server may share out."""
    summed = source.sums(table, selection, watermark)
    where = both(selection.where, late_rows(table, watermark, value))
    rows = replace(selection, where=where)
    query = f"SELECT {_wanted(source, table, rows)} {source.rows(table, rows)} LIMIT {most + 1}"
    columns = _columns(source, query, len(table.names) + 2)
    return _late(columns, *summed.get()) if len(columns[0]) <= most else None


def _late(columns: list[Any], sums: Sums, mark: str) -> Late:
    *own, keys, hashes = columns
    return Late(own, arrow_blocks.whole(keys), arrow_blocks.whole(hashes), sums, mark)


def _wanted(source: PostgresSource, table: Table, selection: Selection) -> str:
    hashed = source.hash_of(table, selection)
    return f"{names_of(table.names, 't.')}, {key_in_one(table)}, {hashed}"


def _summed(table: Table, watermark: str) -> str:
    return f"{SQL.format(key_in_one(table))}, coalesce(max(t.{quoted(watermark)})::text, '')"


def _columns(source: PostgresSource, query: str, width: int) -> list[Any]:
    return text_columns(b"".join(lines_out(source.connection, query, PIECE)), width)
