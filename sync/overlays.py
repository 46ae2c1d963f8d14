"""Single rows laid over what a block says: decisions, later writes, and columns it had not."""

from collections.abc import Sequence

from sync.model import Cell, Key, Row, Table

UNKNOWN: Cell = "\x00 no such column then"
"""Stands for the cell of a column that was not there when the row was written."""


def filled(base: Row | None, staging: Row | None) -> Row | None:
    """The base with what staging holds in columns that are younger than it."""
    if base is None or UNKNOWN not in base:
        return base
    beside = staging or (None,) * len(base)
    return tuple(ours if was == UNKNOWN else was for was, ours in zip(base, beside, strict=True))


def spread(table: Table, key: Sequence[Cell]) -> Row:
    """A key's cells in the places they have in a row."""
    row: list[Cell] = [None] * len(table.columns)
    for place, cell in zip(table.positions(table.key), key, strict=True):
        row[place] = cell
    return tuple(row)


def overridden(
    block: list[tuple[Key, Row]], decided: list[tuple[Key, Row | None]]
) -> list[tuple[Key, Row]]:
    """A block with the decisions up to its end in place; they are taken out of `decided`."""
    high = block[-1][0]
    count = sum(1 for key, _ in decided if key <= high)
    rows: dict[Key, Row | None] = dict(block)
    rows.update(decided[:count])
    del decided[:count]
    return [(key, rows[key]) for key in sorted(rows) if rows[key] is not None]  # type: ignore[misc]
