"""What is done about some rows that were looked at on all three sides."""

from collections.abc import Callable

from sync.comparing import Conflict, Verdict
from sync.model import Cell, Row
from sync.overlays import filled
from sync.tables import Blocked, Change
from sync.work import Outcome, Work


class Batch:
    """The decisions about one window's rows."""

    def __init__(
        self,
        work: Work,
        outcome: Outcome,
        judge: Callable[[Row | None, Row | None, Row | None], Verdict],
    ) -> None:
        self._places = work.table.positions(work.table.key)
        links = {name for key in work.table.foreign_keys for name in key.columns}
        self._links = work.table.positions(sorted(links & {*work.table.names}))
        self._work, self._outcome, self._judge = work, outcome, judge
        self.inserts: list[Row] = []
        self.changes: list[Change] = []
        self.gone: list[Row] = []
        self.conflicts: list[Conflict] = []
        self.block: list[Row] = []
        """What now counts as written last, row by row."""

    def add(
        self,
        base: Row | None,
        production: Row | None,
        staging: Row | None,
        stamp: Cell,
    ) -> None:
        """Decides about one row."""
        counts = self._outcome.counts
        base = filled(base, staging)
        found = self._judge(base, production, staging)
        stands = production
        if found is Verdict.SAME:
            counts.unchanged += 1
        elif found is Verdict.INSERT and production is not None:
            stands = _without(production, self._work.nulled)
            self.inserts.append(stands)
            counts.inserted += 1
            self._outcome.put_off += stands != production
        elif self._work.inserts_only:
            stands = base
        elif found is Verdict.UPDATE and production is not None and staging is not None:
            self.changes.append(Change(production, staging, stamp))
            counts.updated += 1
            self._outcome.same_links += self._leads_as_before(self.changes[-1])
        elif found is Verdict.GONE and staging is not None:
            self.gone.append(staging)
            self._outcome.gone += 1
            stands = base
        elif found is Verdict.CONFLICT:
            self._conflict(base, production, staging)
            stands = base
        else:
            counts.kept += 1
        if stands is not None:
            self.block.append(stands)

    def without(self, blocked: Blocked) -> list[Row]:
        """What stands now in the places of rows that could not be written; counts put right."""
        left = self.left(blocked)
        block = [left.get(id(row), row) for row in self.block]
        return [row for row in block if row is not None]

    def left(self, blocked: Blocked) -> dict[int, Row | None]:
        """What stands in place of rows that could not be written, by their identity."""
        self._outcome.counts.inserted -= len(blocked.inserts)
        self._outcome.counts.updated -= len(blocked.changes)
        self._outcome.same_links -= sum(self._leads_as_before(each) for each, _ in blocked.changes)
        left: dict[int, Row | None] = {id(row): None for row in blocked.inserts}
        return left | {id(change.row): before for change, before in blocked.changes}

    def _leads_as_before(self, change: Change) -> bool:
        row, before = change.row, change.before
        return not any(row[place] != before[place] for place in self._links)

    def _conflict(self, base: Row | None, production: Row | None, staging: Row | None) -> None:
        row = production or staging or base
        assert row is not None
        key = tuple(row[place] for place in self._places)
        conflict = Conflict(self._work.table.name, key, base, production, staging)
        self.conflicts.append(conflict)
        self._outcome.conflicts.append(conflict)
        self._outcome.counts.conflicts += 1


def _without(row: Row, nulled: tuple[int, ...]) -> Row:
    if not nulled:
        return row
    return tuple(None if place in nulled else cell for place, cell in enumerate(row))
