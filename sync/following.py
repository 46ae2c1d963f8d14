"""Foreign keys: who leads to a table, and which may lead nowhere after what a run wrote."""

from collections.abc import Mapping, Sequence

from sync.model import Table
from sync.progress import Counts
from sync.state import State
from sync.tables import Reference, Target


def _incoming(table: Table, present: dict[str, Table]) -> list[Reference]:
    """The foreign keys that lead to a table."""
    return [
        Reference(other, key.columns, key.target_columns)
        for other in present.values()
        for key in other.foreign_keys
        if key.target == table.name
    ]


def may_lead_nowhere(
    table: Table, done: Mapping[str, Counts], keys: Mapping[str, tuple[str, ...]], same: int
) -> bool:
    """Whether a run wrote what a foreign key of a table could have lost its row by.

    `same` of the rows it updated lead where they led.
    """
    own = done[table.name]
    there = [(key, done[key.target]) for key in table.foreign_keys if key.target in done]
    return own.inserted + own.updated > same or any(
        other.deleted or (other.updated and {*key.target_columns} != {*keys.get(key.target, ())})
        for key, other in there
    )


def delete_gone(
    target: Target, state: State, ordered: Sequence[Table], done: Mapping[str, Counts]
) -> list[str]:
    """Rows gone from production, children before parents, again for as long as that helps.

    Gives warnings of those that stay.
    """
    left = {table.name: state.gone(table.name) for table in ordered}
    if not any(left.values()):
        return []
    present = target.schema().tables
    deleted = 1
    while deleted:
        deleted = 0
        for table in reversed(ordered):
            if rows := left[table.name]:
                number = target.delete(table, rows, _incoming(table, present))
                done[table.name].deleted += number
                deleted += number
                still = {*target.find(table, rows).values()}
                left[table.name] = [row for row in rows if row in still]
        target.commit()
    state.clear_gone()
    target.commit()
    return [
        f"{len(rows):,} rows of {name} are gone from production and stay in staging, "
        "where other rows name them or somebody changed them"
        for name, rows in left.items()
        if rows
    ]
