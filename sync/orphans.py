"""Rows whose foreign keys lead nowhere, counted and told."""

from collections.abc import Callable

from sync.model import ForeignKey, Table
from sync.tables_sqlite_schema import quoted


def orphans(
    table: Table, itself: str, target: Callable[[ForeignKey], str], count: Callable[[str], int]
) -> list[str]:
    """What each foreign key of a table misses; `target` spells the table that it names."""
    found = []
    for key in table.foreign_keys:
        own = " AND ".join(f"t.{quoted(each)} IS NOT NULL" for each in key.columns)
        pairs = zip(key.columns, key.target_columns, strict=True)
        same = " AND ".join(f"p.{quoted(theirs)} = t.{quoted(ours)}" for ours, theirs in pairs)
        number = count(
            f"SELECT count(*) FROM {itself} t WHERE {own} AND NOT EXISTS "
            f"(SELECT 1 FROM {target(key)} p WHERE {same})"
        )
        if number:
            rows = f"{number:,} {'row' if number == 1 else 'rows'}"
            found.append(
                f"{table.name}.{', '.join(key.columns)} names {rows} of {key.target} that staging "
                "does not have"
            )
    return found
