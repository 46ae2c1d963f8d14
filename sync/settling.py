"""Conflicts decided about, one, some or all of them: overwrite, skip, or merge by column."""

from collections.abc import Sequence
from typing import Any

from sync.comparing import Conflict
from sync.errors import UnknownConflict, Unsupported
from sync.model import Cell, Row, Table
from sync.progress import Counts
from sync.state import State
from sync.tables import Blocked, Change, Target

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


def settle(
    target: Target, state: State, tables: dict[str, Table], policy: str
) -> dict[str, Counts]:
    """Carries out what was decided, and `policy` for the rest unless that is `pause`.

    Tells table by table what that wrote.

    A row that moved since it was looked at stays a conflict for the next walk to judge. Raises
    Unsupported where a row can't be written, for others hold what must be unique; then no decision
    is carried out, and all of them wait.
    """
    waiting: list[tuple[Table, Blocked]] = []
    done: dict[str, Counts] = {}
    for conflict, decision in state.conflicts():
        table = tables.get(conflict.table)
        chosen = decision or ({"action": policy, "columns": {}} if policy != "pause" else None)
        if table is not None and chosen is not None:
            counts = done.setdefault(table.name, Counts())
            waiting.append((table, _settle(target, state, table, conflict, chosen, counts)))
    stuck = {table.name for table, blocked in waiting if _is_stuck(target, table, blocked)}
    if stuck:
        target.rollback()
        raise Unsupported(
            [f"a decision about {name} can't be carried out: staging's own rows hold values that "
             "must be unique; change those, or decide otherwise" for name in sorted(stuck)]
        )  # fmt: skip
    target.commit()
    return done


def _settle(
    target: Target, state: State, table: Table, conflict: Conflict, decision: dict[str, Any],
    counts: Counts,
) -> Blocked:  # fmt: skip
    wanted = _wanted(conflict, table, decision)
    if wanted is UNDECIDED:
        return Blocked()
    state.drop_conflict(conflict.table, conflict.key)
    standing = _standing(target, table, conflict)
    if standing != conflict.staging:
        return Blocked()  # the next walk judges it anew
    state.decide(conflict.table, conflict.key, conflict.production)
    return _write(target, table, standing, wanted, counts) if wanted != standing else Blocked()


def _is_stuck(target: Target, table: Table, blocked: Blocked) -> bool:
    """Whether rows that others stood in the way of still can't go, after all decisions."""
    if not blocked:
        return False
    changes = [Change(change.row, now, target.stamp(table, now)) for change, now in blocked.changes]
    return bool(target.write(table, blocked.inserts, changes))


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


def _write(
    target: Target, table: Table, standing: Row | None, wanted: Row | None, counts: Counts
) -> Blocked:
    if wanted is None:
        assert standing is not None
        counts.deleted += target.delete(table, [standing], ())
        return Blocked()
    if standing is None:
        counts.inserted += 1
        return target.write(table, [wanted], [])
    counts.updated += 1
    stamp = target.stamp(table, standing)
    return target.write(table, [], [Change(wanted, standing, stamp)])
