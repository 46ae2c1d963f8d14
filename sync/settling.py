"""Conflicts decided about, one, some or all of them: overwrite, skip, or merge by column."""

from collections.abc import Sequence
from typing import Any

from sync.comparing import Conflict
from sync.errors import UnknownConflict
from sync.model import Cell, Row, Table
from sync.state import State
from sync.tables import Change, Target

ACTIONS = ("overwrite", "skip", "merge")


def decide(
    state: State,
    tables: dict[str, Table],
    action: str,
    which: tuple[str, Sequence[Cell]] | None = None,
    table: str | None = None,
    columns: dict[str, str] | None = None,
) -> int:
    """Records what is done about one conflict, those of a table, or all; tells about how many.

    `columns` says for a merge whose value a column takes: `production` or `staging`. Raises
    UnknownConflict where there is no such conflict, or a merge leaves a column undecided.
    """
    if action not in ACTIONS:
        raise UnknownConflict(f"{action[:40]!r} is no decision; use {', '.join(ACTIONS)}")
    wrong = set((columns or {}).values()) - {"production", "staging"}
    if wrong:
        raise UnknownConflict("a column takes its value from `production` or from `staging`")
    chosen = [
        conflict
        for conflict, _ in state.conflicts()
        if (which is None or (conflict.table, tuple(conflict.key)) == (which[0], tuple(which[1])))
        and table in (None, conflict.table)
    ]
    if not chosen:
        raise UnknownConflict("there is no such open conflict; it may have been settled meanwhile")
    for conflict in chosen:
        if action == "merge":
            _check_merge(conflict, tables[conflict.table], columns or {})
        state.record_decision(conflict, {"action": action, "columns": columns or {}})
    return len(chosen)


def _check_merge(conflict: Conflict, table: Table, columns: dict[str, str]) -> None:
    if conflict.production is None or conflict.staging is None:
        raise UnknownConflict(
            f"{_named(conflict)} was {conflict.kind}: there is nothing to merge; overwrite or skip"
        )
    open_ = [name for name in conflict.columns(table.names) if name not in columns]
    if open_:
        raise UnknownConflict(
            f"{_named(conflict)} moved on both sides in {', '.join(open_)}: say whose value to take"
        )


def _named(conflict: Conflict) -> str:
    return f"{conflict.table} {', '.join(str(cell) for cell in conflict.key)}"


def settle(target: Target, state: State, tables: dict[str, Table], policy: str) -> None:
    """Carries out what was decided, and `policy` for the rest unless that is `pause`.

    A row that moved since it was looked at stays a conflict for the next walk to judge.
    """
    for conflict, decision in state.conflicts():
        table = tables.get(conflict.table)
        chosen = decision or ({"action": policy, "columns": {}} if policy != "pause" else None)
        if table is not None and chosen is not None:
            _settle(target, state, table, conflict, chosen)
    target.commit()


def _settle(
    target: Target, state: State, table: Table, conflict: Conflict, decision: dict[str, Any]
) -> None:
    wanted = _wanted(conflict, table, decision)
    if wanted is UNDECIDED:
        return
    state.drop_conflict(conflict.table, conflict.key)
    standing = _standing(target, table, conflict)
    if standing != conflict.staging:
        return  # the next walk judges it anew
    if wanted != standing:
        _write(target, table, standing, wanted)
    state.decide(conflict.table, conflict.key, conflict.production)


UNDECIDED: Row = ()


def _wanted(conflict: Conflict, table: Table, decision: dict[str, Any]) -> Row | None:
    if decision["action"] == "skip":
        return conflict.staging
    if decision["action"] == "overwrite":
        return conflict.production
    merged = conflict.merged(table.names, decision["columns"])
    return UNDECIDED if merged is None else merged


def _standing(target: Target, table: Table, conflict: Conflict) -> Row | None:
    row = conflict.staging or conflict.production or conflict.base
    assert row is not None
    found = target.find(table, [row])
    return next(iter(found.values()), None)


def _write(target: Target, table: Table, standing: Row | None, wanted: Row | None) -> None:
    if wanted is None:
        assert standing is not None
        target.delete(table, [standing], ())
    elif standing is None:
        target.write(table, [wanted], [])
    else:
        stamp = None
        for batch in target.rows(table, None):
            stamp = next((stamp for row, stamp in batch if row == standing), stamp)
        target.write(table, [], [Change(wanted, standing, stamp)])
