"""Sequences of staging, set behind the largest number of the columns that are filled from them."""

from collections.abc import Callable
from typing import Any

from sync.model import Table
from sync.tables_postgres_text import literal, quoted, table_name

Ask = Callable[..., list[tuple[Any, ...]]]

USED = """
SELECT DISTINCT a.attname::text, s.oid::regclass::text FROM pg_attribute a
LEFT JOIN pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
JOIN pg_depend d
  ON d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid AND d.refclassid = 'pg_class'::regclass
  OR d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
    AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum AND d.deptype IN ('a', 'i')
JOIN pg_class s
  ON s.oid = CASE WHEN d.classid = 'pg_class'::regclass THEN d.objid ELSE d.refobjid END
WHERE s.relkind = 'S' AND a.attrelid = %s::regclass"""
"""Sequences that a column owns, or takes its default from: such a one may serve several tables."""


def set_behind(ask: Ask, table: Table) -> None:
    """Moves on the sequences of a table's columns that are behind what these hold."""
    for column, sequence in ask(USED, [table_name(table)]):
        if column in table.names and table.column(column).shape in ("integer", "decimal"):
            top = f"(SELECT floor(max({quoted(column)}))::bigint FROM {table_name(table)})"
            ask(
                f"SELECT setval({literal(sequence)}, {top}) FROM {sequence}, pg_sequence "
                f"WHERE seqrelid = {literal(sequence)}::regclass AND {top} BETWEEN seqmin AND "
                f"seqmax AND ({top} > last_value OR {top} = last_value AND NOT is_called)"
            )
