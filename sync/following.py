"""Foreign keys: who leads to a table, and which may lead nowhere after what a run wrote."""

from collections.abc import Mapping, Sequence

from sync.arrow_overlaid import Written
from sync.model import Row, Table
from sync.moved_rows import in_one
from sync.progress import Counts
from sync.remembering import NONE
from sync.state import State
from sync.tables import Reference, Target, key_reader


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


def _forget(target: Target, state: State, table: Table, rows: Sequence[Row]) -> None:
    """Rows that are gone count as never written: they come again where production has them again.

    Nothing commits.
    """
    places = table.positions(table.key)
    keys = [[row[place] for place in places] for row in rows]
    if target.dialect == "postgresql" and rows:
        gone = [
            Written(in_one(table, key), row, False, NONE, 0)
            for key, row in zip(keys, rows, strict=True)
        ]
        state.add_written(table, state.attempts(table.name)[0].number, gone)
    elif rows:
        for key in keys:
            state.decide(table.name, key, None)


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
                standing, of = target.find(table, rows), key_reader(table)
                _forget(target, state, table, [row for row in rows if of(row) not in standing])
                still = {*standing.values()}
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
