"""Foreign keys: who leads to a table, and which may lead nowhere after what a run wrote."""

from collections.abc import Mapping

from sync.model import Table
from sync.progress import Counts
from sync.tables import Reference


def incoming(table: Table, present: dict[str, Table]) -> list[Reference]:
    """The foreign keys that lead to a table."""
    return [
        Reference(other, key.columns, key.target_columns)
        for other in present.values()
        for key in other.foreign_keys
        if key.target == table.name
    ]


def may_lead_nowhere(
    table: Table, done: Mapping[str, Counts], keys: Mapping[str, tuple[str, ...]]
) -> bool:
    """Whether a run wrote what a foreign key of a table could have lost its row by."""
    own = done[table.name]
    there = [(key, done.get(key.target)) for key in table.foreign_keys]
    return own.inserted + own.updated > 0 or any(
        other is None
        or other.deleted
        or (other.updated and {*key.target_columns} != {*keys.get(key.target, ())})
        for key, other in there
    )
