"""Conflicts of a sync: rows that both sides moved, kept to be decided about on a page."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Text, cast, func, select
from sqlalchemy.orm import Session

from sync.comparing import Conflict
from webapp import clock, syncs
from webapp.records import Records
from webapp.records.staging_models import Sync, SyncConflict, SyncStatus
from webapp.syncs import SyncOver

NUMBER = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?")
MOST_CONFLICTS = 10_000
"""How many of a run are kept to be decided one by one; the next run finds what is left."""


def note_conflicts(
    records: Records, ident: str, found: Sequence[tuple[Conflict, Sequence[str]]]
) -> None:
    """Keeps the conflicts of a run, each with its table's columns, in place of the open ones.

    Those that were decided and are there no more are settled; one that is there still, and is
    still the same, keeps its decision.
    """
    ordered = sorted(found, key=lambda each: _place(each[0]))
    rows = [_row(ident, conflict, columns) for conflict, columns in ordered[:MOST_CONFLICTS]]
    same = {(row.table, row.row_key): row for row in rows}
    with records.writing() as session:
        for old in _open(session, ident):
            new = same.get((old.table, old.row_key))
            if new is not None and _sides(new) == _sides(old):
                same.pop((old.table, old.row_key))
            elif new is None and old.decision:
                old.settled_at = clock.now()
            else:
                session.delete(old)
        session.flush()
        session.add_all(same.values())


def _place(conflict: Conflict) -> tuple[Any, ...]:
    """Where a conflict stands in a list: by table, then as people count, 9 before 10."""
    return conflict.table, [_rank(cell) for cell in conflict.key]


def _rank(cell: Any) -> tuple[int, Any, str]:
    """Numbers first; PostgreSQL's come as texts."""
    if isinstance(cell, int | float | Decimal):
        return 0, cell, ""
    if isinstance(cell, str) and NUMBER.fullmatch(cell):
        return 0, Decimal(cell), cell
    return 1, 0, str(cell)


def _open(session: Session, ident: str) -> list[SyncConflict]:
    query = select(SyncConflict).where(
        SyncConflict.sync == ident, SyncConflict.settled_at.is_(None)
    )
    return list(session.scalars(query))


def take_over(records: Records, sync: Sync) -> None:
    """A new sync goes on where a paused one waited: open conflicts are its own, as decided.

    The paused one is over by that.
    """
    with records.writing() as session:
        paused = select(Sync).where(
            Sync.status == SyncStatus.PAUSED,
            Sync.id != sync.id,
            Sync.environment == sync.environment,
        )
        for earlier in session.scalars(paused):
            for row in _open(session, earlier.id):
                row.sync = sync.id
            earlier.status, earlier.completed_at = SyncStatus.CANCELLED, clock.now()
            earlier.error_message = (
                f"given up for sync {sync.sync_id}, which took its open conflicts over"
            )


def _sides(row: SyncConflict) -> tuple[Any, ...]:
    return row.base, row.production, row.staging


def _row(ident: str, conflict: Conflict, columns: Sequence[str]) -> SyncConflict:
    sides = [
        None if side is None else [_plain(cell) for cell in side]
        for side in (conflict.base, conflict.production, conflict.staging)
    ]
    return SyncConflict(
        sync=ident,
        table=conflict.table,
        row_key=key_text(conflict.key),
        kind=conflict.kind,
        columns=list(columns),
        moved=list(conflict.columns(columns)),
        base=sides[0],
        production=sides[1],
        staging=sides[2],
        decision="",
        take={},
        decided_by="",
    )


def key_text(key: Sequence[Any]) -> str:
    """The key of a row as one text that tells it from others."""
    return json.dumps([_plain(cell) for cell in key], ensure_ascii=False)


def name_of(row: SyncConflict) -> str:
    """How people call the row: its table, and its key."""
    cells = json.loads(row.row_key)
    key = ", ".join(str(each["hex"] if isinstance(each, dict) else each) for each in cells)
    return f"{row.table} {key}"


def _plain(cell: Any) -> Any:
    return {"hex": cell.hex()} if isinstance(cell, bytes) else cell


def conflicts(
    records: Records, ident: str, most: int = 50, after: int = 0, table: str = ""
) -> list[SyncConflict]:
    """Open conflicts of a sync in the order they were found, behind one; of a table alone."""
    with records.reading() as session:
        query = select(SyncConflict).where(
            SyncConflict.sync == ident,
            SyncConflict.settled_at.is_(None),
            SyncConflict.id > after,
            *([SyncConflict.table == table] if table else []),
        )
        return list(session.scalars(query.order_by(SyncConflict.id).limit(most)))


@dataclass(frozen=True)
class Standing:
    """How many conflicts of a sync are open, how many of them decided, and in which tables."""

    open: int
    decided: int
    tables: Mapping[str, int]


def standing(records: Records, ident: str) -> Standing:
    """The sums of a sync's open conflicts."""
    rows = records.rows(
        select(SyncConflict.table, func.count(), func.count().filter(SyncConflict.decision != ""))
        .where(SyncConflict.sync == ident, SyncConflict.settled_at.is_(None))
        .group_by(SyncConflict.table)
        .order_by(SyncConflict.table)
    )
    return Standing(
        sum(row[1] for row in rows), sum(row[2] for row in rows), {row[0]: row[1] for row in rows}
    )


@dataclass(frozen=True)
class Mergeable:
    """Whether any open conflict can be merged, and whether a side must be picked for any."""

    any: bool
    picked: bool


def mergeable(records: Records, ident: str, table: str = "") -> Mergeable:
    """What merging could do about a sync's open conflicts, or about those of a table."""
    both = SyncConflict.production.is_not(None) & SyncConflict.staging.is_not(None)
    picked = both & (cast(SyncConflict.moved, Text) != "[]")
    ((can, picks),) = records.rows(
        select(func.count().filter(both), func.count().filter(picked)).where(
            SyncConflict.sync == ident,
            SyncConflict.settled_at.is_(None),
            *([SyncConflict.table == table] if table else []),
        )
    )
    return Mergeable(can > 0, picks > 0)


ACTIONS = ("overwrite", "skip", "merge")
SIDES = ("production", "staging")


def are_decided_now(records: Records, sync: Sync) -> bool:
    """Whether a sync waits for decisions: it is paused, and no later one went on in its place."""
    newest = syncs.latest(records)
    return sync.status == SyncStatus.PAUSED and newest is not None and newest.id == sync.id


def decide(
    records: Records,
    ident: str,
    action: str,
    who: str,
    *,
    numbers: Sequence[int] = (),
    table: str = "",
    take: Mapping[str, str] | None = None,
    undecided: bool = False,
) -> int:
    """Decides about some open conflicts of a paused sync, those of a table, or all; tells how many.

    Where `undecided`, what is decided already stays.

    Resuming carries it out. Raises SyncOver where the sync is not paused, none of them is open,
    or a merge does not say whose value a column takes that both sides moved.
    """
    if action not in ACTIONS:
        raise SyncOver(f"{action[:40]!r} is no decision; use {', '.join(ACTIONS)}")
    if set((take or {}).values()) - {*SIDES}:
        raise SyncOver("a column takes its value from `production` or from `staging`")
    if not are_decided_now(records, syncs.find(records, ident)):
        raise SyncOver("conflicts are decided while the newest sync is paused, and this is not it")
    with records.writing() as session:
        chosen = [
            row
            for row in _open(session, ident)
            if (not numbers or row.id in numbers)
            and table in ("", row.table)
            and not (undecided and row.decision)
        ]
        if not chosen:
            raise SyncOver("there is no such open conflict; it may have been settled meanwhile")
        for row in chosen:
            if action == "merge":
                _check_merge(row, take or {})
            row.decision, row.decided_by, row.decided_at = action, who[:80], clock.now()
            row.take = _taken(row, take or {}) if action == "merge" else {}
    return len(chosen)


def _taken(row: SyncConflict, take: Mapping[str, str]) -> dict[str, str]:
    """Whose value each column takes that both sides moved; `*` speaks for those not named."""
    return {name: take.get(name) or take["*"] for name in row.moved}


def _check_merge(row: SyncConflict, take: Mapping[str, str]) -> None:
    named = name_of(row)
    if row.production is None or row.staging is None:
        raise SyncOver(f"{named} was {row.kind}: there is nothing to merge; overwrite or skip it")
    left = [name for name in row.moved if name not in take]
    if left and "*" not in take:
        raise SyncOver(f"{named} moved on both sides in {', '.join(left)}: say whose value to take")
